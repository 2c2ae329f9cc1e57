//! Why a session closes its connection, for those who run the server: the client has heard it in the last reply.

use crate::account::Refusal;

/// Why a session closes its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Closing {
    /// QUIT.
    #[error("the client said QUIT")]
    Quit,
    /// The client closed its half, and all that it had sent is done.
    #[error("the client closed the connection")]
    ClosedByClient,
    /// The login took longer than the policy allows, idle or not.
    #[error("nobody logged in in time")]
    NotLoggedIn,
    /// No whole command came for too long.
    #[error("no command came in time")]
    Idle,
    /// What came before a login was another protocol, or no commands.
    #[error("what came was not FTP")]
    NotFtp,
    /// Too many lines were longer than a command may be.
    #[error("too many lines were too long")]
    OverlongLines,
    /// Too many ports for data connections were asked for in a row, and none was used.
    #[error("too many data ports were asked for and not used")]
    UnusedPorts,
    /// Too many logins in this session failed.
    #[error("too many logins failed")]
    FailedLogins,
    /// A login was refused for other reasons than its password.
    #[error("the login was refused: {0}")]
    LoginRefused(Refusal),
    /// Bytes in clear came where only TLS may follow.
    #[error("something in clear came behind AUTH")]
    ClearBehindAuth,
    /// The TLS handshake failed, took too long, or was cut.
    #[error("TLS could not begin")]
    TlsFailed,
    /// The server is being stopped.
    #[error("the server is being stopped")]
    Stopping,
}
