//! From the server: files and listings.

use std::io;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_protocol::Verb;
use ftp_protocol::listing::{Hint, parse_listing};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::ascii::Decoder;
use crate::client::Client;
use crate::entry::Entry;
use crate::error::Error;
use crate::session::{Answer, Representation, Request, Transfer};

/// Most bytes of a listing; a longer one is an error.
pub const MAXIMUM_LISTING: usize = 64 << 20;

/// Bytes that are handed on at once.
const BUFFER: usize = 128 * 1024;

/// How a file is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fetch {
    /// Where to begin, in bytes; needs a server with REST.
    pub offset: u64,
    /// As it is, or as text.
    pub representation: Representation,
    /// The whole file's size, if it is known from elsewhere, as a listing. Otherwise the server is asked, if it can tell.
    pub size: Option<u64>,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are there: those before the offset, and those that crossed.
    pub bytes: u64,
    /// Bytes of the whole file, if that is known.
    pub total: Option<u64>,
}

/// What a caller is told of a transfer's progress, and may end it by.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// A progress that nobody looks at.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A file on its way from the server. Its end is read only when the transfer is whole, as both the data connection and the server's
/// closing reply must say; otherwise reading fails, and `Error::from` gives the reason back.
#[derive(Debug)]
pub struct Download<'a> {
    client: &'a mut Client,
    decoder: Option<Decoder>,
    /// Bytes in TYPE A that are decoded and not handed on yet.
    decoded: Vec<u8>,
    handed_on: usize,
    offset: u64,
    total: Option<u64>,
    /// Bytes that crossed, once the transfer is whole.
    whole: Option<u64>,
    /// The text of the closing reply.
    closing: Vec<u8>,
}

impl Client {
    /// Begins to fetch a file as it is, from its beginning.
    ///
    /// ```no_run
    /// # async fn example(client: &mut ftp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut file = Vec::new();
    /// tokio::io::copy(&mut client.retrieve("pub/README").await?, &mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The server refuses, or no data connection can be made.
    pub async fn retrieve(&mut self, path: impl AsRef<[u8]>) -> Result<Download<'_>, Error> {
        self.fetch(path, Fetch::default()).await
    }

    /// Begins to fetch a file as `how` says.
    ///
    /// # Errors
    /// The server refuses, or no data connection can be made.
    pub async fn fetch(&mut self, path: impl AsRef<[u8]>, how: Fetch) -> Result<Download<'_>, Error> {
        let image = how.representation == Representation::Image;
        let mut expected = how.size;
        if expected.is_none() && image {
            // Refused for one file, RETR will tell why.
            expected = match self.size(&path).await {
                Ok(size) => size,
                Err(Error::Refused { .. } | Error::NotUnderstood { .. }) => None,
                Err(error) => return Err(error),
            };
        }
        let transfer = Transfer::new(Verb::Retr, path.as_ref(), how.representation);
        self.begin_download(Transfer { offset: how.offset, expected, ..transfer }).await
    }

    /// Fetches a file into `target`. Gives the bytes that crossed.
    ///
    /// # Errors
    /// The transfer is not whole, `target` failed, or `watch` ended it.
    pub async fn download<W>(
        &mut self,
        path: impl AsRef<[u8]>,
        how: Fetch,
        target: &mut W,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        W: AsyncWrite + Unpin,
    {
        let mut download = self.fetch(path, how).await?;
        let progress = Progress { bytes: download.offset, total: download.total };
        download.copy_to(target, u64::MAX, progress, watch).await?;
        download.finish().await
    }

    /// What a directory holds (MLSD, or LIST where the server has no MLSD), without the directory itself and its parent. An empty path
    /// is the working directory.
    ///
    /// # Errors
    /// The server refuses, or the listing is not whole or longer than [`MAXIMUM_LISTING`].
    pub async fn list(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Entry>, Error> {
        let path = path.as_ref();
        if !self.lacks(Verb::Mlsd, "MLST") || self.features().has("MLSD") {
            match self.listing(Verb::Mlsd, path).await {
                Ok(bytes) => return Ok(entries(&bytes, Hint::Mlsd)),
                Err(error) if error.is_not_implemented() => self.has_not(Verb::Mlsd),
                Err(error) => return Err(error),
            }
        }
        Ok(entries(&self.listing(Verb::List, path).await?, Hint::List))
    }

    /// The names in a directory (NLST), as the server writes them: some with the directory before them. Without the directory itself
    /// and its parent.
    ///
    /// # Errors
    /// As for [`Client::list`].
    pub async fn names(&mut self, path: impl AsRef<[u8]>) -> Result<Vec<Vec<u8>>, Error> {
        let bytes = self.listing(Verb::Nlst, path.as_ref()).await?;
        let names =
            parse_listing(&bytes, Some(Hint::Nlst)).entries.into_iter().filter_map(|entry| entry.name);
        Ok(names.filter(|name| !matches!(name.as_slice(), b"." | b"..")).collect())
    }

    /// The bytes of a listing: `verb` is LIST, NLST or MLSD.
    ///
    /// # Errors
    /// As for [`Client::list`].
    pub async fn listing(&mut self, verb: Verb, path: &[u8]) -> Result<Vec<u8>, Error> {
        self.listing_and_closing(verb, path).await.map(|(bytes, _)| bytes)
    }

    /// The bytes of a listing, and the text of the reply that closed it.
    pub(crate) async fn listing_and_closing(
        &mut self,
        verb: Verb,
        path: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let transfer = Transfer::new(verb, path, Representation::Ascii);
        let mut download = self.begin_listing(transfer).await?;
        let mut bytes = Vec::new();
        let mut limited = (&mut download).take(MAXIMUM_LISTING as u64);
        limited.read_to_end(&mut bytes).await?;
        if bytes.len() >= MAXIMUM_LISTING {
            self.driver.give_up(Error::Cancelled).await;
            return Err(Error::EndlessListing(MAXIMUM_LISTING));
        }
        Ok((bytes, download.closing))
    }

    /// Begins a listing; line ends are read as they are.
    pub(crate) async fn begin_listing(&mut self, transfer: Transfer) -> Result<Download<'_>, Error> {
        Ok(Download { decoder: None, ..self.begin_download(transfer).await? })
    }

    pub(crate) async fn begin_download(&mut self, transfer: Transfer) -> Result<Download<'_>, Error> {
        let decoder = (transfer.representation == Representation::Ascii).then(Decoder::default);
        let (offset, total) = (transfer.offset, transfer.expected);
        self.driver.transfer(Request::Transfer(transfer)).await?;
        let decoded = Vec::new();
        Ok(Download {
            client: self,
            decoder,
            decoded,
            handed_on: 0,
            offset,
            total,
            whole: None,
            closing: Vec::new(),
        })
    }
}

