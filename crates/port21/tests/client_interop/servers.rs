//! Other people's servers, each started for a test on a port of its own, with one user: joe, whose password is secret.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[path = "libunftp.rs"]
mod libunftp;

use libunftp::Libunftp;

/// A server that the client must get on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PureFtpd,
    Pyftpdlib,
    Vsftpd,
    Proftpd,
    Inetutils,
    Twisted,
    Libunftp,
    Port21,
}

/// What not every server can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    Restart,
    Ipv6,
    NamesInUtf8,
    Nlst,
    UploadText,
    OutlivesReset,
    MlstHere,
    Eprt,
    TlsInOrder,
    AbortInOrder,
    ActiveInParallel,
}

/// How it protects its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    Plain,
    Explicit,
    Implicit,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::PureFtpd => "pure-ftpd",
            Self::Pyftpdlib => "pyftpdlib",
            Self::Vsftpd => "vsftpd",
            Self::Proftpd => "proftpd",
            Self::Inetutils => "inetutils-ftpd",
            Self::Twisted => "Twisted",
            Self::Libunftp => "libunftp",
            Self::Port21 => "port21",
        }
    }

    /// What this server, as Debian builds it, can.
    pub fn has(self, protection: Protection) -> bool {
        match protection {
            Protection::Plain => true,
            Protection::Explicit => !matches!(self, Self::Inetutils | Self::Twisted),
            Protection::Implicit => matches!(self, Self::Vsftpd | Self::Proftpd | Self::Port21),
        }
    }

    /// Whether the server does this right.
    pub fn can(self, ability: Ability) -> bool {
        !self.lacking().iter().any(|(lacking, _)| *lacking == ability)
    }

    /// What the server does not do right, each with what it does and the rule; printed below its table.
    pub fn lacking(self) -> &'static [(Ability, &'static str)] {
        match self {
            Self::Twisted => &[
                (Ability::Restart, "nothing is resumed: it has neither REST nor APPE (RFC 3659 section 5)"),
                (Ability::Ipv6, "no IPv6: it has neither EPSV nor EPRT (RFC 2428)"),
                (
                    Ability::NamesInUtf8,
                    "ASCII names only: it takes bytes of a name for Latin-1 and lists them as UTF-8, so that what is listed is no name that it \
                     knows (RFC 2640 section 2.2)",
                ),
                (
                    Ability::Nlst,
                    "no NLST: it refuses that without an argument, which RFC 959 section 5.3.1 leaves open, and lists the parent for \".\"",
                ),
                (
                    Ability::UploadText,
                    "no upload of text: it ends every STOR of TYPE A with 426 (RFC 959 section 3.1.1.1)",
                ),
            ],
            // GNU's server takes SIGPIPE for a lost client if it happens to write to the data connection once more. proftpd did the
            // like once, over TLS.
            Self::Inetutils | Self::Proftpd => &[(
                Ability::OutlivesReset,
                "a new session where one ends with the reset data connection of a cancelled transfer (RFC 959 section 4.1.3, ABOR: the control \
                 connection stays)",
            )],
            Self::Libunftp => &[
                (
                    Ability::MlstHere,
                    "MLST with full paths: it takes its argument from its root, whatever the working directory is (RFC 3659 section 7.1: any path)",
                ),
                (
                    Ability::Eprt,
                    "no EPRT (RFC 2428 section 2), and so active data connections over IPv4 only",
                ),
                // It chooses between the next command and the change to TLS as they come.
                (
                    Ability::TlsInOrder,
                    "sessions are tried again: behind its 234 it now and then takes the TLS handshake for a command (RFC 4217 section 4.1)",
                ),
                (
                    Ability::AbortInOrder,
                    "a new session where ABOR is answered before the transfer's 426, which then passes for another command's answer (RFC 959 \
                     section 4.1.3)",
                ),
            ],
            // A connection of its own is forgotten if another session's had the same descriptor just before.
            Self::Pyftpdlib => &[(
                Ability::ActiveInParallel,
                "mirror with one session in active mode: of several at once it now and then leaves EPRT or PORT without any reply (RFC 959 \
                 section 4.2: every command has one)",
            )],
            _ => &[],
        }
    }
}

