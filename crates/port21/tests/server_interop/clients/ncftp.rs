use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::Task;

pub struct Ncftp;

impl Client for Ncftp {
    fn name(&self) -> &'static str {
        "ncftp"
    }

    fn speaks(&self, setting: Setting) -> bool {
        setting.protection == Protection::Clear
            && !setting.ipv6
            && matches!(setting.mode, Mode::Pasv | Mode::Port)
    }

    /// To resume an upload, Debian's 3.2.6 sends REST and then the file from its beginning.
    fn does(&self, task: Task) -> bool {
        task != Task::ResumePut
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let program = match request.task {
            task if task.is_get() => "ncftpget",
            Task::ResumeGet | Task::MirrorDown => "ncftpget",
            task if task.is_put() => "ncftpput",
            Task::MirrorUp => "ncftpput",
            Task::List => "ncftpls",
            _ => "ncftp",
        };
        let mut ncftp = Command::new(program);
        ncftp.args(["-u", USER, "-p", PASSWORD, "-P", &request.port()]);
        if program != "ncftp" {
            ncftp.arg(if request.setting.mode.is_active() { "-E" } else { "-F" });
        }
        let host = request.host();
        let (host, folder) = (host.as_str(), request.folder);
        let passive = if request.setting.mode.is_active() { "off" } else { "on" };
        let mut input = String::new();
        let mut interactive = |work: &str| {
            input = format!("set passive {passive}\ncd {folder}\n{work}\nquit\n");
        };
        match request.task {
            task if task.is_get() => ncftp.arg("-V").arg(host).arg(".").arg(request.remote_file()),
            Task::ResumeGet => ncftp.args(["-V", "-z", host, ".", &format!("{folder}/file.bin")]),
            Task::MirrorDown => ncftp.args(["-V", "-R", "-T", host, ".", &format!("{folder}/tree")]),
            task if task.is_put() => ncftp.args(["-V", host, folder]).arg(request.file()),
            Task::MirrorUp => ncftp.args(["-V", "-R", host, folder, "tree"]),
            Task::List => ncftp.arg(format!("ftp://{host}/{folder}/")),
            Task::Rename => {
                interactive("rename old.txt new.txt");
                ncftp.arg(host)
            }
            Task::Delete => {
                interactive("rm old.txt");
                ncftp.arg(host)
            }
            _ => {
                interactive("mkdir made");
                ncftp.arg(host)
            }
        };
        Invocation { command: ncftp, input }
    }
}