impl Download<'_> {
    /// The whole file's size in bytes, if the server told it.
    pub fn size(&self) -> Option<u64> {
        self.total
    }

    /// The text of the reply that closed the transfer; empty before.
    pub(crate) fn closing(&self) -> &[u8] {
        &self.closing
    }

    /// Copies at most `limit` bytes to `target`, and fewer only at the end; `watch` is told of `progress`, which grows with them. Gives how
    /// many these were. If `target` fails or `watch` says so, the transfer is ended.
    pub(crate) async fn copy_to<W>(
        &mut self,
        target: &mut W,
        limit: u64,
        mut progress: Progress,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        W: AsyncWrite + Unpin,
    {
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut copied = 0_u64;
        while copied < limit {
            buffer.clear();
            let mut limited = (&mut *self).take(limit.saturating_sub(copied).min(BUFFER as u64));
            let count = limited.read_buf(&mut buffer).await? as u64;
            if count == 0 {
                break;
            }
            copied = copied.saturating_add(count);
            progress.bytes = progress.bytes.saturating_add(count);
            let written = target.write_all(&buffer).await;
            let ended = watch(progress).is_break().then_some(Error::Cancelled);
            if let Some(error) = written.err().map(Error::Local).or(ended) {
                self.client.driver.give_up(Error::Cancelled).await;
                return Err(error);
            }
        }
        target.flush().await.map_err(Error::Local)?;
        Ok(copied)
    }

    /// Reads and drops what is left, and gives the bytes that crossed.
    ///
    /// # Errors
    /// The transfer is not whole.
    pub async fn finish(mut self) -> Result<u64, Error> {
        tokio::io::copy(&mut self, &mut tokio::io::sink()).await?;
        Ok(self.whole.unwrap_or_default())
    }

    /// Ends the transfer at once (ABOR).
    pub async fn abort(self) {
        self.client.driver.give_up(Error::Cancelled).await;
    }

    /// Waits for the verdict on a transfer whose data have ended.
    fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.whole.is_some() {
            return Poll::Ready(Ok(()));
        }
        let answer = ready!(self.client.driver.poll_answer(cx));
        Poll::Ready(match answer {
            Ok(Answer::Transferred { bytes, reply }) => {
                self.whole = Some(bytes);
                self.closing = reply.joined();
                Ok(())
            }
            Ok(_) => Err(Error::Cancelled.into()),
            Err(error) => Err(error.into()),
        })
    }

    /// Hands on what is decoded.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = self.decoded.get(self.handed_on..).unwrap_or_default();
        let count = waiting.len().min(buffer.remaining());
        buffer.put_slice(waiting.get(..count).unwrap_or_default());
        self.handed_on = self.handed_on.saturating_add(count);
        count > 0
    }
}

impl AsyncRead for Download<'_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buffer.remaining() == 0 || this.hand_on(buffer) {
            return Poll::Ready(Ok(()));
        }
        if this.whole.is_some() {
            return Poll::Ready(Ok(()));
        }
        let Some(decoder) = &mut this.decoder else {
            return match ready!(this.client.driver.poll_read(cx, buffer))? {
                Some(_) => Poll::Ready(Ok(())),
                None => this.poll_whole(cx),
            };
        };
        loop {
            let mut wire = [0; 16 * 1024];
            let mut read = ReadBuf::new(&mut wire);
            let more = ready!(this.client.driver.poll_read(cx, &mut read))?.is_some();
            this.decoded.clear();
            this.handed_on = 0;
            decoder.decode(read.filled(), &mut this.decoded);
            if !more {
                decoder.finish(&mut this.decoded);
            }
            if this.decoded.is_empty() && more {
                continue;
            }
            return if this.hand_on(buffer) { Poll::Ready(Ok(())) } else { this.poll_whole(cx) };
        }
    }
}

fn entries(bytes: &[u8], hint: Hint) -> Vec<Entry> {
    parse_listing(bytes, Some(hint)).entries.into_iter().filter_map(Entry::from_listing).collect()
}
