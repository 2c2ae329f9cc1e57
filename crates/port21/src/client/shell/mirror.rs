//! `mirror` in the shell: which directory there and which folder here are meant.

use std::path::Path;

use super::Shell;
use super::command::MirrorLine;
use super::place::Place;
use crate::client::mirror::{self, Sides};
use crate::client::sessions::without_last_slash;
use crate::outcome::Outcome;

/// Mirrors over sessions of its own, from or to the place of the shell.
pub async fn run(shell: &mut Shell<'_>, here: &Place, line: &MirrorLine) -> anyhow::Result<Outcome> {
    let (source, target) = names(line.source.as_deref(), line.target.as_deref());
    let (near, far) = if line.reverse { (&source, &target) } else { (&target, &source) };
    let url = if far.is_empty() { here.url() } else { here.resolve_name(far, None) };
    let near = Path::new(if near.is_empty() { "." } else { near });
    let connector = shell.sessions.connector(&url).await?;
    let sides = Sides { url, near, sends: line.reverse, connector };
    let interactive = shell.interactive;
    mirror::with(&line.options, shell.connection, sides, || super::ended(interactive)).await
}

/// Source and target, empty for where one is, as lftp understands the words: what has no target gets one of its own name, and a target
/// with a slash at its end is what the source is put into.
fn names(source: Option<&str>, target: Option<&str>) -> (String, String) {
    let source = source.unwrap_or_default();
    let path = String::from_utf8_lossy(without_last_slash(source.as_bytes())).into_owned();
    let name = path.rsplit('/').next().filter(|name| !matches!(*name, "." | "..")).unwrap_or_default();
    let target = match target {
        None => name.to_owned(),
        Some(target) if target.ends_with('/') && target != "/" => format!("{target}{name}"),
        Some(target) => target.to_owned(),
    };
    (source.to_owned(), target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_without_a_target_gets_one_of_its_name_and_a_slash_puts_it_into_what_is_there() {
        for (source, target, expected) in [
            (None, None, ("", "")),
            (Some("pub/data"), None, ("pub/data", "data")),
            (Some("pub/data/"), None, ("pub/data/", "data")),
            (Some("/"), None, ("/", "")),
            (Some(".."), None, ("..", "")),
            (Some("data"), Some("copy"), ("data", "copy")),
            (Some("pub/data"), Some("copies/"), ("pub/data", "copies/data")),
            (Some("data/"), Some("copies/"), ("data/", "copies/data")),
            (Some("."), Some("copies/"), (".", "copies/")),
            (Some("site"), Some("/"), ("site", "/")),
        ] {
            let (found_source, found_target) = names(source, target);
            assert_eq!((found_source.as_str(), found_target.as_str()), expected, "{source:?} {target:?}");
        }
    }
}
