//! What stands in an accounts file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer};

use crate::account::password::PasswordHash;
use crate::account::{Amount, Permissions, RIGHT_NAMES, Rates, Right};
use crate::limit::Network;
use crate::store::VirtualPath;

/// An account, as one table of an accounts file says it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Account {
    /// Hash of its password; without one nobody logs in.
    #[serde(default, deserialize_with = "optional_text")]
    pub password: Option<PasswordHash>,
    /// Its root: a directory of the operating system.
    pub home: PathBuf,
    /// Whether a missing home is made at the first login.
    #[serde(default)]
    pub create_home: bool,
    /// The directory beneath its root in which it begins.
    #[serde(default = "VirtualPath::root", deserialize_with = "virtual_path")]
    pub start: VirtualPath,
    /// What it may do.
    #[serde(default)]
    pub permissions: Rights,
    /// What it may do instead in these directories and beneath them.
    #[serde(default)]
    pub beneath: BTreeMap<String, Rights>,
    /// Bytes that its root may hold.
    #[serde(default, deserialize_with = "optional_amount")]
    pub quota_bytes: Option<Amount>,
    /// Files and directories that its root may hold.
    #[serde(default)]
    pub quota_files: Option<u64>,
    /// Bytes a second to the client, over all its sessions.
    #[serde(default, deserialize_with = "optional_amount")]
    pub download_rate: Option<Amount>,
    /// Bytes a second from the client, over all its sessions.
    #[serde(default, deserialize_with = "optional_amount")]
    pub upload_rate: Option<Amount>,
    /// Sessions that it may have at once.
    #[serde(default)]
    pub maximum_sessions: Option<usize>,
    /// Networks from which it may be used; none is from everywhere.
    #[serde(default, deserialize_with = "texts")]
    pub networks: Vec<Network>,
    /// Whether it may be used only with TLS.
    #[serde(default)]
    pub require_tls: bool,
    /// When it ends.
    #[serde(default)]
    pub expires: Option<Expiry>,
    /// Whether it may not be used for now.
    #[serde(default)]
    pub locked: bool,
    /// Whether it may name other hosts than its own for data connections (server to server).
    #[serde(default)]
    pub server_to_server: bool,
    /// Lines of welcome after the login.
    #[serde(default)]
    pub welcome: Vec<String>,
}

impl Account {
    /// An account that may read what is beneath `home`, and has no password.
    pub fn new(home: PathBuf) -> Self {
        Self {
            password: None,
            home,
            create_home: false,
            start: VirtualPath::root(),
            permissions: Rights::default(),
            beneath: BTreeMap::new(),
            quota_bytes: None,
            quota_files: None,
            download_rate: None,
            upload_rate: None,
            maximum_sessions: None,
            networks: Vec::new(),
            require_tls: false,
            expires: None,
            locked: false,
            server_to_server: false,
            welcome: Vec::new(),
        }
    }

    /// Its own limits of bandwidth.
    pub fn rates(&self) -> Rates {
        let bytes = |amount: Option<Amount>| amount.map(|amount| amount.0);
        Rates { download: bytes(self.download_rate), upload: bytes(self.upload_rate) }
    }

    /// What it may do where. A directory that is no path takes part in nothing.
    pub fn permissions(&self) -> Permissions {
        let everywhere = Permissions::everywhere(self.permissions.0);
        self.beneath.iter().fold(everywhere, |permissions, (directory, rights)| {
            match VirtualPath::root().join(directory.as_bytes()) {
                Ok(directory) => permissions.beneath(directory, rights.0),
                Err(_) => permissions,
            }
        })
    }
}

/// Rights as in a file: `"read-only"`, `"all"`, `"none"`, or a list of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights(pub Right);

impl Default for Rights {
    fn default() -> Self {
        Self(Right::READ_ONLY)
    }
}

impl FromStr for Rights {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "read-only" => return Ok(Self(Right::READ_ONLY)),
            "all" => return Ok(Self(Right::ALL)),
            "none" => return Ok(Self(Right::NONE)),
            _ => {}
        }
        let named = RIGHT_NAMES.iter().find(|(_, name)| *name == text).map(|(right, _)| Self(*right));
        named.ok_or_else(|| {
            let names: Vec<&str> = RIGHT_NAMES.iter().map(|(_, name)| *name).collect();
            format!("{text:?} is no right; there are {}, and read-only, all and none", names.join(", "))
        })
    }
}

impl<'de> Deserialize<'de> for Rights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RightsVisitor)
    }
}

struct RightsVisitor;

impl<'de> Visitor<'de> for RightsVisitor {
    type Value = Rights;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("read-only, all, none, or a list of rights")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Rights, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Rights, A::Error> {
        let names = Vec::<String>::deserialize(SeqAccessDeserializer::new(names))?;
        names.iter().try_fold(Rights(Right::NONE), |all, name| {
            let right: Rights = name.parse().map_err(A::Error::custom)?;
            Ok(Rights(all.0 | right.0))
        })
    }
}

/// The time from which an account may no longer be used: a date (its last day, by UTC), or a date with a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(pub SystemTime);

impl FromStr for Expiry {
    type Err = jiff::Error;
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        let utc = jiff::tz::Offset::UTC;
        let time = if let Ok(time) = text.parse::<jiff::Timestamp>() {
            time
        } else if text.contains(':') {
            utc.to_timestamp(text.parse()?)?
        } else {
            let last: jiff::civil::Date = text.parse()?;
            utc.to_timestamp(last.tomorrow()?.to_datetime(jiff::civil::Time::midnight()))?
        };
        let seconds = Duration::from_secs(time.as_second().unsigned_abs());
        let epoch = SystemTime::UNIX_EPOCH;
        let at = if time.as_second() < 0 { epoch.checked_sub(seconds) } else { epoch.checked_add(seconds) };
        Ok(Self(at.unwrap_or(epoch)))
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = toml::value::Datetime::deserialize(deserializer)?;
        date.to_string().parse().map_err(|_| D::Error::custom(format!("{date} is no date")))
    }
}

fn optional_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

fn texts<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

fn virtual_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VirtualPath, D::Error> {
    let text = String::deserialize(deserializer)?;
    VirtualPath::root().join(text.as_bytes()).map_err(D::Error::custom)
}

fn optional_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Amount>, D::Error> {
    Amount::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountVisitor;
        impl Visitor<'_> for AmountVisitor {
            type Value = Amount;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of bytes such as 1500 or \"10M\"")
            }

            fn visit_i64<E: Error>(self, bytes: i64) -> Result<Amount, E> {
                u64::try_from(bytes).map(Amount).map_err(|_| E::custom("a number of bytes is not negative"))
            }

            fn visit_u64<E: Error>(self, bytes: u64) -> Result<Amount, E> {
                Ok(Amount(bytes))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(AmountVisitor)
    }
}