/// Who serves.
enum Process {
    Own(Child),
    Within { _server: Libunftp },
}

/// A running server. Dropping it stops it.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
    /// Where it keeps its things; what it serves is in `root`.
    pub home: tempfile::TempDir,
}

impl Server {
    fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// Waits until it listens; if it does not, gives what it said.
    fn listening(mut self) -> Result<Self, String> {
        let started = Instant::now();
        loop {
            if let Process::Own(child) = &mut self.process
                && let Some(status) = child.try_wait().unwrap()
            {
                return Err(format!("{status}: {}", self.log()));
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(self);
            }
            if started.elapsed() > Duration::from_secs(30) {
                return Err(format!("nobody listens: {}", self.log()));
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Process::Own(child) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where `./check` unpacks servers that Debian does not install beside each other.
fn peers() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    std::env::var_os("PORT21_PEERS").map_or_else(default, PathBuf::from)
}

/// Starts `kind` on a free port of `ip`; fails the test if it does not come up.
pub fn start(kind: Kind, protection: Protection, ip: IpAddr, certificate: &Path) -> Server {
    let mut said = String::new();
    // Between finding a free port and the server's taking it, another test may have been quicker.
    for _ in 0..3 {
        match try_start(kind, protection, ip, certificate) {
            Ok(server) => return server,
            Err(log) => said = log,
        }
    }
    panic!("{} does not come up: {said}", kind.name());
}

fn try_start(kind: Kind, protection: Protection, ip: IpAddr, certificate: &Path) -> Result<Server, String> {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("root");
    fs::create_dir(&root).unwrap();
    let port = TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap().port();
    let address = SocketAddr::new(ip, port);
    if kind == Kind::Libunftp {
        let certificate = Some(certificate).filter(|_| protection != Protection::Plain);
        let server = Libunftp::start(root, address, certificate)?;
        return Server { process: Process::Within { _server: server }, address, home }.listening();
    }
    let mut command = match kind {
        Kind::PureFtpd => pure_ftpd(home.path(), &root, address, protection, certificate),
        Kind::Pyftpdlib => pyftpdlib(&root, address, protection, certificate),
        Kind::Vsftpd => vsftpd(home.path(), &root, address, protection, certificate),
        Kind::Proftpd => proftpd(home.path(), &root, address, protection, certificate),
        Kind::Inetutils => inetutils(home.path(), &root, address),
        Kind::Twisted => twisted(&root, address),
        Kind::Libunftp => unreachable!("it is no program"),
        Kind::Port21 => port21(&root, address, protection, certificate),
    };
    let log = fs::File::create(home.path().join("log")).unwrap();
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}; ./check fetches it", kind.name()));
    Server { process: Process::Own(child), address, home }.listening()
}

fn unpacked(program: &str) -> Command {
    let peers = peers();
    let mut command = Command::new(peers.join(program));
    command.env("LD_LIBRARY_PATH", peers.join("usr/lib/x86_64-linux-gnu"));
    command
}

/// "secret", hashed by crypt with SHA-512. pure-pw would take a hash of its own, which costs a second of work with each login.
const PASSWORD_HASH: &str =
    "$6$port21tests$EDhHhism7iKLHL9D4VwP567hLw.y5U6.FONzNr7cyd0IgMrGwHwLEhtU8Z1bWwF.7VhZ8DwdTqvIrfYeV25XK/";

fn pure_ftpd(
    home: &Path,
    root: &Path,
    address: SocketAddr,
    protection: Protection,
    certificate: &Path,
) -> Command {
    let passwords = home.join("passwords");
    let database = home.join("database");
    let owner = fs::metadata(home).unwrap();
    let (user, group) = {
        use std::os::unix::fs::MetadataExt;
        (owner.uid().max(1), owner.gid().max(1))
    };
    std::os::unix::fs::chown(root, Some(user), Some(group)).unwrap();
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let line = format!("joe:{PASSWORD_HASH}:{user}:{group}::{}/./::::::::::::\n", root.display());
    fs::write(&passwords, line).unwrap();
    let mut make = unpacked("usr/bin/pure-pw");
    make.arg("mkdb").arg(&database).arg("-f").arg(&passwords).stdin(Stdio::null()).stdout(Stdio::null());
    assert!(make.status().expect("pure-pw; ./check fetches it").success());
    let mut command = unpacked("usr/sbin/pure-ftpd");
    command.arg("--login").arg(format!("puredb:{}", database.display()));
    command.args([
        "--bind",
        &format!("{},{}", address.ip(), address.port()),
        "--noanonymous",
        "--chrooteveryone",
    ]);
    command.args(["--minuid", "1", "--dontresolve", "--maxclientsnumber", "50", "--maxclientsperip", "50"]);
    command.arg("--pidfile").arg(home.join("pid"));
    if protection != Protection::Plain {
        command.args(["--tls", "2", "--certfile"]).arg(certificate);
    }
    command
}

fn pyftpdlib(root: &Path, address: SocketAddr, protection: Protection, certificate: &Path) -> Command {
    let mut command = script("pyftpdlib_server.py", address);
    command.arg(root);
    if protection != Protection::Plain {
        command.arg(certificate);
    }
    command
}

/// One of the scripts beside this file, which all take address and port first.
fn script(name: &str, address: SocketAddr) -> Command {
    // Debian's own Python has the packages.
    let mut command = Command::new("/usr/bin/python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client_interop").join(name));
    command.arg(address.ip().to_string()).arg(address.port().to_string());
    command
}

fn vsftpd(
    home: &Path,
    root: &Path,
    address: SocketAddr,
    protection: Protection,
    certificate: &Path,
) -> Command {
    let listen = if address.is_ipv4() {
        format!("listen=YES\nlisten_address={}", address.ip())
    } else {
        format!("listen=NO\nlisten_ipv6=YES\nlisten_address6={}", address.ip())
    };
    let mut text = format!(
        "{listen}\nlisten_port={}\nftp_username={}\nbackground=NO\nrun_as_launching_user=YES\nseccomp_sandbox=NO\none_process_model=NO\n\
         anonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\nanon_root={}\nallow_writeable_chroot=YES\n\
         write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         anon_umask=022\nanon_world_readable_only=NO\nport_enable=YES\nconnect_from_port_20=NO\nmdtm_write=YES\n\
         vsftpd_log_file=/dev/null\nutf8_filesystem=YES\n",
        address.port(),
        whoami("-un"),
        root.display()
    );
    if protection != Protection::Plain {
        text += &format!(
            "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\nrequire_ssl_reuse=YES\n\
             rsa_cert_file={0}\nrsa_private_key_file={0}\nssl_ciphers=HIGH\nssl_tlsv1=YES\nimplicit_ssl={1}\n",
            certificate.display(),
            if protection == Protection::Implicit { "YES" } else { "NO" },
        );
    }
    let path = home.join("vsftpd.conf");
    fs::write(&path, text).unwrap();
    let mut command = unpacked("usr/sbin/vsftpd");
    command.arg(path);
    command
}

fn proftpd(
    home: &Path,
    root: &Path,
    address: SocketAddr,
    protection: Protection,
    certificate: &Path,
) -> Command {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let owner = fs::metadata(home).unwrap();
    let accounts = home.join("accounts");
    // openssl passwd -1 -salt port21 secret
    let hash = "$1$port21$1y0cBb59954gpeZSvrMPo.";
    let line = format!("joe:{hash}:{}:{}::{}:/bin/sh\n", owner.uid(), owner.gid(), root.display());
    fs::write(&accounts, line).unwrap();
    fs::set_permissions(&accounts, PermissionsExt::from_mode(0o600)).unwrap();
    let here = home.display();
    let mut text = format!(
        "ModulePath {}\nServerType standalone\nDefaultAddress {}\nPort {}\nSocketBindTight on\nUseIPv6 on\nUser {}\nGroup {}\nRootLogin on\n\
         AuthOrder mod_auth_file.c\nAuthUserFile {}\nRequireValidShell off\nUseReverseDNS off\nWtmpLog none\n\
         PidFile {here}/pid\nScoreboardFile {here}/scoreboard\nSystemLog {here}/system\nTransferLog none\nDelayEngine off\n\
         AllowStoreRestart on\nAllowOverwrite on\nAllowRetrieveRestart on\nDefaultRoot {}\n",
        peers().join("usr/lib/proftpd").display(),
        address.ip(),
        address.port(),
        whoami("-un"),
        whoami("-gn"),
        accounts.display(),
        root.display(),
    );
    if protection != Protection::Plain {
        text += &format!(
            "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog {here}/tls\nTLSProtocol TLSv1.2 TLSv1.3\n\
             TLSECCertificateFile {0}\nTLSECCertificateKeyFile {0}\nTLSVerifyClient off\n{1}",
            certificate.display(),
            if protection == Protection::Implicit { "TLSOptions UseImplicitSSL\n" } else { "" },
        );
    }
    let path = home.join("proftpd.conf");
    fs::write(&path, text).unwrap();
    let mut command = unpacked("usr/sbin/proftpd");
    command.arg("--nodaemon").arg("--config").arg(path);
    command
}

/// GNU's server logs in users of the system, by PAM: in a mount namespace of its own, joe is the only one.
fn inetutils(home: &Path, root: &Path, address: SocketAddr) -> Command {
    // openssl passwd -6 -salt port21 secret
    let hash =
        "$6$port21$h1kmQqsrY8RLXjSRhC04zvcq0iBJsSy0bPVdC/GDA1usa1RRYhxcLU8Wq4oWmBOcMutS3iYT47pbZQ/Nb6r4n.";
    fs::write(home.join("passwd"), format!("joe:x:0:0::{}:/bin/sh\n", root.display())).unwrap();
    fs::write(home.join("shadow"), format!("joe:{hash}:19000:0:99999:7:::\n")).unwrap();
    let program = peers().join("usr/sbin/ftpd");
    let steps =
        "mount --bind \"$1/passwd\" /etc/passwd && mount --bind \"$1/shadow\" /etc/shadow && exec \"$2\"";
    let mut command = script("inetd.py", address);
    command.args(["unshare", "--mount"]);
    if whoami("-u") != "0" {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", steps, "ftpd"]).args([home, &program]);
    let libraries = peers().join("usr/lib/x86_64-linux-gnu");
    command.env(
        "LD_LIBRARY_PATH",
        format!("{}:{}", libraries.display(), peers().join("lib/x86_64-linux-gnu").display()),
    );
    command
}

fn twisted(root: &Path, address: SocketAddr) -> Command {
    let mut command = script("twisted_server.py", address);
    command.arg(root);
    command
}

/// The project's own, as strict as it gets.
fn port21(root: &Path, address: SocketAddr, protection: Protection, certificate: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_port21"));
    command.arg("serve").arg(root).args(["--account", "joe:secret", "--write"]);
    let place = address.to_string();
    let listen = if protection == Protection::Implicit { "--implicit-tls" } else { "--listen" };
    command.args([listen, place.as_str(), "--max-connection-rate", "0"]);
    if protection != Protection::Plain {
        command.args(["--require-tls", "--tls-reuse", "require"]);
        command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(certificate);
    }
    command
}

/// The name of the user or group that runs the tests.
fn whoami(option: &str) -> String {
    let output = Command::new("id").arg(option).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
