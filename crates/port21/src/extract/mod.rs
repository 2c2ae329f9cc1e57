//! `port21 extract`: the transferred files, with a manifest.
//!
//! ```text
//! captures ──▶ analysis ──▶ plan (what is written where) ──┐
//!     └──────▶ TCP streams ──▶ writer ◀────────────────────┘──▶ files ──▶ stitched files, manifest
//! ```
//!
//! The captures are read twice: first to know which streams carry files, then to write those, as their bytes come. What is
//! not whole yet has a name that ends in `.partial`, in the manifest as on the disk.

mod manifest;
mod names;
mod partial;
mod plan;
mod stitch;
mod writer;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use port21_analysis::tcp::Tracker;
use port21_capture::Transport;

use self::manifest::{Manifest, SCHEMA, Stitched};
use self::names::Names;
use self::plan::{Plan, Planner};
use self::writer::Writer;
use crate::arguments::ExtractArguments;
use crate::escape;
use crate::input::{Inputs, Step};
use crate::interrupt;
use crate::outcome::Outcome;
use crate::output;
use crate::render::words;

/// Runs the command.
pub fn run(arguments: &ExtractArguments) -> anyhow::Result<Outcome> {
    let mut inputs = Inputs::repeatable(&arguments.captures)?.bounded(arguments.common.limits.fragments);
    let mut planner = Planner::new(arguments);
    let effort = arguments.common.effort();
    // What is written is hashed, and that is enough: the first pass only finds out what to write.
    let examined = inputs.examine(effort.without_hash(), &mut planner)?;
    interrupt::check()?;
    arguments.common.check_session(&examined)?;

    let folder = arguments.output.as_path();
    let mut names = occupied_names(folder)?;
    let manifest_name = names.claim("", "manifest.json");
    let mut plan = planner.finish(&mut names);
    let manifest = ManifestFile::create(folder, &manifest_name)?;
    manifest.write(arguments, &plan, &[], true)?;

    let pool = effort.pool();
    let mut writer = Writer::new(folder, &mut plan.items, effort.hashing(pool.as_ref()));
    let mut tracker = Tracker::new(arguments.common.limits.analysis.tcp);
    let reading = inputs.read(pool.as_ref(), |step| {
        let Step::Packet(decoded) = step else { return Ok(()) };
        if let (Some(Transport::Tcp(segment)), Some(_)) = (&decoded.transport, decoded.addresses) {
            tracker.segment(decoded, segment, &mut writer);
        }
        Ok(())
    })?;
    if reading.stopped {
        tracker.pause(&mut writer);
        writer.stop();
        manifest.write(arguments, &plan, &[], true)?;
        manifest.finish()?;
        return Ok(Outcome::Incomplete);
    }
    tracker.finish(&mut writer);
    let mut failures = std::mem::take(&mut writer.failures);
    let stitched = stitch(arguments, &plan, &mut failures);
    manifest.write(arguments, &plan, &stitched, false)?;
    manifest.finish()?;

    failures.iter().for_each(|failure| output::complain(failure));
    tell(folder, &manifest_name, &plan, &stitched);
    let incomplete = plan.items.iter().any(|item| !item.file.complete || !item.file.missing.is_empty());
    let left_out = plan.not_written.iter().any(|transfer| transfer.lost || arguments.common.strict);
    Ok(if examined.reading.unreadable {
        Outcome::Unreadable
    } else if incomplete || left_out || !failures.is_empty() {
        Outcome::Incomplete
    } else {
        Outcome::Complete
    })
}

/// Makes the folder, and notes what it holds: none of that is touched.
fn occupied_names(folder: &Path) -> anyhow::Result<Names> {
    let name = escape::terminal(&folder.to_string_lossy());
    fs::create_dir_all(folder).with_context(|| format!("the folder {name} cannot be made"))?;
    let mut names = Names::default();
    for entry in fs::read_dir(folder).with_context(|| format!("the folder {name} cannot be read"))? {
        let entry = entry.with_context(|| format!("the folder {name} cannot be read"))?;
        let entry = entry.file_name();
        let entry = entry.to_string_lossy();
        names.occupy(&entry);
        names.occupy(entry.strip_suffix(".partial").unwrap_or(&entry));
    }
    Ok(names)
}

/// Puts together what belongs together. One file is no reason to give up the others.
fn stitch(arguments: &ExtractArguments, plan: &Plan, failures: &mut Vec<String>) -> Vec<Stitched> {
    let mut stitched = Vec::new();
    for chain in &plan.chains {
        match stitch::stitch(&arguments.output, chain, &plan.items, !arguments.common.no_hash) {
            Ok(whole) => stitched.extend(whole),
            Err(error) => {
                let name = escape::terminal(&chain.written);
                failures.push(format!("{name} could not be put together: {error}"));
            }
        }
    }
    stitched
}

/// Says on standard error what there is now.
fn tell(folder: &Path, manifest: &str, plan: &Plan, stitched: &[Stitched]) {
    let files = plan.items.iter().filter(|item| !item.file.partial).count();
    let holes = plan.items.iter().filter(|item| !item.file.missing.is_empty()).count();
    let cut = plan.items.iter().filter(|item| !item.file.complete && item.file.missing.is_empty()).count();
    let mut text = format!(
        "{} written to {}",
        words::count(files as u64, "file"),
        escape::terminal(&folder.to_string_lossy())
    );
    for (count, what) in [
        (holes, "with holes"),
        (cut, "cut short"),
        (stitched.len(), "more put together from parts"),
        (plan.not_written.len(), "not written"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if plan.listings_left_out > 0 {
        let left_out = words::count(plan.listings_left_out as u64, "listing");
        text.push_str(&format!(", {left_out} left out (--listings writes those too)"));
    }
    output::complain(&format!("{text}; see {manifest}"));
}

/// The manifest on its way to its name.
struct ManifestFile {
    target: PathBuf,
}

impl ManifestFile {
    fn create(folder: &Path, name: &str) -> anyhow::Result<ManifestFile> {
        let manifest = ManifestFile { target: folder.join(name) };
        File::create_new(manifest.partial()).with_context(|| manifest.failure())?;
        Ok(manifest)
    }

    fn write(
        &self,
        arguments: &ExtractArguments,
        plan: &Plan,
        stitched: &[Stitched],
        partial: bool,
    ) -> anyhow::Result<()> {
        let manifest = Manifest {
            schema: SCHEMA,
            captures: arguments.captures.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
            partial,
            files: plan.items.iter().map(|item| &item.file).collect(),
            stitched,
            not_written: &plan.not_written,
        };
        let write = || -> io::Result<()> {
            let mut file = BufWriter::new(File::options().write(true).truncate(true).open(self.partial())?);
            serde_json::to_writer_pretty(&mut file, &manifest)?;
            file.write_all(b"\n")?;
            file.flush()
        };
        write().with_context(|| self.failure())
    }

    fn finish(self) -> anyhow::Result<()> {
        partial::rename(&self.partial(), &self.target).with_context(|| self.failure())
    }

    fn partial(&self) -> PathBuf {
        partial::partial_path(&self.target)
    }

    fn failure(&self) -> String {
        format!("{} cannot be written", escape::terminal(&self.target.to_string_lossy()))
    }
}
