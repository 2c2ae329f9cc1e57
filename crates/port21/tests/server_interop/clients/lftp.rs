use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::Task;

pub struct Lftp;

impl Client for Lftp {
    fn name(&self) -> &'static str {
        "lftp"
    }

    /// It uses EPRT where the address is of IPv6, and only there.
    fn speaks(&self, setting: Setting) -> bool {
        setting.ipv6 == (setting.mode == Mode::Eprt) || setting.mode == Mode::Epsv
    }

    /// It recodes names, so that bytes that are no text become others.
    fn does(&self, task: Task) -> bool {
        task != Task::GetLatin1
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let Setting { protection, mode, .. } = request.setting;
        let yes = |condition: bool| if condition { "yes" } else { "no" };
        let versions = match protection {
            Protection::Explicit12 => "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            Protection::Explicit13 => "NORMAL:-VERS-ALL:+VERS-TLS1.3",
            Protection::Clear | Protection::Implicit => "NORMAL",
        };
        let scheme = if protection == Protection::Implicit { "ftps" } else { "ftp" };
        let file = request.task.file();
        let file = String::from_utf8_lossy(file);
        let work = match request.task {
            task if task.is_get() => format!("get \"{file}\""),
            task if task.is_put() => format!("put \"{file}\""),
            Task::ResumeGet => "get -c file.bin".into(),
            Task::ResumePut => "put -c file.bin".into(),
            Task::Rename => "mv old.txt new.txt".into(),
            Task::Delete => "rm old.txt".into(),
            Task::MakeDirectory => "mkdir made".into(),
            Task::MirrorDown => "mirror --parallel=2 tree".into(),
            Task::MirrorUp => "mirror --reverse --parallel=2 tree".into(),
            _ => "ls".into(),
        };
        let script = format!(
            "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; set ssl:verify-certificate no; \
             set ftp:ssl-allow {allow}; set ftp:ssl-force {allow}; set ftp:ssl-protect-data yes; \
             set ftp:ssl-protect-list yes; set ssl:priority \"{versions}\"; set ftp:passive-mode {passive}; \
             set ftp:prefer-epsv {extended}; \
             open -u {USER},{PASSWORD} -p {port} {scheme}://{host}; cd {folder}; {work}; bye",
            allow = yes(protection != Protection::Clear),
            passive = yes(!mode.is_active()),
            extended = yes(mode == Mode::Epsv),
            port = request.port(),
            host = request.host_in_url(),
            folder = request.folder,
        );
        let mut lftp = Command::new("lftp");
        lftp.args(["--norc", "-c", &script]);
        Invocation::quiet(lftp)
    }
}
