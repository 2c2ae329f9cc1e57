//! What the driver tells the session.

use std::net::SocketAddr;

/// The reason of [`Event::TlsFailed`] where the server does not speak TLS, at least not yet.
pub const NOT_TLS: &str = "the server answered with something else than TLS";

/// What became of an action, or of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// TLS protects the control connection from here on.
    TlsStarted,
    /// The control connection's handshake failed; nothing more can be read or sent.
    TlsFailed(String),
    /// The control connection has ended; with a reason if it broke.
    Closed(Option<String>),
    /// The address of the listener, as the server has to be told.
    Listening(SocketAddr),
    /// The data connection is open.
    DataOpened,
    /// TLS protects the data connection.
    DataTlsStarted {
        /// Whether it resumed the control connection's TLS session.
        resumed: bool,
    },
    /// The user goes on with the data connection after a pause of its own, for which the server is not to blame.
    DataAwaited,
    /// So many bytes more have crossed the data connection.
    DataMoved(u64),
    /// A download's end was read, or an upload's last byte and end were sent.
    DataEnded {
        /// Of a protected download: the server said that this is the end (close_notify). Always true otherwise.
        announced: bool,
    },
    /// The data connection could not be opened, or broke.
    DataFailed(String),
}
