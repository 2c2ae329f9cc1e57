//! How far reading has come, on a terminal and for large inputs only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Smaller inputs are read before anybody wonders.
const WORTH_SHOWING: u64 = 32 * 1024 * 1024;

/// Packets between two looks at how far reading has come.
const PACKETS_BETWEEN: u64 = 8192;

/// A bar of bytes on standard error; indicatif itself draws nothing where that is no terminal.
pub struct Progress {
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A bar for `total` bytes; `None` for a pipe.
    pub fn new(total: Option<u64>) -> Progress {
        Progress { total, bar: None }
    }

    /// A packet was read; `read` tells how many bytes were by then.
    #[inline]
    pub fn packet(&mut self, number: u64, read: impl FnOnce() -> u64) {
        if number.is_multiple_of(PACKETS_BETWEEN) {
            self.show(read());
        }
    }

    fn show(&mut self, read: u64) {
        if self.total.unwrap_or(read) < WORTH_SHOWING {
            return;
        }
        self.bar.get_or_insert_with(|| bar(self.total)).set_position(read);
    }

    /// Reading has ended: the bar leaves nothing behind.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "reading {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "reading {spinner} {bytes}, {bytes_per_sec}"),
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    // A template that cannot be parsed is a mistake of ours that must not cost the reading.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
