//! The tap: writes frames into a capture, and does to them what taps do.

use std::io::{self, Write};

use super::flow::Frame;
use super::random::Random;

/// How often in a thousand frames the tap errs.
#[derive(Debug, Clone, Copy, Default)]
pub struct Errors {
    /// The frame is missing.
    pub missing: u64,
    /// It is there twice.
    pub twice: u64,
    /// It comes behind the next one.
    pub swapped: u64,
    /// Only its first bytes are kept.
    pub cut: u64,
}

/// Bytes that are kept of a frame that is cut.
const CUT: usize = 96;

/// A capture that is being written: classic pcap, little-endian, microseconds, Ethernet.
pub struct Tap<'a> {
    output: &'a mut dyn Write,
    errors: Errors,
    random: Random,
    late: Option<Frame>,
}

impl<'a> Tap<'a> {
    /// Writes the file header.
    pub fn new(output: &'a mut dyn Write, errors: Errors, random: Random) -> io::Result<Tap<'a>> {
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1u32] {
            output.write_all(&word.to_le_bytes())?;
        }
        Ok(Tap { output, errors, random, late: None })
    }

    /// A frame passes.
    pub fn pass(&mut self, frame: Frame) -> io::Result<()> {
        let Errors { missing, twice, swapped, cut } = self.errors;
        if self.random.chance(missing) {
            return Ok(());
        }
        if self.late.is_none() && self.random.chance(swapped) {
            self.late = Some(frame);
            return Ok(());
        }
        let kept = if self.random.chance(cut) { CUT } else { frame.bytes.len() };
        self.record(&frame, kept)?;
        if self.random.chance(twice) {
            self.record(&frame, kept)?;
        }
        match self.late.take() {
            Some(late) => self.record(&late, late.bytes.len()),
            None => Ok(()),
        }
    }

    /// No frame comes any more.
    pub fn finish(mut self) -> io::Result<()> {
        match self.late.take() {
            Some(late) => self.record(&late, late.bytes.len()),
            None => Ok(()),
        }
    }

    fn record(&mut self, frame: &Frame, kept: usize) -> io::Result<()> {
        let microseconds = frame.time / 1000;
        let kept = frame.bytes.get(..kept).unwrap_or(&frame.bytes);
        let times = [microseconds / 1_000_000, microseconds % 1_000_000].map(|part| part as u32);
        let lengths = [kept.len(), frame.bytes.len()].map(|length| length as u32);
        for word in times.into_iter().chain(lengths) {
            self.output.write_all(&word.to_le_bytes())?;
        }
        self.output.write_all(kept)
    }
}
