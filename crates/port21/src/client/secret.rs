//! Where a password stands in what is typed or sent, so that it is neither kept nor recorded.

/// Stands in place of a secret, as in all of the program's output.
const HIDDEN: &[u8] = b"<hidden>";

/// A command without its secret and its line's end, if it holds one.
pub fn hidden(line: &[u8]) -> Option<Vec<u8>> {
    Some([line.get(..in_command(line)?)?, HIDDEN].concat())
}

/// Where the secret of a command begins, if it holds one: behind PASS and ACCT (RFC 959 section 4.1.1), and behind those commands of
/// SITE that set passwords, which every server names in its own way (PSWD, CHPASS, CPWD, ADDUSER).
pub fn in_command(line: &[u8]) -> Option<usize> {
    let (verb, behind) = word(line, 0)?;
    let (_, secret) = match verb.as_slice() {
        b"PASS" | b"ACCT" => (verb, behind),
        b"SITE" => word(line, behind).filter(|(verb, _)| sets_password(verb))?,
        _ => return None,
    };
    let blanks = line.get(secret..)?.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let begin = secret.saturating_add(blanks);
    (begin < line.len()).then_some(begin)
}

fn sets_password(verb: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"PASS", b"PSW", b"PWD", b"ADDUSER"];
    names.iter().any(|name| verb.windows(name.len()).any(|part| part == *name))
}

/// The word at or behind `from`, in capitals, and where it ends.
fn word(line: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
    let rest = line.get(from..)?;
    let begin = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let word: Vec<u8> =
        rest.iter().skip(begin).take_while(|byte| !byte.is_ascii_whitespace()).copied().collect();
    let end = from.saturating_add(begin).saturating_add(word.len());
    Some((word.to_ascii_uppercase(), end))
}

/// Whether text may be, or hold, a URL with a password. A URL that cannot be read may have one, too.
pub fn in_url(text: &str) -> bool {
    let behind_scheme = text.split_once("://").map(|(_, rest)| rest);
    let login = behind_scheme.and_then(|rest| rest.rsplit_once('@')).map(|(login, _)| login);
    login.is_some_and(|login| login.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stand_behind_login_commands_and_those_of_site_that_set_passwords() {
        for (line, kept) in [
            ("PASS secret\r\n", "PASS "),
            ("acct  x", "acct  "),
            ("SITE PSWD old new\r\n", "SITE PSWD "),
            ("site  chpass joe secret", "site  chpass "),
            ("SITE ADDUSER joe secret", "SITE ADDUSER "),
        ] {
            assert_eq!(in_command(line.as_bytes()), Some(kept.len()), "{line}");
            assert_eq!(hidden(line.as_bytes()), Some(format!("{kept}<hidden>").into_bytes()), "{line}");
        }
        for line in
            ["", "\r\n", "PASS\r\n", "PASS", "USER joe", "SITE HELP PSWD", "SITE", "SITE PSWD", "PASSWORD x"]
        {
            assert_eq!(in_command(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn urls_with_passwords_are_told() {
        for text in ["ftp://joe:secret@host/", "ftp://joe:a/b c@host:x", "curl -O sftp://joe:secret@host/a"] {
            assert!(in_url(text), "{text}");
        }
        for text in ["ftp://joe@host:2121/a", "ftp://host:2121/", "a:b@c", ""] {
            assert!(!in_url(text), "{text}");
        }
    }
}
