//! lftp uploads over TLS, five hundred times: other servers hang now and then, or store what is not whole.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use crate::run::spawn_and_wait;
use crate::server::{PASSWORD, Server, USER};
use crate::setting::{Mode, Protection, Setting};
use crate::task::noise;

/// Runs of lftp; each uploads over a control connection of its own.
const RUNS: usize = 20;

/// Files that each uploads.
const FILES: usize = 25;

/// More than all buffers on the way hold.
const LENGTH: usize = 1_500_000;

#[test]
fn lftp_uploads_five_hundred_times_over_tls_and_all_is_whole() {
    // What is on the disk, and when, is not the question here.
    let server = Server::start(Ipv4Addr::LOCALHOST, &["--fsync", "never"]);
    let setting = Setting { protection: Protection::Explicit13, mode: Mode::Epsv, ipv6: false };
    let address = server.address(setting);
    let home = tempfile::tempdir().unwrap();
    let content = noise(LENGTH);
    let source = home.path().join("source.bin");
    fs::write(&source, &content).unwrap();
    for run in 0..RUNS {
        let version = ["1.2", "1.3"][run % 2];
        let puts: String =
            (0..FILES).map(|file| format!("put {} -o {run}-{file}; ", source.display())).collect();
        let script = format!(
            "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; set ssl:verify-certificate no; \
             set ftp:ssl-force yes; set ftp:ssl-protect-data yes; \
             set ssl:priority \"NORMAL:-VERS-ALL:+VERS-TLS{version}\"; \
             open -u {USER},{PASSWORD} -p {} {}; {puts}bye",
            address.port(),
            address.ip()
        );
        let mut lftp = Command::new("lftp");
        lftp.args(["--norc", "-c", &script]).env("HOME", home.path());
        let told = spawn_and_wait(&mut lftp, "").unwrap();
        for file in 0..FILES {
            let path = server.root().join(format!("{run}-{file}"));
            let stored = fs::read(&path).unwrap_or_default();
            assert!(
                stored == content,
                "{run}-{file} has {} bytes: {}",
                stored.len(),
                String::from_utf8_lossy(&told)
            );
            fs::remove_file(path).unwrap();
        }
    }
}
