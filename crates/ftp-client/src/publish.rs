//! The end of an upload: what came under a temporary name gets its time, and its own name.
//!
//! ```text
//! one by one     MFMT ──▶ 213   RNFR ──▶ 350   RNTO ──▶ 250
//! found out      MFMT RNFR ──▶ 213 350         RNTO ──▶ 250     once; both may be sent again, should the second be lost
//! from then on   MFMT RNFR RNTO ──▶ 213 350 250
//! ```

use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use ftp_protocol::{Reply, Verb};

use crate::client::Client;
use crate::error::Error;
use crate::note::Note;
use crate::session::{Answer, Expect, Request, Step};
use crate::upload::TEMPORARY_SUFFIX;

/// What is said where a server has no RNFR and RNTO.
const CANNOT_RENAME: &str = "the server cannot rename: files were sent under their own names, where they are seen before they are whole";

/// What is said where a server drops what comes with a command.
const READS_ONE: &str =
    "the server reads one command at a time and dropped the one behind it: commands were sent one by one";

/// How long the second of two replies is awaited when it is found out whether the server reads both commands.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of commands that are sent together: they come in one piece, and no server's buffer for a line is too small for them.
const MOST_TOGETHER: usize = 1000;

/// What is known of whether a server reads commands that come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pipelining {
    #[default]
    Untried,
    /// One session is finding it out.
    BeingTried,
    Works,
    Never,
}

/// What became of a file that was sent under a temporary name.
#[derive(Debug)]
pub struct Published {
    /// Whether its time was set: `None` if that was not asked for, `false` if the server has no command for it, an error if it refused.
    pub timed: Option<Result<bool, Error>>,
    /// Whether it has its own name. `false`: as [`Client::publish`] says.
    pub renamed: bool,
}

impl Client {
    /// Gives what stands under the temporary name of `path` its own name. `false`: the server cannot rename, so what stood there is
    /// removed, to be sent again under its own name, and [`Client::can_rename`] tells so from now on.
    ///
    /// # Errors
    /// As for [`Client::replace`].
    pub async fn publish(&mut self, path: impl AsRef<[u8]>) -> Result<bool, Error> {
        let path = path.as_ref();
        let temporary = [path, TEMPORARY_SUFFIX].concat();
        let replaced = self.replace(&temporary, path).await;
        self.published(replaced, &temporary).await
    }

    /// Whether the server can rename, by what became of that; if it cannot, what was sent is removed.
    async fn published(&mut self, renamed: Result<(), Error>, temporary: &[u8]) -> Result<bool, Error> {
        match renamed {
            // RFC 959 section 4.2.2. 501 and 504 are said of this name, and not of the command.
            Err(error @ Error::Refused { .. }) if matches!(error.code(), Some(500 | 502)) => {}
            renamed => return renamed.map(|()| true),
        }
        self.has_not(Verb::Rnfr);
        self.note(Note::Other(CANNOT_RENAME.into()));
        self.remove_file(temporary).await?;
        Ok(false)
    }

    /// Whether nothing is known against renaming: `false` once the server has refused RNFR as unknown.
    pub fn can_rename(&self) -> bool {
        !self.is_without(Verb::Rnfr)
    }

    /// Renames over what is there. Some servers, as those on Windows, rename to no name that is taken.
    ///
    /// # Errors
    /// As for [`Client::rename`].
    pub async fn replace(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        let (from, to) = (from.as_ref(), to.as_ref());
        let renamed = self.rename(from, to).await;
        self.over_what_is_there(renamed, from, to).await
    }

    /// Renames once more if the first try, whose outcome is `renamed`, may have failed for what has the name already.
    async fn over_what_is_there(
        &mut self,
        renamed: Result<(), Error>,
        from: &[u8],
        to: &[u8],
    ) -> Result<(), Error> {
        match renamed {
            Err(error) if error.may_mean_taken() && self.remove_file(to).await.is_ok() => {
                self.rename(from, to).await
            }
            result => result,
        }
    }

