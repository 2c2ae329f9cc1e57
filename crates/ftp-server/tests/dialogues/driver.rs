//! A driver without sockets: shows actions as text, makes events of text, and knows answers of its own.

use std::sync::Arc;
use std::time::Duration;

use ftp_server::account::{Login, Permissions, Rates, Refusal, Right};
use ftp_server::listing::time;
use ftp_server::session::{
    Action, Answered, Connection, Content, Event, Operation, TransferError, Transferred,
};
use ftp_server::store::{Kind, Metadata, StoreError, VirtualPath};

use super::store::NoStore;

/// Events of every kind, for what comes in any order.
pub const EVENTS: [&str; 31] = [
    "TlsStarted",
    "TlsFailed",
    "Closed",
    "Stopping 5",
    "Authenticated",
    "Refused BadCredentials",
    "Refused Banned",
    "Done",
    "File size=5",
    "Directory",
    "Failed NotFound",
    "Failed Busy",
    "Failed NoSpace",
    "Size 5",
    "Space none",
    "Lines a",
    "CutLines",
    "Hash 00 0 5",
    "Listening 127.0.0.1:5",
    "Listening [2001:db8::1]:5",
    "Listening none",
    "Prepared 0",
    "Prepared 1 size=5 path=/a",
    "Ended 0 bytes=5",
    "Ended 1 bytes=5",
    "Ended 2 bytes=5",
    "Broken 0 Stalled",
    "Broken 1 NoSpace",
    "Broken 2 NotFound",
    "Progress 0 bytes=3",
    "Progress 1 bytes=3",
];

/// An action in one line.
pub fn describe(action: &Action) -> String {
    match action {
        Action::Send(bytes) => format!("Send {}", String::from_utf8_lossy(bytes)),
        Action::Authenticate(attempt) => {
            let user = String::from_utf8_lossy(&attempt.user);
            let host = attempt.host.as_deref().map(String::from_utf8_lossy).map(|host| format!(" at {host}"));
            let protected = if attempt.protected { " protected" } else { "" };
            let password = String::from_utf8_lossy(&attempt.password.0);
            format!("Authenticate {user} {password}{}{protected}", host.unwrap_or_default())
        }
        Action::Operate(operation) => format!("Operate {}", describe_operation(operation)),
        Action::Listen { ipv6 } => format!("Listen {}", if *ipv6 { "ipv6" } else { "ipv4" }),
        Action::Transfer(transfer) => {
            let mut text = format!("Transfer {}", transfer.id);
            match transfer.connection {
                Connection::Passive => text.push_str(" passive"),
                Connection::Active(to) => text.push_str(&format!(" active {to}")),
            }
            text.push_str(if transfer.protected { " protected" } else { "" });
            text.push_str(if transfer.form.ascii { " ascii" } else { "" });
            if let Some(level) = transfer.form.deflate {
                text.push_str(&format!(" deflate {level}"));
            }
            format!("{text} {}", describe_content(&transfer.content))
        }
        other => format!("{other:?}").replace(['(', ')'], " ").trim_end().to_owned(),
    }
}

fn show(path: &VirtualPath) -> String {
    String::from_utf8_lossy(path.as_bytes()).into_owned()
}

fn describe_content(content: &Content) -> String {
    match content {
        Content::Retrieve { path, offset, end } => {
            let end = end.map(|end| format!(" to {end}")).unwrap_or_default();
            format!("Retrieve {} from {offset}{end}", show(path))
        }
        Content::Store { path, disposition, announced } => {
            let announced = announced.map(|bytes| format!(" announced {bytes}")).unwrap_or_default();
            format!("Store {} {disposition:?}{announced}", show(path))
        }
        Content::List { path, pattern, format } => {
            let pattern = pattern.as_deref().map(|pattern| format!(" {}", String::from_utf8_lossy(pattern)));
            let format = match format {
                ftp_server::session::ListFormat::Names { all, prefix } => {
                    format!("Names all={all} prefix={}", String::from_utf8_lossy(prefix))
                }
                other => format!("{other:?}"),
            };
            format!("List {}{} {format}", show(path), pattern.unwrap_or_default())
        }
    }
}

