//! Runs the program as a user would, and reads its report.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::network::Network;

/// A run that takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The program under test.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    path: &'static str,
}

impl Program {
    /// The binary at `path`: `env!("CARGO_BIN_EXE_port21")` in an integration test.
    pub const fn new(path: &'static str) -> Self {
        Program { path }
    }

    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// The JSON report of what `network` has captured.
    pub fn explain(&self, network: &Network) -> Value {
        self.explain_bytes(&network.pcap(), &[])
    }

    /// The JSON report of a capture file's bytes, with further `arguments`.
    pub fn explain_bytes(&self, capture: &[u8], arguments: &[&str]) -> Value {
        let output =
            self.run_with_input(&[&["explain", "--format", "json"], arguments, &["-"]].concat(), capture);
        self.report("standard input", &output)
    }

    /// The JSON report of the capture file at `path`.
    pub fn explain_file(&self, path: &Path) -> Value {
        let output = self.run(&["explain", "--format", "json", path.to_str().expect("a path in UTF-8")]);
        self.report(&path.display().to_string(), &output)
    }

    /// Runs it with nothing on standard input.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, b"")
    }

    /// Runs it with `input` on standard input; fails the test if it does not end.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(self.path)
            .args(arguments)
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut stderr = child.stderr.take().expect("a pipe");
        std::thread::scope(|scope| {
            // A program that refuses its input closes it: then the rest cannot be written, and that is well.
            scope.spawn(move || {
                let _ = stdin.write_all(input);
            });
            let reader = scope.spawn(move || read_all(&mut stdout));
            let errors = scope.spawn(move || read_all(&mut stderr));
            let started = Instant::now();
            while !reader.is_finished() || !errors.is_finished() {
                if started.elapsed() > PATIENCE {
                    let _ = child.kill();
                    panic!("port21 {} does not end", arguments.join(" "));
                }
                std::thread::park_timeout(Duration::from_millis(1));
            }
            Output {
                status: child.wait().expect("the program ends"),
                stdout: reader.join().expect("standard output is read"),
                stderr: errors.join().expect("standard error is read"),
            }
        })
    }

    fn report(&self, input: &str, output: &Output) -> Value {
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "explain of {input}: {}: {talk}", output.status);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("explain of {input} gives no JSON: {error}: {talk}"));
        assert_conforms(input, &report);
        report
    }
}

fn read_all(from: &mut impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).expect("a pipe can be read");
    bytes
}

/// Fails unless `report` is what `docs/report.schema.json` says, with every field of it and no other.
pub fn assert_conforms(input: &str, report: &Value) {
    static VALIDATOR: OnceLock<jsonschema::Validator> = OnceLock::new();
    let validator = VALIDATOR.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
        let text = std::fs::read_to_string(path).expect("docs/report.schema.json");
        let mut schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
        close(&mut schema);
        jsonschema::validator_for(&schema).expect("the schema is one")
    });
    let errors: Vec<String> =
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "the report of {input} breaks its schema:\n{}", errors.join("\n"));
}

/// Forbids fields that the schema does not name. The published schema leaves room for those of later versions.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("type").is_some_and(|kind| kind == "object") && object.contains_key("properties") {
                object.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(array) => array.iter_mut().for_each(close),
        _ => {}
    }
}
