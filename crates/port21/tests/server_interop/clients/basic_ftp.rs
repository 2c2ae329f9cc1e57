use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Client, Invocation, Request};
use crate::server::{PASSWORD, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::{RESUMED_AT, Task};

/// The npm package, in the version that the matrix was made with.
const PACKAGE: &str = "basic-ftp@5.0.5";

pub struct BasicFtp;

impl Client for BasicFtp {
    fn name(&self) -> &'static str {
        "basic-ftp"
    }

    fn speaks(&self, setting: Setting) -> bool {
        matches!(setting.mode, Mode::Pasv | Mode::Epsv)
    }

    fn does(&self, task: Task) -> bool {
        task != Task::GetLatin1
    }

    /// Where it resumes a TLS session it does not wait for the handshake: an empty file is sent as ClientHello and FIN (seen at the
    /// socket), which nobody may take for a whole file. The tree holds an empty file.
    fn is_excused(&self, setting: Setting, task: Task) -> bool {
        setting.protection != Protection::Clear && matches!(task, Task::PutEmpty | Task::MirrorUp)
    }

    fn invocation(&self, request: &Request<'_>) -> Invocation {
        let mut node = Command::new("node");
        node.env("NODE_PATH", folder().join("node_modules"));
        node.args(["-e", include_str!("basic_ftp_client.js"), "--"]);
        node.args([request.host(), request.port()]).args([USER, PASSWORD, request.folder]);
        node.arg(match request.setting.protection {
            Protection::Clear => "clear",
            Protection::Explicit12 => "TLSv1.2",
            Protection::Explicit13 => "TLSv1.3",
            Protection::Implicit => "implicit",
        });
        node.arg(format!("{:?}", request.setting.mode)).arg(RESUMED_AT.to_string());
        node.arg(match request.task {
            task if task.is_get() => "get",
            task if task.is_put() => "put",
            Task::ResumeGet => "reget",
            Task::ResumePut => "reput",
            Task::Rename => "rename",
            Task::Delete => "delete",
            Task::MakeDirectory => "mkdir",
            Task::MirrorDown => "mirrorDown",
            Task::MirrorUp => "mirrorUp",
            _ => "list",
        });
        node.arg(request.file());
        Invocation::quiet(node)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("basic-ftp")
}

/// Gets the package, once for this build folder.
pub fn install() {
    let done = folder().join("node_modules/basic-ftp/package.json");
    if done.exists() {
        return;
    }
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
        .arg(folder())
        .arg(PACKAGE)
        .output()
        .expect("npm starts");
    assert!(output.status.success(), "npm install {PACKAGE}: {}", String::from_utf8_lossy(&output.stderr));
}
