//! How each server is started: on a free port of loopback, on the same files, with TLS allowed and not required.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::{LoginAt, shown};
use crate::measure;

/// Bytes of a small file.
pub const SMALL: usize = 1024;

/// A server that takes longer to start has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Port21,
    Vsftpd,
    PureFtpd,
    Pyftpdlib,
    Libunftp,
}

/// A server that runs until this is dropped.
pub struct Running {
    /// Which one.
    pub kind: Kind,
    /// Its files.
    pub root: PathBuf,
    child: Child,
    address: SocketAddr,
    _settings: tempfile::TempDir,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Port21, Self::Vsftpd, Self::PureFtpd, Self::Pyftpdlib, Self::Libunftp];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Port21 => "port21",
            Self::Vsftpd => "vsftpd",
            Self::PureFtpd => "pure-ftpd",
            Self::Pyftpdlib => "pyftpdlib",
            Self::Libunftp => "libunftp",
        }
    }

    /// Whether it can be started here.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Port21 | Self::Libunftp => true,
            Self::Vsftpd => measure::is_installed("vsftpd"),
            Self::PureFtpd => measure::is_installed("pure-ftpd") && measure::is_installed("pure-pw"),
            Self::Pyftpdlib => {
                let imports = ["-c", "import pyftpdlib, OpenSSL"];
                let python = Command::new(PYTHON).args(imports).stderr(Stdio::null()).status();
                python.is_ok_and(|status| status.success())
            }
        }
    }

    /// Whether thousands of sessions are thousands of processes.
    pub fn has_a_process_for_each_session(self) -> bool {
        matches!(self, Self::Vsftpd | Self::PureFtpd)
    }

    fn login(self) -> (&'static str, &'static str) {
        // pure-ftpd's guests live where the system's user "ftp" does, which not every system has, so it gets an account.
        if self == Self::PureFtpd { ("bench", "bench") } else { ("anonymous", "bench@localhost") }
    }

    fn command(self, port21: &Path, root: &Path, settings: &Path, port: u16) -> anyhow::Result<Command> {
        let certificate = settings.join("both.pem");
        Ok(match self {
            Self::Port21 => {
                let mut command = Command::new(port21);
                command.arg("serve").arg(root).args(["--listen", &format!("127.0.0.1:{port}")]);
                command.args(["--anonymous", "--write", "--tls-cert"]).arg(settings.join("certificate.pem"));
                command.arg("--tls-key").arg(settings.join("key.pem"));
                // All clients come from one address here. The others are told the same.
                command.args(["--max-connections", "0", "--max-connections-per-address", "0"]);
                command.args(["--max-connection-rate", "0"]);
                command
            }
            Self::Vsftpd => {
                let (file, empty) = (settings.join("vsftpd.conf"), settings.join("empty"));
                fs::create_dir_all(&empty)?;
                fs::write(&file, vsftpd_settings(root, &empty, &certificate, port))?;
                let mut command = Command::new("vsftpd");
                command.arg(file);
                command
            }
            Self::PureFtpd => {
                make_pure_account(root, settings)?;
                let mut command = Command::new("pure-ftpd");
                command.args([
                    "-S",
                    &format!("127.0.0.1,{port}"),
                    "-c",
                    "2000",
                    "-C",
                    "2000",
                    "-Y",
                    "1",
                    "-H",
                    "-E",
                    "-u",
                    "1",
                ]);
                command
                    .arg("-2")
                    .arg(&certificate)
                    .arg("-l")
                    .arg(format!("puredb:{}", shown(&settings.join("pdb"))));
                command
            }
            Self::Pyftpdlib => {
                let mut command = Command::new(PYTHON);
                command.args(["-c", PYFTPDLIB, &port.to_string(), &shown(root), &shown(&certificate)]);
                command
            }
            Self::Libunftp => {
                let mut command = Command::new(std::env::current_exe().context("this program is nowhere")?);
                command.arg("libunftp").arg(port.to_string()).arg(root).arg(&certificate);
                command
            }
        })
    }
}

