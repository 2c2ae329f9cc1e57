//! Giving up what the server does not need: root once ports are bound, and all files but its own.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus,
};
use nix::unistd::{Gid, Uid, User, fchown, initgroups, setgid, setuid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Rights to files that are asked for: those of Linux 6.10. An older kernel gives what it knows.
const KNOWN: ABI = ABI::V5;

/// What is read when the address of a name is looked up.
const NAME_SERVICE: [&str; 6] = ["/etc", "/run", "/usr/lib", "/usr/lib64", "/lib", "/lib64"];

/// The user that the server becomes.
#[derive(Debug, Clone)]
pub struct Servant {
    name: CString,
    user: Uid,
    group: Gid,
}

impl Servant {
    /// The user of this name or number.
    pub fn find(name: &str) -> Result<Self, String> {
        let found = match name.parse() {
            Ok(number) => User::from_uid(Uid::from_raw(number)),
            Err(_) => User::from_name(name),
        };
        let user = found
            .map_err(|error| format!("users cannot be looked up: {error}"))?
            .ok_or_else(|| format!("there is no user {name}"))?;
        let name = CString::new(user.name).map_err(|error| error.to_string())?;
        Ok(Self { name, user: user.uid, group: user.gid })
    }

    /// Gives a file to that user.
    pub fn own(&self, file: &File) -> io::Result<()> {
        Ok(fchown(file, Some(self.user), Some(self.group))?)
    }

    /// Makes all threads of this process that user's, for good.
    pub fn become_it(&self) -> io::Result<()> {
        if Uid::effective() == self.user && !Uid::effective().is_root() {
            return Ok(());
        }
        initgroups(&self.name, self.group)?;
        setgid(self.group)?;
        setuid(self.user)?;
        if !self.user.is_root() && setuid(Uid::from_raw(0)).is_ok() {
            return Err(io::Error::other("root could be taken back"));
        }
        Ok(())
    }
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Lets this process make files and directories with any mode: each store takes away what its umask says.
pub fn clear_umask() {
    nix::sys::stat::umask(nix::sys::stat::Mode::empty());
}

/// Raises the number of files that may be open (RLIMIT_NOFILE) to what the system grants: the usual 1,024 are for programs that use
/// select(2). Gives how many; `None` is no limit.
pub fn raise_open_files() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let wished = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // Whatever stands in the way, the server serves as many as it may.
        if setrlimit(Resource::Nofile, wished).is_ok() {
            limit = getrlimit(Resource::Nofile);
        }
    }
    limit.current
}

/// What a process needs of the files.
#[derive(Debug, Default)]
pub struct Needs {
    /// Folders in which it does everything.
    pub folders: Vec<PathBuf>,
    /// Files that it reads, each anew when it is replaced.
    pub files: Vec<PathBuf>,
    /// Files that it writes, and opens anew.
    pub logs: Vec<PathBuf>,
    /// Whether it looks up names of hosts.
    pub names: bool,
}

/// Shuts this thread, and those that it starts from here on, off from all other files. `false` if the kernel has no Landlock.
pub fn shut_off(needs: &Needs) -> Result<bool, landlock::RulesetError> {
    let (all, read) = (AccessFs::from_all(KNOWN), AccessFs::ReadFile | AccessFs::ReadDir);
    let write = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::Truncate | AccessFs::ReadFile;
    let mut ruleset =
        Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?.create()?;
    let folder = |file: &Path| {
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_path_buf()
    };
    let mut rules: Vec<(PathBuf, _)> = needs.folders.iter().map(|path| (path.clone(), all)).collect();
    rules.extend(needs.files.iter().map(|file| (folder(file), read)));
    rules.extend(needs.logs.iter().map(|file| (folder(file), write)));
    // Modes and times are set by the paths of open files; nothing is opened by those.
    if needs.names {
        rules.extend(NAME_SERVICE.iter().map(|path| (PathBuf::from(path), read)));
    }
    for (path, access) in rules {
        // A folder that is not there yet is nothing that could be used.
        if let Ok(place) = PathFd::new(&path) {
            ruleset = ruleset.add_rule(PathBeneath::new(place, access))?;
        }
    }
    Ok(ruleset.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_thread_that_is_shut_off_reaches_its_folders_and_no_others() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(own.path().join("file"), "own").unwrap();
        fs::write(other.path().join("file"), "other").unwrap();
        let log = other.path().join("logs/log");
        fs::create_dir(log.parent().unwrap()).unwrap();
        let needs =
            Needs { folders: vec![own.path().to_path_buf()], logs: vec![log.clone()], ..Needs::default() };
        let other = other.path().join("file");
        std::thread::spawn(move || {
            let is_shut_off = shut_off(&needs).unwrap();
            assert_eq!(fs::read_to_string(own.path().join("file")).unwrap(), "own");
            fs::rename(own.path().join("file"), own.path().join("renamed")).unwrap();
            fs::write(&log, "written").unwrap();
            // Where the kernel has no Landlock, that is what was said.
            assert_eq!(fs::read(&other).is_err(), is_shut_off);
            assert_eq!(fs::read("/etc/passwd").is_err(), is_shut_off);
            // Back in one piece, so that its folder can be removed by a thread that may.
            own
        })
        .join()
        .unwrap();
    }

    #[test]
    fn users_are_found_by_name_and_number() {
        assert_eq!(Servant::find("root").unwrap().user, Uid::from_raw(0));
        assert_eq!(Servant::find("0").unwrap().name.to_str().unwrap(), "root");
        assert!(Servant::find("no-such-user-here").unwrap_err().contains("no-such-user-here"));
    }
}
