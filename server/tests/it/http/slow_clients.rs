//! Clients who are slow, silent or too many, at real sockets: they lose their connection, and nobody else does.

use core::convert::Infallible;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::{Config, Running};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::support::common::{Server, running};
use crate::support::kept_log;

/// A duration in real time.
const SHORT: Duration = Duration::from_millis(100);
/// A duration on a clock that a test has paused.
const TIMEOUT: Duration = Duration::from_secs(5);
const FOR_EVER: Duration = Duration::from_secs(10_000);
const GET: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server whose patience lasts for ever, but for what `set` says.
async fn running_with(set: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::demo().unwrap();
    let limits = &mut config.settings.limits;
    for timeout in [&mut limits.head_timeout, &mut limits.body_timeout, &mut limits.write_timeout] {
        *timeout = FOR_EVER;
    }
    limits.idle_timeout = FOR_EVER;
    set(&mut config);
    running(config).await
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Does `work` while tokio's clock stands still, so that no timeout of the server can end first. A paused clock goes on
/// by itself when no task has anything to do, also when a byte is on its way through a socket.
async fn with_still_clock<T>(work: impl Future<Output = T>) -> T {
    async fn keep_busy() -> Infallible {
        loop {
            yield_now().await;
        }
    }
    tokio::select! {
        value = work => value,
        never = keep_busy() => match never {},
    }
}

/// What comes until the connection ends.
async fn all(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // An end is an end, whether the server had read all of what was sent or not.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Asks once, and leaves the connection open.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut status = [0; 15];
    stream.write_all(GET.as_bytes()).await.is_ok()
        && stream.read_exact(&mut status).await.is_ok()
        && status == *b"HTTP/1.1 200 OK"
        && rest_is_read(stream).await
}

async fn rest_is_read(stream: &mut TcpStream) -> bool {
    let mut seen = String::new();
    while !seen.ends_with('}') {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte.into()),
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn who_sends_a_head_byte_by_byte_is_cut_off() {
    let running = running_with(|config| config.settings.limits.head_timeout = SHORT).await;
    for is_used in [false, true] {
        let mut stream = connect(&running).await;
        if is_used {
            assert!(is_answered(&mut stream).await);
        }
        let (mut receiver, mut sender) = stream.into_split();
        let trickle = async {
            sender.write_all(b"GET /healthz HTTP/1.1\r\nx: ").await.unwrap();
            while sender.write_all(b"x").await.is_ok() {
                sleep(SHORT / 10).await;
            }
        };
        let mut answer = Vec::new();
        let (_, ended) = tokio::join!(trickle, receiver.read_to_end(&mut answer));
        assert!(answer.is_empty(), "{ended:?}: {answer:?}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_is_closed_after_the_idle_timeout() {
    let running = running_with(|config| config.settings.limits.idle_timeout = TIMEOUT).await;
    let begin = Instant::now();
    assert_eq!(all(connect(&running).await).await, "", "before a first request");
    assert!(begin.elapsed() >= TIMEOUT);
    let used = with_still_clock(async {
        let mut stream = connect(&running).await;
        assert!(is_answered(&mut stream).await);
        stream
    });
    let (used, begin) = (used.await, Instant::now());
    assert_eq!(all(used).await, "", "and after one");
    assert!(begin.elapsed() >= TIMEOUT);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_rest_for_longer_than_a_head_may_take() {
    let running = running_with(|config| config.settings.limits.head_timeout = TIMEOUT).await;
    let mut stream = connect(&running).await;
    for _ in 0..3 {
        assert!(with_still_clock(is_answered(&mut stream)).await);
        sleep(3 * TIMEOUT).await;
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_may_wait_for_longer_than_a_head_or_a_body_may_take() {
    let set = |config: &mut Config| {
        config.settings.limits.head_timeout = TIMEOUT;
        config.settings.limits.body_timeout = TIMEOUT;
        config.settings.limits.write_timeout = TIMEOUT;
        config.settings.limits.idle_timeout = TIMEOUT;
    };
    let running = running_with(set).await;
    let server = Server { state: Arc::clone(&running.state), router: scanlogin_server::app(&running.state) };
    let code = server.gene().await;
    let poll = format!(
        "GET /api/v2/qrcode/check?random={}&wait=30&status=0 HTTP/1.1\r\nhost: x\r\nx-scanlogin-poll-token: {}\r\n\r\n",
        code.random, code.poll_token
    );
    let begin = Instant::now();
    let stream = with_still_clock(async {
        let mut stream = connect(&running).await;
        stream.write_all(poll.as_bytes()).await.unwrap();
        while running.state.codes.waiters.is_empty() {
            yield_now().await;
        }
        stream
    });
    assert!(all(stream.await).await.contains("\"status\":0"));
    assert!(begin.elapsed() >= Duration::from_secs(30));
    running.shutdown().await;
}

#[tokio::test]
async fn who_does_not_finish_a_body_is_told_so_and_cut_off() {
    let running = running_with(|config| config.settings.limits.body_timeout = SHORT).await;
    let mut stream = connect(&running).await;
    let gene = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\n\r\n{";
    stream.write_all(gene.as_bytes()).await.unwrap();
    let answer = all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    assert!(answer.contains("\"reason\":\"timeout\""), "{answer}");
    running.shutdown().await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let www = tempfile::tempdir().unwrap();
    std::fs::write(www.path().join("large.bin"), vec![0; 1024 * 1024]).unwrap();
    let set = |config: &mut Config| {
        config.www = Some(www.path().to_owned());
        config.settings.limits.write_timeout = SHORT;
    };
    let running = running_with(set).await;
    let mut stream = connect(&running).await;
    // Once the buffers of both sides are full nothing moves, until the server closes the connection.
    while stream.write_all(b"GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    running.shutdown().await;
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let running = running_with(|_| {}).await;
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(20_000)), 431),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: x\r\n".repeat(200)), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(20_000)), 431),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1} a browser that speaks TLS\r\n\r\n".to_owned(), 400),
    ] {
        let mut stream = connect(&running).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = all(stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn more_connections_than_there_may_be_are_closed_and_places_are_given_back() {
    let running = running_with(|config| config.max_connections = 2).await;
    let (mut first, mut second) = (connect(&running).await, connect(&running).await);
    assert!(is_answered(&mut first).await && is_answered(&mut second).await);
    assert_eq!(all(connect(&running).await).await, "");
    assert!(is_answered(&mut first).await, "who is in stays in");
    drop(first);
    while !is_answered(&mut connect(&running).await).await {}
    running.shutdown().await;
}

#[tokio::test]
async fn one_address_can_not_take_all_connections_unless_it_is_a_trusted_proxys() {
    for (proxies, is_let_in) in [(vec![], false), (vec!["127.0.0.0/8".parse().unwrap()], true)] {
        let set = |config: &mut Config| {
            config.trusted_proxies = proxies;
            config.settings.limits.connections_per_address = NonZeroU32::MIN;
        };
        let running = running_with(set).await;
        let mut first = connect(&running).await;
        assert!(is_answered(&mut first).await);
        assert_eq!(is_answered(&mut connect(&running).await).await, is_let_in);
        running.shutdown().await;
    }
}

#[tokio::test]
async fn a_connection_without_a_request_does_not_hold_up_the_end() {
    kept_log::keep();
    kept_log::taken();
    let running = running_with(|_| {}).await;
    let silent = connect(&running).await;
    // Who is answered came later, so that the silent one has been accepted.
    let mut resting = connect(&running).await;
    assert!(is_answered(&mut resting).await);
    running.shutdown().await;
    assert_eq!(all(silent).await, "");
    assert_eq!(all(resting).await, "");
    let log = kept_log::taken();
    assert!(log.contains("answered") && !log.contains("did not finish in time"), "{log}");
}
