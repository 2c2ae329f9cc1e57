//! From settings to all that the server is told.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ftp_server::account::configured::{Account, AccountsError, ConfiguredAccounts, Rights, Sources};
use ftp_server::account::password::{Cost, PasswordHash};
use ftp_server::account::{Amount, Rates, Right};
use ftp_server::driver::{
    Certificate, DataSettings, FreePorts, Hook, Limits, Times, Tls, TlsError, TlsSettings,
};
use ftp_server::limit::{AcceptPolicy, AccessList, BanPolicy, BandwidthPolicy, ConnectionPolicy};
use ftp_server::session::Policy;
use ftp_server::store::local::{Links, LocalOptions, Resume, Sync};
use nix::unistd::{AccessFlags, access};

use super::configuration::Configuration;
use super::values::{Peers, Rate};
use crate::arguments::{Fsync, LinkPolicy, ResumePolicy, Reuse, ServeArguments, Settings};
use crate::escape;
use crate::outcome::Failure;
use crate::output;

/// Uploads whose hooks run at once, and how long one may take.
const HOOKS: (usize, Duration) = (8, Duration::from_secs(600));

/// Accounts without a home that are named.
const MOST_NAMED: usize = 5;

/// Bytes a second of the slowest transfer: a tenth of what the slowest modems and mobile phones did.
const LEAST_RATE: u64 = 16;

/// All that the server is told, but for what has to be opened.
pub struct Assembled {
    /// The settings that it is made of.
    pub settings: Settings,
    /// What is shown as being served: the folder of guests and `--account`, or the accounts file.
    pub shown: PathBuf,
    /// Who may log in.
    pub accounts: Arc<ConfiguredAccounts>,
    /// Whether guests may log in, and whether they and `--account` may write.
    pub guests: Option<bool>,
    /// What sessions do and refuse.
    pub policy: Policy,
    /// TLS, if it is offered.
    pub tls: Option<TlsSettings>,
    /// How data connections come about.
    pub data: DataSettings,
    /// How many may come, and how fast.
    pub limits: Limits,
    /// How long things may take.
    pub times: Times,
    /// Run after each upload.
    pub hook: Option<Hook>,
}

impl Assembled {
    /// What `--check` says.
    pub fn summary(&self) -> String {
        let accounts = match self.accounts.count() {
            1 => "1 account".to_owned(),
            count => format!("{count} accounts"),
        };
        let guests = match self.guests {
            None => "no guests",
            Some(false) => "guests who may read",
            Some(true) => "guests who may read and write",
        };
        let tls = match (&self.tls, self.policy.require_tls) {
            (None, _) => "no TLS",
            (Some(_), false) => "TLS",
            (Some(_), true) => "TLS, which is required",
        };
        format!("{accounts}, {guests}, {tls}")
    }
}

/// Puts everything together, and says what does not fit together.
pub fn assemble(configuration: &Configuration, arguments: &ServeArguments) -> Result<Assembled, Failure> {
    let settings = &configuration.settings;
    let write = settings.access.write.unwrap_or(false);
    let has_accounts = settings.access.accounts.is_some() || !arguments.account.is_empty();
    let anonymous = settings.access.anonymous.unwrap_or(!has_accounts);
    let root = root(configuration, arguments)?;
    let uses_root = anonymous || !arguments.account.is_empty();
    let shown = match &settings.access.accounts {
        Some(file) if !uses_root => file.clone(),
        _ => root.clone(),
    };
    let rights = Rights(if write { Right::ALL } else { Right::READ_ONLY });
    let guest = anonymous.then(|| guest(settings, root.clone(), rights));
    let sources = Sources {
        file: settings.access.accounts.clone(),
        accounts: accounts_for_trying(&arguments.account, &root, rights)?,
        guest,
        store: store(settings),
        clock: SystemTime::now,
        report: Box::new(|words| output::complain(&escape::terminal(words))),
    };
    let accounts = ConfiguredAccounts::load(sources).map_err(|error| {
        let told = escape::terminal(&error.to_string());
        Failure::Arguments(match error {
            AccountsError::Unreadable { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                format!("{told}; `port21 serve passwd FILE NAME --home DIR` makes an accounts file")
            }
            _ => told,
        })
    })?;
    warn_of_missing_homes(&accounts);
    let hook = hook(configuration)?;
    let tls = tls(configuration)?;
    Ok(Assembled {
        shown,
        accounts: Arc::new(accounts),
        guests: anonymous.then_some(write),
        policy: policy(settings, tls.is_some()),
        tls,
        data: data(settings),
        limits: limits(settings),
        times: times(settings),
        hook,
        settings: settings.clone(),
    })
}

