//! Captures and expectations outside the repository, where they are there, and what the check's summary says.

use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder `shared` beside the repository. Captures made by others must not be committed, so they are kept there;
/// without it, a test says so and has nothing to compare.
pub fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    folder.join("captures/MANIFEST.tsv").exists().then_some(folder)
}

/// Every capture listed in `shared/captures/MANIFEST.tsv`, as (path inside `captures`, what it holds).
pub fn manifest(shared: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(shared.join("captures/MANIFEST.tsv")).expect("MANIFEST.tsv");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut fields = line.split('\t');
            let file = fields.next().expect("a file").to_string();
            (file, fields.nth(5).unwrap_or_default().trim_matches('"').to_string())
        })
        .collect()
}

/// Prints `text`, and has the check's summary repeat it.
pub fn note(text: &str) {
    println!("{text}");
    if let Some(path) = std::env::var_os("PORT21_CHECK_NOTES") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("the notes");
        writeln!(file, "{text}").expect("the notes can be written");
    }
}
