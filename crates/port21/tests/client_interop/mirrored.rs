//! `port21 mirror`, as a user runs it: a folder to the server, back from it, and away again.

use std::collections::BTreeMap;
use std::path::Path;

use ftp_client::session::{DataMode, Security};
use ftp_client::{Connector, TlsVersions};
use port21_testkit::Program;
use serde_json::Value;

use crate::scenario::MOST_SESSIONS;
use crate::servers::{Ability, Kind};

const PORT21: Program = Program::new(env!("CARGO_BIN_EXE_port21"));

/// Files of the folder, with their sizes in bytes.
const FILES: [(&str, usize); 5] =
    [("a.txt", 10), ("empty", 0), ("sub/b.bin", 100_000), ("sub/deep/two  spaces", 3), ("sub/-dash", 1)];

/// Makes `directory` on the server like a folder here, another folder here like that, and removes all of it but `directory` itself.
pub fn there_and_back(
    connector: &Connector,
    kind: Kind,
    certificate: &Path,
    directory: &str,
) -> Result<(), String> {
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let folder = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let (here, back, void) = (folder("here"), folder("back"), folder("void"));
    plant(Path::new(&here)).and_then(|()| std::fs::create_dir(&void)).map_err(|error| error.to_string())?;
    let url = url(connector, kind, directory);
    let mut options = options(connector, certificate);
    if connector.data == DataMode::Active && !kind.can(Ability::ActiveInParallel) {
        options.push("--parallel=1".to_owned());
    }
    let mirror = |what: &str, from: &str, to: &str, expected: [usize; 3]| {
        let delete: &[&str] = if from == void { &["--delete"] } else { &[] };
        let words = ["mirror", from, to, "--json", "--no-netrc", "--timeout", "20"];
        let kept: Vec<&str> = options.iter().map(String::as_str).collect();
        let words = [&words, &kept[..], delete].concat();
        let mut output = PORT21.run(&words);
        // The program does not try to connect again where it had no session; its user does.
        for _ in 1..MOST_SESSIONS {
            if kind.can(Ability::TlsInOrder) || output.status.code() != Some(3) {
                break;
            }
            output = PORT21.run(&words);
        }
        let talk = String::from_utf8_lossy(&output.stderr);
        let done: Value = std::str::from_utf8(&output.stdout)
            .ok()
            .and_then(|text| serde_json::from_str(text.lines().last()?).ok())
            .ok_or_else(|| format!("mirror {what}: {talk}"))?;
        let count = |of: &str| done["summary"][of].as_u64().and_then(|count| usize::try_from(count).ok());
        let found = ["transferred", "unchanged", "deleted"].map(count);
        if output.status.success() && found == expected.map(Some) {
            return Ok(());
        }
        Err(format!("mirror {what}: {done}, and not {expected:?}; it says: {talk}"))
    };
    mirror("to the server", &here, &url, [FILES.len(), 0, 0])?;
    mirror("to the server again", &here, &url, [0, FILES.len(), 0])?;
    mirror("from the server", &url, &back, [FILES.len(), 0, 0])?;
    let (sent, fetched) = (contents(Path::new(&here)), contents(Path::new(&back)));
    if sent != fetched {
        return Err(format!("mirror: {:?} came back of {:?}", fetched.keys(), sent.keys()));
    }
    // Two folders are deleted as well.
    mirror("of nothing", &void, &url, [0, 0, FILES.len() + 2])
}

fn plant(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("sub/deep"))?;
    FILES
        .iter()
        .try_for_each(|&(name, size)| std::fs::write(folder.join(name), port21_testkit::pattern(7, size)))
}

/// The files of a folder, but for those that the program keeps for itself.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(here) = waiting.pop() {
        for entry in std::fs::read_dir(&here).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if !name.starts_with(".port21-mirror") {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn url(connector: &Connector, kind: Kind, directory: &str) -> String {
    let scheme = if connector.security == Security::Implicit { "ftps" } else { "ftp" };
    let user = if kind == Kind::Vsftpd { "" } else { "joe:secret@" };
    let host =
        if connector.host.contains(':') { format!("[{}]", connector.host) } else { connector.host.clone() };
    format!("{scheme}://{user}{host}:{}/{directory}/", connector.port.unwrap_or(21))
}

/// What makes the program connect as `connector` does.
fn options(connector: &Connector, certificate: &Path) -> Vec<String> {
    let mut options = Vec::new();
    match connector.security {
        Security::Off => options.extend(["--tls", "off"]),
        Security::Implicit => {}
        Security::Prefer | Security::Require => options.extend(["--tls", "require"]),
    }
    let certificate = certificate.to_string_lossy();
    if connector.security != Security::Off {
        options.extend(["--trust", &certificate]);
    }
    if connector.tls_versions == TlsVersions::Only12 {
        options.extend(["--tls-version", "1.2"]);
    }
    options.extend((connector.data == DataMode::Active).then_some("--active"));
    options.extend(connector.without_extended.then_some("--no-extended"));
    options.into_iter().map(str::to_owned).collect()
}
