//! What a run tells: a line for each thing done, and a summary.

use std::io::{self, Write};
use std::time::Instant;

use serde::Serialize;

use crate::client::progress::Overall;
use crate::escape;
use crate::outcome::Outcome;
use crate::output::complain;
use crate::render::words;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    pub json: bool,
    pub verbose: bool,
    pub quiet: bool,
    pub dry_run: bool,
}

/// Something that was done, or would be.
#[derive(Debug, Default, Serialize)]
pub struct Event<'a> {
    /// get, put, mkdir, adjust, delete, skip or fail.
    pub action: &'static str,
    #[serde(serialize_with = "text")]
    pub path: &'a [u8],
    /// The path's bytes in hexadecimal where they are not UTF-8.
    pub path_bytes: Option<String>,
    /// Bytes of the whole file.
    pub bytes: Option<u64>,
    /// Bytes that crossed.
    pub transferred: u64,
    pub resumed_from: u64,
    /// Why a file is transferred: missing, size, time, newer, content or asked.
    pub reason: Option<&'static str>,
    /// Checksums were compared.
    pub verified: bool,
    pub seconds: f64,
    pub dry_run: bool,
    /// Why it failed or was skipped.
    pub error: Option<String>,
}

fn text<S: serde::Serializer>(path: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(path))
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Totals {
    transferred: u64,
    unchanged: u64,
    adjusted: u64,
    made: u64,
    deleted: u64,
    skipped: u64,
    failed: u64,
    /// Bytes that crossed.
    bytes: u64,
}

/// Counts and tells.
pub struct Report {
    manner: Manner,
    totals: Totals,
    started: Instant,
    bar: Overall,
    /// Standard output could not be written.
    broken: Option<io::Error>,
}

impl Report {
    /// Nothing was done yet.
    pub fn new(manner: Manner) -> Self {
        let bar = Overall::new(manner.quiet || manner.json || manner.verbose);
        Self { manner, totals: Totals::default(), started: Instant::now(), bar, broken: None }
    }

    /// Tells of something that was done, or would be.
    pub fn done(&mut self, event: Event<'_>) {
        let count = match event.action {
            "get" | "put" => &mut self.totals.transferred,
            "mkdir" => &mut self.totals.made,
            "adjust" => &mut self.totals.adjusted,
            "delete" => &mut self.totals.deleted,
            "skip" => &mut self.totals.skipped,
            _ => &mut self.totals.failed,
        };
        *count = count.saturating_add(1);
        self.totals.bytes = self.totals.bytes.saturating_add(event.transferred);
        if matches!(event.action, "get" | "put" | "fail") {
            self.bar.ended();
        }
        let is_told = self.manner.json || self.manner.verbose || self.manner.dry_run;
        if let Some(error) = &event.error
            && event.action == "fail"
        {
            let path =
                if event.path.is_empty() { ".".to_owned() } else { escape::terminal_bytes(event.path) };
            self.bar.aside(|| complain(&format!("{path}: {error}")));
        }
        if is_told && self.broken.is_none() {
            self.broken = self.write(event).err();
        }
    }

    fn write(&self, event: Event<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.manner.json {
            let is_text = std::str::from_utf8(event.path).is_ok();
            let hexadecimal = || event.path.iter().map(|byte| format!("{byte:02x}")).collect();
            let path_bytes = (!is_text).then(hexadecimal);
            let event = Event { path_bytes, dry_run: self.manner.dry_run, ..event };
            return writeln!(out, "{}", serde_json::to_string(&event)?);
        }
        // What failed stands on standard error.
        if event.action == "fail" {
            return Ok(());
        }
        let would = if self.manner.dry_run { "would " } else { "" };
        let size = event.bytes.map(|bytes| format!("  {}", words::count(bytes, "byte"))).unwrap_or_default();
        let reason = event.reason.map(|reason| format!("  ({reason})")).unwrap_or_default();
        writeln!(out, "{would}{} {}{size}{reason}", event.action, escape::terminal_bytes(event.path))
    }

    /// Something cannot be mirrored.
    pub fn fail(&mut self, path: &[u8], error: impl Into<String>) {
        self.done(Event { action: "fail", path, error: Some(error.into()), ..Event::default() });
    }

    /// Something is left out, as others of its kind.
    pub fn skip(&mut self, path: &[u8], reason: &str) {
        self.done(Event {
            action: "skip",
            path,
            error: Some(format!("left out: {reason}")),
            ..Event::default()
        });
    }

    /// Nothing was done, and nothing was found to be done.
    pub fn is_empty(&self) -> bool {
        self.totals == Totals::default()
    }

    /// A file is the same on both sides.
    pub fn keep(&mut self) {
        self.totals.unchanged = self.totals.unchanged.saturating_add(1);
    }

    /// A file that was told to be transferred is not what was sent.
    pub fn take_back(&mut self, path: &[u8], error: String) {
        self.totals.transferred = self.totals.transferred.saturating_sub(1);
        self.fail(path, error);
    }

    /// So many bytes more are to cross.
    pub fn awaits(&self, bytes: Option<u64>) {
        self.bar.awaits(bytes.unwrap_or_default());
    }

    /// The bar, to tell it of each piece that crosses.
    pub fn bar(&self) -> Overall {
        self.bar.clone()
    }

    /// Says something between, without spoiling the bar.
    pub fn complain(&self, text: &str) {
        if !self.manner.quiet {
            self.bar.aside(|| complain(text));
        }
    }

    /// Tells the sum of it all.
    ///
    /// # Errors
    /// Standard output could not be written.
    pub fn summary(mut self) -> io::Result<Outcome> {
        self.bar.clear();
        if let Some(error) = self.broken.take() {
            return Err(error);
        }
        let seconds = self.started.elapsed().as_secs_f64();
        let totals = self.totals;
        if self.manner.json {
            #[derive(Serialize)]
            struct Summary {
                #[serde(flatten)]
                totals: Totals,
                seconds: f64,
                dry_run: bool,
            }
            let summary = Summary { totals, seconds, dry_run: self.manner.dry_run };
            writeln!(io::stdout().lock(), "{}", serde_json::json!({ "summary": summary }))?;
        } else if !self.manner.quiet {
            complain(&sentence(&totals, seconds, self.manner.dry_run));
        }
        Ok(if totals.failed > 0 { Outcome::Incomplete } else { Outcome::Complete })
    }
}

fn sentence(totals: &Totals, seconds: f64, dry_run: bool) -> String {
    let mut parts = vec![format!("{} transferred", words::count(totals.transferred, "file"))];
    if !dry_run && totals.transferred > 0 {
        let rate = words::rate(totals.bytes, seconds).map(|rate| format!(", {rate}")).unwrap_or_default();
        let (last, bytes) = (parts.pop().unwrap_or_default(), words::count(totals.bytes, "byte"));
        parts.push(format!("{last} ({bytes} in {}{rate})", words::seconds(seconds)));
    }
    for (count, what) in [
        (totals.unchanged, "unchanged"),
        (totals.adjusted, "adjusted"),
        (totals.deleted, "deleted"),
        (totals.skipped, "left out"),
        (totals.failed, "failed"),
    ] {
        if count > 0 || what == "unchanged" {
            parts.push(format!("{} {what}", words::number(count)));
        }
    }
    let would = if dry_run { "nothing was done; it would be: " } else { "" };
    format!("{would}{}", parts.join(", "))
}
