//! Directories of a server with all that is in and below them, for `ls --all`, `ls --recursive` and `rm --recursive`. When things are
//! removed, no directory is gone into that may be a link, and nothing that the server says makes it go on for ever.

use ftp_client::{Client, Entry, Error};

use super::sessions::without_last_slash;
use crate::escape;
use crate::outcome::Outcome;
use crate::output::complain;

/// Most entries that are looked at.
const MOST: usize = 1_000_000;

/// Most levels: a directory that holds itself ends there.
const DEEPEST: usize = 100;

/// A walk through directories.
pub struct Tree<'a> {
    client: &'a mut Client,
    /// The working directory, where listings need it.
    home: Option<Vec<u8>>,
    seen: usize,
    /// Whether all could be done.
    pub outcome: Outcome,
}

/// What is to be done to a directory that is removed.
enum Step {
    Enter(Vec<u8>, usize),
    Leave(Vec<u8>),
}

impl<'a> Tree<'a> {
    /// A walk that has not begun.
    pub async fn new(client: &'a mut Client) -> Result<Self, Error> {
        let home = if client.features().has_machine_listings() {
            None
        } else {
            match client.working_directory().await {
                Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
                home => Some(home?),
            }
        };
        Ok(Self { client, home, seen: 0, outcome: Outcome::Complete })
    }

    /// Hands on all that is below the directories among `entries`, each with its path from `base` on, a directory before what it holds.
    pub async fn below(
        &mut self,
        base: &[u8],
        entries: &[Entry],
        mut each: impl FnMut(&Entry) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut waiting: Vec<(Vec<u8>, usize)> = Vec::new();
        wait(&mut waiting, b"", entries, 0);
        while let Some((path, depth)) = waiting.pop() {
            let place = [base, &path].concat();
            match self.list(&place, depth).await {
                Ok(entries) => {
                    let within = with_slash(&path);
                    for entry in &entries {
                        let name = [within.as_slice(), &entry.name].concat();
                        each(&Entry { name, ..entry.clone() })?;
                    }
                    wait(&mut waiting, &within, &entries, depth);
                }
                Err(error) => self.fail(&place, error)?,
            }
        }
        Ok(())
    }

    /// Removes what is at `path`, and if it is a directory all that it holds.
    pub async fn remove(&mut self, path: &[u8]) -> Result<(), Error> {
        let mut steps = vec![Step::Enter(without_last_slash(path).to_vec(), 0)];
        while let Some(step) = steps.pop() {
            match step {
                // What looks like a directory may be a link to one, whose files are none of this.
                Step::Enter(path, depth) => match self.client.remove_file(&path).await {
                    Ok(()) => {}
                    Err(refused @ Error::Refused { .. }) => match self.list(&path, depth).await {
                        Ok(entries) => {
                            let within = with_slash(&path);
                            steps.push(Step::Leave(path));
                            for entry in entries {
                                let path = [within.as_slice(), &entry.name].concat();
                                if entry.is_directory() {
                                    steps.push(Step::Enter(path, depth.saturating_add(1)));
                                } else if let Err(error) = self.client.remove_file(&path).await {
                                    self.fail(&path, error)?;
                                }
                            }
                        }
                        // It is no directory, or none that can be seen into.
                        Err(Error::Refused { .. }) => self.fail(&path, refused)?,
                        Err(error) => self.fail(&path, error)?,
                    },
                    Err(error) => self.fail(&path, error)?,
                },
                Step::Leave(path) => {
                    if let Err(error) = self.client.remove_directory(&path).await {
                        self.fail(&path, error)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What the directory at `path` holds, sorted and with hidden files, without names that lead elsewhere.
    pub async fn list(&mut self, path: &[u8], depth: usize) -> Result<Vec<Entry>, Error> {
        let given_up = |reason: String| Err(Error::Local(std::io::Error::other(reason)));
        if depth > DEEPEST {
            return given_up(format!("it lies more than {DEEPEST} directories deep, and is not gone into"));
        }
        let mut entries = Vec::new();
        let scanned = self.client.scan(path, self.home.as_deref(), |entry| entries.push(entry)).await?;
        self.seen = self.seen.saturating_add(entries.len());
        if self.seen > MOST {
            return given_up(format!("there are more than {MOST} files and directories: given up"));
        }
        let all = entries.len();
        entries.retain(|entry| !entry.name.contains(&b'/'));
        if scanned.unread > 0 || entries.len() < all {
            complain(&format!("{}: not all of its listing can be used", escape::terminal_bytes(path)));
            self.outcome = Outcome::Incomplete;
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Complains of one of many, and goes on with the others as long as there is a session.
    fn fail(&mut self, path: &[u8], error: Error) -> Result<(), Error> {
        if self.client.is_closed() {
            return Err(error);
        }
        complain(&format!("{}: {error}", escape::terminal_bytes(path)));
        self.outcome = Outcome::Incomplete;
        Ok(())
    }
}

/// The directories among `entries`, so that the first of them is gone into first.
fn wait(waiting: &mut Vec<(Vec<u8>, usize)>, within: &[u8], entries: &[Entry], depth: usize) {
    // A name that leads elsewhere is not followed there.
    let directories =
        entries.iter().rev().filter(|entry| entry.is_directory() && !entry.name.contains(&b'/'));
    waiting
        .extend(directories.map(|entry| ([within, entry.name.as_slice()].concat(), depth.saturating_add(1))));
}

fn with_slash(path: &[u8]) -> Vec<u8> {
    if path.ends_with(b"/") || path.is_empty() { path.to_vec() } else { [path, b"/"].concat() }
}
