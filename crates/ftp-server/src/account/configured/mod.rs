//! Accounts as an administrator configures them: in a file, on the command line, and a guest's.
//!
//! Takes a name and a password, gives the account's files and what it may do with them. A file that is read again and cannot
//! be used changes nothing. Reads no clock: it is given one.

mod file;
mod model;
mod stores;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

pub use file::{AccountsError, parse};
pub use model::{Account, Expiry, Rights};
pub use wording::{plainly, unknown_key};

use self::stores::Stores;
use super::password::{LONGEST_PASSWORD, PasswordHash, Workspace};
use super::{Accounts, Attempt, Login, Refusal};
use crate::store::local::LocalOptions;

/// Names under which guests log in (RFC 1635).
const GUESTS: [&[u8]; 2] = [b"anonymous", b"ftp"];

/// The name of guests in logs and limits.
const GUEST: &str = "anonymous";

/// Where accounts come from.
pub struct Sources {
    /// An accounts file.
    pub file: Option<PathBuf>,
    /// Accounts beside those of the file; they win over those of the same name.
    pub accounts: BTreeMap<String, Account>,
    /// What guests (RFC 1635) may do; their password is whatever they like. `None` admits none.
    pub guest: Option<Account>,
    /// How their files are kept.
    pub store: LocalOptions,
    /// Tells the time.
    pub clock: fn() -> SystemTime,
    /// Is told why an account cannot be used, for the log.
    pub report: Box<dyn Fn(&str) + Send + Sync>,
}

/// Accounts that are configured.
pub struct ConfiguredAccounts {
    sources: Sources,
    table: RwLock<Arc<Table>>,
    stores: Stores,
    workspace: Workspace,
    hasher: RandomState,
}

/// What a file gave, with what was configured beside it.
struct Table {
    accounts: BTreeMap<String, Account>,
    /// Hashes of all passwords, in the order of their accounts' names.
    hashes: Vec<PasswordHash>,
}

impl ConfiguredAccounts {
    /// Reads the file, if there is one.
    pub fn load(sources: Sources) -> Result<Self, AccountsError> {
        let table = RwLock::new(Arc::new(Table::read(&sources)?));
        let stores = Stores::new(sources.store.clone());
        Ok(Self { sources, table, stores, workspace: Workspace::default(), hasher: RandomState::new() })
    }

    /// Reads the file again. If it cannot be used, all stays as it was. Who is logged in keeps what he had. Gives how many
    /// accounts there are.
    pub fn reload(&self) -> Result<usize, AccountsError> {
        let table = Table::read(&self.sources)?;
        let count = table.accounts.len();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        self.stores.forget_unused();
        Ok(count)
    }

    /// How many accounts there are, guests not counted.
    pub fn count(&self) -> usize {
        self.table().accounts.len()
    }

    /// Accounts whose home is not there, and is not made at a login either: nobody can log in as these.
    pub fn homeless(&self) -> Vec<(String, PathBuf)> {
        let table = self.table();
        let without =
            table.accounts.iter().filter(|(_, account)| !account.create_home && !account.home.is_dir());
        without.map(|(name, account)| (name.clone(), account.home.clone())).collect()
    }

    /// The roots of all accounts and of guests, each once.
    pub fn roots(&self) -> Vec<PathBuf> {
        let table = self.table();
        let accounts = table.accounts.values().chain(&self.sources.guest);
        let mut roots: Vec<PathBuf> = accounts.map(|account| account.home.clone()).collect();
        roots.sort();
        roots.dedup();
        roots
    }

    fn table(&self) -> Arc<Table> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn login(&self, name: &str, account: &Account, attempt: &Attempt, guest: bool) -> Result<Login, Refusal> {
        let is_over = account.expires.is_some_and(|expiry| (self.sources.clock)() >= expiry.0);
        let is_elsewhere = !account.networks.is_empty()
            && !account.networks.iter().any(|network| network.contains(attempt.peer));
        if account.locked || is_over || is_elsewhere {
            return Err(Refusal::NotAllowed);
        }
        if account.require_tls && !attempt.protected {
            return Err(Refusal::TlsRequired);
        }
        let store = self.stores.open(account).map_err(|error| {
            (self.sources.report)(&format!(
                "account {name:?} cannot be used: its home {}: {error}",
                account.home.display()
            ));
            Refusal::Unavailable
        })?;
        Ok(Login {
            name: name.to_owned(),
            guest,
            store,
            home: account.start.clone(),
            permissions: account.permissions(),
            rates: account.rates(),
            maximum_sessions: account.maximum_sessions,
            may_use_other_hosts: account.server_to_server,
            welcome: account.welcome.clone(),
        })
    }
}

impl Accounts for ConfiguredAccounts {
    fn authenticate(&self, attempt: &Attempt) -> Result<Login, Refusal> {
        let table = self.table();
        let known =
            std::str::from_utf8(&attempt.user).ok().and_then(|name| table.accounts.get_key_value(name));
        if let (None, Some(guest)) = (known, &self.sources.guest)
            && GUESTS.iter().any(|name| attempt.user.eq_ignore_ascii_case(name))
        {
            return self.login(GUEST, guest, attempt, true);
        }
        let own = known.and_then(|(_, account)| account.password.as_ref());
        let password = attempt.password.0.as_slice();
        let is_right = match own.or_else(|| table.stranger(self.hasher.hash_one(&attempt.user))) {
            // Also for a stranger: who measures the time learns nothing.
            Some(hash) => hash.verify(password, &self.workspace) && password.len() <= LONGEST_PASSWORD,
            None => false,
        };
        match known {
            Some((name, account)) if is_right && own.is_some() => self.login(name, account, attempt, false),
            _ => Err(Refusal::BadCredentials),
        }
    }
}

impl Table {
    fn read(sources: &Sources) -> Result<Self, AccountsError> {
        let mut accounts = match &sources.file {
            Some(path) => file::read(path)?,
            None => BTreeMap::new(),
        };
        accounts.extend(sources.accounts.clone());
        let hashes = accounts.values().filter_map(|account| account.password.clone()).collect();
        Ok(Self { accounts, hashes })
    }

    /// The hash that is verified for a name that nobody has: always the same for the same name, and of the accounts', so
    /// that strangers take as long as accounts do, also where hashes differ in cost.
    fn stranger(&self, number: u64) -> Option<&PasswordHash> {
        let count = u64::try_from(self.hashes.len()).ok()?;
        self.hashes.get(usize::try_from(number.checked_rem(count)?).ok()?)
    }
}
