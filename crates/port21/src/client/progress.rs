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
