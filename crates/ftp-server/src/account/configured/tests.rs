//! Who is let in, and with what.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;
use crate::account::password::Cost;
use crate::account::{Right, Secret};
use crate::store::VirtualPath;

const CHEAP: Cost = Cost { memory: 64, passes: 1 };

struct World {
    folder: tempfile::TempDir,
    accounts: ConfiguredAccounts,
}

fn hash(password: &str) -> String {
    PasswordHash::new(password.as_bytes(), CHEAP).unwrap().as_str().to_owned()
}

/// An accounts file in which `HOME` stands for a folder and `HASH` for the hash of `secret`.
fn text(folder: &std::path::Path, file: &str) -> String {
    file.replace("HOME", folder.to_str().unwrap()).replace("HASH", &hash("secret"))
}

/// The first second of 2026, by UTC.
fn new_year() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn world(file: &str) -> World {
    world_with_guest(file, None)
}

fn world_with_guest(file: &str, guest: Option<Account>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.toml");
    fs::write(&path, text(folder.path(), file)).unwrap();
    let sources = Sources {
        file: Some(path),
        accounts: BTreeMap::new(),
        guest,
        store: LocalOptions { umask: 0o027, ..LocalOptions::default() },
        clock: new_year,
        report: Box::new(|_| {}),
    };
    World { accounts: ConfiguredAccounts::load(sources).unwrap(), folder }
}

fn attempt(user: &str, password: &str) -> Attempt {
    Attempt {
        user: user.as_bytes().to_vec(),
        password: Secret(password.as_bytes().to_vec()),
        host: None,
        peer: IpAddr::from([192, 0, 2, 1]),
        protected: false,
    }
}

impl World {
    fn log_in(&self, user: &str, password: &str) -> Result<Login, Refusal> {
        self.accounts.authenticate(&attempt(user, password))
    }

    fn refusal(&self, user: &str, password: &str) -> Refusal {
        self.log_in(user, password).err().unwrap()
    }
}

const ANNA: &str = "[anna]\npassword = 'HASH'\nhome = 'HOME'\n";

#[test]
fn an_account_needs_its_own_password() {
    let world = world(&format!("{ANNA}[berta]\npassword = '{}'\nhome = 'HOME'\n", hash("other")));
    assert_eq!(world.log_in("anna", "secret").unwrap().name, "anna");
    for (user, password) in [
        ("anna", "other"),
        ("anna", ""),
        ("anna", "HASH"),
        ("berta", "secret"),
        ("Anna", "secret"),
        ("nobody", "secret"),
        ("", ""),
        ("anonymous", "secret"),
    ] {
        assert_eq!(world.refusal(user, password), Refusal::BadCredentials, "{user}");
    }
}

#[test]
fn an_account_is_what_its_table_says() {
    let world = world(
        "[anna]\npassword = 'HASH'\nhome = 'HOME/anna'\ncreate-home = true\nstart = '/in'\npermissions = ['list', 'write']\n\
         quota-bytes = '1 KiB'\nquota-files = 5\ndownload-rate = 1000\nupload-rate = '2K'\nmaximum-sessions = 3\n\
         server-to-server = true\nwelcome = ['Hello.']\n[anna.beneath]\n'/in/pub' = 'read-only'\n'/in/all' = 'all'\n",
    );
    let login = world.log_in("anna", "secret").unwrap();
    let path = |text: &str| VirtualPath::root().join(text.as_bytes()).unwrap();
    assert_eq!(login.home, path("/in"));
    assert_eq!(login.permissions.at(&path("/x")), Right::LIST | Right::WRITE);
    assert_eq!(login.permissions.at(&path("/in/pub/x")), Right::READ_ONLY);
    assert_eq!(login.permissions.at(&path("/in/all")), Right::ALL);
    assert_eq!((login.rates.download, login.rates.upload), (Some(1000), Some(2048)));
    assert_eq!((login.maximum_sessions, login.may_use_other_hosts), (Some(3), true));
    assert_eq!(login.welcome, ["Hello."]);
    assert_eq!(login.store.space(&VirtualPath::root()).unwrap().unwrap().available, 1024);
    let home = fs::metadata(world.folder.path().join("anna")).unwrap();
    assert_eq!(home.permissions().mode() & 0o7777, 0o750, "as of every new directory");
}

