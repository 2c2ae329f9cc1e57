//! The configuration file: what it says, with what the command line says instead, and where.

use std::fs;
use std::path::PathBuf;

use ftp_server::account::configured::{plainly, unknown_key};

use crate::arguments::{ServeArguments, Settings};
use crate::escape;
use crate::outcome::Failure;

/// The file that `--print-config` writes, with its defaults behind `#|`.
const TEMPLATE: &str = include_str!("default.toml");

/// What the command line and the file say together.
pub struct Configuration {
    /// The command line's, else the file's.
    pub settings: Settings,
    file: Option<(PathBuf, String)>,
}

/// A configuration file in which every key has its default, as a comment.
pub fn with_defaults() -> String {
    TEMPLATE.replace("\n#| ", "\n#")
}

/// Reads the file that the command line names, if it names one.
pub fn read(arguments: &ServeArguments) -> Result<Configuration, Failure> {
    let settings = arguments.settings.clone();
    let Some(path) = &arguments.config else { return Ok(Configuration { settings, file: None }) };
    let shown = escape::terminal(&path.to_string_lossy());
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Arguments(format!("{shown} cannot be read: {error}")))?;
    let from_file = parse(&text).map_err(|(line, reason)| {
        Failure::Arguments(format!("{shown}:{line}: {}", escape::terminal(&reason)))
    })?;
    Ok(Configuration { settings: settings.or(from_file), file: Some((path.clone(), text)) })
}

/// The settings in the text of a file; or the line, and what is wrong with it.
pub fn parse(text: &str) -> Result<Settings, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|&byte| byte == b'\n').count().saturating_add(1);
        (line, elsewhere(error.message()).unwrap_or_else(|| plainly(error.message())))
    })
}

/// Of a key that stands in the wrong table: in which it belongs.
fn elsewhere(message: &str) -> Option<String> {
    let (key, _) = unknown_key(message)?;
    let snake = key.replace('-', "_");
    let (table, _) = Settings::GROUPS.iter().find(|(_, names)| names.contains(&snake.as_str()))?;
    let key = snake.replace('_', "-");
    Some(format!("`{key}` is no key here; it belongs into the table [{table}]"))
}

impl Configuration {
    /// A mistake in the value of `key`: says where it stands.
    pub fn mistake(&self, key: &str, reason: &str) -> Failure {
        let place = self.file.as_ref().and_then(|(path, text)| {
            let is_set = |line: &str| {
                line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
            };
            let line = text.lines().position(is_set)?.saturating_add(1);
            Some(format!("{}:{line}: {key}", escape::terminal(&path.to_string_lossy())))
        });
        let place = place.unwrap_or_else(|| format!("--{key}"));
        Failure::Arguments(format!("{place}: {}", escape::terminal(reason)))
    }
}
