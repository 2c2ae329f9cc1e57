//! How each client is told what to do.

mod aria2;
mod basic_ftp;
mod bsd;
mod curl;
mod ftplib;
mod lftp;
mod ncftp;
mod rclone;
mod wget;
mod yafc;

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Command;

use crate::setting::Setting;
use crate::task::Task;

/// All of them.
pub const ALL: [&dyn Client; 11] = [
    &curl::Curl,
    &lftp::Lftp,
    &ncftp::Ncftp,
    &bsd::Bsd::Tnftp,
    &bsd::Bsd::Inetutils,
    &wget::Wget,
    &ftplib::Ftplib,
    &aria2::Aria2,
    &rclone::Rclone,
    &basic_ftp::BasicFtp,
    &yafc::Yafc,
];

/// A client.
pub trait Client: Sync {
    fn name(&self) -> &'static str;
    /// Whether it can be told to talk like this.
    fn speaks(&self, setting: Setting) -> bool;
    /// Whether it can do this.
    fn does(&self, task: Task) -> bool;
    /// Whether a fault of its own keeps it from doing this, though it can do it otherwise.
    fn is_excused(&self, _: Setting, _: Task) -> bool {
        false
    }
    /// How it is told.
    fn invocation(&self, request: &Request<'_>) -> Invocation;
}

/// What is wanted of a client.
pub struct Request<'a> {
    pub server: SocketAddr,
    pub setting: Setting,
    pub task: Task,
    /// The folder on the server, relative to the login directory.
    pub folder: &'a str,
    /// The client's working folder.
    pub local: &'a Path,
}

/// A program to run, and what it reads on standard input.
pub struct Invocation {
    pub command: Command,
    pub input: String,
}

impl Request<'_> {
    /// The server's address as an argument of its own.
    fn host(&self) -> String {
        self.server.ip().to_string()
    }

    /// The server's address as it stands in a URL.
    fn host_in_url(&self) -> String {
        if self.server.is_ipv6() { format!("[{}]", self.server.ip()) } else { self.host() }
    }

    /// The server's port.
    fn port(&self) -> String {
        self.server.port().to_string()
    }

    /// The file's path on the server.
    fn remote_file(&self) -> OsString {
        let mut path = format!("{}/", self.folder).into_bytes();
        path.extend_from_slice(self.task.file());
        OsString::from_vec(path)
    }

    /// The file's name.
    fn file(&self) -> &'static OsStr {
        OsStr::from_bytes(self.task.file())
    }

    /// The file's name where it is known to be text.
    fn file_text(&self) -> &'static str {
        std::str::from_utf8(self.task.file()).expect("a name in UTF-8")
    }

    /// A URL of something in the folder; `name` is escaped.
    fn url(&self, scheme: &str, name: &[u8]) -> String {
        let mut url = format!("{scheme}://{}:{}/{}/", self.host_in_url(), self.port(), self.folder);
        for &byte in name {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/') {
                url.push(byte.into());
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
        url
    }
}

impl Invocation {
    /// A program that reads nothing.
    fn quiet(command: Command) -> Self {
        Self { command, input: String::new() }
    }
}

/// Makes what clients need once.
pub fn prepare() {
    basic_ftp::install();
}
