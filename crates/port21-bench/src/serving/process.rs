//! What a process and its children have used, as Linux tells in /proc.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;

/// Seconds of computing of a process, its children, and those that they have waited for.
pub fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    // Every Linux that this runs on counts hundredths of a second here.
    const TICKS: f64 = 100.0;
    let mut ticks = 0;
    for process in family(process)? {
        // utime, stime, cutime and cstime are fields 14 to 17; the first two of all, number and name, are cut off.
        let fields = stat(process).unwrap_or_default();
        ticks += fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    }
    Ok(ticks as f64 / TICKS)
}

/// Memory of a process and its children in KiB, what they share counted once.
pub fn memory_kibibytes(process: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for process in family(process)? {
        let Ok(text) = fs::read_to_string(format!("/proc/{process}/smaps_rollup")) else { continue };
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        sum += line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
    }
    Ok(sum)
}

/// The process and all that descend from it.
fn family(process: u32) -> anyhow::Result<Vec<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").context("the system has no /proc")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = stat(number).and_then(|fields| fields.get(1)?.parse().ok()) {
            children.entry(parent).or_default().push(number);
        }
    }
    let mut found = vec![process];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        found.extend(children.remove(parent).unwrap_or_default());
        at += 1;
    }
    Ok(found)
}

/// The fields behind the name, from the state on; `None` if the process has gone.
fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}
