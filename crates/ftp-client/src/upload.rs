//! To the server.

use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ftp_protocol::Verb;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeek, AsyncSeekExt, AsyncWrite, AsyncWriteExt};

use crate::ascii::Encoder;
use crate::client::Client;
use crate::download::{OnProgress, Progress};
use crate::error::Error;
use crate::note::Note;
use crate::session::{Answer, Representation, Request, Transfer};

/// What stands behind the name of a file that is not whole yet.
pub const TEMPORARY_SUFFIX: &[u8] = b".partial";

/// What is said where a server has no RNFR and RNTO.
const CANNOT_RENAME: &str = "the server cannot rename: files were sent under their own names, where they are seen before they are whole";

/// Bytes that are read from the source at once.
const BUFFER: usize = 128 * 1024;

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// Where to begin in the server's file, in bytes; needs a server with REST.
    pub offset: u64,
    /// As it is, or as text.
    pub representation: Representation,
    /// At the end of the server's file (APPE).
    pub append: bool,
    /// Under a temporary name, and renamed once it is whole, so that nobody sees half a file. Not with `append`.
    pub temporary_name: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self { offset: 0, representation: Representation::Image, append: false, temporary_name: true }
    }
}

/// A file on its way to the server. It is whole once [`Upload::finish`] says so; dropped before, the server is told to drop it.
#[derive(Debug)]
pub struct Upload<'a> {
    client: &'a mut Client,
    encoder: Option<Encoder>,
    /// Bytes in TYPE A that are encoded and not sent yet.
    encoded: Vec<u8>,
}

