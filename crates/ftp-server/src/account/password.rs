//! Hashes of passwords: argon2id is written; bcrypt and the SHA-crypts are verified too, as other servers have them.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, PasswordVerifier, Version};
use sha_crypt::ShaCrypt;

/// Longest password in bytes that is looked at; a longer one is wrong. Some of the hashes take longer for longer passwords.
pub const LONGEST_PASSWORD: usize = 256;

/// The largest cost of bcrypt that is taken: 2 to this power rounds, some seconds.
const LARGEST_BCRYPT_COST: u32 = 16;

/// The most memory in KiB, and the most passes, of argon2 that are taken.
const LARGEST_ARGON2: (u32, u32) = (1 << 20, 64);

/// The most rounds of the SHA-crypts that are taken.
const MOST_ROUNDS: u32 = 5_000_000;

/// The most memory in KiB of one verification that is kept for the next ones.
const LARGEST_KEPT: usize = 64 << 10;

/// Where argon2 works. What one verification has used the next one uses again, so that there is no more of it than for as many as have run
/// at once. Allocated and freed each time, on a thread of its own, it stays several times with the allocator.
#[derive(Default)]
pub struct Workspace(Mutex<Vec<Vec<Block>>>);

impl Workspace {
    /// Does something with so many KiB.
    fn with<T>(&self, size: usize, work: impl FnOnce(&mut [Block]) -> Option<T>) -> Option<T> {
        let mut blocks = self.free().pop().unwrap_or_default();
        if blocks.len() < size {
            // Freed before, so that the two are never there at once.
            drop(std::mem::take(&mut blocks));
            blocks = vec![Block::new(); size];
        }
        let result = work(blocks.get_mut(..size)?);
        if blocks.len() <= LARGEST_KEPT {
            self.free().push(blocks);
        }
        result
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A hash of a password as text: a PHC string of argon2 (`$argon2id$...`), or a crypt string of bcrypt (`$2b$...`),
/// sha256-crypt (`$5$...`) or sha512-crypt (`$6$...`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Argon2,
    Bcrypt,
    Sha,
}

/// A text is no hash that this server can verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHash {
    /// It begins like none of them; perhaps it is a password.
    #[error(
        "this is no hash of a password; `port21 serve passwd` makes one, and argon2, bcrypt, $5$ and $6$ are taken"
    )]
    Unknown,
    /// It begins like one of them, and is damaged.
    #[error("this hash of a password is damaged")]
    Damaged,
    /// Verifying it would take too long.
    #[error("this hash of a password costs too much to verify")]
    TooCostly,
}

/// What a new hash costs to make and to verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB, at least 8.
    pub memory: u32,
    /// Passes over it, at least 1.
    pub passes: u32,
}

impl Default for Cost {
    /// 19 MiB in two passes, as OWASP's password storage cheat sheet asks for at least.
    fn default() -> Self {
        Self { memory: Params::DEFAULT_M_COST, passes: Params::DEFAULT_T_COST }
    }
}

impl PasswordHash {
    /// Makes an argon2id hash with a new salt. `None` if the cost is out of range, or the system has no random numbers.
    pub fn new(password: &[u8], cost: Cost) -> Option<Self> {
        let parameters = Params::new(cost.memory, cost.passes, 1, None).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
        let text = argon2.hash_password(password).ok()?.to_string();
        Some(Self { kind: Kind::Argon2, text })
    }

    /// Whether it is of `password`. Takes long on purpose, and as long whether it is or not.
    pub fn verify(&self, password: &[u8], workspace: &Workspace) -> bool {
        let looked_at = password.get(..LONGEST_PASSWORD).unwrap_or(password);
        let same = match self.kind {
            Kind::Argon2 => self.verify_argon2(looked_at, workspace).unwrap_or(false),
            Kind::Bcrypt => bcrypt::verify(looked_at, &self.text).unwrap_or(false),
            Kind::Sha => ShaCrypt::default().verify_password(looked_at, self.text.as_str()).is_ok(),
        };
        same && looked_at.len() == password.len()
    }

