//! Part of a file from the server, so that several sessions can fetch one file together.

use std::ops::Range;

use ftp_protocol::Verb;
use tokio::io::AsyncWrite;

use crate::client::Client;
use crate::download::{OnProgress, Progress};
use crate::error::Error;
use crate::session::{Representation, Transfer};

impl Client {
    /// Fetches bytes `range` of a file that has `size` bytes, as they are. Gives the bytes that were written.
    ///
    /// Where the server has RANG (draft-bryan-ftp-range) it sends just these; otherwise it sends on, and the transfer is ended with
    /// ABOR behind the last of them. `watch` is told how much of the range is there.
    ///
    /// # Errors
    /// The server refuses, as it does without REST; the file ends within the range; `target` failed, or `watch` ended it.
    pub async fn download_range<W>(
        &mut self,
        path: impl AsRef<[u8]>,
        range: Range<u64>,
        size: u64,
        target: &mut W,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        W: AsyncWrite + Unpin,
    {
        let path = path.as_ref();
        let is_last = range.end >= size;
        if !is_last && !self.lacks(Verb::Rang, "RANG") {
            match self.fetch_range(path, &range, Some(range.end), range.end, target, watch).await {
                Err(Error::Refused { command, .. }) if command.verb() == Some(Verb::Rang) => {
                    self.has_not(Verb::Rang);
                }
                result => return result,
            }
        }
        self.fetch_range(path, &range, None, size, target, watch).await
    }

    /// As [`Client::download_range`]; with an `end` the server is told it, and sends so far only.
    async fn fetch_range<W>(
        &mut self,
        path: &[u8],
        range: &Range<u64>,
        end: Option<u64>,
        expected: u64,
        target: &mut W,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        W: AsyncWrite + Unpin,
    {
        let transfer = Transfer::new(Verb::Retr, path, Representation::Image);
        let expected = Some(expected);
        let mut download =
            self.begin_download(Transfer { offset: range.start, end, expected, ..transfer }).await?;
        let length = range.end.saturating_sub(range.start);
        let progress = Progress { bytes: 0, total: Some(length) };
        let bytes = download.copy_to(target, length, progress, watch).await?;
        if bytes == length && end.is_none() && expected != Some(range.end) {
            // The rest is for other sessions.
            download.abort().await;
            return Ok(bytes);
        }
        download.finish().await?;
        match bytes == length {
            true => Ok(bytes),
            false => Err(Error::Short { expected: length, received: bytes }),
        }
    }
}
