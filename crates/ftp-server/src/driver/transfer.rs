//! A transfer from the command to its end: what it moves is opened, then the data connection, then bytes are pumped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::data::{self, Data, Peer, Protection, Way};
use super::meter::{Counts, Meter};
use super::shared::Shared;
use super::walk::Walk;
use super::witness::{DataEnd, DataFlow, Speaker};
use super::{download, kernel, upload};
use crate::account::Login;
use crate::record::{TransferKind, TransferRecord};
use crate::session::{Content, Form, Transfer, TransferError, TransferId, Transferred};
use crate::store::{Metadata, ReadFile, StoreError, VirtualPath, WriteFile};

/// What a transfer moves, open.
pub(super) enum Subject {
    /// Part of a file, to the client.
    Download { file: Box<dyn ReadFile>, from: u64, to: u64 },
    /// A file, from the client.
    Upload(Box<dyn WriteFile>),
    /// A listing.
    Listing(Box<Walk>),
}

impl Subject {
    /// Whether it is worth having the kernel encrypt it.
    fn suits_kernel(&self, form: Form) -> bool {
        match self {
            Self::Download { file, from, to } => {
                form == Form::default() && file.as_file().is_some() && kernel::suits(to.saturating_sub(*from))
            }
            Self::Upload(_) | Self::Listing(_) => false,
        }
    }
}

/// A transfer whose subject is open.
pub(super) struct Prepared {
    pub(super) subject: Subject,
    /// Of a download.
    pub(super) metadata: Option<Metadata>,
    /// Of an upload: the path that it gets.
    pub(super) path: Option<VirtualPath>,
}

/// Opens what is to be transferred.
pub(super) fn prepare(login: &Login, content: &Content) -> Result<Prepared, StoreError> {
    match content {
        Content::Retrieve { path, offset, end } => {
            let file = login.store.read(path)?;
            let metadata = file.metadata().clone();
            let length = metadata.size;
            if *offset > length {
                return Err(StoreError::BehindEnd { offset: *offset, length });
            }
            let to = end.unwrap_or(length).clamp(*offset, length);
            let subject = Subject::Download { file, from: *offset, to };
            Ok(Prepared { subject, metadata: Some(metadata), path: None })
        }
        Content::Store { path, disposition, .. } => {
            let file = login.store.write(path, *disposition)?;
            let path = file.path().clone();
            Ok(Prepared { subject: Subject::Upload(file), metadata: None, path: Some(path) })
        }
        Content::List { path, pattern, format } => {
            let walk = Walk::open(
                Arc::clone(&login.store),
                login.permissions.clone(),
                path.clone(),
                pattern.as_deref(),
                format.clone(),
                SystemTime::now(),
            )?;
            Ok(Prepared { subject: Subject::Listing(Box::new(walk)), metadata: None, path: None })
        }
    }
}

/// A transfer that is ready to run.
pub(super) struct Job {
    pub(super) shared: Arc<Shared>,
    pub(super) transfer: Transfer,
    pub(super) subject: Subject,
    pub(super) way: Result<Way, TransferError>,
    pub(super) peer: Peer,
    pub(super) protection: Option<Protection>,
    pub(super) meter: Meter,
    pub(super) counts: Arc<Counts>,
    pub(super) record: TransferRecord,
    /// Is told of connections that are not the client's: who, and to which address.
    pub(super) stranger: Box<dyn Fn(SocketAddr, SocketAddr) + Send + Sync>,
}

/// A transfer that has ended.
pub(super) struct Ended {
    pub(super) id: TransferId,
    pub(super) result: Result<Transferred, TransferError>,
    pub(super) record: TransferRecord,
    /// What is left of the data connection: to be closed once the client has, or never mind.
    pub(super) rest: Option<Data>,
}

/// The record of a transfer that has not begun.
pub(super) fn record(transfer: &Transfer, login: Option<&Login>) -> TransferRecord {
    let (kind, path, offset) = match &transfer.content {
        Content::Retrieve { path, offset, .. } => (TransferKind::Download, path, *offset),
        Content::Store { path, disposition, .. } => {
            let offset = match disposition {
                crate::store::Disposition::From(offset) => *offset,
                _ => 0,
            };
            (TransferKind::Upload, path, offset)
        }
        Content::List { path, .. } => (TransferKind::Listing, path, 0),
    };
    TransferRecord {
        number: transfer.id,
        kind,
        path: path.as_bytes().to_vec(),
        bytes: 0,
        wire_bytes: 0,
        offset,
        duration: std::time::Duration::ZERO,
        ascii: transfer.form.ascii,
        deflate: transfer.form.deflate.is_some(),
        protected: transfer.protected,
        resumed: false,
        data: None,
        passive: transfer.connection == crate::session::Connection::Passive,
        guest: login.is_some_and(|login| login.guest),
        error: None,
    }
}