impl Client {
    /// Begins to send a file under its own name, as `how` says (`temporary_name` is not looked at).
    ///
    /// ```no_run
    /// # async fn example(client: &mut ftp_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use tokio::io::AsyncWriteExt;
    /// let mut upload = client.store("notes.txt", Default::default()).await?;
    /// upload.write_all(b"some text\n").await?;
    /// upload.finish().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The server refuses, or no data connection can be made.
    pub async fn store(&mut self, path: impl AsRef<[u8]>, how: Store) -> Result<Upload<'_>, Error> {
        let verb = if how.append { Verb::Appe } else { Verb::Stor };
        let transfer =
            Transfer { offset: how.offset, ..Transfer::new(verb, path.as_ref(), how.representation) };
        let encoder = (how.representation == Representation::Ascii).then_some(Encoder);
        self.driver.transfer(Request::Transfer(transfer)).await?;
        Ok(Upload { client: self, encoder, encoded: Vec::new() })
    }

    /// Sends a file from its beginning, or from `how.offset`. Under a temporary name if `how` says so: a server that turns out not to
    /// rename gets it a second time, and what follows in this session at once, under its own name, and a note says so. Gives the bytes
    /// that crossed. `source` is read from only once the server has accepted the transfer.
    ///
    /// # Errors
    /// The transfer is not whole, `source` failed, or `watch` ended it. What stands under the temporary name is left for another try.
    pub async fn upload<R>(
        &mut self,
        path: impl AsRef<[u8]>,
        how: Store,
        source: &mut R,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        R: AsyncRead + AsyncSeek + Unpin,
    {
        self.upload_checked(path, how, source, watch, async |_, _| Ok(())).await
    }

    /// As [`Client::upload`]; `check` looks at what has come, at the path where it stands then, before anything is renamed.
    ///
    /// # Errors
    /// As for [`Client::upload`], and what `check` fails with: then what was there before is there still, if `how` asks for a temporary
    /// name and the server can rename.
    pub async fn upload_checked<R>(
        &mut self,
        path: impl AsRef<[u8]>,
        how: Store,
        source: &mut R,
        watch: OnProgress<'_>,
        mut check: impl AsyncFnMut(&mut Client, &[u8]) -> Result<(), Error>,
    ) -> Result<u64, Error>
    where
        R: AsyncRead + AsyncSeek + Unpin,
    {
        let path = path.as_ref();
        let mut offset = how.offset;
        if how.temporary_name && !how.append {
            if self.can_rename() {
                let temporary = [path, TEMPORARY_SUFFIX].concat();
                let bytes = self.send(&temporary, how, source, watch).await?;
                check(self, &temporary).await?;
                if self.publish(path).await? {
                    return Ok(bytes);
                }
            }
            // It was one in the file under the temporary name.
            offset = 0;
        }
        let bytes = self.send(path, Store { offset, ..how }, source, watch).await?;
        check(self, path).await?;
        Ok(bytes)
    }

    /// Gives what stands under the temporary name of `path` its own name. `false`: the server cannot rename, so what stood there is
    /// removed, to be sent again under its own name, and [`Client::can_rename`] tells so from now on.
    ///
    /// # Errors
    /// As for [`Client::replace`].
    pub async fn publish(&mut self, path: impl AsRef<[u8]>) -> Result<bool, Error> {
        let path = path.as_ref();
        let temporary = [path, TEMPORARY_SUFFIX].concat();
        match self.replace(&temporary, path).await {
            // RFC 959 section 4.2.2. 501 and 504 are said of this name, and not of the command.
            Err(error @ Error::Refused { .. }) if matches!(error.code(), Some(500 | 502)) => {}
            replaced => return replaced.map(|()| true),
        }
        self.has_not(Verb::Rnfr);
        self.note(Note::Other(CANNOT_RENAME.into()));
        self.remove_file(&temporary).await?;
        Ok(false)
    }

    /// Whether nothing is known against renaming: `false` once the server has refused RNFR as unknown.
    pub fn can_rename(&self) -> bool {
        !self.is_without(Verb::Rnfr)
    }

    /// Renames over what is there. Some servers, as those on Windows, rename to no name that is taken.
    ///
    /// # Errors
    /// As for [`Client::rename`].
    pub async fn replace(&mut self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) -> Result<(), Error> {
        let (from, to) = (from.as_ref(), to.as_ref());
        match self.rename(from, to).await {
            Err(error) if error.may_mean_taken() && self.remove_file(to).await.is_ok() => {
                self.rename(from, to).await
            }
            result => result,
        }
    }

    async fn send<R>(
        &mut self,
        path: &[u8],
        how: Store,
        source: &mut R,
        watch: OnProgress<'_>,
    ) -> Result<u64, Error>
    where
        R: AsyncRead + AsyncSeek + Unpin,
    {
        let total = source.seek(SeekFrom::End(0)).await.map_err(Error::Local)?;
        source.seek(SeekFrom::Start(how.offset)).await.map_err(Error::Local)?;
        let mut upload = self.store(path, how).await?;
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut bytes = how.offset;
        loop {
            buffer.clear();
            let trouble = match source.read_buf(&mut buffer).await {
                Ok(0) => break,
                Ok(count) => {
                    upload.write_all(&buffer).await?;
                    bytes = bytes.saturating_add(count as u64);
                    watch(Progress { bytes, total: Some(total) }).is_break().then_some(Error::Cancelled)
                }
                Err(error) => Some(Error::Local(error)),
            };
            if let Some(error) = trouble {
                upload.abort().await;
                return Err(error);
            }
        }
        upload.finish().await
    }
}

impl Upload<'_> {
    /// Sends the end, and waits until the server says that the file is whole. Gives the bytes that crossed.
    ///
    /// # Errors
    /// The transfer is not whole.
    pub async fn finish(mut self) -> Result<u64, Error> {
        self.shutdown().await?;
        match self.client.driver.answered().await? {
            Answer::Transferred { bytes, .. } => Ok(bytes),
            _ => Err(Error::Cancelled),
        }
    }

    /// Ends the transfer at once (ABOR), in a way that the server cannot take for the end of the file.
    pub async fn abort(self) {
        self.client.driver.give_up(Error::Cancelled).await;
    }

    /// Sends what is encoded.
    fn poll_encoded(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.encoded.is_empty() {
            let count = ready!(self.client.driver.poll_write(cx, &self.encoded))?;
            self.encoded.drain(..count.min(self.encoded.len()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upload<'_> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(encoder) = this.encoder else {
            return Poll::Ready(Ok(ready!(this.client.driver.poll_write(cx, bytes))?));
        };
        ready!(this.poll_encoded(cx))?;
        let piece = bytes.get(..16 * 1024).unwrap_or(bytes);
        encoder.encode(piece, &mut this.encoded);
        // What cannot be sent at once is sent with the next piece, or at the end.
        if let Poll::Ready(Err(error)) = this.poll_encoded(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_encoded(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_encoded(cx))?;
        Poll::Ready(Ok(ready!(this.client.driver.poll_end(cx))?))
    }
}