fn describe_operation(operation: &Operation) -> String {
    match operation {
        Operation::Inspect(path) => format!("Inspect {}", show(path)),
        Operation::List { path, pattern, format } => describe_content(&Content::List {
            path: path.clone(),
            pattern: pattern.clone(),
            format: format.clone(),
        }),
        Operation::AsciiSize(path) => format!("AsciiSize {}", show(path)),
        Operation::MakeDirectory(path) => format!("MakeDirectory {}", show(path)),
        Operation::RemoveDirectory(path) => format!("RemoveDirectory {}", show(path)),
        Operation::RemoveFile(path) => format!("RemoveFile {}", show(path)),
        Operation::Rename { from, to } => format!("Rename {} {}", show(from), show(to)),
        Operation::SetMode(path, mode) => format!("SetMode {} {mode:o}", show(path)),
        Operation::SetModified(path, at) => {
            format!("SetModified {} {}", show(path), time::write(*at).unwrap())
        }
        Operation::Space(path) => format!("Space {}", show(path)),
        Operation::Hash { path, algorithm, start, end } => {
            format!(
                "Hash {} {algorithm:?} {start} {}",
                show(path),
                end.map_or("end".into(), |end| end.to_string())
            )
        }
        Operation::Combine { target, sources } => {
            format!("Combine {} {}", show(target), sources.iter().map(show).collect::<Vec<_>>().join(" "))
        }
    }
}

fn rights_named(names: &str) -> Right {
    names.split(',').fold(Right::NONE, |rights, name| {
        rights
            | match name {
                "none" => Right::NONE,
                "list" => Right::LIST,
                "read" => Right::READ,
                "write" => Right::WRITE,
                "delete" => Right::DELETE,
                "rename" => Right::RENAME,
                "chmod" => Right::CHMOD,
                "mkdir" => Right::MKDIR,
                "all" => Right::ALL,
                _ => panic!("there is no right {name}"),
            }
    })
}

/// The value of `name=value` among words.
fn value<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn path(text: &str) -> VirtualPath {
    VirtualPath::root().join(text.as_bytes()).unwrap()
}

pub fn login(words: &[&str]) -> Login {
    let rights = value(words, "rights").map_or(Right::ALL, rights_named);
    let mut permissions = Permissions::everywhere(rights);
    if let Some(closed) = value(words, "closed") {
        permissions = permissions.beneath(path(closed), Right::NONE);
    }
    Login {
        name: value(words, "name").unwrap_or("joe").to_owned(),
        guest: words.contains(&"guest"),
        store: Arc::new(NoStore),
        home: path(value(words, "home").unwrap_or("/")),
        permissions,
        rates: Rates::default(),
        maximum_sessions: None,
        may_use_other_hosts: words.contains(&"other-hosts"),
        welcome: value(words, "welcome").map(str::to_owned).into_iter().collect(),
    }
}

fn metadata(kind: Kind, words: &[&str]) -> Metadata {
    Metadata {
        kind,
        size: value(words, "size").map_or(0, |size| size.parse().unwrap()),
        modified: value(words, "modified").map(|text| time::read(text.as_bytes()).unwrap()),
        created: None,
        mode: value(words, "mode").map(|mode| u32::from_str_radix(mode, 8).unwrap()),
        owner: None,
        group: None,
        links: None,
        unique: None,
        target: None,
    }
}

fn store_error(name: &str) -> StoreError {
    match name {
        "NotFound" => StoreError::NotFound,
        "NotPermitted" => StoreError::NotPermitted,
        "Exists" => StoreError::Exists,
        "NotADirectory" => StoreError::NotADirectory,
        "IsADirectory" => StoreError::IsADirectory,
        "NotRegular" => StoreError::NotRegular,
        "NotEmpty" => StoreError::NotEmpty,
        "BadName" => StoreError::BadName("it is reserved"),
        "BehindEnd" => StoreError::BehindEnd { offset: 9, length: 5 },
        "NoSpace" => StoreError::NoSpace,
        "QuotaExceeded" => StoreError::QuotaExceeded,
        "Busy" => StoreError::Busy,
        "Unsupported" => StoreError::Unsupported,
        "Io" => StoreError::Io(std::io::Error::other("disk")),
        _ => panic!("there is no store error {name}"),
    }
}

fn transfer_error(name: &str) -> TransferError {
    match name {
        "NotOpened" => TransferError::NotOpened,
        "NotThePeer" => TransferError::NotThePeer,
        "TlsFailed" => TransferError::TlsFailed,
        "TlsNotResumed" => TransferError::TlsNotResumed,
        "Truncated" => TransferError::Truncated,
        "Broken" => TransferError::Broken,
        "BadCompression" => TransferError::BadCompression,
        "Stalled" => TransferError::Stalled,
        "Aborted" => TransferError::Aborted,
        other => TransferError::Store(store_error(other)),
    }
}

