//! The client with other people's servers, on loopback: every way to protect and to connect, and everything that a user does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod mirrored;
mod scenario;
mod servers;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use ftp_client::session::{Credentials, DataMode, Security};
use ftp_client::{Connector, TlsVersions, Trust};
use servers::{Ability, Kind, Protection};

/// How data connections are made.
const MODES: [(&str, DataMode, bool); 4] = [
    ("EPSV", DataMode::Passive, false),
    ("PASV", DataMode::Passive, true),
    ("EPRT", DataMode::Active, false),
    ("PORT", DataMode::Active, true),
];

/// How connections are protected: its name, what the server is told, what the client is. Every server here has TLS 1.3.
const PROTECTIONS: [(&str, Protection, Security, TlsVersions); 5] = [
    ("plain", Protection::Plain, Security::Off, TlsVersions::Both),
    ("TLS 1.2", Protection::Explicit, Security::Require, TlsVersions::Only12),
    ("TLS 1.3", Protection::Explicit, Security::Require, TlsVersions::Both),
    ("implicit 1.2", Protection::Implicit, Security::Implicit, TlsVersions::Only12),
    ("implicit 1.3", Protection::Implicit, Security::Implicit, TlsVersions::Both),
];

/// A certificate for loopback, with its key, as servers take them.
fn certificate(folder: &Path) -> (std::path::PathBuf, Trust) {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let path = folder.join("certificate.pem");
    std::fs::write(&path, made.signing_key.serialize_pem() + &made.cert.pem()).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    (path, Trust::from_pem(made.cert.pem().as_bytes()).unwrap())
}

/// Runs the scenario in every cell of one server's table; gives the rows, and what failed.
fn table(kind: Kind) -> (String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, trust) = certificate(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut rows, mut failures) = (String::new(), Vec::new());
    for (protected, protection, security, tls_versions) in PROTECTIONS {
        if !kind.has(protection) {
            continue;
        }
        let _ = write!(rows, "{:10} {protected:13}", kind.name());
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)] {
            if ip.is_ipv6() && !kind.can(Ability::Ipv6) {
                continue;
            }
            let server = servers::start(kind, protection, ip, &certificate);
            for (mode, data, without_extended) in MODES {
                let has_mode = data == DataMode::Passive || kind.can(Ability::Eprt);
                if ip.is_ipv6() && (without_extended || !has_mode) {
                    continue;
                }
                let mut connector = Connector::new(ip.to_string());
                connector.port = Some(server.address.port());
                // vsftpd knows its system's users only, and guests.
                let user = if kind == Kind::Vsftpd { "anonymous" } else { "joe" };
                connector.credentials = Credentials::new(user, "secret");
                connector.security = security;
                connector.tls_versions = tls_versions;
                connector.trust = trust.clone();
                connector.data = data;
                connector.without_extended = without_extended;
                connector.timeouts.reply = std::time::Duration::from_secs(20);
                connector.timeouts.stall = std::time::Duration::from_secs(20);
                connector.timeouts.closing = std::time::Duration::from_secs(20);
                let large = mode == "EPSV" && ip.is_ipv4() && matches!(protected, "plain" | "TLS 1.3");
                let started = std::time::Instant::now();
                let result = runtime.block_on(scenario::run(&connector, kind, &certificate, large));
                let seconds = started.elapsed().as_secs_f64();
                let cell = match &result {
                    Ok(notes) if notes.is_empty() => "ok".to_owned(),
                    Ok(notes) => format!("ok, {}", notes.len()),
                    Err(_) => "FAILED".to_owned(),
                };
                let family = if ip.is_ipv4() { 4 } else { 6 };
                let _ = write!(rows, " {mode}{family} {cell} {seconds:.1} s,");
                let place = format!("{} {protected} {mode}{family}", kind.name());
                match result {
                    Ok(notes) => notes.iter().for_each(|note| eprintln!("{place}: {note}")),
                    Err(error) => failures.push(format!("{place}: {error}")),
                }
            }
        }
        rows.push('\n');
    }
    for (_, exception) in kind.lacking() {
        let _ = writeln!(rows, "{:10} but {exception}", kind.name());
    }
    (rows, failures)
}

fn check(kind: Kind) {
    let (rows, failures) = table(kind);
    println!("{rows}");
    port21_testkit::note(&format!("client with other people's servers\n{}", rows.trim_end()));
    assert!(failures.is_empty(), "{}\n{rows}", failures.join("\n"));
}

#[test]
fn pure_ftpd() {
    check(Kind::PureFtpd);
}

#[test]
fn pyftpdlib() {
    check(Kind::Pyftpdlib);
}

#[test]
fn vsftpd() {
    check(Kind::Vsftpd);
}

#[test]
fn proftpd() {
    check(Kind::Proftpd);
}

#[test]
fn inetutils() {
    check(Kind::Inetutils);
}

#[test]
fn twisted() {
    check(Kind::Twisted);
}

#[test]
fn libunftp_serves() {
    check(Kind::Libunftp);
}

#[test]
fn port21() {
    check(Kind::Port21);
}
