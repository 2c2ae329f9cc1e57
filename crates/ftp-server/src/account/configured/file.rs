//! Reading an accounts file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::model::Account;
use super::wording::plainly;
use crate::store::VirtualPath;

/// An accounts file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountsError {
    /// It cannot be read.
    #[error("{path}: {error}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It says something that is not understood.
    #[error("{path}:{line}: {reason}", path = path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong, in a sentence.
        reason: String,
    },
}

/// Reads the accounts in `path`.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Account>, AccountsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| AccountsError::Unreadable { path: path.to_path_buf(), error })?;
    parse(&text).map_err(|(line, reason)| AccountsError::Wrong { path: path.to_path_buf(), line, reason })
}

/// The accounts in the text of a file; the line and what is wrong with it if there is something.
pub fn parse(text: &str) -> Result<BTreeMap<String, Account>, (usize, String)> {
    let accounts: BTreeMap<String, toml::Spanned<Account>> =
        toml::from_str(text).map_err(|error| (line(text, error.span()), plainly(error.message())))?;
    let mut checked = BTreeMap::new();
    for (name, account) in accounts {
        let line = line(text, Some(account.span()));
        let account = account.into_inner();
        check(&name, &account).map_err(|reason| (line, format!("account {name:?}: {reason}")))?;
        checked.insert(name, account);
    }
    Ok(checked)
}

fn check(name: &str, account: &Account) -> Result<(), String> {
    if name.is_empty() || name.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("a client cannot send this name".to_owned());
    }
    if !account.home.is_absolute() {
        return Err(format!("home is {}, and must be an absolute path", account.home.display()));
    }
    for directory in account.beneath.keys() {
        if !directory.starts_with('/') {
            return Err(format!(
                "beneath has {directory:?}, and its directories begin with / (the account's root)"
            ));
        }
        VirtualPath::root()
            .join(directory.as_bytes())
            .map_err(|error| format!("beneath has {directory:?}: {error}"))?;
    }
    Ok(())
}

fn line(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    text.bytes().take(start).filter(|&byte| byte == b'\n').count().saturating_add(1)
}