/// Says which accounts cannot be used, as long as there are few.
fn warn_of_missing_homes(accounts: &ConfiguredAccounts) {
    let homeless = accounts.homeless();
    for (name, home) in homeless.iter().take(MOST_NAMED) {
        output::complain(&escape::terminal(&format!(
            "account {name:?} cannot log in: its home {} is no folder (create-home = true makes it)",
            home.display()
        )));
    }
    let others = homeless.len().saturating_sub(MOST_NAMED);
    if others > 0 {
        output::complain(&format!("{others} more accounts have no home"));
    }
}

/// The program that is run after uploads. One that is named by its place has to be there.
fn hook(configuration: &Configuration) -> Result<Option<Hook>, Failure> {
    let Some(program) = configuration.settings.logs.upload_hook.clone() else { return Ok(None) };
    let is_sought = program.components().count() == 1;
    if let (false, Err(error)) = (is_sought, access(&program, AccessFlags::X_OK)) {
        let reason = format!("{} cannot be run: {}", program.display(), io::Error::from(error));
        return Err(configuration.mistake("upload-hook", &reason));
    }
    Ok(Some(Hook { program, arguments: Vec::new(), at_once: HOOKS.0, time: HOOKS.1 }))
}

fn root(configuration: &Configuration, arguments: &ServeArguments) -> Result<PathBuf, Failure> {
    let named = arguments.root.as_ref().or(configuration.settings.root.as_ref());
    let root = named.cloned().unwrap_or_else(|| PathBuf::from("."));
    let problem = |reason: &str| {
        let reason = format!("{}: {reason}", root.display());
        match arguments.root {
            None if named.is_some() => configuration.mistake("root", &reason),
            _ => Failure::Arguments(escape::terminal(&reason)),
        }
    };
    let found = root.canonicalize().map_err(|error| problem(&error.to_string()))?;
    if found.is_dir() { Ok(found) } else { Err(problem("this is not a folder")) }
}

fn guest(settings: &Settings, root: PathBuf, rights: Rights) -> Account {
    Account {
        permissions: rights,
        download_rate: settings.limits.guest_download_rate.map(|rate| Amount(rate.0)),
        upload_rate: settings.limits.guest_upload_rate.map(|rate| Amount(rate.0)),
        maximum_sessions: settings.limits.max_guests,
        ..Account::new(root)
    }
}

fn accounts_for_trying(
    texts: &[String],
    root: &Path,
    rights: Rights,
) -> Result<BTreeMap<String, Account>, Failure> {
    let mut accounts = BTreeMap::new();
    for text in texts {
        let Some((name, password)) = text.split_once(':').filter(|(name, _)| !name.is_empty()) else {
            return Err(Failure::Arguments("--account needs NAME:PASSWORD".to_owned()));
        };
        let hash = PasswordHash::new(password.as_bytes(), Cost::default())
            .ok_or_else(|| Failure::Arguments("the system has no random numbers".to_owned()))?;
        let account =
            Account { password: Some(hash), permissions: rights, ..Account::new(root.to_path_buf()) };
        accounts.insert(name.to_owned(), account);
    }
    if !accounts.is_empty() {
        output::complain(
            "the list of processes shows the password of --account; keep accounts in a file (--accounts)",
        );
    }
    Ok(accounts)
}

