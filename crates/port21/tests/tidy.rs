//! Rules of the house that the compiler does not know.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which crates a crate may depend on, beside those that are not ours (ARCHITECTURE.md).
const ARROWS: [(&str, &[&str]); 8] = [
    ("port21-capture", &[]),
    ("ftp-protocol", &[]),
    ("ftp-client", &["ftp-protocol"]),
    ("ftp-server", &["ftp-protocol", "port21-capture"]),
    ("port21-analysis", &["port21-capture", "ftp-protocol"]),
    ("port21", &["port21-capture", "ftp-protocol", "port21-analysis", "ftp-client", "ftp-server"]),
    // Only tests may use it, and what measures.
    ("port21-testkit", &[]),
    ("port21-bench", &["port21-testkit"]),
];

/// Crates that may print: the programs, and the test kit, whose words are for the person who runs the tests.
const MAY_PRINT: [&str; 3] = ["port21", "port21-bench", "port21-testkit"];

/// A longer file has more than one concern.
const LONGEST_FILE: usize = 500;

/// The report's shapes are one list, made to be read beside the contract.
const LONG_BY_DESIGN: [&str; 1] = ["crates/port21-analysis/src/report/model.rs"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn crates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders.sort();
    folders
}

fn name(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Names in the tables of `manifest` whose title, without `[target.…]`, is `table`.
fn dependencies(manifest: &str, table: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(title) = line.strip_prefix('[') {
            let title = title.trim_end_matches(']');
            let title = if title.starts_with("target.") { title.rsplit('.').next().unwrap() } else { title };
            if let Some(name) = title.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) {
                found.insert(name.to_string());
            }
            inside = title == table;
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            found.insert(name.trim().to_string());
        }
    }
    found
}

#[test]
fn crates_depend_only_on_those_that_the_table_allows() {
    let ours: BTreeSet<String> = crates().iter().map(|folder| name(folder).to_string()).collect();
    let listed: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_string()).collect();
    assert_eq!(ours, listed, "every crate has its row");
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let (_, allowed) = ARROWS.iter().find(|(crate_name, _)| *crate_name == name(&folder)).unwrap();
        for table in ["dependencies", "build-dependencies"] {
            for dependency in dependencies(&manifest, table).intersection(&ours) {
                assert!(
                    allowed.contains(&dependency.as_str()),
                    "{} must not use {dependency}",
                    name(&folder)
                );
            }
        }
    }
}

#[test]
fn arrow_reader_sees_every_way_to_write_a_dependency() {
    let manifest = "[dependencies]\na.workspace = true\nb = \"1\"\nc={ path = \"x\" }\n[dependencies.d]\npath = \"y\"\n\
                    [dev-dependencies]\ne = \"1\"\n[target.'cfg(unix)'.dependencies]\nf = \"1\"\n";
    let names: Vec<String> = dependencies(manifest, "dependencies").into_iter().collect();
    assert_eq!(names, ["a", "b", "c", "d", "f"]);
}

#[test]
fn libraries_do_not_print() {
    for folder in crates().iter().filter(|folder| !MAY_PRINT.contains(&name(folder))) {
        for path in sources(&folder.join("src")) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for (number, line) in code.lines().enumerate() {
                let code = line.split("//").next().unwrap();
                let prints =
                    ["print!(", "println!(", "eprint!(", "eprintln!("].iter().any(|word| code.contains(word));
                assert!(!prints, "{}:{} prints; return it to the program", path.display(), number + 1);
            }
        }
    }
}

#[test]
fn no_file_is_longer_than_one_concern() {
    let mut long = Vec::new();
    for folder in crates() {
        for path in sources(&folder) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            let listed = LONG_BY_DESIGN.iter().any(|name| path.ends_with(Path::new(name)));
            if lines > LONGEST_FILE && !listed {
                long.push(format!("{} has {lines} lines", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "cut by concern:\n{}", long.join("\n"));
}

#[test]
fn every_crate_obeys_the_lints_of_the_workspace() {
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{} has lints of its own", name(&folder));
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
}

#[test]
fn no_test_is_skipped() {
    // Written in two parts, so that this file does not find itself.
    let attribute = concat!("#[ig", "nore");
    for folder in crates() {
        for path in sources(&folder) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(!text.contains(attribute), "{} skips a test: make it run, or remove it", path.display());
        }
    }
}

/// Tests that a document names: a list entry with file and name, `crates/a/tests/b.rs: name`.
fn named_tests(document: &str) -> Vec<(&str, &str)> {
    let entries = document.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'));
    entries.map(|entry| entry.split_once(": ").expect("a file and a name")).collect()
}

#[test]
fn every_attack_has_its_tests() {
    let document = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let mut missing = Vec::new();
    for (file, name) in named_tests(&document) {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        let is_there = if file.ends_with(".txt") {
            text.lines().any(|line| line.strip_prefix("== ") == Some(name))
        } else {
            let (before, _) = text.split_once(&format!("fn {name}(")).unwrap_or_default();
            before.trim_end().ends_with("#[test]")
        };
        if !is_there {
            missing.push(format!("{file}: {name}"));
        }
    }
    assert!(missing.is_empty(), "named in docs/attacks.md, and not there:\n{}", missing.join("\n"));
    // Rows 1 to 22, of which two are the client's; each of the others has a test before the next begins.
    let sections: Vec<&str> = document.split("\n## ").skip(1).collect();
    for number in (1..=22).filter(|number| ![17, 18].contains(number)) {
        let section = sections.iter().find(|section| section.starts_with(&format!("{number} ")));
        let section = section.unwrap_or_else(|| panic!("docs/attacks.md lacks attack {number}"));
        assert!(!named_tests(section).is_empty(), "attack {number} has no test");
    }
}
