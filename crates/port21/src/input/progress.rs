//! How far reading has come, on a terminal and for large inputs only.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Smaller inputs are read before anybody wonders.
const WORTH_SHOWING: u64 = 32 * 1024 * 1024;

/// Packets between two looks at how far reading has come.
const PACKETS_BETWEEN: u64 = 8192;

/// What is on the terminal. There is one terminal, and whoever writes to it has the bar make room.
static SHOWN: Mutex<Shown> = Mutex::new(Shown::Nothing);

enum Shown {
    Nothing,
    Bar(ProgressBar),
    /// Something else is: the bar must not come again.
    Output,
}

/// A bar of bytes on standard error; indicatif itself draws nothing where that is no terminal.
pub struct Progress {
    total: Option<u64>,
}

impl Progress {
    /// A bar for `total` bytes; `None` for a pipe, or a file that still grows.
    pub fn new(total: Option<u64>) -> Progress {
        Progress { total }
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
        with_shown(|shown| {
            if let Shown::Nothing = shown {
                *shown = Shown::Bar(bar(self.total));
            }
            if let Shown::Bar(bar) = shown {
                bar.set_position(read);
            }
        });
    }

    /// Reading has ended: the bar leaves nothing behind.
    pub fn finish(&self) {
        with_shown(|shown| {
            if let Shown::Bar(bar) = shown {
                bar.finish_and_clear();
                *shown = Shown::Nothing;
            }
        });
    }
}

/// Output is about to be written to the terminal: the bar goes, and does not come again.
pub fn make_room() {
    with_shown(|shown| {
        if let Shown::Bar(bar) = std::mem::replace(shown, Shown::Output) {
            bar.finish_and_clear();
        }
    });
}

fn with_shown(act: impl FnOnce(&mut Shown)) {
    act(&mut SHOWN.lock().unwrap_or_else(PoisonError::into_inner));
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
