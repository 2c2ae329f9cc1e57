//! How far transfers are: a bar on a terminal, nothing in a pipe.

use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;
use std::time::Duration;

use ftp_client::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for one file.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar with `name`, escaped already, before it; an invisible one where nobody would see it.
    pub fn new(name: &str, quiet: bool) -> Self {
        let bar = ProgressBar::no_length();
        if quiet || !stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{msg:24!} {wide_bar} {bytes:>10} {bytes_per_sec:>12} {eta:>5}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Takes how far it is.
    pub fn watch(&self, progress: Progress) -> ControlFlow<()> {
        if let Some(total) = progress.total {
            self.0.set_length(total);
        }
        self.0.set_position(progress.bytes);
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar for many files at once; clones are the same bar.
#[derive(Clone)]
pub struct Overall(ProgressBar);

impl Overall {
    /// An empty bar; an invisible one where nobody would see it.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::new(0);
        if quiet || !stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
            return Self(bar);
        }
        let template = "{prefix:>7} files left {wide_bar} {bytes:>10} {bytes_per_sec:>12} {eta:>5}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// A file of so many bytes is to cross.
    pub fn awaits(&self, bytes: u64) {
        self.0.inc_length(bytes);
        self.left(|left| left.saturating_add(1));
    }

    /// A file is done, whatever became of it.
    pub fn ended(&self) {
        self.left(|left| left.saturating_sub(1));
    }

    fn left(&self, change: impl Fn(u64) -> u64) {
        if !self.0.is_hidden() {
            let left = change(self.0.prefix().parse().unwrap_or_default());
            self.0.set_prefix(left.to_string());
        }
    }

    /// So many bytes more have crossed.
    pub fn crossed(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Does something that writes to the terminal.
    pub fn aside(&self, say: impl FnOnce()) {
        self.0.suspend(say);
    }

    /// Takes it away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}