#[test]
fn sessions_of_accounts_with_one_home_share_what_is_used() {
    let world = world(
        "[anna]\npassword = 'HASH'\nhome = 'HOME/x'\ncreate-home = true\nquota-bytes = 100\n\
         [berta]\npassword = 'HASH'\nhome = 'HOME/x'\nquota-bytes = 100\n",
    );
    let stores = ["anna", "berta", "anna"].map(|name| world.log_in(name, "secret").unwrap().store);
    for (number, store) in stores.iter().enumerate() {
        let path = VirtualPath::root().join(number.to_string().as_bytes()).unwrap();
        let mut upload = store.write(&path, crate::store::Disposition::Replace).unwrap();
        assert_eq!(upload.write(&[0; 40]).is_ok(), number < 2);
        let _ = if number < 2 { upload.finish().map(Some) } else { upload.abandon() };
    }
}

#[test]
fn a_home_that_is_put_in_the_place_of_another_is_the_accounts_next() {
    let world = world("[anna]\npassword = 'HASH'\nhome = 'HOME/x'\n");
    let (home, old) = (world.folder.path().join("x"), world.folder.path().join("old"));
    let reads = |name: &str, store: &dyn crate::store::Store| {
        store.metadata(&VirtualPath::root().join(name.as_bytes()).unwrap()).is_ok()
    };
    assert_eq!(world.accounts.homeless(), [("anna".to_owned(), home.clone())]);
    fs::create_dir(&home).unwrap();
    fs::write(home.join("before"), "").unwrap();
    assert_eq!(world.accounts.homeless(), []);
    let earlier = world.log_in("anna", "secret").unwrap().store;
    // As an administrator does who puts a backup back.
    fs::rename(&home, &old).unwrap();
    assert_eq!(world.refusal("anna", "secret"), Refusal::Unavailable);
    fs::create_dir(&home).unwrap();
    fs::write(home.join("behind"), "").unwrap();
    let later = world.log_in("anna", "secret").unwrap().store;
    assert!(reads("behind", later.as_ref()) && !reads("before", later.as_ref()));
    assert!(reads("before", earlier.as_ref()), "a session under way stays where it is");
}

#[test]
fn a_right_password_does_not_open_an_account_that_may_not_be_used() {
    for (line, refusal) in [
        ("locked = true", Some(Refusal::NotAllowed)),
        ("expires = 2025-12-31", Some(Refusal::NotAllowed)),
        ("expires = 2026-01-01", None),
        ("expires = 2025-12-31T23:59:59Z", Some(Refusal::NotAllowed)),
        ("expires = 2026-01-01T01:00:00+01:00", Some(Refusal::NotAllowed)),
        ("expires = 2026-01-01T00:00:01", None),
        ("networks = ['10.0.0.0/8']", Some(Refusal::NotAllowed)),
        ("networks = ['10.0.0.0/8', '192.0.2.0/24']", None),
        ("require-tls = true", Some(Refusal::TlsRequired)),
        ("require-tls = false", None),
    ] {
        let world = world(&format!("{ANNA}{line}\n"));
        assert_eq!(world.log_in("anna", "secret").err(), refusal, "{line}");
        assert_eq!(world.refusal("anna", "wrong"), Refusal::BadCredentials, "{line}");
    }
    let world = world(&format!("{ANNA}require-tls = true\n"));
    let protected = Attempt { protected: true, ..attempt("anna", "secret") };
    assert!(world.accounts.authenticate(&protected).is_ok());
}

#[test]
fn an_account_without_a_password_or_home_is_nobodys() {
    let world = world("[anna]\nhome = 'HOME'\n[berta]\nhome = 'HOME/missing'\npassword = 'HASH'\n");
    assert_eq!(world.refusal("anna", ""), Refusal::BadCredentials);
    assert_eq!(world.refusal("anna", "secret"), Refusal::BadCredentials);
    assert_eq!(world.refusal("berta", "secret"), Refusal::Unavailable);
}

