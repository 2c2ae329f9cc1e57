//! Who takes what the analysis finds.

use std::sync::Arc;

use port21_analysis::analysis::DnsTransaction;
use port21_analysis::report::{Connection, Session};
use port21_capture::{Decoded, Timestamp};

/// What is made of a session on any thread.
pub type Prepare<P> = Arc<dyn Fn(Session) -> P + Send + Sync>;

/// Takes what the analysis finds as soon as it is known, so that nothing needs to be kept that is written at once.
pub trait Receiver {
    /// What a session is made into before it is received.
    type Prepared: Send + 'static;

    /// Does to a session by itself what need not wait for those before it; other threads call it.
    fn preparation(&self) -> Prepare<Self::Prepared>;

    /// The first packet has been read; `first` is its time.
    fn begin(&mut self, first: Timestamp) -> anyhow::Result<()> {
        let _ = first;
        Ok(())
    }

    /// A packet has been read, before the analysis takes it in.
    fn packet(&mut self, decoded: &Decoded<'_>) -> anyhow::Result<()> {
        let _ = decoded;
        Ok(())
    }

    /// A session has ended. Sessions come in the order in which they end.
    fn session(&mut self, prepared: Self::Prepared) -> anyhow::Result<()>;

    /// The input has nothing more at present: whoever waits for output should have what there is.
    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    /// A TCP connection has ended; only with [`Options::record_connections`](port21_analysis::analysis::Options).
    fn connection(&mut self, connection: Connection) -> anyhow::Result<()> {
        let _ = connection;
        Ok(())
    }

    /// A DNS transaction has ended; only with [`Options::record_dns`](port21_analysis::analysis::Options).
    fn dns(&mut self, transaction: DnsTransaction) -> anyhow::Result<()> {
        let _ = transaction;
        Ok(())
    }
}

/// Leaves a session as it is.
pub fn as_it_is() -> Prepare<Session> {
    Arc::new(|session| session)
}