fn store(settings: &Settings) -> LocalOptions {
    let files = &settings.files;
    let defaults = LocalOptions::default();
    LocalOptions {
        links: match files.links {
            Some(LinkPolicy::Never) => Links::Never,
            Some(LinkPolicy::Beneath) | None => Links::Beneath,
        },
        umask: files.umask.map_or(defaults.umask, |umask| umask.0),
        sync: match files.fsync {
            Some(Fsync::Never) => Sync::Never,
            Some(Fsync::Data) => Sync::Data,
            Some(Fsync::DataAndDirectory) | None => Sync::DataAndDirectory,
        },
        resume: match files.resume {
            Some(ResumePolicy::Copy) => Resume::Copy,
            Some(ResumePolicy::InPlace) | None => Resume::InPlace,
        },
        keep_cut_uploads: files.keep_cut_uploads.unwrap_or(false),
        owners: defaults.owners,
    }
}

fn tls(configuration: &Configuration) -> Result<Option<TlsSettings>, Failure> {
    let settings = &configuration.settings;
    let tls = &settings.tls;
    let certificate = match (&tls.tls_cert, tls.tls_self_signed.unwrap_or(false)) {
        (Some(_), true) => {
            return Err(configuration.mistake("tls-self-signed", "there is a certificate already (tls-cert)"));
        }
        (Some(certificate), false) => Certificate::Files {
            certificate: certificate.clone(),
            key: tls.tls_key.clone().unwrap_or_else(|| certificate.clone()),
        },
        (None, true) => Certificate::SelfSigned(own_names(settings)),
        (None, false) => {
            let wanting = [
                ("tls-key", tls.tls_key.is_some()),
                ("require-tls", tls.require_tls == Some(true)),
                ("tls-reuse", tls.tls_reuse.is_some_and(|reuse| reuse != Reuse::Off)),
                ("tls-lenient-close", tls.tls_lenient_close == Some(true)),
                ("allow-ccc", tls.allow_ccc == Some(true)),
                ("implicit-tls", settings.network.implicit_tls.as_ref().is_some_and(|all| !all.is_empty())),
            ];
            return match wanting.iter().find(|(_, wants)| *wants) {
                Some((key, _)) => Err(configuration
                    .mistake(key, "this needs a certificate: tls-cert, or tls-self-signed for trying")),
                None => Ok(None),
            };
        }
    };
    let settings = TlsSettings {
        certificate,
        reuse: match tls.tls_reuse {
            Some(Reuse::Off) => ftp_server::driver::Reuse::Off,
            Some(Reuse::Require) => ftp_server::driver::Reuse::Require,
            Some(Reuse::Prefer) | None => ftp_server::driver::Reuse::Prefer,
        },
        lenient_close: tls.tls_lenient_close.unwrap_or(false),
        kernel: tls.tls_kernel.unwrap_or(true),
    };
    if matches!(settings.certificate, Certificate::Files { .. }) {
        // Also for --check; the server reads them itself.
        Tls::new(settings.clone()).map_err(|error| {
            let is_of_key = matches!(
                error,
                TlsError::NoKey(_) | TlsError::EncryptedKey(_) | TlsError::KeyOfAnother { .. }
            );
            let key = if is_of_key && tls.tls_key.is_some() { "tls-key" } else { "tls-cert" };
            configuration.mistake(key, &error.to_string())
        })?;
    }
    Ok(Some(settings))
}

/// What a certificate for trying is for: the addresses that the server listens on.
fn own_names(settings: &Settings) -> Vec<String> {
    let network = &settings.network;
    let listeners = network.listen.iter().chain(&network.implicit_tls).flatten();
    let addresses = listeners.map(|listen| listen.0.ip()).filter(|address| !address.is_unspecified());
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(addresses.map(|address| address.to_string()));
    if let Some(ftp_server::driver::Host::Name(name)) =
        settings.data.passive_address.as_ref().map(|host| &host.0)
    {
        names.push(name.clone());
    }
    names.sort();
    names.dedup();
    names
}

