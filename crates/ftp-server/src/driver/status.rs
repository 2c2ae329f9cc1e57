//! Answers `/metrics` and `/health` by HTTP, for those who watch over a server.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::shared::{Phase, Shared};

/// Longest request that is read.
const LONGEST_REQUEST: usize = 8 << 10;

/// Requests that are answered at once.
const AT_ONCE: usize = 16;

/// Time for one request with its answer.
const TIME: Duration = Duration::from_secs(5);

/// How long to wait when no connection can be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    // Whoever asks too slowly gets nothing.
                    let _ = timeout(TIME, answer(socket, &shared)).await;
                    drop(place);
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn answer(mut socket: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() >= LONGEST_REQUEST || socket.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let running = *shared.phase.borrow() == Phase::Running;
    let response = respond(&request, running, || shared.counters.prometheus());
    socket.write_all(response.as_bytes()).await?;
    socket.shutdown().await
}

fn respond(request: &[u8], running: bool, metrics: impl Fn() -> String) -> String {
    let line = request.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => ("200 OK", metrics()),
        (b"GET" | b"HEAD", b"/health") if running => ("200 OK", "serving\n".to_owned()),
        (b"GET" | b"HEAD", b"/health") => ("503 Service Unavailable", "stopping\n".to_owned()),
        (b"GET" | b"HEAD", _) => ("404 Not Found", "There are /metrics and /health.\n".to_owned()),
        _ => ("405 Method Not Allowed", "Only GET is answered.\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if method == b"HEAD" { head } else { head + &body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_line(request: &str, running: bool) -> String {
        let response = respond(request.as_bytes(), running, || "port21_sessions 1\n".to_owned());
        response.lines().next().unwrap().to_owned()
    }

    #[test]
    fn health_says_whether_sessions_are_taken() {
        assert_eq!(first_line("GET /health HTTP/1.1\r\n\r\n", true), "HTTP/1.1 200 OK");
        assert_eq!(first_line("GET /health HTTP/1.1\r\n\r\n", false), "HTTP/1.1 503 Service Unavailable");
    }

    #[test]
    fn metrics_have_a_length_and_head_has_no_body() {
        let body = || "port21_sessions 1\n".to_owned();
        let response = respond(b"GET /metrics HTTP/1.1\r\n\r\n", true, body);
        assert!(response.contains("\r\nContent-Length: 18\r\n"));
        assert!(response.ends_with("\r\n\r\nport21_sessions 1\n"));
        assert!(respond(b"HEAD /metrics HTTP/1.1\r\n\r\n", true, body).ends_with("\r\n\r\n"));
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(first_line("GET /etc/passwd HTTP/1.1\r\n\r\n", true), "HTTP/1.1 404 Not Found");
        assert_eq!(first_line("POST /metrics HTTP/1.1\r\n\r\n", true), "HTTP/1.1 405 Method Not Allowed");
        assert_eq!(first_line("\r\n\r\n", true), "HTTP/1.1 405 Method Not Allowed");
    }
}
