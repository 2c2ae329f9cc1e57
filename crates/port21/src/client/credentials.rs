//! Who logs in: from the URL, a file, the environment, `.netrc`, or by asking. A password is never shown.

use std::io::{IsTerminal, stdin};

use anyhow::Context;
use ftp_client::session::Credentials;
use ftp_client::url::FtpUrl;

use super::netrc;
use super::shell::words::{self, Line, Word};
use crate::arguments::client::ConnectionArguments;
use crate::escape;
use crate::outcome::Failure;
use crate::output::complain;

/// The variable of the environment that may hold the password.
const VARIABLE: &str = "PORT21_PASSWORD";

/// Finds out who logs in at the server of `url`.
pub fn find(url: &FtpUrl, arguments: &ConnectionArguments) -> anyhow::Result<Credentials> {
    if let (Some(user), Some(password)) = (&url.user, &url.password) {
        if !arguments.quiet && !ftp_protocol::command::is_guest(user.as_bytes()) && stands_in_arguments(url) {
            complain(
                "note: a password in a URL is seen in the process list and the shell's history; --password-file is safer",
            );
        }
        return Ok(Credentials::new(user.clone(), password.clone()));
    }
    let entry = match netrc::path().filter(|_| !arguments.no_netrc) {
        Some(path) => netrc::look_up(&path, &url.host, url.user.as_deref())?,
        None => None,
    };
    let user = url.user.clone().or_else(|| entry.as_ref().and_then(|entry| entry.login.clone()));
    let account = entry.as_ref().and_then(|entry| entry.account.clone());
    let Some(user) = user else { return Ok(Credentials::anonymous()) };
    let password = match given(arguments)?.or_else(|| entry.and_then(|entry| entry.password)) {
        Some(password) => password,
        None if ftp_protocol::command::is_guest(user.as_bytes()) => Credentials::anonymous().password,
        None => ask(&user, url)?,
    };
    Ok(Credentials { user, password, account })
}

/// Whether the login of `url` stands in the arguments that the program was started with, also among the commands of a shell.
fn stands_in_arguments(url: &FtpUrl) -> bool {
    let login = |url: &FtpUrl| (url.host.clone(), url.user.clone(), url.password.clone());
    let is_it = |word: &str| FtpUrl::parse(word).is_ok_and(|given| login(&given) == login(url));
    std::env::args_os().any(|argument| {
        let argument = argument.to_string_lossy();
        let is_word = |word: &Word| is_it(&word.text());
        let is_in = |line: &Line| matches!(line, Line::Words(words) if words.iter().any(is_word));
        is_it(&argument) || words::parse(&argument).is_ok_and(|lines| lines.iter().any(is_in))
    })
}

/// The password in the file or the environment.
fn given(arguments: &ConnectionArguments) -> anyhow::Result<Option<String>> {
    if let Some(path) = &arguments.password_file {
        let shown = escape::terminal(&path.to_string_lossy());
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"));
        let text = text.map_err(|error| Failure::Arguments(format!("{error:#}")))?;
        return Ok(Some(text.lines().next().unwrap_or_default().to_owned()));
    }
    Ok(std::env::var(VARIABLE).ok())
}

fn ask(user: &str, url: &FtpUrl) -> anyhow::Result<String> {
    if !stdin().is_terminal() {
        let text = format!(
            "no password is known for {user} at {}: --password-file, {VARIABLE} or ~/.netrc may hold it",
            escape::terminal(&url.host)
        );
        return Err(Failure::Arguments(text).into());
    }
    let prompt = format!("Password of {} at {}: ", escape::terminal(user), escape::terminal(&url.host));
    rpassword::prompt_password(prompt).context("the password cannot be read")
}
