//! A session with a server, as its user sees it.

use std::time::SystemTime;

use ftp_protocol::listing::{self, Hint};
use ftp_protocol::path::parse_quoted;
use ftp_protocol::{Command, Reply, Verb};

use crate::attributes::Setter;
use crate::checksum::Algorithm;
use crate::driver::Driver;
use crate::entry::Entry;
use crate::error::{Asked, Error, Said};
use crate::features::Features;
use crate::note::Note;
use crate::session::{Answer, Expect, Request, Step};
use crate::time;

/// A session with a server that is logged in; made by [`Connector::connect`](crate::Connector::connect).
///
/// Paths are bytes as the server takes them; those that do not begin with `/` are relative to the working directory. A future of a
/// method may be dropped at any time: what was under way is ended, with ABOR if need be, before the next request is sent.
#[derive(Debug)]
pub struct Client {
    pub(crate) driver: Driver,
    /// Commands that the server has refused as unknown, so that they are not tried with every file.
    lacking: Vec<Verb>,
    /// Ways to set a file's time or mode that the server does not have.
    pub(crate) cannot_set: Vec<Setter>,
    /// Those that have worked.
    pub(crate) can_set: Vec<Setter>,
    /// Whether `LIST -a` shows hidden files, once it was tried.
    pub(crate) lists_hidden: Option<bool>,
    /// What HASH computes, if it was chosen.
    pub(crate) hashes: Option<Algorithm>,
}

impl Client {
    pub(crate) fn new(driver: Driver) -> Self {
        Self {
            driver,
            lacking: Vec::new(),
            cannot_set: Vec::new(),
            can_set: Vec::new(),
            lists_hidden: None,
            hashes: None,
        }
    }

    /// The server's working directory (PWD).
    ///
    /// # Errors
    /// The server refuses, or names no directory.
    pub async fn working_directory(&mut self) -> Result<Vec<u8>, Error> {
        let command = Command::new(Verb::Pwd, None);
        let reply = self.ask(command.clone()).await?;
        parse_quoted(&reply.joined()).ok_or_else(|| not_understood(command, reply))
    }

    /// Changes the working directory (CWD).
    ///
    /// # Errors
    /// The server refuses.
    pub async fn change_directory(&mut self, path: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask_with(Verb::Cwd, path).await.map(drop)
    }

    /// Makes a directory (MKD).
    ///
    /// # Errors
    /// The server refuses, as it does if there is one.
    pub async fn make_directory(&mut self, path: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask_with(Verb::Mkd, path).await.map(drop)
    }

    /// Removes an empty directory (RMD).
    ///
    /// # Errors
    /// The server refuses.
    pub async fn remove_directory(&mut self, path: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask_with(Verb::Rmd, path).await.map(drop)
    }

    /// Removes a file (DELE).
    ///
    /// # Errors
    /// The server refuses.
    pub async fn remove_file(&mut self, path: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask_with(Verb::Dele, path).await.map(drop)
    }

    /// Renames a file or directory (RNFR, RNTO).
    ///
    /// # Errors
    /// The server refuses one of both; [`Error::Refused`] says which.
    pub async fn rename(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        let from = Step::new(Verb::Rnfr, from.as_ref(), Expect::Intermediate);
        let to = Step::new(Verb::Rnto, to.as_ref(), Expect::Completion);
        self.commands(vec![from, to]).await.map(drop)
    }

    /// A file's size in bytes as TYPE I transfers it (SIZE, RFC 3659 section 4); `None` if the server does not have the command.
    ///
    /// # Errors
    /// The server refuses, as it does if there is no such file.
    pub async fn size(&mut self, path: impl AsRef<[u8]>) -> Result<Option<u64>, Error> {
        if self.lacks(Verb::Size, "SIZE") {
            return Ok(None);
        }
        // The size depends on TYPE.
        let image = Step::new(Verb::Type, b"I", Expect::Completion);
        let size = Step::new(Verb::Size, path.as_ref(), Expect::Completion);
        let command = size.command.clone();
        let steps = if self.driver.session.representation() == Some(Default::default()) {
            vec![size]
        } else {
            vec![image, size]
        };
        let Some(reply) = self.commands_if_there(Verb::Size, steps).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(reply.text()).trim().to_owned();
        text.parse().map(Some).map_err(|_| not_understood(command, reply))
    }

    /// The time of a file's last change (MDTM, RFC 3659 section 3); `None` if the server does not have the command.
    ///
    /// # Errors
    /// The server refuses, as it does if there is no such file.
    pub async fn modified(&mut self, path: impl AsRef<[u8]>) -> Result<Option<SystemTime>, Error> {
        if self.lacks(Verb::Mdtm, "MDTM") {
            return Ok(None);
        }
        let step = Step::new(Verb::Mdtm, path.as_ref(), Expect::Completion);
        let command = step.command.clone();
        let Some(reply) = self.commands_if_there(Verb::Mdtm, vec![step]).await? else { return Ok(None) };
        time::parse(reply.text()).map(Some).ok_or_else(|| not_understood(command, reply))
    }