fn refusal(name: &str) -> Refusal {
    match name {
        "BadCredentials" => Refusal::BadCredentials,
        "NotAllowed" => Refusal::NotAllowed,
        "Banned" => Refusal::Banned,
        "TooManySessions" => Refusal::TooManySessions,
        "TlsRequired" => Refusal::TlsRequired,
        "Unavailable" => Refusal::Unavailable,
        _ => panic!("there is no refusal {name}"),
    }
}

/// The event that a line tells of.
pub fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let (name, rest) = words.split_first().unwrap();
    let id = || rest[0].parse().unwrap();
    let number = |name: &str| value(rest, name).map_or(0, |number| number.parse().unwrap());
    match *name {
        "TlsStarted" => Event::TlsStarted,
        "TlsFailed" => Event::TlsFailed,
        "Closed" => Event::Closed,
        "Stopping" => Event::Stopping(Duration::from_secs(id())),
        "Authenticated" => Event::Authenticated(Ok(login(rest))),
        "Refused" => Event::Authenticated(Err(refusal(rest[0]))),
        "Done" => Event::Done(Ok(Answered::Done)),
        "File" => Event::Done(Ok(Answered::Metadata(metadata(Kind::File, rest)))),
        "Directory" => Event::Done(Ok(Answered::Metadata(metadata(Kind::Directory, rest)))),
        "Failed" => Event::Done(Err(store_error(rest[0]))),
        "Size" => Event::Done(Ok(Answered::Size(id()))),
        "Space" => Event::Done(Ok(Answered::Space(rest[0].parse().ok()))),
        "Lines" => {
            let lines = rest.iter().map(|line| line.replace('_', " ").into_bytes()).collect();
            Event::Done(Ok(Answered::Lines { lines, cut: false }))
        }
        "CutLines" => Event::Done(Ok(Answered::Lines { lines: vec![b"a".to_vec()], cut: true })),
        "Hash" => Event::Done(Ok(Answered::Hash {
            digest: rest[0].to_owned(),
            start: rest[1].parse().unwrap(),
            end: rest[2].parse().unwrap(),
        })),
        "Listening" => Event::Listening(rest[0].parse().ok()),
        "Prepared" => Event::TransferPrepared {
            id: id(),
            metadata: value(rest, "size").map(|_| metadata(Kind::File, rest)),
            path: value(rest, "path").map(path),
        },
        "Progress" => Event::TransferProgress { id: id(), bytes: number("bytes") },
        "Ended" => Event::TransferEnded {
            id: id(),
            result: Ok(Transferred { bytes: number("bytes"), duration: Duration::from_secs(1) }),
        },
        "Broken" => Event::TransferEnded { id: id(), result: Err(transfer_error(rest[1])) },
        _ => panic!("there is no event {name}"),
    }
}

/// Answers to everything that was asked and not answered, as a driver that is in no trouble gives them.
pub fn answers(action: &Action) -> Vec<Event> {
    match action {
        Action::StartTls => vec![Event::TlsStarted],
        Action::Authenticate(_) => vec![Event::Authenticated(Ok(login(&[])))],
        Action::Listen { .. } => vec![Event::Listening("127.0.0.1:5000".parse().ok())],
        Action::Operate(operation) => vec![Event::Done(Ok(answer(operation)))],
        Action::Transfer(transfer) => vec![
            Event::TransferPrepared { id: transfer.id, metadata: None, path: None },
            Event::TransferEnded {
                id: transfer.id,
                result: Ok(Transferred { bytes: 5, duration: Duration::ZERO }),
            },
        ],
        Action::AbortTransfer(id) => {
            vec![Event::TransferEnded { id: *id, result: Err(TransferError::Aborted) }]
        }
        Action::Send(_) | Action::StopTls | Action::Close(_) | Action::LogOut | Action::StopListening => {
            Vec::new()
        }
    }
}

fn answer(operation: &Operation) -> Answered {
    match operation {
        Operation::Inspect(_) => Answered::Metadata(metadata(Kind::Directory, &[])),
        Operation::List { .. } => Answered::Lines { lines: vec![b"line".to_vec()], cut: false },
        Operation::AsciiSize(_) => Answered::Size(5),
        Operation::Space(_) => Answered::Space(Some(5)),
        Operation::Hash { start, end, .. } => {
            Answered::Hash { digest: "00".into(), start: *start, end: end.unwrap_or(5) }
        }
        _ => Answered::Done,
    }
}
