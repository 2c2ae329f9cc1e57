//! The running server: sockets first, then fewer rights, then service until a signal.

use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ftp_server::account::configured::ConfiguredAccounts;
use ftp_server::driver::{
    Certificate, Configuration, Handle, Host, Listener, Place, Server, StartError, supervisor,
};
use ftp_server::store::local::{LocalOptions, LocalStore};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::assembly::Assembled;
use super::logs::{self, Log, Writing};
use super::privileges::{self, Needs, Servant};
use super::values::Listen;
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output::complain;

/// Where it listens if nothing else is said.
const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 2121);

/// Serves until SIGTERM or SIGINT.
pub fn run(assembled: Assembled) -> anyhow::Result<Outcome> {
    let servant = servant(&assembled)?;
    privileges::clear_umask();
    open_files(&assembled);
    // Before there are threads: each has rights of its own, and gives them to those that it starts.
    let sandbox = shut_off(&assembled)?;
    let (log, writing) = logs::start(&assembled.settings.logs, servant.as_ref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads can be started")?;
    let accounts = Arc::clone(&assembled.accounts);
    let shown = escape::terminal(&assembled.shown.to_string_lossy());
    let (guests, is_guarded) = (assembled.guests, assembled.tls.is_some());
    let configuration = configuration(assembled, Arc::new(log))?;
    let served = runtime.block_on(async {
        let server = Server::bind(configuration).map_err(failure)?;
        if let Some(servant) = &servant {
            servant
                .become_it()
                .map_err(|error| Failure::Arguments(format!("--user: root cannot be given up: {error}")))?;
        }
        // Before it is said to be ready: whoever reads that may send signals.
        let signals = Signals::listen().context("signals cannot be listened to")?;
        for address in server.addresses() {
            complain(&format!("serving {shown} on {address}"));
        }
        introduce(&server, guests, is_guarded);
        supervisor::say_ready();
        clean(&accounts);
        let handle = server.handle();
        server.run(signals.until_told_to_end(&handle, &accounts, &writing, sandbox.as_deref())).await;
        anyhow::Ok(())
    });
    // A login that is still being checked, or a look at old files, holds nothing up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    writing.end();
    served.map(|()| Outcome::Complete)
}

/// Takes all the descriptors that the system grants, and says so if they are too few: each connection needs one, its transfer five more
/// for a while.
fn open_files(assembled: &Assembled) {
    let granted = privileges::raise_open_files();
    let connections = assembled.limits.connections.total.and_then(|total| u64::try_from(total).ok());
    if let (Some(granted), Some(connections)) = (granted, connections)
        && granted <= connections
    {
        complain(&format!(
            "the system lets this process open {granted} files, too few for {connections} connections (--max-connections)"
        ));
    }
}

fn servant(assembled: &Assembled) -> Result<Option<Servant>, Failure> {
    let Some(name) = &assembled.settings.process.user else { return Ok(None) };
    if !privileges::is_root() {
        return Err(Failure::Arguments("--user: only root can become another user".to_owned()));
    }
    let servant = Servant::find(name)
        .map_err(|reason| Failure::Arguments(format!("--user: {}", escape::terminal(&reason))))?;
    Ok(Some(servant))
}

/// Gives the folders that the process can still reach, if the kernel shut it off from others.
fn shut_off(assembled: &Assembled) -> Result<Option<Vec<PathBuf>>, Failure> {
    let settings = &assembled.settings;
    let wanted = settings.process.sandbox;
    if assembled.hook.is_some() {
        // A program reads and writes what it likes, and whatever it starts has the rights of this process.
        return match wanted {
            Some(true) => Err(Failure::Arguments(
                "--sandbox: a program that is run after uploads (upload-hook) needs more files than the server".to_owned(),
            )),
            _ => Ok(None),
        };
    }
    if wanted == Some(false) {
        return Ok(None);
    }
    let data = &assembled.data;
    let hosts = data.passive_address_for.iter().map(|(_, host)| host).chain(&data.passive_address);
    let mut needs = Needs {
        folders: assembled.accounts.roots().iter().map(|root| existing(root)).collect(),
        names: hosts.into_iter().any(|host| matches!(host, Host::Name(_))),
        ..Needs::default()
    };
    needs.files.extend(settings.access.accounts.clone());
    if let Some(Certificate::Files { certificate, key }) = assembled.tls.as_ref().map(|tls| &tls.certificate)
    {
        needs.files.extend([certificate.clone(), key.clone()]);
    }
    let logs = &settings.logs;
    let files = [&logs.log, &logs.xferlog, &logs.pcap].into_iter().flatten();
    needs.logs.extend(files.filter(|file| file.as_os_str() != "-").cloned());
    match privileges::shut_off(&needs) {
        Ok(true) => Ok(Some(needs.folders)),
        Ok(false) => Ok(None),
        Err(error) => {
            complain(&format!("the process could not be shut off from other files: {error}"));
            Ok(None)
        }
    }
}

/// The folder itself, or the next one above that is there: a home may be made later.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(folder).to_path_buf()
}

