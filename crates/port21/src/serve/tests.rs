//! The configuration file and the command line say the same things.

use std::fs;

use clap::{CommandFactory, Parser};

use super::configuration::{parse, with_defaults};
use super::*;
use crate::arguments::{Arguments, Command, Settings};
use crate::outcome::Failure;

fn arguments(words: &[&str]) -> ServeArguments {
    let words = ["port21", "serve"].iter().chain(words);
    match Arguments::try_parse_from(words).unwrap().command {
        Command::Serve(serve) => *serve,
        _ => unreachable!("it was asked to serve"),
    }
}

/// What is wrong with these arguments, and this file, if something is.
fn mistake(file: &str, words: &[&str]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("port21.toml");
    fs::write(&path, file).unwrap();
    let mut all = vec!["--config", path.to_str().unwrap()];
    all.extend(words);
    let arguments = arguments(&all);
    let result = configuration::read(&arguments)
        .and_then(|configuration| assembly::assemble(&configuration, &arguments));
    match result {
        Ok(_) => None,
        Err(Failure::Arguments(text) | Failure::Input(text)) => {
            Some(text.replace(&format!("{}/", folder.path().to_str().unwrap()), ""))
        }
    }
}

#[test]
fn the_file_that_is_printed_has_every_option_in_its_table() {
    let text = with_defaults();
    let mut table = String::new();
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
        } else if let Some((key, _)) = line.strip_prefix('#').and_then(|line| line.split_once(" = "))
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        {
            found.push((table.clone(), key.to_owned()));
        }
    }
    let mut expected = vec![(String::new(), "root".to_owned())];
    for (table, keys) in Settings::GROUPS {
        expected.extend(keys.iter().map(|key| (table.to_owned(), key.replace('_', "-"))));
    }
    assert_eq!(found, expected);
}

#[test]
fn the_file_that_is_printed_is_right_as_it_is_and_with_every_key_in_force() {
    assert!(parse(&with_defaults()).is_ok());
    assert!(!with_defaults().contains('|'), "what marks a key is taken away, and nothing else");
    let text = include_str!("default.toml").replace("\n#| ", "\n");
    if let Err((line, reason)) = parse(&text) {
        panic!("line {line}: {reason}");
    }
}

#[test]
fn every_key_of_the_file_is_an_option_of_the_command_line() {
    let program = Arguments::command();
    let serve = program.find_subcommand("serve").unwrap();
    let options: Vec<&str> = serve.get_arguments().filter_map(|argument| argument.get_long()).collect();
    for (_, keys) in Settings::GROUPS {
        for key in keys {
            assert!(options.contains(&key.replace('_', "-").as_str()), "--{key}");
        }
    }
}

#[test]
fn the_command_line_wins_over_the_file() {
    let settings = |file: &str, words: &[&str]| arguments(words).settings.or(parse(file).unwrap());
    let file = "[network]\nlisten = ['127.0.0.1:1']\n[access]\nwrite = true\n[limits]\nmax-connections = 5\n";
    let both = settings(file, &["--listen", "127.0.0.1:2", "--write=false"]);
    assert_eq!(both.network.listen.unwrap()[0].0.port(), 2);
    assert_eq!((both.access.write, both.limits.max_connections), (Some(false), Some(5)));
    assert_eq!(settings(file, &["--write"]).access.write, Some(true));
}

#[test]
fn a_mistake_is_told_with_its_line() {
    for (file, place, words) in [
        ("\n[tls]\ntls-certificate = 'x'\n", "port21.toml:3: ", "did you mean `tls-cert`?"),
        ("[network]\nlisten = ['localhost']\n", "port21.toml:2: ", "no address with a port"),
        ("[timeouts]\n\nidle-timeout = 'soon'\n", "port21.toml:3: ", "no time"),
        ("[limits]\ndownload-rate = '10 parsec'\n", "port21.toml:2: ", "no number of bytes"),
        ("[files]\nlinks = 'sometimes'\n", "port21.toml:2: ", "sometimes"),
        ("[tls]\nrequire-tls = true\n", "port21.toml:2: require-tls: ", "needs a certificate"),
        ("[tls]\ntls-cert = '/missing/file'\n", "port21.toml:2: tls-cert: ", "/missing/file"),
        ("root = '/missing/folder'\n", "port21.toml:1: root: ", "/missing/folder"),
        ("[network\n", "port21.toml:1: ", ""),
    ] {
        let told = mistake(file, &[]).unwrap_or_else(|| panic!("nothing is wrong with {file:?}"));
        assert!(told.starts_with(place) && told.contains(words), "{told} for {file:?}");
    }
    assert_eq!(mistake("", &[]), None);
}

#[test]
fn a_mistake_on_the_command_line_is_told_with_its_option() {
    for (words, told) in [
        (&["--require-tls"][..], "--require-tls: this needs a certificate"),
        (&["--implicit-tls", "127.0.0.1:0"], "--implicit-tls: this needs a certificate"),
        (&["--account", "name"], "--account needs NAME:PASSWORD"),
        (&["/missing/folder"], "/missing/folder: "),
        (&["--accounts", "/missing/file"], "/missing/file: "),
    ] {
        let found = mistake("", words).unwrap_or_else(|| panic!("nothing is wrong with {words:?}"));
        assert!(found.starts_with(told), "{found}");
    }
}

#[test]
fn guests_are_admitted_where_there_are_no_accounts() {
    let guests = |words: &[&str]| {
        let arguments = arguments(words);
        let configuration = configuration::read(&arguments).ok().unwrap();
        assembly::assemble(&configuration, &arguments).ok().unwrap().guests
    };
    assert_eq!(guests(&[]), Some(false));
    assert_eq!(guests(&["--write"]), Some(true));
    assert_eq!(guests(&["--account", "a:b"]), None);
    assert_eq!(guests(&["--account", "a:b", "--anonymous"]), Some(false));
    assert_eq!(guests(&["--anonymous=false"]), None);
}
