//! One session for each server and user, kept for the whole run; and what its notes are in the end.

use std::time::Duration;

use ftp_client::session::{DataMode, Security};
use ftp_client::url::FtpUrl;
use ftp_client::{Client, Connector, Entry, Error, Family, Note, Trust};

use super::{credentials, failure, pattern, unless};
use crate::arguments::client::{ConnectionArguments, Trusted};
use crate::outcome::{Failure, Outcome};
use crate::output::complain;
use crate::{escape, interrupt};

/// Longest time that a server is waited for to say good-bye, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sessions of a run.
pub struct Sessions<'a> {
    arguments: &'a ConnectionArguments,
    /// The session that was used last, with the URL that it belongs to.
    open: Option<(FtpUrl, Client)>,
    /// How to reach the server of the last URL, also when no session is there.
    known: Option<(FtpUrl, Connector)>,
    notes: Vec<(String, Note)>,
}

/// What a URL means.
pub struct Expanded {
    /// Paths, with their entries where they were listed.
    pub names: Vec<(Vec<u8>, Option<Entry>)>,
    /// Incomplete if nothing matches.
    pub outcome: Outcome,
}

impl<'a> Sessions<'a> {
    /// None so far.
    pub fn new(arguments: &'a ConnectionArguments) -> Self {
        Self { arguments, open: None, known: None, notes: Vec::new() }
    }

    /// A session with the server of `url`, as its user.
    pub async fn get(&mut self, url: &FtpUrl) -> anyhow::Result<&mut Client> {
        self.try_get(url).await?.map_err(failure)
    }

