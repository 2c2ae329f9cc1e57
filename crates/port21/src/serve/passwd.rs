//! `port21 serve passwd`: sets the password of an account, and leaves the rest of its file as it was.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use anyhow::{Context, bail};
use ftp_server::account::configured::parse;
use ftp_server::account::password::{Cost, LONGEST_PASSWORD, PasswordHash};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::arguments::PasswdArguments;
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output;

/// Asks for a password, and writes its hash into the file.
pub fn run(arguments: &PasswdArguments) -> anyhow::Result<Outcome> {
    let file = escape::terminal(&arguments.file.to_string_lossy());
    let old = match fs::read_to_string(&arguments.file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::Input(format!("{file} cannot be read: {error}")).into()),
    };
    let mistake = |(line, reason): (usize, String)| {
        Failure::Arguments(format!("{file}:{line}: {}", escape::terminal(&reason)))
    };
    let accounts = parse(&old).map_err(mistake)?;
    let is_new = !accounts.contains_key(&arguments.name);
    if is_new && arguments.home.is_none() {
        let name = escape::terminal(&arguments.name);
        return Err(Failure::Arguments(format!("{file} has no account {name}; --home DIR makes it")).into());
    }
    let password = ask(&arguments.name)?;
    let hash = PasswordHash::new(&password, Cost::default()).context("the system has no random numbers")?;
    let home = arguments.home.as_deref().filter(|_| is_new);
    let new = with_password(&old, &arguments.name, hash.as_str(), home)?;
    parse(&new).map_err(mistake)?;
    replace(&arguments.file, &new).with_context(|| format!("{file} cannot be written"))?;
    let name = escape::terminal(&arguments.name);
    output::complain(&match is_new {
        true => format!("{file} has the account {name} now, which may read; give it rights by `permissions`"),
        false => format!("{name} has a new password in {file}"),
    });
    Ok(Outcome::Complete)
}

/// The text of the file with the new hash, and with a home if the account is new.
fn with_password(text: &str, name: &str, hash: &str, home: Option<&Path>) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let item = document.as_table_mut().entry(name).or_insert_with(|| Item::Table(Table::new()));
    let Some(account) = item.as_table_like_mut() else { bail!("account {name:?} is no table") };
    if let Some(home) = home {
        let home = home.to_str().context("the home is not written in UTF-8")?;
        account.insert("home", value(home));
    }
    // What stands around the old value, as a comment behind it, stays.
    match account.get_mut("password").and_then(Item::as_value_mut) {
        Some(old) => {
            let around = old.decor().clone();
            *old = hash.into();
            *old.decor_mut() = around;
        }
        None => {
            account.insert("password", value(hash));
        }
    }
    Ok(document.to_string())
}

fn ask(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut password = if io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password of {}: ", escape::terminal(name)))?;
        if first != rpassword::prompt_password("The same again: ")? {
            return Err(Failure::Arguments("these are two passwords".to_owned()).into());
        }
        first.into_bytes()
    } else {
        let mut line = Vec::new();
        io::stdin().lock().read_until(b'\n', &mut line).context("standard input cannot be read")?;
        line
    };
    while matches!(password.last(), Some(b'\n' | b'\r')) {
        password.pop();
    }
    if password.is_empty() || password.len() > LONGEST_PASSWORD {
        return Err(Failure::Arguments(format!("a password has 1 to {LONGEST_PASSWORD} bytes")).into());
    }
    Ok(password)
}

/// Writes `text` in place of the file, wholly or not at all, for the same readers; a new file only for its owner.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays, and what it leads to is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    let old = fs::metadata(&path).ok();
    if let Some(old) = &old {
        // The group, mostly, is that of the server, which reads the file by it.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    let mode = old.map_or(0o600, |old| old.permissions().mode());
    file.as_file().set_permissions(Permissions::from_mode(mode & 0o777))?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_order_stay() {
        let old = "# Ours\n\n[anna] # first\nhome = \"/srv/anna\"\npassword = \"old\" # since May\n# end of anna\n\n[berta]\nhome = '/b'\n";
        let new = with_password(old, "anna", "$new", None).unwrap();
        assert_eq!(new, old.replace("\"old\"", "\"$new\""));
        let new = with_password(old, "berta", "$new", None).unwrap();
        assert_eq!(new, format!("{old}password = \"$new\"\n"));
    }

    #[test]
    fn an_account_is_made_with_its_home_also_under_a_name_that_needs_quotes() {
        let new = with_password("", "anna@example.org", "$new", Some(Path::new("/srv/anna"))).unwrap();
        assert_eq!(new, "[\"anna@example.org\"]\nhome = \"/srv/anna\"\npassword = \"$new\"\n");
    }

    #[test]
    fn a_file_keeps_its_mode_and_group_and_a_new_one_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("accounts.toml");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace(&path, "one").unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // Only root may give it to a group that is not its own.
        let _ = std::os::unix::fs::chown(&path, None, Some(4321));
        let group = fs::metadata(&path).unwrap().gid();
        replace(&path, "two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().gid(), group);
        assert_eq!((mode(), fs::read_to_string(&path).unwrap().as_str()), (0o640, "two"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
