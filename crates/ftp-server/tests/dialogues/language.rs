//! The language of the dialogues: one step a line.
//!
//! ```text
//! == name_of_the_behaviour
//! # A remark.
//! @ require_tls                    the policy, the account or the connection, before the first step
//! @ login rights=list,read        begins behind a login
//! C: USER joe                      the client sends a line; {a*5000} is 5000 times a, \xff a byte
//! C> USER j                        the client sends bytes
//! S: 331 *password*                the server's reply; * is any text, \n parts lines
//! A: Transfer 0 passive*           the server asks its driver
//! E: Ended 0 bytes=5               the driver answers
//! T: +30s                          time passes
//! ```
//!
//! All that the server says and asks between two steps of the others stands there, in its order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ftp_server::session::{Ends, Policy};

/// A dialogue, read from its file.
pub struct Dialogue {
    pub name: String,
    pub policy: Policy,
    pub ends: Ends,
    /// What the login is, if the dialogue begins behind one.
    pub login: Option<String>,
    pub steps: Vec<Step>,
}

/// A step, with the line where it stands.
#[derive(Debug, Clone)]
pub struct Step {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// Bytes of the client, and the verbs of the lines that they end.
    Client(Vec<u8>),
    /// A pattern of a reply.
    Server(String),
    /// A pattern of an action.
    Action(String),
    /// An event of the driver.
    Event(String),
    /// Time passes.
    Time(Duration),
}

/// The dialogues of a file, which begin with `== title`: title, number of the line behind it, text.
pub fn parts(text: &str) -> Vec<(&str, usize, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(at) = rest.find("== ") {
        line += rest[..at].matches('\n').count();
        let (title, behind) = rest[at + 3..].split_once('\n').expect("a line behind the title");
        let end = behind.find("\n== ").map_or(behind.len(), |end| end + 1);
        parts.push((title, line + 1, &behind[..end]));
        line += 1 + behind[..end].matches('\n').count();
        rest = &behind[end..];
    }
    parts
}

impl Dialogue {
    /// Reads one; `first` is the number of its first line in its file.
    pub fn read(name: &str, first: usize, text: &str) -> Self {
        let mut dialogue = Self {
            name: name.to_owned(),
            policy: Policy { greeting: vec!["ready".into()], ..Policy::default() },
            ends: Ends {
                local: "127.0.0.1:21".parse().unwrap(),
                peer: "127.0.0.1:40000".parse().unwrap(),
                implicit_tls: false,
            },
            login: None,
            steps: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            let number = first + at;
            let kind = match line.split_at_checked(2) {
                None if line.is_empty() => continue,
                Some(("# ", _)) => continue,
                Some(("@ ", setting)) => {
                    dialogue.set(setting);
                    continue;
                }
                Some(("C:", rest)) => Kind::Client(
                    [unescape(rest.strip_prefix(' ').unwrap_or(rest)).as_slice(), b"\r\n"].concat(),
                ),
                Some(("C>", rest)) => Kind::Client(unescape(rest.strip_prefix(' ').unwrap_or(rest))),
                Some(("S:", rest)) => {
                    Kind::Server(String::from_utf8_lossy(&unescape(rest.trim_start())).into_owned())
                }
                Some(("A:", rest)) => Kind::Action(rest.trim().to_owned()),
                Some(("E:", rest)) => Kind::Event(rest.trim().to_owned()),
                Some(("T:", rest)) => Kind::Time(duration(rest.trim())),
                _ => panic!("{name}:{number}: this is no step: {line}"),
            };
            dialogue.steps.push(Step { line: number, kind });
        }
        dialogue
    }

    pub fn shared_policy(&self) -> Arc<Policy> {
        Arc::new(self.policy.clone())
    }

    fn set(&mut self, setting: &str) {
        let (name, value) = setting.split_once(' ').unwrap_or((setting, ""));
        let policy = &mut self.policy;
        match name {
            "offer_tls" => policy.offer_tls = true,
            "require_tls" => (policy.offer_tls, policy.require_tls) = (true, true),
            "require_protected_data" => (policy.offer_tls, policy.require_protected_data) = (true, true),
            "allow_clear_command_channel" => policy.allow_clear_command_channel = true,
            "host" => policy.hosts.push(value.to_owned()),
            "no_passive" => policy.offer_passive = false,
            "no_active" => policy.offer_active = false,
            "no_deflate" => policy.offer_deflate = false,
            "no_hashes" => policy.offer_hashes = false,
            "no_combine" => policy.offer_combine = false,
            "use_default_data_port" => policy.use_default_data_port = true,
            "longest_hashed" => policy.longest_hashed = value.parse().unwrap(),
            "unused_ports" => policy.unused_ports = value.parse().unwrap(),
            "longest_ascii_size" => policy.longest_ascii_size = value.parse().unwrap(),
            "greeting" => policy.greeting = value.split('|').map(str::to_owned).collect(),
            "peer" => self.ends.peer = value.parse::<SocketAddr>().unwrap(),
            "local" => self.ends.local = value.parse::<SocketAddr>().unwrap(),
            "implicit" => self.ends.implicit_tls = true,
            "login" => self.login = Some(format!("Authenticated {value}")),
            _ => panic!("{}: there is no setting {name}", self.name),
        }
    }
}

fn duration(text: &str) -> Duration {
    let number = text.strip_prefix('+').expect("a time begins with +");
    match (number.strip_suffix("ms"), number.strip_suffix('s')) {
        (Some(number), _) => Duration::from_millis(number.parse().unwrap()),
        (None, Some(number)) => Duration::from_secs(number.parse().unwrap()),
        _ => panic!("a time ends with s or ms"),
    }
}

/// `\n`, `\r`, `\0`, `\\`, `\xff` and `{a*5000}`.
fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'\\' => {
                let (&letter, tail) = rest.split_first().expect("a letter behind the backslash");
                rest = tail;
                bytes.push(match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b'0' => 0,
                    b'x' => {
                        let (digits, tail) = rest.split_at(2);
                        rest = tail;
                        u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
                    }
                    other => other,
                });
            }
            b'{' => {
                let end = rest.iter().position(|&byte| byte == b'}').expect("a closing brace");
                let (inside, tail) = rest.split_at(end);
                rest = &tail[1..];
                let (piece, count) = std::str::from_utf8(inside).unwrap().rsplit_once('*').unwrap();
                bytes.extend(piece.repeat(count.parse().unwrap()).bytes());
            }
            other => bytes.push(other),
        }
    }
    bytes
}

/// Whether a text fits a pattern in which `*` is any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}
