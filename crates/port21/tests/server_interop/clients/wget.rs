use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::Task;

pub struct Wget;

impl Client for Wget {
    fn name(&self) -> &'static str {
        "wget"
    }

    /// It uses the extended commands where the address is of IPv6, and only there.
    fn speaks(&self, setting: Setting) -> bool {
        setting.mode.is_extended() == setting.ipv6
    }

    fn does(&self, task: Task) -> bool {
        task.is_get() || matches!(task, Task::List | Task::ResumeGet | Task::MirrorDown)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let Setting { protection, mode, .. } = request.setting;
        let mut wget = Command::new("wget");
        wget.args(["--no-verbose", "--no-config", "--tries=1", "--no-check-certificate"]);
        wget.arg(format!("--ftp-user={USER}")).arg(format!("--ftp-password={PASSWORD}"));
        if matches!(mode, Mode::Port | Mode::Eprt) {
            wget.arg("--no-passive-ftp");
        }
        match protection {
            Protection::Explicit12 => wget.arg("--secure-protocol=TLSv1_2"),
            Protection::Explicit13 => wget.arg("--secure-protocol=TLSv1_3"),
            Protection::Implicit => wget.arg("--ftps-implicit"),
            Protection::Clear => &mut wget,
        };
        let scheme = if protection == Protection::Clear { "ftp" } else { "ftps" };
        match request.task {
            Task::List => wget.arg("--output-document=-").arg(request.url(scheme, b"")),
            Task::ResumeGet => wget.arg("--continue").arg(request.url(scheme, b"file.bin")),
            Task::MirrorDown => wget
                .args(["--recursive", "--level=inf", "--no-host-directories", "--cut-dirs=1", "--no-parent"])
                .arg(request.url(scheme, b"tree/")),
            task => wget.arg("--output-document").arg(request.file()).arg(request.url(scheme, task.file())),
        };
        Invocation::quiet(wget)
    }
}