impl Job {
    /// Runs it. Ends early when `abort` is sent or dropped.
    pub(super) async fn run(mut self, abort: oneshot::Receiver<()>) -> Ended {
        let began = Instant::now();
        let (mut opened, mut flow) = (None, None);
        let way = std::mem::replace(&mut self.way, Err(TransferError::NotOpened));
        let moving = Moving {
            shared: &self.shared,
            transfer: &self.transfer,
            peer: &self.peer,
            meter: &mut self.meter,
            record: &mut self.record,
            stranger: self.stranger.as_ref(),
            opened: &mut opened,
            flow: &mut flow,
        };
        let protection = self.protection.take();
        let moved = tokio::select! {
            biased;
            moved = moving.run(way, protection, &mut self.subject) => moved,
            _ = abort => Err(TransferError::Aborted),
        };
        let (rest, moved) = match moved {
            Ok(rest) => (rest, Ok(())),
            Err(error) => (None, Err(error)),
        };
        if let (Some(flow), Some(capture)) = (flow, &self.shared.capture) {
            let sender =
                if self.record.kind == TransferKind::Upload { Speaker::Client } else { Speaker::Server };
            capture.data_ends(flow, sender, self.counts.wire(), DataEnd::of(sender, moved.as_ref().err()));
        }
        let concluded = conclude(self.subject, moved).await;
        let (bytes, ended) = (self.counts.stored(), Instant::now());
        let result = concluded.map(|()| Transferred {
            bytes,
            duration: ended.saturating_duration_since(opened.unwrap_or(began)),
        });
        self.record.bytes = bytes;
        self.record.wire_bytes = self.counts.wire();
        self.record.duration = ended.saturating_duration_since(began);
        self.record.error = result.as_ref().err().map(ToString::to_string);
        Ended { id: self.transfer.id, result, record: self.record, rest }
    }
}

/// Puts an upload where it belongs, or takes it back.
async fn conclude(subject: Subject, moved: Result<(), TransferError>) -> Result<(), TransferError> {
    let Subject::Upload(file) = subject else { return moved };
    let whole = moved.is_ok();
    // May wait for the disk.
    let concluded = tokio::task::spawn_blocking(move || {
        if whole { file.finish().map(|_| ()) } else { file.abandon().map(|_| ()) }
    });
    let concluded = match concluded.await {
        Ok(concluded) => concluded.map_err(TransferError::Store),
        Err(error) => Err(TransferError::Store(StoreError::Io(io::Error::other(error)))),
    };
    moved.and(concluded)
}

/// The part of a job that can be cut short at any point.
struct Moving<'a> {
    shared: &'a Shared,
    transfer: &'a Transfer,
    peer: &'a Peer,
    meter: &'a mut Meter,
    record: &'a mut TransferRecord,
    stranger: &'a (dyn Fn(SocketAddr, SocketAddr) + Send + Sync),
    opened: &'a mut Option<Instant>,
    flow: &'a mut Option<DataFlow>,
}

impl Moving<'_> {
    async fn run(
        self,
        way: Result<Way, TransferError>,
        protection: Option<Protection>,
        subject: &mut Subject,
    ) -> Result<Option<Data>, TransferError> {
        let times = &self.shared.times;
        let socket = data::connect(way?, self.peer, times, self.stranger).await?;
        *self.opened = Some(Instant::now());
        self.record.data = socket
            .ends()
            .ok()
            .map(|(local, remote)| (super::proxy::canonical(local), super::proxy::canonical(remote)));
        if let (Some(ends), Some(capture)) = (self.record.data, &self.shared.capture) {
            *self.flow = Some(capture.data_begins(ends, self.record.passive));
        }
        let mut data = match protection {
            Some(mut protection) => {
                protection.kernel &= subject.suits_kernel(self.transfer.form);
                Data::protect(socket, protection, times.handshake).await?
            }
            None if self.transfer.protected => return Err(TransferError::TlsFailed),
            None => Data::Clear(socket),
        };
        self.record.resumed = data.is_resumed();
        let form = self.transfer.form;
        match subject {
            Subject::Download { file, from, to } => {
                download::send_file(&mut data, file.as_ref(), *from..*to, form, self.meter).await?;
            }
            Subject::Listing(walk) => download::send_listing(&mut data, walk, form, self.meter).await?,
            Subject::Upload(file) => upload::receive(&mut data, file.as_mut(), form, self.meter).await?,
        }
        let finished = tokio::time::timeout(times.handshake, data.finish_writing()).await;
        match (finished, &subject) {
            (Ok(Ok(())), _) => {}
            // The client has said that the upload is whole; whether it hears our end does not matter.
            (_, Subject::Upload(_)) => return Ok(None),
            (Ok(Err(error)), _) => return Err(error),
            (Err(_), _) => return Err(TransferError::Stalled),
        }
        Ok((!matches!(data, Data::Clear(_))).then_some(data))
    }
}
