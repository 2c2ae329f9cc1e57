//! The program's own folders in the user's home (XDG Base Directory Specification).

use std::path::PathBuf;

/// For what somebody sets; `None` where there is no home.
pub fn configuration() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// For what is kept from one run to the next; `None` where there is no home.
pub fn state() -> Option<PathBuf> {
    folder("XDG_STATE_HOME", ".local/state")
}

/// A path that is not absolute is ignored, as the specification has it.
fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = set.or_else(|| Some(std::env::home_dir()?.join(in_home)))?;
    Some(base.join("port21"))
}
