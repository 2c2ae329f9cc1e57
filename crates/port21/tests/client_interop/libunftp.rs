//! libunftp, which is a library: it serves on threads of the test's own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use libunftp::ServerBuilder;
use libunftp::options::{ActivePassiveMode, FtpsRequired};
use tokio::runtime::{Builder, Runtime};
use unftp_sbe_fs::Filesystem;

/// A running server, which anybody may log in to. Dropping it stops it.
pub struct Libunftp(Option<Runtime>);

impl Libunftp {
    /// Serves `root`, where there is a certificate over TLS only.
    pub fn start(root: PathBuf, address: SocketAddr, certificate: Option<&Path>) -> Result<Self, String> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let mut builder = ServerBuilder::new(Box::new(move || Filesystem::new(root.clone()).unwrap()))
            .active_passive_mode(ActivePassiveMode::ActiveAndPassive);
        if let Some(certificate) = certificate {
            builder =
                builder.ftps(certificate, certificate).ftps_required(FtpsRequired::All, FtpsRequired::All);
        }
        let server = builder.build().map_err(|error| error.to_string())?;
        runtime.spawn(server.listen(address.to_string()));
        Ok(Self(Some(runtime)))
    }
}

impl Drop for Libunftp {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
