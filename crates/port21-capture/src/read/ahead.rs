//! Reading ahead: the next block of an input is fetched, and decompressed, while the one before it is looked at.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};

use crate::executor::Executor;

/// Bytes of a block.
const BLOCK: usize = 512 << 10;

/// Room before each block for what is left of the one before it: a record that begins there and ends here.
pub(super) const HEADROOM: usize = 64 << 10;

/// A reader that is a block ahead.
pub(super) struct Ahead {
    executor: Arc<dyn Executor>,
    under_way: mpsc::Receiver<Fetched>,
}

/// A block that was read, and who read it.
pub(super) struct Fetched {
    reader: Box<dyn Read + Send>,
    /// The bytes stand behind [`HEADROOM`].
    pub block: Vec<u8>,
    /// How many there are; 0 at the end of the input.
    pub result: io::Result<usize>,
}

impl Ahead {
    /// Starts to read the first block.
    pub fn new(executor: Arc<dyn Executor>, reader: Box<dyn Read + Send>) -> Ahead {
        let under_way = fetch(executor.as_ref(), reader, vec![0; HEADROOM + BLOCK]);
        Ahead { executor, under_way }
    }

    /// The block that was read ahead, or is being read.
    pub fn take(&mut self) -> io::Result<Fetched> {
        loop {
            let done = self.executor.done();
            match self.under_way.try_recv() {
                Ok(fetched) => return Ok(fetched),
                Err(TryRecvError::Empty) => self.executor.relieve(done),
                Err(TryRecvError::Disconnected) => return Err(io::Error::other("reading was given up")),
            }
        }
    }

    /// Starts to read the next block into `block`, whose bytes are no longer needed.
    pub fn go_on(&mut self, reader: Box<dyn Read + Send>, block: Vec<u8>) {
        self.under_way = fetch(self.executor.as_ref(), reader, block);
    }
}

impl Fetched {
    /// Gives the reader back, and leaves the block.
    pub fn take_reader(&mut self) -> Box<dyn Read + Send> {
        std::mem::replace(&mut self.reader, Box::new(io::empty()))
    }
}

fn fetch(
    executor: &dyn Executor,
    mut reader: Box<dyn Read + Send>,
    mut block: Vec<u8>,
) -> mpsc::Receiver<Fetched> {
    let (sender, receiver) = mpsc::sync_channel(1);
    executor.submit(Box::new(move || {
        block.resize(HEADROOM + BLOCK, 0);
        let result = read_block(&mut reader, block.get_mut(HEADROOM..).unwrap_or_default());
        // Nobody waits for it any more where reading was given up.
        let _ = sender.send(Fetched { reader, block, result });
    }));
    receiver
}

/// Fills a block as far as the input goes. An error behind some bytes is told with the next block.
fn read_block(reader: &mut dyn Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(free) = block.get_mut(filled..).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(count) => filled = filled.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(filled)
}
