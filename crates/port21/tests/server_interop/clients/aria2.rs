use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Protection, Setting};
use crate::task::Task;

pub struct Aria2;

impl Client for Aria2 {
    fn name(&self) -> &'static str {
        "aria2"
    }

    /// It uses the extended commands where the address is of IPv6, and only there.
    fn speaks(&self, setting: Setting) -> bool {
        setting.protection == Protection::Clear && setting.mode.is_extended() == setting.ipv6
    }

    /// It resumes at a multiple of 16 KiB, not where the file ends.
    fn does(&self, task: Task) -> bool {
        task.is_get() && task != Task::GetLatin1
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let mut aria2 = Command::new("aria2c");
        aria2.args(["--no-conf", "--quiet", "--max-tries=1", "--timeout=20", "--file-allocation=none"]);
        aria2.args(["--disable-ipv6=false", "--ftp-user", USER, "--ftp-passwd", PASSWORD]);
        aria2.arg(format!("--ftp-pasv={}", !request.setting.mode.is_active()));
        if request.task == Task::GetLarge {
            aria2.args(["--split=4", "--max-connection-per-server=4", "--min-split-size=5M"]);
        }
        aria2.arg("--out").arg(request.file()).arg(request.url("ftp", request.task.file()));
        Invocation::quiet(aria2)
    }
}
