//! libunftp, the library that unftp is made of, as a program: guests, files, explicit TLS, and nothing else.

use std::path::PathBuf;

use ::libunftp::ServerBuilder;
use clap::Args;
use unftp_sbe_fs::Filesystem;

#[derive(Debug, Clone, Args)]
pub struct LibunftpArguments {
    /// Port of loopback
    port: u16,
    /// Folder to serve
    root: PathBuf,
    /// Certificate and key
    certificate: PathBuf,
}

/// Serves until it is killed.
pub fn serve(wanted: &LibunftpArguments) -> anyhow::Result<()> {
    let LibunftpArguments { port, root, certificate } = wanted.clone();
    let files = move || {
        Filesystem::new(&root).unwrap_or_else(|error| {
            eprintln!("{} cannot be served: {error}", root.display());
            std::process::abort()
        })
    };
    let server = ServerBuilder::new(Box::new(files)).ftps(&certificate, &certificate).build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    Ok(runtime.block_on(server.listen(format!("127.0.0.1:{port}")))?)
}