    fn verify_argon2(&self, password: &[u8], workspace: &Workspace) -> Option<bool> {
        let hash = phc::PasswordHash::new(&self.text).ok()?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).ok()?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
        let parameters = Params::try_from(&hash).ok()?;
        let (salt, expected) = (hash.salt?, hash.hash?);
        let size = parameters.block_count();
        let argon2 = Argon2::new(algorithm, version, parameters);
        let mut found = vec![0; expected.len()];
        workspace.with(size, |blocks| {
            argon2.hash_password_into_with_memory(password, &salt, &mut found, blocks).ok()
        })?;
        // Outputs are compared in a time that tells nothing of them.
        Some(phc::Output::new(&found).ok()? == expected)
    }

    /// The hash as text, for an accounts file.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for PasswordHash {
    type Err = BadHash;
    fn from_str(text: &str) -> Result<Self, BadHash> {
        let kind = match text.split('$').nth(1) {
            Some("argon2id" | "argon2i" | "argon2d") => Kind::Argon2,
            Some("2a" | "2b" | "2x" | "2y") => Kind::Bcrypt,
            Some("5" | "6") => Kind::Sha,
            _ => return Err(BadHash::Unknown),
        };
        let affordable = match kind {
            Kind::Argon2 => argon2_cost(text)? <= LARGEST_ARGON2,
            Kind::Bcrypt => {
                text.parse::<bcrypt::HashParts>().map_err(|_| BadHash::Damaged)?.get_cost()
                    <= LARGEST_BCRYPT_COST
            }
            Kind::Sha => rounds(text)? <= MOST_ROUNDS,
        };
        if !affordable {
            return Err(BadHash::TooCostly);
        }
        Ok(Self { kind, text: text.to_owned() })
    }
}

fn argon2_cost(text: &str) -> Result<(u32, u32), BadHash> {
    let hash = phc::PasswordHash::new(text).map_err(|_| BadHash::Damaged)?;
    let parameters = Params::try_from(&hash).map_err(|_| BadHash::Damaged)?;
    if hash.hash.is_none() || hash.salt.is_none() {
        return Err(BadHash::Damaged);
    }
    let (memory, passes) = (parameters.m_cost(), parameters.t_cost());
    if passes > LARGEST_ARGON2.1 {
        return Err(BadHash::TooCostly);
    }
    Ok((memory, passes))
}

