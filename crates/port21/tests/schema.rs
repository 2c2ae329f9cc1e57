//! `docs/report.schema.json` is the JSON Schema of the report, made from the types that write it.

// The lints allow these in tests, but do not take a test's helpers for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use port21_analysis::report::Report;
use schemars::generate::SchemaSettings;

/// Set it to write the file anew.
const REGENERATE: &str = "PORT21_REGENERATE";

#[test]
fn schema_in_the_repository_is_that_of_the_model() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
    let mut schema =
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Report>();
    schema.insert("$id".into(), "urn:port21:report:1".into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    if std::env::var_os(REGENERATE).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "docs/report.schema.json is not what the model says; write it anew with {REGENERATE}=1 cargo test --test schema"
    );
}
