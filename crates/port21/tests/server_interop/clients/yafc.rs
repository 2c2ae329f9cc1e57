use std::fs;
use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Protection, Setting};
use crate::task::Task;

pub struct Yafc;

impl Client for Yafc {
    fn name(&self) -> &'static str {
        "yafc"
    }

    fn speaks(&self, setting: Setting) -> bool {
        setting.protection == Protection::Clear && setting.mode.is_extended() == setting.ipv6
    }

    fn does(&self, task: Task) -> bool {
        task != Task::GetLatin1
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let rules = request.local.with_file_name("yafcrc");
        let passive = if request.setting.mode.is_active() { "off" } else { "on" };
        fs::write(
            &rules,
            format!("use_passive_mode {passive}\nautologin on\nauto_bookmark no\nwaiting_dots no\n"),
        )
        .expect("the rules can be written");
        let mut yafc = Command::new("yafc");
        yafc.arg(format!("--rcfile={}", rules.display()))
            .arg(format!("--workdir={}", request.local.with_file_name("yafc").display()))
            .arg("--quiet")
            .arg(format!("ftp://{USER}:{PASSWORD}@{}:{}", request.host_in_url(), request.port()));
        let file = String::from_utf8_lossy(request.task.file());
        let work = match request.task {
            task if task.is_get() => format!("get --force \"{file}\""),
            // It looks for local files by a pattern, in which quotes stand for themselves.
            task if task.is_put() => format!("put --force {}", file.replace(' ', "\\ ")),
            Task::ResumeGet => "get --resume file.bin".into(),
            Task::ResumePut => "put --resume file.bin".into(),
            Task::Rename => "mv old.txt new.txt".into(),
            Task::Delete => "rm --force old.txt".into(),
            Task::MakeDirectory => "mkdir made".into(),
            Task::MirrorDown => "get --force --recursive tree".into(),
            Task::MirrorUp => "put --force --recursive tree".into(),
            _ => "ls".into(),
        };
        let input = format!("cd {}\n{work}\nquit\n", request.folder);
        Invocation { command: yafc, input }
    }
}
