use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::{RESUMED_AT, Task};

pub struct Curl;

impl Client for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }

    /// Over TLS in active mode Debian's 7.88 ends by itself with "sa_addr inet_ntop() failed".
    fn speaks(&self, setting: Setting) -> bool {
        setting.protection == Protection::Clear || !setting.mode.is_active()
    }

    fn does(&self, task: Task) -> bool {
        !matches!(task, Task::MirrorDown | Task::MirrorUp)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let Setting { protection, mode, .. } = request.setting;
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--insecure", "--user"]).arg(format!("{USER}:{PASSWORD}"));
        if protection.is_explicit() {
            curl.arg("--ssl-reqd");
        }
        match protection {
            Protection::Explicit12 => curl.args(["--tls-max", "1.2"]),
            Protection::Explicit13 => curl.arg("--tlsv1.3"),
            Protection::Clear | Protection::Implicit => &mut curl,
        };
        match mode {
            Mode::Pasv => curl.arg("--disable-epsv"),
            Mode::Epsv => &mut curl,
            Mode::Port => curl.args(["--ftp-port", "-", "--disable-eprt"]),
            Mode::Eprt => curl.args(["--ftp-port", "-"]),
        };
        let scheme = if protection == Protection::Implicit { "ftps" } else { "ftp" };
        let url = |name: &[u8]| request.url(scheme, name);
        let folder = request.folder;
        match request.task {
            task if task.is_get() => curl.arg("--output").arg(request.file()).arg(url(task.file())),
            task if task.is_put() => curl.arg("--upload-file").arg(request.file()).arg(url(task.file())),
            Task::ResumeGet => {
                curl.args(["--continue-at", "-", "--output", "file.bin"]).arg(url(b"file.bin"))
            }
            Task::ResumePut => curl
                .arg("--continue-at")
                .arg(RESUMED_AT.to_string())
                .args(["--upload-file", "file.bin"])
                .arg(url(b"file.bin")),
            Task::Rename => curl
                .args(["--head", "--quote", &format!("RNFR {folder}/old.txt")])
                .args(["--quote", &format!("RNTO {folder}/new.txt")])
                .arg(url(b"")),
            Task::Delete => curl.args(["--head", "--quote", &format!("DELE {folder}/old.txt")]).arg(url(b"")),
            Task::MakeDirectory => {
                curl.args(["--head", "--quote", &format!("MKD {folder}/made")]).arg(url(b""))
            }
            _ => curl.arg(url(b"")),
        };
        Invocation::quiet(curl)
    }
}
