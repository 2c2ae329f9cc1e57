//! What a TOML file got wrong, in words for who wrote it: the parser speaks of fields, sequences and structs.

/// Two names are near each other from this likeness on (Jaro-Winkler; 1 is the same).
const NEAR: f64 = 0.8;

/// The parser's `message` in plain words; of a key that there is not, with the nearest of those that there are.
pub fn plainly(message: &str) -> String {
    if let Some((key, others)) = unknown_key(message) {
        return match nearest(key, &others) {
            Some(near) => format!("`{key}` is no key here; did you mean `{near}`?"),
            None => format!("`{key}` is no key here; there are {}", others.join(", ")),
        };
    }
    let Some((found, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let expected = match expected {
        "a sequence" => "a list in brackets, such as [\"one\", \"other\"]",
        "a boolean" => "true or false",
        "a map" => "a table",
        _ if expected.starts_with("struct ") => "a table, which a line such as [name] begins",
        _ => expected,
    };
    format!("{found}, expected {expected}")
}

/// The key that a message complains of, and those that there are in its place.
pub fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (key, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
    // Names stand between the backquotes of what follows.
    Some((key, rest.split('`').skip(1).step_by(2).collect()))
}

fn nearest<'a>(key: &str, others: &[&'a str]) -> Option<&'a str> {
    let key = key.replace('_', "-");
    let near = others.iter().map(|other| (strsim::jaro_winkler(&key, other), *other));
    let (likeness, other) = near.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (likeness >= NEAR).then_some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_there_is_not_is_told_with_the_nearest() {
        let message = "unknown field `max-conections`, expected one of `max-connections`, `max-guests`";
        assert_eq!(plainly(message), "`max-conections` is no key here; did you mean `max-connections`?");
        let message = "unknown field `require_tls`, expected one of `tls-cert`, `require-tls`";
        assert_eq!(plainly(message), "`require_tls` is no key here; did you mean `require-tls`?");
        let message = "unknown field `colour`, expected `home` or `start`";
        assert_eq!(plainly(message), "`colour` is no key here; there are home, start");
    }

    #[test]
    fn kinds_of_values_are_told_as_they_are_written() {
        for (message, plain) in [
            (
                "invalid type: string \"yes\", expected a boolean",
                "invalid type: string \"yes\", expected true or false",
            ),
            (
                "invalid type: string \"x\", expected a sequence",
                "invalid type: string \"x\", expected a list in brackets, such as [\"one\", \"other\"]",
            ),
            ("duplicate key", "duplicate key"),
        ] {
            assert_eq!(plainly(message), plain);
        }
    }
}
