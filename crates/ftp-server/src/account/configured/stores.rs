//! One store for each root, however many accounts and sessions use it.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::model::Account;
use crate::store::local::{LocalOptions, LocalStore};
use crate::store::quota::{Quota, Quoted, Tally};
use crate::store::{Result, Store};

/// The stores that are open.
pub(super) struct Stores {
    options: LocalOptions,
    open: Mutex<HashMap<PathBuf, Root>>,
}

struct Root {
    store: Arc<LocalStore>,
    /// Which folder it is: another may get its name, as when a backup is put in its place.
    folder: Folder,
    /// What is used, once an account with a quota has asked.
    tally: Option<Arc<Tally>>,
}

/// Device and number of a folder.
type Folder = (u64, u64);

fn folder(home: &Path) -> Result<Folder> {
    let metadata = fs::metadata(home)?;
    Ok((metadata.dev(), metadata.ino()))
}

impl Stores {
    pub(super) fn new(options: LocalOptions) -> Self {
        Self { options, open: Mutex::default() }
    }

    /// The files of `account`, with its quota.
    pub(super) fn open(&self, account: &Account) -> Result<Arc<dyn Store>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if account.create_home {
            let mode = 0o777 & !self.options.umask;
            DirBuilder::new().recursive(true).mode(mode).create(&account.home)?;
        }
        // Sessions under way stay where they are.
        let folder = folder(&account.home)?;
        open.retain(|home, root| *home != account.home || root.folder == folder);
        let root = match open.get_mut(&account.home) {
            Some(root) => root,
            None => {
                let store = Arc::new(LocalStore::open(&account.home, self.options.clone())?);
                open.entry(account.home.clone()).or_insert(Root { store, folder, tally: None })
            }
        };
        let quota = Quota { bytes: account.quota_bytes.map(|amount| amount.0), files: account.quota_files };
        if quota == Quota::default() {
            return Ok(Arc::clone(&root.store) as Arc<dyn Store>);
        }
        let tally = match &root.tally {
            Some(tally) => Arc::clone(tally),
            None => Arc::new(Tally::new()),
        };
        root.tally = Some(Arc::clone(&tally));
        let store = Arc::clone(&root.store) as Arc<dyn Store>;
        // Counting may take long, and must not hold up accounts of other roots.
        drop(open);
        tally.count(store.as_ref())?;
        Ok(Arc::new(Quoted::new(store, quota, tally)))
    }

    /// Closes those that no session uses: an account's next login opens its root anew, and counts what it holds.
    pub(super) fn forget_unused(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, root| {
            Arc::strong_count(&root.store) > 1
                || root.tally.as_ref().is_some_and(|tally| Arc::strong_count(tally) > 1)
        });
    }
}
