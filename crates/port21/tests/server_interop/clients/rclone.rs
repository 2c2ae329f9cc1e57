use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::Task;

pub struct Rclone;

impl Client for Rclone {
    fn name(&self) -> &'static str {
        "rclone"
    }

    /// It puts no brackets around an IPv6 address, and says itself that there are "too many colons".
    fn speaks(&self, setting: Setting) -> bool {
        matches!(setting.mode, Mode::Pasv | Mode::Epsv) && !setting.ipv6
    }

    fn does(&self, task: Task) -> bool {
        !matches!(task, Task::ResumeGet | Task::ResumePut | Task::GetLatin1)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let Setting { protection, mode, .. } = request.setting;
        let mut rclone = Command::new("rclone");
        rclone.args(["--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"]);
        rclone.args(["--ftp-host", &request.host(), "--ftp-port", &request.port()]);
        rclone.args(["--ftp-user", USER, "--ftp-pass", &obscured(), "--ftp-no-check-certificate"]);
        if mode == Mode::Pasv {
            rclone.arg("--ftp-disable-epsv");
        }
        match protection {
            Protection::Explicit12 => rclone.args(["--ftp-explicit-tls", "--ftp-disable-tls13"]),
            Protection::Explicit13 => rclone.arg("--ftp-explicit-tls"),
            Protection::Implicit => rclone.arg("--ftp-tls"),
            Protection::Clear => &mut rclone,
        };
        let remote = format!(":ftp:{}", request.folder);
        match request.task {
            Task::List => rclone.args(["lsf", &remote]),
            Task::Rename => {
                rclone.args(["moveto", &format!("{remote}/old.txt"), &format!("{remote}/new.txt")])
            }
            Task::Delete => rclone.args(["deletefile", &format!("{remote}/old.txt")]),
            Task::MakeDirectory => rclone.args(["mkdir", &format!("{remote}/made")]),
            Task::MirrorDown => rclone.args(["sync", &format!("{remote}/tree"), "tree"]),
            Task::MirrorUp => rclone.args(["sync", "tree", &format!("{remote}/tree")]),
            task if task.is_get() => {
                rclone.arg("copyto").arg(format!("{remote}/{}", request.file_text())).arg(request.file())
            }
            _ => rclone.arg("copyto").arg(request.file()).arg(format!("{remote}/{}", request.file_text())),
        };
        Invocation::quiet(rclone)
    }
}

/// The password in the form in which rclone takes it.
fn obscured() -> String {
    use std::sync::OnceLock;
    static OBSCURED: OnceLock<String> = OnceLock::new();
    let make = || {
        let output = Command::new("rclone").args(["obscure", PASSWORD]).output().expect("rclone starts");
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    };
    OBSCURED.get_or_init(make).clone()
}
