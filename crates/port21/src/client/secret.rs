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

/// The words of a command's secret, if it holds one.
pub fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let secret = in_command(line).and_then(|begin| line.get(begin..)).unwrap_or_default();
    let words = secret.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(<[u8]>::to_vec).collect()
}

/// A line of a reply without its text and its end, if that repeats one of these words. The whole text goes, since one with a gap in
/// it can tell what was there.
pub fn hidden_in_reply(line: &[u8], words: &[Vec<u8>]) -> Option<Vec<u8>> {
    let repeats =
        |word: &Vec<u8>| line.windows(word.len().max(1)).any(|part| part.eq_ignore_ascii_case(word));
    if !words.iter().any(repeats) {
        return None;
    }
    let code = line
        .get(..4)
        .filter(|code| matches!(code, [digits @ .., b' ' | b'-'] if digits.iter().all(u8::is_ascii_digit)));
    Some([code.unwrap_or_default(), HIDDEN].concat())
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
    fn reply_that_repeats_a_secret_keeps_its_code_only() {
        let words = words(b"SITE CHPASS joe  n3w\r\n");
        assert_eq!(words, [b"joe", b"n3w"]);
        for (line, kept) in [
            ("200 joe has the password N3W now.\r\n", "200 <hidden>"),
            ("200-n3w\r\n", "200-<hidden>"),
            (" n3w\r\n", "<hidden>"),
            ("5", ""),
            ("550 No.\r\n", ""),
        ] {
            let expected = Some(kept.as_bytes().to_vec()).filter(|kept| !kept.is_empty());
            assert_eq!(hidden_in_reply(line.as_bytes(), &words), expected, "{line}");
        }
        assert_eq!(hidden_in_reply(b"200 joe", &super::words(b"SITE HELP joe")), None);
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