impl Running {
    /// Starts a server, and waits until it greets.
    pub fn start(kind: Kind, port21: &Path, root: &Path) -> anyhow::Result<Self> {
        let settings = tempfile::tempdir()?;
        make_certificate(settings.path())?;
        // Others cannot be told to take any free port and to say which: so one is sought, and is free a moment later.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = kind.command(port21, root, settings.path(), port)?;
        let log = fs::File::create(settings.path().join("log"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{command:?} cannot be started"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut running = Self { kind, root: root.to_owned(), child, address, _settings: settings };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = running.child.try_wait()?;
            if ended.is_some() || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(running._settings.path().join("log")).unwrap_or_default();
                bail!("{command:?} does not listen on {address}: {}", log.trim());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(running)
    }

    /// The number of its first process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What a client needs to log in.
    pub fn login(&self) -> LoginAt {
        let (user, password) = self.kind.login();
        LoginAt { address: self.address, user, password }
    }

    /// As curl takes them.
    pub fn user_and_password(&self) -> String {
        let (user, password) = self.kind.login();
        format!("{user}:{password}")
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        self.address
    }

    /// The URL of one of its files.
    pub fn url(&self, path: &str) -> String {
        format!("ftp://{}/{path}", self.address)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the files that are fetched, and the folder for uploads.
pub fn make_files(root: &Path, large: u64, small: usize) -> anyhow::Result<()> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut block = vec![0; 1 << 20];
    for bytes in block.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.copy_from_slice(&state.to_le_bytes());
    }
    let mut file = fs::File::create(root.join("big"))?;
    for _ in 0..large >> 20 {
        file.write_all(&block)?;
    }
    let folder = root.join("small");
    fs::create_dir(&folder)?;
    for number in 0..small {
        fs::write(folder.join(number.to_string()), block.get(..SMALL).unwrap_or_default())?;
    }
    let incoming = root.join("incoming");
    fs::create_dir(&incoming)?;
    make_open(root, 0o755)?;
    make_open(&incoming, 0o777)
}

/// Servers that give up root's rights must still reach the files.
fn make_open(path: &Path, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn make_certificate(folder: &Path) -> anyhow::Result<()> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .context("openssl cannot be started")?;
    if !output.status.success() {
        bail!("openssl makes no certificate: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    fs::write(folder.join("both.pem"), [fs::read(key)?, fs::read(certificate)?].concat())?;
    Ok(())
}

/// An account whose password is hashed as cheaply as others' are, as `openssl passwd -1` does it: pure-pw would choose a hash that takes each
/// login seconds, and the others have guests, who need none.
fn make_pure_account(root: &Path, settings: &Path) -> anyhow::Result<()> {
    let passwords = settings.join("passwd");
    let somebody = nix::unistd::User::from_name(SOMEBODY)?.context("no user for pure-ftpd")?;
    let (user, group) = (somebody.uid, somebody.gid);
    fs::write(
        &passwords,
        format!("bench:$1$port21$l5guKa3z.LvAojqeoIDF/1:{user}:{group}::{}/./::::::::::::\n", shown(root)),
    )?;
    let mut index = Command::new("pure-pw");
    index.arg("mkdb").arg(settings.join("pdb")).arg("-f").arg(&passwords).stdout(Stdio::null());
    if !index.status().context("pure-pw cannot be started")?.success() {
        bail!("pure-pw makes no account");
    }
    // The server reads its accounts again when it has given up root's rights.
    make_open(settings, 0o755)
}

fn vsftpd_settings(root: &Path, empty: &Path, certificate: &Path, port: u16) -> String {
    format!(
        "listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\nanonymous_enable=YES\nlocal_enable=NO\n\
         anon_root={}\nno_anon_password=YES\nftp_username={SOMEBODY}\n\
         secure_chroot_dir={}\nwrite_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         seccomp_sandbox=NO\nmax_per_ip=0\nmax_clients=0\nxferlog_enable=NO\nssl_enable=YES\nallow_anon_ssl=YES\n\
         force_local_data_ssl=NO\nforce_local_logins_ssl=NO\nrequire_ssl_reuse=NO\nssl_ciphers=HIGH\nrsa_cert_file={}\n",
        shown(root),
        shown(empty),
        shown(certificate)
    )
}

/// The system's own Python has the packages of the system.
const PYTHON: &str = "/usr/bin/python3";

/// A user that every Debian has, with a home that is there: whom the others serve as.
const SOMEBODY: &str = "daemon";

const PYFTPDLIB: &str = "\
import logging, sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer
port, root, certificate = sys.argv[1:]
logging.basicConfig(level=logging.ERROR)
TLS_FTPHandler.authorizer = DummyAuthorizer()
TLS_FTPHandler.authorizer.add_anonymous(root, perm='elradfmwMT')
TLS_FTPHandler.certfile = certificate
server = FTPServer(('127.0.0.1', int(port)), TLS_FTPHandler)
server.max_cons = 20000
server.serve_forever()
";