#[test]
fn guests_come_with_any_password_if_they_are_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let world = world_with_guest(ANNA, Some(Account::new(folder.path().to_path_buf())));
    for user in ["anonymous", "ftp", "Anonymous", "FTP"] {
        let login = world.log_in(user, "someone@example.org").unwrap();
        assert_eq!((login.name.as_str(), login.guest), ("anonymous", true));
        assert_eq!(login.permissions.at(&VirtualPath::root()), Right::READ_ONLY);
    }
    assert!(!world.log_in("anna", "secret").unwrap().guest);
    assert_eq!(world.refusal("guest", "x"), Refusal::BadCredentials);
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_says_where() {
    let world = world(ANNA);
    let path = world.folder.path().join("accounts.toml");
    for (file, line, words) in [
        ("[anna]\nhome = '/srv'\nhash = 'x'\n", 3, "`hash` is no key here"),
        ("[anna]\n\npassword = 'secret'\nhome = '/srv'", 3, "no hash of a password"),
        ("\n[anna]\npassword = 'HASH'\n", 2, "missing field `home`"),
        ("[anna]\nhome = 'srv'\n", 1, "absolute"),
        ("[anna]\nhome = '/srv'\npermissions = ['list', 'fly']\n", 3, "\"fly\" is no right"),
        ("[anna]\nhome = '/srv'\nquota-bytes = '1 parsec'\n", 3, "no number of bytes"),
        ("[anna]\nhome = '/srv'\nnetworks = ['10.0.0.0/99']\n", 3, "neither an address nor a network"),
        ("[anna]\nhome = '/srv'\nexpires = 'soon'\n", 3, "soon"),
        ("[anna]\nhome = '/srv'\n[anna.beneath]\nin = 'all'\n", 1, "begin with /"),
        ("[anna\n", 1, ""),
        ("[anna]\nhome = '/a'\n[anna]\nhome = '/b'\n", 3, "duplicate"),
        ("['an\\na']\nhome = '/a'\n[\"an\\na\"]\nhome = '/a'\n", 3, "cannot send"),
    ] {
        fs::write(&path, text(world.folder.path(), file)).unwrap();
        let error = world.accounts.reload().unwrap_err().to_string();
        assert!(error.contains(&format!("accounts.toml:{line}: ")), "{error} for {file}");
        assert!(error.contains(words), "{error} for {file}");
        assert!(world.log_in("anna", "secret").is_ok(), "{file}");
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(world.accounts.reload(), Err(AccountsError::Unreadable { .. })));
    fs::write(&path, text(world.folder.path(), &ANNA.replace("anna", "berta"))).unwrap();
    assert_eq!(world.accounts.reload().unwrap(), 1);
    assert_eq!(world.refusal("anna", "secret"), Refusal::BadCredentials);
    assert!(world.log_in("berta", "secret").is_ok());
}

#[test]
fn the_log_is_told_why_an_account_cannot_be_used() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let account = Account { password: hash("secret").parse().ok(), ..Account::new("/missing/home".into()) };
    let sources = Sources {
        file: None,
        accounts: BTreeMap::from([("anna".to_owned(), account)]),
        guest: None,
        store: LocalOptions::default(),
        clock: new_year,
        report: Box::new(|words| TOLD.lock().unwrap().push(words.to_owned())),
    };
    let accounts = ConfiguredAccounts::load(sources).unwrap();
    assert_eq!(accounts.authenticate(&attempt("anna", "secret")).err(), Some(Refusal::Unavailable));
    let told = TOLD.lock().unwrap();
    assert!(told[0].contains("/missing/home") && told[0].contains("anna"), "{told:?}");
}

/// The median of the times in microseconds that logins as `user` take.
fn median(world: &World, users: impl Iterator<Item = String>) -> f64 {
    let mut times: Vec<f64> = users
        .map(|user| {
            let start = Instant::now();
            assert!(world.log_in(&user, "wrong").is_err());
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

#[test]
fn a_stranger_takes_as_long_as_a_wrong_password() {
    let world = world(&format!("{ANNA}[berta]\nhome = 'HOME'\n"));
    let rounds = 0..200;
    // By turns, so that a busy machine slows all of them.
    let mut ratios = Vec::new();
    for _ in 0..5 {
        let known = median(&world, rounds.clone().map(|_| "anna".to_owned()));
        let without_password = median(&world, rounds.clone().map(|_| "berta".to_owned()));
        let unknown = median(&world, rounds.clone().map(|number| format!("nobody{number}")));
        ratios.push(unknown / known);
        ratios.push(without_password / known);
    }
    ratios.sort_by(f64::total_cmp);
    let middle = ratios[ratios.len() / 2];
    assert!((0.8..1.25).contains(&middle), "{ratios:?}");
}