    /// Sets the time of what stands under the temporary name of `path`, if there is one to set, and gives it its own name, though the
    /// server may refuse the time. The commands are sent together where a session of the same [`Connector`](crate::Connector) has found
    /// out that the server reads them so.
    ///
    /// # Errors
    /// As for [`Client::replace`], and no reply comes.
    pub async fn publish_with_time(
        &mut self,
        path: impl AsRef<[u8]>,
        time: Option<SystemTime>,
    ) -> Result<Published, Error> {
        let path = path.as_ref();
        let temporary = [path, TEMPORARY_SUFFIX].concat();
        let setting = time.and_then(|time| self.known_to_set(&temporary, time));
        let mut timed = None;
        if let (Some(time), None) = (time, &setting) {
            timed = Some(self.set_time(&temporary, time).await?);
        }
        let from = Step::new(Verb::Rnfr, &temporary, Expect::Intermediate);
        let to = Step::new(Verb::Rnto, path, Expect::Completion);
        let pipelining = if are_short([setting.as_ref(), Some(&from), Some(&to)]) {
            self.pipelining()
        } else {
            Pipelining::Never
        };
        let renamed = match pipelining {
            Pipelining::Works => {
                let steps: Vec<Step> = setting.iter().cloned().chain([from, to]).collect();
                let replies = self.pipeline(&steps, None).await;
                if replies.is_err() {
                    // A session that is lost so may be lost for it.
                    self.set_pipelining(Pipelining::Never);
                }
                let mut replies = replies?.into_iter();
                if setting.is_some() {
                    timed = replies.next().map(|reply| reply.map(|_| true));
                }
                replies.try_for_each(|reply| reply.map(drop))
            }
            Pipelining::Untried => {
                let first = setting.clone().unwrap_or_else(|| Step::new(Verb::Noop, b"", Expect::Any));
                let (first, second) = self.find_out(first, from).await?;
                if setting.is_some() {
                    timed = Some(first.map(|_| true));
                }
                match second {
                    Some(Ok(_)) => self.commands(vec![to]).await.map(drop),
                    Some(Err(error)) => Err(error),
                    None => self.rename(&temporary, path).await,
                }
            }
            Pipelining::BeingTried | Pipelining::Never => {
                if let (Some(time), Some(_)) = (time, setting) {
                    timed = Some(self.set_time(&temporary, time).await?);
                }
                self.rename(&temporary, path).await
            }
        };
        let renamed = self.over_what_is_there(renamed, &temporary, path).await;
        Ok(Published { timed, renamed: self.published(renamed, &temporary).await? })
    }

    /// Sends two commands together for the first time: the reply to the first, and that to the second if it comes.
    async fn find_out(
        &mut self,
        first: Step,
        second: Step,
    ) -> Result<(Result<Reply, Error>, Option<Result<Reply, Error>>), Error> {
        self.set_pipelining(Pipelining::BeingTried);
        let replies = self.pipeline(&[first, second], Some(PATIENCE)).await;
        self.set_pipelining(match replies.as_deref() {
            Ok([_, Ok(_)]) => Pipelining::Works,
            // Both were read, but not once right.
            Ok([_, Err(_)]) => Pipelining::Untried,
            _ => Pipelining::Never,
        });
        let mut replies = replies?.into_iter();
        let Some(first) = replies.next() else { return Err(Error::Cancelled) };
        let second = replies.next();
        if second.is_none() {
            self.note(Note::Other(READS_ONE.into()));
        }
        Ok((first, second))
    }

    /// As [`Client::set_modified`]; what is refused is no error of the session.
    async fn set_time(&mut self, path: &[u8], time: SystemTime) -> Result<Result<bool, Error>, Error> {
        match self.set_modified(path, time).await {
            Err(error @ (Error::Refused { .. } | Error::Settings(_))) => Ok(Err(error)),
            Err(error) => Err(error),
            Ok(set) => Ok(Ok(set)),
        }
    }

    /// Sends commands together; gives what became of each that was answered.
    async fn pipeline(
        &mut self,
        steps: &[Step],
        patience: Option<Duration>,
    ) -> Result<Vec<Result<Reply, Error>>, Error> {
        let commands = steps.iter().map(|step| step.command.clone()).collect();
        match self.driver.request(Request::Pipeline { commands, patience }).await? {
            Answer::Replies(replies) => {
                Ok(steps.iter().zip(replies).map(|(step, reply)| step.judge(reply)).collect())
            }
            _ => Err(Error::Cancelled),
        }
    }

    fn pipelining(&self) -> Pipelining {
        *self.driver.legacy.pipelining.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_pipelining(&self, pipelining: Pipelining) {
        *self.driver.legacy.pipelining.lock().unwrap_or_else(PoisonError::into_inner) = pipelining;
    }
}

/// Whether these commands may be sent together.
fn are_short<const N: usize>(steps: [Option<&Step>; N]) -> bool {
    let lengths = steps.into_iter().flatten().map(|step| {
        let argument = step.command.argument.as_ref().map_or(0, Vec::len);
        step.command.verb.len().saturating_add(argument).saturating_add(3)
    });
    lengths.fold(0, usize::saturating_add) <= MOST_TOGETHER
}
