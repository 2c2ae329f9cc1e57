//! SIGINT and SIGTERM: the first asks to end in order, the second ends at once.

#[cfg(unix)]
pub use unix::{die, listen, signal, take_interactive};

/// Fails once a signal has asked to end: for commands whose work is worth nothing in part.
pub fn check() -> anyhow::Result<()> {
    match signal() {
        Some(signal) => Err(anyhow::anyhow!("ended by signal {signal}")),
        None => Ok(()),
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::process::ExitCode;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::{Arc, LazyLock};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::{flag, low_level};

    static CAUGHT: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

    /// A signal has come already: the next ends the program.
    static AGAIN: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    /// From here on the first signal is noted, and the second ends the program.
    pub fn listen() -> io::Result<()> {
        let again = &*AGAIN;
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_default(signal, Arc::clone(again))?;
            flag::register_usize(signal, Arc::clone(&CAUGHT), usize::try_from(signal).unwrap_or_default())?;
        }
        for signal in [SIGINT, SIGTERM] {
            flag::register(signal, Arc::clone(again))?;
        }
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
pub fn die(_: i32) -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
