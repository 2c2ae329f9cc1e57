//! SIGINT and SIGTERM: the first asks to end in order, the second ends at once.

#[cfg(unix)]
pub use unix::{die, end_reading, leave_to_child, listen, signal, take_interactive};

/// Fails once a signal has asked to end: for commands whose work is worth nothing in part.
pub fn check() -> anyhow::Result<()> {
    match signal() {
        Some(signal) => Err(anyhow::anyhow!("ended by signal {signal}")),
        None => Ok(()),
    }
}

#[cfg(unix)]
mod unix {
    use std::io::{self, Read};
    use std::os::unix::net::UnixStream;
    use std::process::ExitCode;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock, Mutex, PoisonError};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{SigId, flag, low_level};

    static CAUGHT: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

    /// A signal has come already: the next ends the program.
    static AGAIN: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    /// What makes a SIGINT a first one; not there while SIGINT is a child's.
    static COUNTS_INTERRUPTS: Mutex<Option<SigId>> = Mutex::new(None);

    /// From here on the first signal is noted, and the second ends the program.
    pub fn listen() -> io::Result<()> {
        let again = &*AGAIN;
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(again))?;
            flag::register_usize(signal, Arc::clone(&CAUGHT), usize::try_from(signal).unwrap_or_default())?;
        }
        flag::register(SIGTERM, Arc::clone(again))?;
        let counts = flag::register(SIGINT, Arc::clone(again))?;
        *COUNTS_INTERRUPTS.lock().unwrap_or_else(PoisonError::into_inner) = Some(counts);
        Ok(())
    }

    /// Runs a child that has the terminal: until it has ended, Ctrl-C is meant for it, however often it comes.
    pub fn leave_to_child<T>(run: impl FnOnce() -> T) -> T {
        let mut counts = COUNTS_INTERRUPTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = counts.take() {
            low_level::unregister(counts);
        }
        let result = run();
        take_interactive();
        *counts = flag::register(SIGINT, Arc::clone(&AGAIN)).ok();
        result
    }

    /// From here on SIGTERM ends what reads a line from a terminal and listens to nothing but SIGINT, as long as `reading` says that it
    /// does.
    pub fn end_reading(reading: &'static AtomicBool) -> io::Result<()> {
        let (mut wait, wake) = UnixStream::pair()?;
        low_level::pipe::register(SIGTERM, wake)?;
        std::thread::spawn(move || {
            while wait.read_exact(&mut [0]).is_ok() {
                if reading.load(Ordering::SeqCst) {
                    let _ = low_level::raise(SIGINT);
                }
            }
        });
        Ok(())
    }

    /// The signal that asks to end, if one came.
    #[inline]
    pub fn signal() -> Option<i32> {
        match CAUGHT.load(Ordering::Relaxed) {
            0 => None,
            signal => i32::try_from(signal).ok(),
        }
    }

    /// Takes a SIGINT that was meant for what is under way, not for the program: the next one is a first one again.
    pub fn take_interactive() -> bool {
        let interrupted = usize::try_from(SIGINT).unwrap_or_default();
        let taken = CAUGHT.compare_exchange(interrupted, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if taken {
            AGAIN.store(false, Ordering::Relaxed);
        }
        taken
    }

    /// Ends the program as the signal would have, so that whoever started it sees why.
    pub fn die(signal: i32) -> ExitCode {
        // Returns only where the system refuses; then the shell's own number for it is as good.
        let _ = low_level::emulate_default_handler(signal);
        ExitCode::from(u8::try_from(signal.saturating_add(128)).unwrap_or(1))
    }
}

/// Elsewhere nothing asks to end; the system ends programs by itself.
#[cfg(not(unix))]
pub fn listen() -> std::io::Result<()> {
    Ok(())
}

/// Elsewhere nothing asks to end.
#[cfg(not(unix))]
pub fn signal() -> Option<i32> {
    None
}

/// Elsewhere nothing asks to end.
#[cfg(not(unix))]
pub fn take_interactive() -> bool {
    false
}

/// Elsewhere nothing asks to end.
#[cfg(not(unix))]
pub fn leave_to_child<T>(run: impl FnOnce() -> T) -> T {
    run()
}

/// Elsewhere nothing asks to end.
#[cfg(not(unix))]
pub fn end_reading(_: &'static std::sync::atomic::AtomicBool) -> std::io::Result<()> {
    Ok(())
}

/// Elsewhere nothing asks to end.
#[cfg(not(unix))]
pub fn die(_: i32) -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