fn policy(settings: &Settings, offer_tls: bool) -> Policy {
    let defaults = Policy::default();
    let require_tls = settings.tls.require_tls.unwrap_or(false);
    Policy {
        greeting: settings.network.banner.clone().unwrap_or(defaults.greeting),
        offer_tls,
        require_tls,
        require_protected_data: require_tls,
        allow_clear_command_channel: settings.tls.allow_ccc.unwrap_or(false),
        offer_passive: !settings.data.no_passive.unwrap_or(false),
        offer_active: !settings.data.no_active.unwrap_or(false),
        login_deadline: settings.timeouts.login_timeout.map_or(defaults.login_deadline, |time| time.0),
        idle_timeout: settings.timeouts.idle_timeout.map_or(defaults.idle_timeout, |time| time.0),
        failed_logins: settings.limits.max_failed_logins.unwrap_or(defaults.failed_logins).max(1),
        ..defaults
    }
}

fn data(settings: &Settings) -> DataSettings {
    let data = &settings.data;
    DataSettings {
        passive_ports: data.passive_ports.as_ref().map(|ports| ports.0.clone()),
        free_ports: FreePorts::of_system(),
        passive_address: data.passive_address.as_ref().map(|host| host.0.clone()),
        passive_address_for: data
            .passive_address_for
            .iter()
            .flatten()
            .map(|one| (one.0, one.1.clone()))
            .collect(),
        active_port: data.active_port,
    }
}

fn limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    let networks = |peers: &Option<Vec<Peers>>| peers.iter().flatten().map(|peers| peers.0).collect();
    let (connections, accept, bans) =
        (ConnectionPolicy::default(), AcceptPolicy::default(), BanPolicy::default());
    let at_most = |number: Option<usize>, default| {
        number.map_or(default, |number| Some(number).filter(|&number| number > 0))
    };
    let rates = |download: Option<Rate>, upload: Option<Rate>| Rates {
        download: download.map(|rate| rate.0),
        upload: upload.map(|rate| rate.0),
    };
    Limits {
        connections: ConnectionPolicy {
            total: at_most(limits.max_connections, connections.total),
            per_source: at_most(limits.max_connections_per_address, connections.per_source),
        },
        accept: match limits.max_connection_rate {
            Some(0) => AcceptPolicy::UNLIMITED,
            Some(rate) => {
                AcceptPolicy { burst: rate.saturating_mul(5), interval: Duration::from_secs(1) / rate }
            }
            None => accept,
        },
        access: AccessList { allow: networks(&settings.access.allow), deny: networks(&settings.access.deny) },
        bans: BanPolicy {
            failures_of_source: limits.ban_after.unwrap_or(bans.failures_of_source),
            failures_of_user: if limits.ban_after == Some(0) { 0 } else { bans.failures_of_user },
            longest_delay_of_source: limits.longest_ban.map_or(bans.longest_delay_of_source, |time| time.0),
            ..bans
        },
        bandwidth: BandwidthPolicy {
            session: rates(limits.download_rate, limits.upload_rate),
            address: rates(limits.address_download_rate, limits.address_upload_rate),
            all: rates(limits.total_download_rate, limits.total_upload_rate),
        },
        least_rate: limits.least_rate.unwrap_or(LEAST_RATE),
    }
}

fn times(settings: &Settings) -> Times {
    let (timeouts, defaults) = (&settings.timeouts, Times::default());
    Times {
        passive: timeouts.data_timeout.map_or(defaults.passive, |time| time.0),
        connect: timeouts.data_timeout.map_or(defaults.connect, |time| time.0),
        stall: timeouts.stall_timeout.map_or(defaults.stall, |time| time.0),
        drain: timeouts.drain_timeout.map_or(defaults.drain, |time| time.0),
        ..defaults
    }
}