fn configuration(assembled: Assembled, observer: Arc<Log>) -> anyhow::Result<Configuration> {
    let network = &assembled.settings.network;
    let places = |listeners: &Option<Vec<Listen>>, implicit_tls: bool| -> Vec<Listener> {
        let addresses = listeners.iter().flatten().map(|listen| listen.0);
        addresses.map(|address| Listener { place: Place::Address(address), implicit_tls }).collect()
    };
    let mut listeners = places(&network.listen, false);
    listeners.extend(places(&network.implicit_tls, true));
    let inherited = supervisor::inherited()
        .map_err(|error| Failure::Input(format!("a socket that was handed over cannot be used: {error}")))?;
    listeners.extend(inherited);
    if listeners.is_empty() {
        listeners.push(Listener { place: Place::Address(DEFAULT_ADDRESS), implicit_tls: false });
    }
    let capture = match &assembled.settings.logs.pcap {
        None => None,
        Some(path) => {
            let file = logs::open_secret(path).map_err(|error| {
                let path = escape::terminal(&path.to_string_lossy());
                Failure::Arguments(format!("--pcap: {path} cannot be written: {error}"))
            })?;
            Some(Box::new(file) as Box<dyn Write + Send>)
        }
    };
    Ok(Configuration {
        listeners,
        policy: assembled.policy,
        accounts: assembled.accounts,
        tls: assembled.tls,
        data: assembled.data,
        limits: assembled.limits,
        times: assembled.times,
        proxies: network.proxy.iter().flatten().map(|peers| peers.0).collect(),
        observer,
        status: assembled.settings.logs.status.map(|listen| listen.0),
        upload_hook: assembled.hook,
        capture,
    })
}

fn failure(error: StartError) -> Failure {
    let told = escape::terminal(&error.to_string());
    match error {
        StartError::Listen { source, .. } => match source.kind() {
            ErrorKind::AddrInUse => {
                Failure::Input(format!("{told}; another program listens there (ss -ltnp)"))
            }
            ErrorKind::PermissionDenied => Failure::Input(format!(
                "{told}; ports below 1024 are root's (see --user), or of who has CAP_NET_BIND_SERVICE"
            )),
            _ => Failure::Input(told),
        },
        StartError::Inherited(_) => Failure::Input(told),
        StartError::Tls(_) | StartError::Configuration(_) => Failure::Arguments(told),
    }
}

/// Says what those should know who have just started it.
fn introduce(server: &Server, guests: Option<bool>, is_guarded: bool) {
    match guests {
        Some(false) => complain("guests (anonymous) may read, and not write"),
        Some(true) => complain("guests (anonymous) may read, write and delete"),
        None if !is_guarded => complain("passwords cross the network in clear: there is no TLS (--tls-cert)"),
        None => {}
    }
    if let Some(fingerprint) = server.fingerprint() {
        complain(&format!("certificate SHA-256 {fingerprint}"));
    }
    if let Some(address) = server.status_address() {
        complain(&format!("metrics on http://{address}/metrics"));
    }
    if privileges::is_root() {
        complain("this runs as root; --user NAME gives that up once its ports are bound");
    }
}

/// Removes what uploads left behind when an earlier server was killed, while this one serves.
fn clean(accounts: &ConfiguredAccounts) {
    let roots = accounts.roots();
    std::thread::spawn(move || {
        for root in roots {
            if let Ok(store) = LocalStore::open(&root, LocalOptions::default()) {
                let removed = store.remove_stale_uploads();
                if removed > 0 {
                    let root = escape::terminal(&root.to_string_lossy());
                    complain(&format!("{removed} uploads that were cut short are removed from {root}"));
                }
            }
        }
    });
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Reads everything anew at each SIGHUP, until SIGTERM or SIGINT.
    async fn until_told_to_end(
        mut self,
        handle: &Handle,
        accounts: &ConfiguredAccounts,
        writing: &Writing,
        sandbox: Option<&[PathBuf]>,
    ) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    supervisor::say_reloading();
                    reload(handle, accounts, sandbox);
                    writing.reopen();
                    supervisor::say_ready();
                }
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}

fn reload(handle: &Handle, accounts: &ConfiguredAccounts, sandbox: Option<&[PathBuf]>) {
    match accounts.reload() {
        Ok(count) => complain(&format!("accounts are read anew: {count}")),
        Err(error) => {
            complain(&format!("accounts stay as they were: {}", escape::terminal(&error.to_string())))
        }
    }
    if let Err(error) = handle.reload_certificate() {
        complain(&format!("the certificate stays as it was: {}", escape::terminal(&error.to_string())));
    }
    let Some(folders) = sandbox else { return };
    for root in accounts.roots() {
        if !folders.iter().any(|folder| root.starts_with(folder)) {
            let root = escape::terminal(&root.to_string_lossy());
            complain(&format!(
                "{root} is a new home, which can be used after a restart (or with --sandbox=false)"
            ));
        }
    }
}
