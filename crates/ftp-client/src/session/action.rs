//! What the session asks of its driver.

use std::net::IpAddr;

use super::request::Answer;
use crate::error::Error;

/// Something for the driver to do, in the order in which it is given.
#[derive(Debug)]
pub enum Action {
    /// Write these bytes on the control connection.
    Send(Vec<u8>),
    /// When all that was sent before has left: shake hands as a TLS client on the control connection. Answered by
    /// [`Event::TlsStarted`](super::Event::TlsStarted) or [`Event::TlsFailed`](super::Event::TlsFailed).
    StartTls,
    /// When all that was sent before has left: close the control connection.
    Close,
    /// Connect to the server for data. Answered by [`Event::DataOpened`](super::Event::DataOpened) or
    /// [`Event::DataFailed`](super::Event::DataFailed).
    Connect {
        /// The address; `None` is that of the control connection's peer.
        address: Option<IpAddr>,
        /// The port.
        port: u16,
    },
    /// Listen for data on the control connection's own address. Answered by
    /// [`Event::Listening`](super::Event::Listening) or [`Event::DataFailed`](super::Event::DataFailed).
    Listen,
    /// Admit one connection to the listener, if its peer is the control connection's, and stop listening. Answered as
    /// `Connect` is.
    Accept,
    /// Shake hands as a TLS client on the data connection, resuming the control connection's TLS session (RFC 4217
    /// section 7). Answered by [`Event::DataTlsStarted`](super::Event::DataTlsStarted) or
    /// [`Event::DataFailed`](super::Event::DataFailed).
    StartDataTls,
    /// The server has begun: bytes may cross. Each piece is told by [`Event::DataMoved`](super::Event::DataMoved), the end by
    /// [`Event::DataEnded`](super::Event::DataEnded) or [`Event::DataFailed`](super::Event::DataFailed).
    Begin,
    /// Drop the data connection or its listener, whatever state it is in.
    CloseData {
        /// Break it (RST), so that the server cannot take the end of an unfinished upload for the end of the file.
        reset: bool,
    },
    /// The request is done.
    Answer(Result<Answer, Error>),
}