/// Rounds of a SHA-crypt: `$6$rounds=N$salt$hash` or `$6$salt$hash`.
fn rounds(text: &str) -> Result<u32, BadHash> {
    let fields: Vec<&str> = text.split('$').collect();
    match fields.as_slice() {
        ["", _, salt, hash] if !salt.is_empty() && !hash.is_empty() => Ok(5000),
        ["", _, rounds, salt, hash] if !salt.is_empty() && !hash.is_empty() => {
            rounds.strip_prefix("rounds=").and_then(|rounds| rounds.parse().ok()).ok_or(BadHash::Damaged)
        }
        _ => Err(BadHash::Damaged),
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<hidden>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `Hello world!`, made by Python's argon2-cffi, libxcrypt's crypt(3) and OpenSSL.
    const MADE_ELSEWHERE: [&str; 7] = [
        "$argon2id$v=19$m=256,t=2,p=2$VAO1I+u6TpI+6QNJHTALzQ$6HcAcu8EYLgusQ46P6X43CJiAwsaCK1E/IpTPADp8x4",
        "$argon2i$v=19$m=64,t=1,p=1$oc6QQnUSi2zpz3AMj4mNGw$NhvALWYsccchIvBueypV0A",
        "$2b$05$abcdefghijklmnopqrstuu7nFISH/8YdwlXD3lw69A4iBUf6fvWAW",
        "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
        "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "$6$rounds=1400$anotherlongsalts$5FGyu8c4BZDX4wJgs0Un26YOw2XibT5eTkHF1I1aP3QqStoJI9BHD2YPJYsAjEePVGUyBjdZxcNqMWlrrbIOC.",
    ];

    #[test]
    fn hashes_of_other_programs_are_verified() {
        // In one workspace, whatever another hash has left there.
        let workspace = Workspace::default();
        for text in MADE_ELSEWHERE {
            let hash: PasswordHash = text.parse().unwrap();
            assert!(hash.verify(b"Hello world!", &workspace), "{text}");
            assert!(!hash.verify(b"Hello world?", &workspace), "{text}");
            assert!(!hash.verify(b"", &workspace), "{text}");
            assert_eq!(format!("{hash:?}"), "<hidden>");
        }
    }

    #[test]
    fn what_is_no_hash_is_told_apart_from_what_is_damaged_or_too_costly() {
        for (text, expected) in [
            ("secret", BadHash::Unknown),
            ("", BadHash::Unknown),
            ("$1$salt$hash", BadHash::Unknown),
            ("$argon2id$v=19$m=64", BadHash::Damaged),
            ("$argon2id$v=19$m=64,t=1,p=1$oc6QQnUSi2zpz3AMj4mNGw", BadHash::Damaged),
            ("$2b$05$short", BadHash::Damaged),
            ("$6$salt", BadHash::Damaged),
            ("$6$rounds=x$salt$hash", BadHash::Damaged),
            ("$6$rounds=999999999$salt$hash", BadHash::TooCostly),
            ("$2b$31$abcdefghijklmnopqrstuu7nFISH/8YdwlXD3lw69A4iBUf6fvWAW", BadHash::TooCostly),
            (
                "$argon2i$v=19$m=64,t=100,p=1$oc6QQnUSi2zpz3AMj4mNGw$NhvALWYsccchIvBueypV0A",
                BadHash::TooCostly,
            ),
            (
                "$argon2i$v=19$m=9999999,t=1,p=1$oc6QQnUSi2zpz3AMj4mNGw$NhvALWYsccchIvBueypV0A",
                BadHash::TooCostly,
            ),
        ] {
            assert_eq!(text.parse::<PasswordHash>().unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_is_not_right_because_its_beginning_is() {
        let right = [b'x'; LONGEST_PASSWORD];
        let hash = PasswordHash::new(&right, Cost { memory: 64, passes: 1 }).unwrap();
        assert!(hash.verify(&right, &Workspace::default()));
        assert!(!hash.verify(&[b'x'; LONGEST_PASSWORD + 1], &Workspace::default()));
    }

    #[test]
    fn what_is_written_is_verified() {
        let hash = PasswordHash::new(b"correct horse", Cost { memory: 64, passes: 1 }).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", hash.as_str());
        assert_ne!(hash, PasswordHash::new(b"correct horse", Cost { memory: 64, passes: 1 }).unwrap());
        let read: PasswordHash = hash.as_str().parse().unwrap();
        assert!(read.verify(b"correct horse", &Workspace::default()));
        assert!(!read.verify(b"correct hors", &Workspace::default()));
        assert!(!read.verify(b"", &Workspace::default()));
    }

    #[test]
    fn verifications_use_the_memory_of_those_before_them() {
        let workspace = Workspace::default();
        let kept = || workspace.free().iter().map(Vec::len).collect::<Vec<_>>();
        for (memory, then) in [(64, vec![64]), (256, vec![256]), (64, vec![256])] {
            let hash = PasswordHash::new(b"right", Cost { memory, passes: 1 }).unwrap();
            assert!(hash.verify(b"right", &workspace) && !hash.verify(b"wrong", &workspace));
            assert_eq!(kept(), then);
        }
        workspace.with(LARGEST_KEPT + 1, |_| Some(()));
        assert_eq!(kept(), [0; 0]);
    }
}