    /// What the server tells of one file or directory (MLST, RFC 3659 section 7); without MLST, what SIZE and MDTM tell.
    ///
    /// # Errors
    /// The server refuses, as it does if there is nothing of that name.
    pub async fn metadata(&mut self, path: impl AsRef<[u8]>) -> Result<Entry, Error> {
        let path = path.as_ref();
        if !self.lacks(Verb::Mlst, "MLST") {
            let step = Step::new(Verb::Mlst, path, Expect::Completion);
            let command = step.command.clone();
            if let Some(reply) = self.commands_if_there(Verb::Mlst, vec![step]).await? {
                // RFC 3659 section 7.2: the entry stands on the second line, behind a space.
                let line = reply.lines.iter().find_map(|line| {
                    let line = line.strip_prefix(b" ").unwrap_or(line);
                    line.contains(&b'=').then(|| listing::parse_entry(line, Some(Hint::Mlsd))).flatten()
                });
                let line = line.ok_or_else(|| not_understood(command, reply))?;
                return Ok(Entry::named(path.to_vec(), line));
            }
        }
        let line = listing::Entry { size: self.size(path).await?, ..listing::Entry::default() };
        let mut entry = Entry::named(path.to_vec(), line);
        if entry.size.is_some() {
            entry.kind = Some(listing::EntryKind::File);
        }
        entry.modified = self.modified(path).await?;
        Ok(entry)
    }

    /// Sends a command as it is, and gives the reply, whatever it says.
    ///
    /// # Errors
    /// No reply comes, or the command needs a data connection or would change what the session relies on.
    pub async fn raw(&mut self, command: &[u8]) -> Result<Reply, Error> {
        use Verb::{Abor, Adat, Auth, Ccc, Cpsv, Pass, Prot, Rein, Rest, User};
        let (command, _) = Command::parse(command);
        let refused = command.known_verb().filter(|&verb| {
            let relied_on = matches!(
                verb,
                Abor | Adat | Auth | Ccc | Cpsv | Pass | Prot | Rein | Rest | User | Verb::Quit
            );
            verb.is_transfer() || verb.arranges_data() || relied_on
        });
        if let Some(verb) = refused {
            let verb = verb.as_str();
            return Err(Error::Settings(format!(
                "{verb} cannot be sent raw: it belongs to a login or a transfer"
            )));
        }
        self.commands(vec![Step { command, expect: Expect::Any }]).await
    }

    /// Sends NOOPs while nothing else is asked for, for as long as it is awaited; ends when the server ends the session. Drop it to
    /// go on.
    pub async fn keep_alive(&mut self) {
        self.driver.keep_alive().await;
    }

    /// Says good-bye (QUIT), and closes.
    ///
    /// # Errors
    /// None that matters: whatever the server does, the session is over.
    pub async fn quit(&mut self) -> Result<(), Error> {
        self.driver.request(Request::Quit).await.map(drop)
    }

    /// What the server can, as FEAT told.
    pub fn features(&self) -> &Features {
        self.driver.session.features()
    }

    /// What was odd but could be coped with, each once.
    pub fn notes(&self) -> &[Note] {
        self.driver.session.notes()
    }

    /// Whether TLS protects the connections: (control, data).
    pub fn is_protected(&self) -> (bool, bool) {
        self.driver.session.is_protected()
    }

    /// The session is over; only a new one helps.
    pub fn is_closed(&self) -> bool {
        self.driver.session.is_closed()
    }

    /// Adds a note of what was done otherwise than asked for.
    pub(crate) fn note(&mut self, note: Note) {
        self.driver.session.note(note);
    }

    pub(crate) async fn commands(&mut self, steps: Vec<Step>) -> Result<Reply, Error> {
        match self.driver.request(Request::Commands(steps)).await? {
            Answer::Replied(reply) => Ok(reply),
            _ => Err(Error::Cancelled),
        }
    }

    /// The reply; `None` if the server does not have `verb`, which is not asked for again.
    async fn commands_if_there(&mut self, verb: Verb, steps: Vec<Step>) -> Result<Option<Reply>, Error> {
        match self.commands(steps).await {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.is_not_implemented() => {
                self.lacking.push(verb);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Remembers that the server does not have `verb`.
    pub(crate) fn has_not(&mut self, verb: Verb) {
        self.lacking.push(verb);
    }

    /// The server said that it does not have `verb`.
    pub(crate) fn is_without(&self, verb: Verb) -> bool {
        self.lacking.contains(&verb)
    }

    /// The server is known not to have `verb`: it said so, or FEAT tells of other features.
    pub(crate) fn lacks(&self, verb: Verb, feature: &str) -> bool {
        self.is_without(verb) || (self.features().is_known() && !self.features().has(feature))
    }

    pub(crate) async fn ask_with(&mut self, verb: Verb, path: impl AsRef<[u8]>) -> Result<Reply, Error> {
        self.ask(Command::new(verb, Some(path.as_ref()))).await
    }

    async fn ask(&mut self, command: Command) -> Result<Reply, Error> {
        self.commands(vec![Step { command, expect: Expect::Completion }]).await
    }
}

pub(crate) fn not_understood(command: Command, reply: Reply) -> Error {
    Error::NotUnderstood { command: Asked(command), reply: Said::new(reply) }
}