    /// A session with the server of `url`, or what stood against it and may pass.
    pub async fn try_get(&mut self, url: &FtpUrl) -> anyhow::Result<Result<&mut Client, Error>> {
        if !self.open.as_ref().is_some_and(|(open, client)| is_same(open, url) && !client.is_closed()) {
            self.close().await;
            if !self.known.as_ref().is_some_and(|(known, _)| is_same(known, url)) {
                self.known = Some((url.clone(), connector_for(url, self.arguments)?));
            }
            if let Some((_, connector)) = &self.known {
                match connector.connect().await {
                    Ok(client) => self.open = Some((url.clone(), client)),
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        Ok(match &mut self.open {
            Some((_, client)) => Ok(client),
            None => Err(Error::Cancelled),
        })
    }

    /// As [`Sessions::try_get`], with how to make further sessions of the same kind.
    pub async fn try_get_with_connector(
        &mut self,
        url: &FtpUrl,
    ) -> anyhow::Result<Result<(&mut Client, &Connector), Error>> {
        if let Err(error) = self.try_get(url).await? {
            return Ok(Err(error));
        }
        Ok(match (&mut self.open, &self.known) {
            (Some((_, client)), Some((_, connector))) => Ok((client, connector)),
            _ => Err(Error::Cancelled),
        })
    }

    /// How to make sessions with the server of `url`, as its user. The one that is open is ended, if one is: the server may allow no more.
    pub async fn connector(&mut self, url: &FtpUrl) -> anyhow::Result<Connector> {
        self.close().await;
        let known = self.known.as_ref().filter(|(known, _)| is_same(known, url));
        if let Some((_, connector)) = known {
            return Ok(connector.clone());
        }
        let connector = connector_for(url, self.arguments)?;
        self.known = Some((url.clone(), connector.clone()));
        Ok(connector)
    }

    /// The session with the server of `url` that is there, if one is.
    pub fn open(&mut self, url: &FtpUrl) -> Option<&mut Client> {
        self.open.as_mut().filter(|(open, _)| is_same(open, url)).map(|(_, client)| client)
    }

    /// Ends the session that is open, if one is; the next request makes a new one. Whoever asked by a signal to end does not wait for the
    /// server.
    pub async fn close(&mut self) {
        if let Some((_, mut client)) = self.open.take()
            && !client.is_closed()
        {
            let good_bye = async { Ok(client.quit().await?) };
            let _ = tokio::time::timeout(PATIENCE, unless(interrupt::check, good_bye)).await;
        }
        // Of a session that never came to a login, too.
        if let Some((url, connector)) = &self.known {
            let (host, notes) = (escape::terminal(&url.host), connector.notes());
            notes.into_iter().for_each(|note| self.add_note((host.clone(), note)));
        }
    }

    /// As [`Sessions::close`]; who logs in next is found out anew, so that a password that was wrong may be typed again.
    pub async fn forget(&mut self) {
        self.close().await;
        self.known = None;
    }

    /// The names that `url` means: those that match if its last part is a pattern, otherwise itself. That nothing matches is told.
    pub async fn expand(&mut self, url: &FtpUrl) -> anyhow::Result<Expanded> {
        if let Some(path) = pattern::literal(&url.path) {
            return Ok(Expanded { names: vec![(path, None)], outcome: Outcome::Complete });
        }
        let (directory, wanted) = pattern::split(&url.path);
        let client = self.get(url).await?;
        let entries = client.list(without_last_slash(directory)).await.map_err(failure)?;
        let found = entries.into_iter().filter(|entry| pattern::matches(wanted, &entry.name));
        let mut names: Vec<_> = found.map(|entry| ([directory, &entry.name].concat(), Some(entry))).collect();
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        if names.is_empty() {
            return Ok(Expanded { names, outcome: nothing_matches(url) });
        }
        Ok(Expanded { names, outcome: Outcome::Complete })
    }

    /// Says good-bye, and tells what was odd.
    pub async fn end(mut self) {
        self.close().await;
        if self.arguments.quiet {
            return;
        }
        for (host, note) in &self.notes {
            complain(&format!("note: {host}: {note}"));
        }
    }

    /// Adds a note of the program's own.
    pub fn note(&mut self, url: &FtpUrl, text: String) {
        self.add_note((escape::terminal(&url.host), Note::Other(text)));
    }

    fn add_note(&mut self, note: (String, Note)) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Tells that nothing matches a pattern.
pub fn nothing_matches(url: &FtpUrl) -> Outcome {
    complain(&format!("{url}: nothing matches"));
    Outcome::Incomplete
}

/// Whether both URLs mean the same server and user.
fn is_same(a: &FtpUrl, b: &FtpUrl) -> bool {
    let place = |url: &FtpUrl| (url.scheme, url.host.clone(), url.port_or_default());
    place(a) == place(b) && a.user == b.user && a.password == b.password
}

/// A directory's path as commands take it: `/` stays, `a/` becomes `a`.
pub fn without_last_slash(path: &[u8]) -> &[u8] {
    match path.strip_suffix(b"/") {
        Some(b"") | None => path,
        Some(shorter) => shorter,
    }
}

/// How to reach the server of `url`.
pub fn connector_for(url: &FtpUrl, arguments: &ConnectionArguments) -> anyhow::Result<Connector> {
    let mut connector = Connector::from_url(url);
    connector.credentials = credentials::find(url, arguments)?;
    if let Some(tls) = arguments.tls {
        connector.security = match (connector.security, Security::from(tls)) {
            (Security::Implicit, Security::Off) | (Security::Require, Security::Off | Security::Prefer) => {
                let text = format!("{url} requires TLS, and --tls says otherwise: use ftp://");
                return Err(Failure::Arguments(text).into());
            }
            (Security::Implicit, _) => Security::Implicit,
            (_, wanted) => wanted,
        };
    }
    if let Some(version) = arguments.tls_version {
        connector.tls_versions = version.into();
    }
    match &arguments.trust {
        None => {}
        Some(Trusted::Fingerprint(trust)) => connector.trust = trust.clone(),
        Some(Trusted::File(path)) => {
            let shown = escape::terminal(&path.to_string_lossy());
            let pem = std::fs::read(path)
                .map_err(|error| Failure::Arguments(format!("{shown} cannot be read: {error}")))?;
            connector.trust = Trust::from_pem(&pem).map_err(failure)?;
        }
    }
    if arguments.insecure {
        connector.trust = Trust::Anyone;
    }
    if arguments.active {
        connector.data = DataMode::Active;
    }
    connector.family = match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Family::V4,
        (_, true) => Family::V6,
        _ => Family::Any,
    };
    connector.tap = arguments.recording.tap(arguments.explain, arguments.pcap.as_deref())?;
    connector.proxy.clone_from(&arguments.proxy);
    connector.without_extended = arguments.no_extended;
    connector.use_announced_address = arguments.use_announced_address;
    if let Some(timeout) = arguments.timeout {
        connector.timeouts.connect = timeout;
        connector.timeouts.reply = timeout;
        connector.timeouts.stall = timeout;
        connector.timeouts.closing = timeout;
    }
    Ok(connector)
}
