//! The server under a service manager, whose part these tests play: it is told when the server is ready (sd_notify(3)), and hands sockets
//! over (sd_listen_fds(3)).

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::client::{Client, PATIENCE};
use crate::server::{PROGRAM, Server};

/// Where a manager is told things.
struct Manager {
    socket: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        Self { socket, folder }
    }

    /// The server as the manager starts it.
    fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg(self.folder.path().join("root")).args(["--listen", "127.0.0.1:0"]);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        command
    }

    /// The next thing that it is told, as lines.
    fn hears(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("the server tells its manager something");
        String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned).collect()
    }
}

/// The number behind `name=` in one of the lines.
fn number(lines: &[String], name: &str) -> Option<u64> {
    lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[test]
fn a_manager_is_told_when_the_server_is_ready_reloads_and_stops() {
    let manager = Manager::new();
    let mut command = manager.command();
    command.args(["--drain-timeout", "7s"]);
    let mut server = Server::of(command);
    assert_eq!(manager.hears(), ["READY=1"]);
    let mut client = server.client();
    server.signal("-HUP");
    let reloading = manager.hears();
    assert!(reloading.contains(&"RELOADING=1".to_owned()), "{reloading:?}");
    assert!(number(&reloading, "MONOTONIC_USEC").is_some_and(|time| time > 0), "{reloading:?}");
    assert_eq!(manager.hears(), ["READY=1"]);
    server.signal("-TERM");
    let stopping = manager.hears();
    assert!(stopping.contains(&"STOPPING=1".to_owned()), "{stopping:?}");
    // Transfers have 7 s, and their dialogues some more for their last words.
    let most = number(&stopping, "EXTEND_TIMEOUT_USEC").unwrap();
    assert!((7_000_000..30_000_000).contains(&most), "{stopping:?}");
    assert!(client.reply().starts_with("421"));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_manager_that_wants_to_hear_that_the_server_lives_hears_it_again_and_again() {
    let manager = Manager::new();
    let mut command = manager.command();
    command.env("WATCHDOG_USEC", "200000");
    let _server = Server::of(command);
    let mut told: Vec<String> = (0..4).flat_map(|_| manager.hears()).collect();
    told.sort();
    assert_eq!(told, ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]);
}

#[test]
fn a_manager_that_is_gone_keeps_nobody_from_being_served() {
    let manager = Manager::new();
    let mut command = manager.command();
    command.env("NOTIFY_SOCKET", manager.folder.path().join("nobody listens here"));
    let server = Server::of(command);
    assert!(server.client().logs_in("anonymous", "me@").starts_with("230"));
}

/// Hands two sockets over, the second for implicit TLS, and becomes the server. They listen before there is a server.
const HAND_OVER: &str = r#"
import os, socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
ports = [str(one.getsockname()[1]) for one in sockets]
# Out of the way of the places that they are put in.
spare = [os.dup(one.fileno()) for one in sockets]
spare = [os.dup2(one, 100 + at) for at, one in enumerate(spare)]
for at, one in enumerate(spare):
    os.dup2(one, 3 + at, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="ftp:ftps")
print("ports", *ports, file=sys.stderr, flush=True)
os.execv(sys.argv[1], [word.replace("FIRST", ports[0]) for word in sys.argv[1:]])
"#;

/// Hands a connection over in the place of a socket that listens, as Accept=yes does.
const HAND_OVER_A_CONNECTION: &str = r#"
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
taken = listener.accept()[0]
os.dup2(os.dup2(taken.fileno(), 100), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[test]
fn a_connection_in_the_place_of_a_socket_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", HAND_OVER_A_CONNECTION, PROGRAM, "serve"]).arg(folder.path());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("a socket unit needs Accept=no"), "{told}");
}

#[test]
fn an_address_that_the_manager_has_opened_may_stand_in_the_configuration_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", HAND_OVER, PROGRAM, "serve", "--tls-self-signed", "--listen", "127.0.0.1:FIRST"]);
    command.arg(folder.path());
    let server = Server::of(command);
    assert!(server.client().logs_in("anonymous", "me@").starts_with("230"));
}

/// systemd's own program, which opens a socket as systemd does for a unit, and becomes the server when somebody connects.
#[test]
fn systemd_hands_its_socket_over_when_somebody_connects() {
    let folder = tempfile::tempdir().unwrap();
    // It cannot be asked which port it took: so a free one is sought, and is free a moment later.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut child = Command::new("systemd-socket-activate")
        .args(["--fdname=ftp", "--listen", &address, PROGRAM, "serve"])
        .arg(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    talk.read_line(&mut line).unwrap();
    assert!(line.starts_with("Listening on "), "{line}");
    let reply = Client::connect(&address).logs_in("anonymous", "me@");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reply.starts_with("230"), "{reply}");
}

#[test]
fn sockets_that_a_manager_hands_over_are_served() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "content").unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", HAND_OVER, PROGRAM, "serve", "--tls-self-signed"]).arg(folder.path());
    let mut server = Server::of(command);
    let said = server.said.clone();
    let (_, ports) = said.lines().next().unwrap().split_once("ports ").unwrap();
    let (clear, implicit) = ports.split_once(' ').unwrap();
    assert_eq!(server.address, format!("127.0.0.1:{clear}"));
    let second = server.hears("serving");
    assert!(second.trim_end().ends_with(&format!(" on 127.0.0.1:{implicit}")), "{second}");
    for (scheme, port) in [("ftp", clear), ("ftps", implicit)] {
        let url = format!("{scheme}://127.0.0.1:{port}/file");
        let got =
            Command::new("curl").args(["--silent", "--show-error", "--insecure", &url]).output().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&got.stdout),
            "content",
            "{}",
            String::from_utf8_lossy(&got.stderr)
        );
    }
}

#[test]
fn the_unit_files_are_right_and_shut_the_service_off() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let folder = tempfile::tempdir().unwrap();
    for name in ["port21.service", "port21.socket"] {
        // The program stands elsewhere here.
        let text = fs::read_to_string(units.join(name)).unwrap().replace("/usr/bin/port21", PROGRAM);
        fs::write(folder.path().join(name), text).unwrap();
    }
    let analyze = |words: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command
            .args(words)
            .current_dir(folder.path())
            .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()));
        let output = command.output().expect("systemd-analyze is needed");
        let told =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), told)
    };
    // A configuration that names no root, as the one that is printed, serves the folder that the program is started in.
    let service = fs::read_to_string(units.join("port21.service")).unwrap();
    assert!(service.lines().any(|line| line == "WorkingDirectory=/srv/ftp"), "{service}");
    let (right, told) = analyze(&["verify", "--man=no", "./port21.service", "./port21.socket"]);
    assert!(right && !told.contains("port21."), "{told}");
    // 10 is a service with all rights; systemd calls what is below 3 "OK" or better.
    let (safe, told) = analyze(&["security", "--offline=true", "--threshold=20", "./port21.service"]);
    assert!(safe, "{told}");
}
