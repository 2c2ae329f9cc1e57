//! Both ways with other people's servers, plain and with TLS that must be resumed on each data connection.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::place::{Done, PORT21, Seen, at, talk, tree, write};
use crate::servers::{self, Kind, Protection, Server};

/// Names that servers stumble over.
const ODD_NAMES: [&str; 9] = [
    "ünïcode 世.txt",
    "two  spaces",
    "semi;colon=x",
    "quo\"te",
    "-dash",
    "100%",
    "a & b (c)",
    "[set]*",
    ".hidden",
];

struct Meeting {
    server: Server,
    home: TempDir,
    options: Vec<String>,
    user: &'static str,
}

impl Meeting {
    fn new(kind: Kind, protection: Protection) -> Self {
        assert!(kind.has(protection));
        let home = tempfile::tempdir().unwrap();
        let certificate = home.path().join("certificate.pem");
        let options: &[&str] = if protection == Protection::Plain {
            fs::write(&certificate, "").unwrap();
            &["--tls", "off"]
        } else {
            make_certificate(&certificate);
            &["--tls", "require", "--insecure"]
        };
        let server = servers::start(kind, protection, IpAddr::from(Ipv4Addr::LOCALHOST), &certificate);
        // vsftpd knows its system's users only, and guests.
        let user = if kind == Kind::Vsftpd { "" } else { "joe:secret@" };
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self { server, home, options, user }
    }

    fn url(&self) -> String {
        format!("ftp://{}{}/base dir/", self.user, self.server.address)
    }

    fn far(&self) -> PathBuf {
        self.server.home.path().join("root/base dir")
    }

    fn near(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn mirror(&self, from: &str, to: &str, options: &[&str]) -> Done {
        let words = ["mirror", from, to, "--no-netrc", "--timeout", "100", "--json"];
        let kept: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let output = PORT21.run(&[&words, &kept[..], options].concat());
        assert_eq!(output.status.code(), Some(0), "{from} -> {to}: {}", talk(&output));
        Done::of(&output)
    }

    fn send(&self, options: &[&str]) -> Done {
        self.mirror(self.near("here").to_str().unwrap(), &self.url(), options)
    }

    fn fetch(&self, options: &[&str]) -> Done {
        self.mirror(&self.url(), self.near("back").to_str().unwrap(), options)
    }
}

fn make_certificate(path: &Path) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(path, made.signing_key.serialize_pem() + &made.cert.pem()).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// Names and contents, without times and modes, which not every server can keep.
fn contents(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let content = |seen: Option<Seen>| seen.map(|(content, _, _)| content);
    tree(folder).into_iter().map(|(name, seen)| (name, content(seen))).collect()
}

fn there_and_back(kind: Kind, protection: Protection) {
    let meeting = Meeting::new(kind, protection);
    let here = meeting.near("here");
    for (number, name) in ODD_NAMES.iter().enumerate() {
        write(&here, &format!("odd [names] -x/{name}"), name.as_bytes(), at(number as u64));
    }
    for number in 0..30_u64 {
        write(
            &here,
            &format!("many/{}/{number}", number % 5),
            &vec![7; usize::try_from(number).unwrap()],
            at(number),
        );
    }
    write(&here, "large", &[1, 2, 3, 4, 5].repeat(100_000), at(50));
    let count = 9 + 30 + 1;
    let sent = meeting.send(&[]);
    assert_eq!((sent.count("transferred"), sent.count("failed")), (count, 0), "{kind:?}: {}", sent.talk);
    assert_eq!(contents(&here), contents(&meeting.far()), "{kind:?}");
    let again = meeting.send(&[]);
    assert_eq!(
        (again.count("transferred"), again.count("unchanged")),
        (0, count),
        "{kind:?}: {:?}",
        again.lines
    );

    let fetched = meeting.fetch(&[]);
    assert_eq!(
        (fetched.count("transferred"), fetched.count("failed")),
        (count, 0),
        "{kind:?}: {}",
        fetched.talk
    );
    assert_eq!(contents(&here), contents(&meeting.near("back")), "{kind:?}");
    let again = meeting.fetch(&[]);
    assert_eq!(
        (again.count("transferred"), again.count("unchanged")),
        (0, count),
        "{kind:?}: {:?}",
        again.lines
    );

    fs::remove_dir_all(here.join("many")).unwrap();
    fs::remove_file(here.join("odd [names] -x/[set]*")).unwrap();
    write(&here, "large", b"small now", at(60));
    let sent = meeting.send(&["--delete"]);
    assert_eq!(
        (sent.transferred(), sent.count("deleted")),
        (vec!["large".to_owned()], 37),
        "{kind:?}: {:?}",
        sent.lines
    );
    assert_eq!(contents(&here), contents(&meeting.far()), "{kind:?}");
    let fetched = meeting.fetch(&["--delete"]);
    assert_eq!((fetched.transferred(), fetched.count("deleted")), (vec!["large".to_owned()], 37), "{kind:?}");
    assert_eq!(contents(&here), contents(&meeting.near("back")), "{kind:?}");
    port21_testkit::note(&format!("mirror there and back with {} {protection:?}: ok", kind.name()));
}

#[test]
fn pure_ftpd() {
    there_and_back(Kind::PureFtpd, Protection::Plain);
}

#[test]
fn pyftpdlib() {
    there_and_back(Kind::Pyftpdlib, Protection::Plain);
}

#[test]
fn vsftpd() {
    there_and_back(Kind::Vsftpd, Protection::Plain);
    there_and_back(Kind::Vsftpd, Protection::Explicit);
}

#[test]
fn proftpd() {
    there_and_back(Kind::Proftpd, Protection::Plain);
    there_and_back(Kind::Proftpd, Protection::Explicit);
}
