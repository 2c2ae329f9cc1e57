//! Descendants of BSD's ftp, told on standard input.

use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Protection, Setting};
use crate::task::{RESUMED_AT, Task};

pub enum Bsd {
    Tnftp,
    Inetutils,
}

impl Client for Bsd {
    fn name(&self) -> &'static str {
        match self {
            Self::Tnftp => "tnftp",
            Self::Inetutils => "inetutils-ftp",
        }
    }

    fn speaks(&self, setting: Setting) -> bool {
        setting.protection == Protection::Clear
    }

    fn does(&self, task: Task) -> bool {
        !matches!(task, Task::MirrorDown | Task::MirrorUp | Task::GetLatin1)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let mut ftp = Command::new(self.name());
        ftp.args(["-n", "-i", "-v"]);
        ftp.arg(if request.setting.mode.is_active() { "-A" } else { "-p" });
        ftp.arg(if request.setting.ipv6 { "-6" } else { "-4" });
        ftp.args([request.host(), request.port()]);
        // Over IPv4 one starts with the extended commands, the other without; `epsv4` is a toggle.
        let extended_at_first = matches!(self, Self::Tnftp);
        let toggle = !request.setting.ipv6 && request.setting.mode.is_extended() != extended_at_first;
        let file = request.file_text();
        let work = match request.task {
            task if task.is_get() => format!("get \"{file}\""),
            task if task.is_put() => format!("put \"{file}\""),
            Task::ResumeGet => "reget file.bin".into(),
            Task::ResumePut => format!("restart {RESUMED_AT}\nput file.bin"),
            Task::Rename => "rename old.txt new.txt".into(),
            Task::Delete => "delete old.txt".into(),
            Task::MakeDirectory => "mkdir made".into(),
            _ => "ls".into(),
        };
        let input = format!(
            "user {USER} {PASSWORD}\n{toggle}binary\ncd {folder}\n{work}\nquit\n",
            toggle = if toggle { "epsv4\n" } else { "" },
            folder = request.folder,
        );
        Invocation { command: ftp, input }
    }
}
