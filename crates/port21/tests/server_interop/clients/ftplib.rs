use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::{RESUMED_AT, Task};

pub struct Ftplib;

impl Client for Ftplib {
    fn name(&self) -> &'static str {
        "ftplib"
    }

    /// Over IPv4 it can be made to use EPSV, not EPRT. It has no implicit TLS.
    fn speaks(&self, setting: Setting) -> bool {
        setting.protection != Protection::Implicit && (setting.ipv6 || setting.mode != Mode::Eprt)
    }

    fn does(&self, task: Task) -> bool {
        !matches!(task, Task::MirrorDown | Task::MirrorUp)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let mut python = Command::new("python3");
        python.args(["-c", include_str!("ftplib_client.py"), &request.host(), &request.port()]);
        python.args([USER, PASSWORD, request.folder]);
        python.arg(match request.setting.protection {
            Protection::Explicit12 => "1.2",
            Protection::Explicit13 => "1.3",
            Protection::Clear | Protection::Implicit => "clear",
        });
        python.arg(format!("{:?}", request.setting.mode)).arg(RESUMED_AT.to_string());
        python.arg(match request.task {
            task if task.is_get() => "get",
            task if task.is_put() => "put",
            Task::ResumeGet => "reget",
            Task::ResumePut => "reput",
            Task::Rename => "rename",
            Task::Delete => "delete",
            Task::MakeDirectory => "mkdir",
            _ => "list",
        });
        python.arg(request.file());
        Invocation::quiet(python)
    }
}
