//! SIGINT and SIGTERM: the first asks to end in order, the second ends at once.

#[cfg(unix)]
pub use unix::{die, end_reading, interactive, leave_to_child, listen, signal, take_interactive};

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

    /// A SIGINT has come that was meant for what is under way, not for the program.
    static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    /// Each SIGINT is meant so.
    static INTERACTIVE: AtomicBool = AtomicBool::new(false);

    /// What is done at a SIGINT; nothing while SIGINT is a child's.
    static AT_INTERRUPT: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

    /// From here on the first signal is noted, and the second ends the program.
    pub fn listen() -> io::Result<()> {
        note(SIGTERM)?;
        *AT_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner) = note(SIGINT)?;
        Ok(())
    }

    /// From here on a signal is noted if it is the first one, and otherwise ends the program.
    fn note(signal: i32) -> io::Result<Vec<SigId>> {
        let number = usize::try_from(signal).unwrap_or_default();
        Ok(vec![
            flag::register_conditional_default(signal, Arc::clone(&AGAIN))?,
            flag::register_usize(signal, Arc::clone(&CAUGHT), number)?,
            flag::register(signal, Arc::clone(&AGAIN))?,
        ])
    }

    /// Runs a child that has the terminal: until it has ended, Ctrl-C is meant for it, however often it comes, and is nothing here.
    pub fn leave_to_child<T>(run: impl FnOnce() -> T) -> T {
        while_deaf(run)
    }

    /// Serves somebody who types: until that is over, Ctrl-C is meant for what is under way, however often it comes, and is there for
    /// [`take_interactive`].
    pub fn interactive<T>(run: impl FnOnce() -> T) -> T {
        while_deaf(|| INTERACTIVE.store(true, Ordering::Relaxed));
        let result = run();
        while_deaf(|| INTERACTIVE.store(false, Ordering::Relaxed));
        result
    }

    /// Does something while a SIGINT is nothing.
    fn while_deaf<T>(run: impl FnOnce() -> T) -> T {
        let mut actions = AT_INTERRUPT.lock().unwrap_or_else(PoisonError::into_inner);
        // The system's way with SIGINT, which is to end the program, does not come back with it.
        for action in actions.drain(..) {
            low_level::unregister(action);
        }
        let result = run();
        *actions = at_interrupt().unwrap_or_default();
        result
    }

    /// Has a SIGINT noted as what it is meant for.
    fn at_interrupt() -> io::Result<Vec<SigId>> {
        if INTERACTIVE.load(Ordering::Relaxed) {
            return Ok(vec![flag::register(SIGINT, Arc::clone(&INTERRUPTED))?]);
        }
        note(SIGINT)
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

    /// Takes the SIGINTs that were meant for what is under way, if one came.
    pub fn take_interactive() -> bool {
        INTERRUPTED.swap(false, Ordering::Relaxed)
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
pub fn interactive<T>(run: impl FnOnce() -> T) -> T {
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
