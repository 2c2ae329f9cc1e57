//! Captures from a seed, written as they are made.
//!
//! ```text
//! script (what is said) ──▶ conversation (acts) ──▶ flow (segments) ──▶ merged by time ──▶ tap ──▶ file
//! ```

mod conversation;
mod flow;
mod random;
mod script;
mod tap;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::ValueEnum;

use conversation::Conversation;
use random::Random;
use script::Errand;
use tap::{Errors, Tap};

/// 2024-01-01T00:00:00Z, in nanoseconds.
const START: i64 = 1_704_067_200_000_000_000;

/// Raise it when the captures of a seed change: those that are kept are not used any more.
const VERSION: u32 = 1;

/// What a capture holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Transfers of 50 MB over few sessions
    Bulk,
    /// A thousand short sessions at a time: listings, small files, refused connections
    Chatter,
    /// Two per cent of FTP among HTTP, TLS, DNS and other UDP
    Mixed,
    /// Transfers with loss, frames missing, twice, swapped and cut
    Damaged,
}

impl Workload {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Workload::Bulk => "bulk",
            Workload::Chatter => "chatter",
            Workload::Mixed => "mixed",
            Workload::Damaged => "damaged",
        }
    }

    /// Conversations at a time.
    fn width(self) -> usize {
        match self {
            Workload::Bulk => 3,
            Workload::Chatter => 1000,
            Workload::Mixed => 60,
            Workload::Damaged => 8,
        }
    }

    fn errors(self) -> Errors {
        match self {
            Workload::Damaged => Errors { missing: 1, twice: 50, swapped: 100, cut: 1 },
            _ => Errors::default(),
        }
    }
}

/// The capture of about `size` bytes in `folder`; it is made if it is not there yet.
pub fn capture(folder: &Path, workload: Workload, size: u64, seed: u64) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{}-{size}-{seed}-v{VERSION}.pcap", workload.name()));
    if path.exists() {
        return Ok(path);
    }
    let failed = || format!("{} cannot be written", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let partial = path.with_extension("partial");
    let mut output = BufWriter::with_capacity(1 << 20, File::create(&partial).with_context(failed)?);
    write(workload, size, seed, &mut output).and_then(|()| output.flush()).with_context(failed)?;
    fs::rename(&partial, &path).with_context(failed)?;
    Ok(path)
}

/// Writes a capture: conversations side by side, merged by time, a new one for each that ends.
fn write(workload: Workload, size: u64, seed: u64, output: &mut dyn Write) -> std::io::Result<()> {
    let mut random = Random::new(seed ^ (workload as u64) << 56);
    let mut tap = Tap::new(output, workload.errors(), random.split())?;
    let mut running: Vec<Conversation> = Vec::new();
    let mut due = BinaryHeap::new();
    let (mut planned, mut begun) = (0u64, 0u64);
    loop {
        // All but the first few begin where another one ends.
        let one_more = running.len() < workload.width() && planned < size;
        let Some(Reverse((time, index))) = (if one_more { None } else { due.pop() }) else {
            if planned >= size {
                return tap.finish();
            }
            let start = START.saturating_add(i64::try_from(begun).unwrap_or(0).saturating_mul(1_700_000));
            let next = begin(workload, size, begun, start, &mut random);
            (planned, begun) = (planned.saturating_add(next.planned()), begun + 1);
            running.push(next);
            let last = running.len() - 1;
            due.extend(running.last_mut().and_then(Conversation::due).map(|time| Reverse((time, last))));
            continue;
        };
        let Some(conversation) = running.get_mut(index) else { continue };
        if let Some(frame) = conversation.frames.queue.pop_front() {
            tap.pass(frame)?;
        }
        let next = conversation.due();
        if next.is_none() && planned < size {
            *conversation = begin(workload, size, begun, time, &mut random);
            (planned, begun) = (planned.saturating_add(conversation.planned()), begun + 1);
        }
        due.extend(next.or_else(|| conversation.due()).map(|time| Reverse((time, index))));
    }
}

/// Conversation number `number` of a workload.
fn begin(workload: Workload, size: u64, number: u64, start: i64, random: &mut Random) -> Conversation {
    let port = |random: &mut Random| u16::try_from(random.between(20_000, 65_000)).unwrap_or(20_000);
    let client = script::end(1, 1 + number % 4000, port(random));
    let control = [client, script::end(2, 1 + number % 50, 21)];
    let ftp = |errands: &[Errand], step: i64, loss: u64, random: &mut Random| {
        let acts = script::ftp(control, "anonymous", errands, random);
        Conversation::new(control, (start, step), loss, acts, random)
    };
    match workload {
        Workload::Bulk => {
            let bytes = (size / 6).min(50_000_000);
            ftp(&[Errand::Retrieve(bytes), Errand::Store(bytes)], 36_000, 0, random)
        }
        Workload::Chatter if number % 8 == 7 => {
            let acts = vec![conversation::Act::Refused, conversation::Act::Wait(100)];
            Conversation::new(control, (start, 400_000), 0, acts, random)
        }
        Workload::Chatter => {
            let sizes = [random.between(3, 12), random.between(200, 6000), random.between(200, 6000)];
            let [entries, first, second] = sizes;
            let errands = [Errand::List(entries), Errand::Retrieve(first), Errand::Store(second)];
            ftp(&errands, 20_000_000, 0, random)
        }
        Workload::Damaged => {
            let errands = [(); 4].map(|()| Errand::Retrieve(random.between(50_000, 2_000_000)));
            ftp(&errands, 100_000, 15, random)
        }
        Workload::Mixed => mixed(number, start, client, random, ftp),
    }
}

/// A conversation of the mixed workload.
fn mixed(
    number: u64,
    start: i64,
    client: std::net::SocketAddr,
    random: &mut Random,
    ftp: impl Fn(&[Errand], i64, u64, &mut Random) -> Conversation,
) -> Conversation {
    let (server, bytes) = (1 + random.between(0, 300), random.between(10_000, 900_000));
    let (port, acts) = match number % 20 {
        0 if number.is_multiple_of(40) => {
            let bytes = random.between(50_000, 350_000);
            return ftp(&[Errand::List(10), Errand::Retrieve(bytes)], 720_000, 0, random);
        }
        0..=5 => (53, script::dns(server, random)),
        6..=9 => (80, script::http(bytes)),
        10..=16 => (443, script::tls(bytes)),
        _ => (443, script::datagrams(bytes / 1200, random)),
    };
    Conversation::new([client, script::end(3, server, port)], (start, 720_000), 0, acts, random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk;

    fn made(workload: Workload, seed: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(workload, 2_000_000, seed, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn captures_have_about_the_size_asked_for_and_depend_on_the_seed_alone() {
        for workload in Workload::value_variants() {
            let bytes = made(*workload, 1);
            assert!((1_500_000..12_000_000).contains(&bytes.len()), "{workload:?}: {}", bytes.len());
            assert!(bytes == made(*workload, 1), "{workload:?}");
            assert!(bytes != made(*workload, 2), "{workload:?}");
        }
    }

    #[test]
    fn captures_are_walked_to_their_end() {
        for workload in Workload::value_variants() {
            let bytes = made(*workload, 1);
            let walked = walk::walk(&bytes[..]).unwrap();
            assert_eq!(walked.bytes, bytes.len() as u64, "{workload:?}");
            assert!(walked.flows > 1 && walked.packets > 1000, "{walked:?}");
        }
    }
}
