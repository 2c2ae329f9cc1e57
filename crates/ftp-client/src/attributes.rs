//! What a file is like on the server: its time and mode, which several commands set and few servers have all of.

use std::time::SystemTime;

use ftp_protocol::Verb;

use crate::client::Client;
use crate::error::Error;
use crate::session::{Expect, Step};
use crate::time;

/// A way to set a time or mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setter {
    /// `MFMT time name` (draft-somers-ftp-mfxx section 3).
    Mfmt,
    /// `MDTM time name`, as servers had it before.
    Mdtm,
    /// `SITE UTIME name accessed modified created UTC`.
    LongUtime,
    /// `SITE UTIME time name`.
    ShortUtime,
    /// `SITE CHMOD mode name`.
    Chmod,
}

impl Setter {
    /// What sets times, the best first.
    const OF_TIMES: [Self; 4] = [Self::Mfmt, Self::Mdtm, Self::LongUtime, Self::ShortUtime];

    fn step(self, stamp: &[u8], path: &[u8]) -> Step {
        let (verb, argument) = match self {
            Self::Mfmt => (Verb::Mfmt, [stamp, b" ", path].concat()),
            Self::Mdtm => (Verb::Mdtm, [stamp, b" ", path].concat()),
            Self::LongUtime => {
                let times = [stamp, b" ", stamp, b" ", stamp, b" UTC"].concat();
                (Verb::Site, [b"UTIME ", path, b" ", &times].concat())
            }
            Self::ShortUtime => (Verb::Site, [b"UTIME ", stamp, b" ", path].concat()),
            Self::Chmod => (Verb::Site, [b"CHMOD ", stamp, b" ", path].concat()),
        };
        Step::new(verb, &argument, Expect::Completion)
    }

    /// Whether a refusal may mean that the server does not have this way, which has not worked yet, rather than that it cannot be done
    /// to this file.
    fn is_unknown_by(self, error: &Error) -> bool {
        let code = error.code().filter(|_| matches!(error, Error::Refused { .. }));
        match self {
            Self::Mfmt => error.is_not_implemented(),
            Self::Chmod => matches!(code, Some(500..=504)),
            // A server that reads the time as part of a name has no such file.
            _ => matches!(code, Some(500..=504 | 550)),
        }
    }
}

impl Client {
    /// Sets the time of a file's last change: by MFMT, by MDTM with a time, or by SITE UTIME in one of its two spellings; `false` if the
    /// server has none of them. What it does not have is not tried again in this session.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn set_modified(&mut self, path: impl AsRef<[u8]>, to: SystemTime) -> Result<bool, Error> {
        let stamp = time::format(to)
            .ok_or_else(|| Error::Settings("the time is outside of the years 0 to 9999".into()))?;
        for setter in Setter::OF_TIMES {
            let told = match setter {
                Setter::Mfmt => !self.lacks(Verb::Mfmt, "MFMT"),
                Setter::Mdtm => !self.lacks(Verb::Mdtm, "MDTM"),
                _ => true,
            };
            if told && self.set(setter, stamp.as_bytes(), path.as_ref()).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Sets the time of a directory's last change (MFMT); `false` if the server does not tell of that command, or refuses it for this one.
    ///
    /// # Errors
    /// No reply comes.
    pub async fn set_directory_modified(
        &mut self,
        path: impl AsRef<[u8]>,
        to: SystemTime,
    ) -> Result<bool, Error> {
        let Some(stamp) = time::format(to).filter(|_| self.features().has("MFMT")) else { return Ok(false) };
        match self.commands(vec![Setter::Mfmt.step(stamp.as_bytes(), path.as_ref())]).await {
            Ok(_) => Ok(true),
            Err(Error::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets a file's mode (SITE CHMOD), of which the lower twelve bits count; `false` if the server does not have that.
    ///
    /// # Errors
    /// The server refuses.
    pub async fn set_mode(&mut self, path: impl AsRef<[u8]>, mode: u32) -> Result<bool, Error> {
        let mode = format!("{:03o}", mode & 0o7777);
        self.set(Setter::Chmod, mode.as_bytes(), path.as_ref()).await
    }

    async fn set(&mut self, setter: Setter, stamp: &[u8], path: &[u8]) -> Result<bool, Error> {
        if self.cannot_set.contains(&setter) {
            return Ok(false);
        }
        match self.commands(vec![setter.step(stamp, path)]).await {
            Ok(_) => {
                if !self.can_set.contains(&setter) {
                    self.can_set.push(setter);
                }
                Ok(true)
            }
            Err(error) if setter.is_unknown_by(&error) && !self.can_set.contains(&setter) => {
                self.cannot_set.push(setter);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
