//! Timeouts and limits of connections, on real sockets: the server closes only the connection that exceeds a limit.

use core::convert::Infallible;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::config::LogFormat;
use scanlogin_server::{Config, Running};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::http::metrics;
use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{Server, start_server};
use crate::support::timeout::{within_timeout, yield_until};

/// A timeout in real time.
const SHORT: Duration = Duration::from_millis(100);
/// A timeout on a paused clock.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than any test.
const NO_TIMEOUT: Duration = Duration::from_secs(10_000);
const GET: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// Starts a server without timeouts, except those that `set` sets.
async fn start_server_with(set: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::demo().unwrap();
    let limits = &mut config.settings.limits;
    for timeout in [&mut limits.head_timeout, &mut limits.body_timeout, &mut limits.write_timeout] {
        *timeout = NO_TIMEOUT;
    }
    limits.idle_timeout = NO_TIMEOUT;
    set(&mut config);
    start_server(config).await
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// Runs `work` while tokio's clock is stopped, so that no timeout of the server expires meanwhile. Without this, a
/// paused clock advances whenever no task is runnable, even while bytes are in transit through a socket.
async fn with_stopped_clock<T>(work: impl Future<Output = T>) -> T {
    async fn keep_busy() -> Infallible {
        loop {
            yield_now().await;
        }
    }
    within_timeout("work on a stopped clock", async {
        tokio::select! {
            value = work => value,
            never = keep_busy() => match never {},
        }
    })
    .await
}

/// Reads until the connection is closed.
async fn read_to_close(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is not an error here: the server may close the connection before it has read everything.
    let _ = within_timeout("the close of a connection", stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Sends one request and reads its response. Returns false if the connection is closed before.
async fn gets_response(stream: &mut TcpStream) -> bool {
    let mut status = [0; 15];
    within_timeout("a response or the close of a connection", async {
        stream.write_all(GET.as_bytes()).await.is_ok()
            && stream.read_exact(&mut status).await.is_ok()
            && status == *b"HTTP/1.1 200 OK"
            && read_rest(stream).await
    })
    .await
}

/// Reads to the end of a JSON body. Returns false if the connection is closed before.
async fn read_rest(stream: &mut TcpStream) -> bool {
    let mut received = String::new();
    while !received.ends_with('}') {
        match stream.read_u8().await {
            Ok(byte) => received.push(byte.into()),
            Err(_) => return false,
        }
    }
    true
}

#[tokio::test]
async fn slow_request_headers_close_the_connection() {
    let running = start_server_with(|config| config.settings.limits.head_timeout = SHORT).await;
    for is_used in [false, true] {
        let mut stream = connect(&running).await;
        if is_used {
            assert!(gets_response(&mut stream).await);
        }
        let (mut receiver, mut sender) = stream.into_split();
        let send_slowly = async {
            sender.write_all(b"GET /healthz HTTP/1.1\r\nx: ").await.unwrap();
            while sender.write_all(b"x").await.is_ok() {
                sleep(SHORT / 10).await;
            }
        };
        let mut response = Vec::new();
        let exchange = async { tokio::join!(send_slowly, receiver.read_to_end(&mut response)) };
        let (_, ended) = within_timeout("the close of a slow connection", exchange).await;
        assert!(response.is_empty(), "{ended:?}: {response:?}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn idle_connection_is_closed_after_the_idle_timeout() {
    let running = start_server_with(|config| config.settings.limits.idle_timeout = TIMEOUT).await;
    let start = Instant::now();
    assert_eq!(read_to_close(connect(&running).await).await, "", "before the first request");
    assert!(start.elapsed() >= TIMEOUT);
    let used = with_stopped_clock(async {
        let mut stream = connect(&running).await;
        assert!(gets_response(&mut stream).await);
        stream
    });
    let (used, start) = (used.await, Instant::now());
    assert_eq!(read_to_close(used).await, "", "after a request");
    assert!(start.elapsed() >= TIMEOUT);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn idle_time_between_requests_may_exceed_the_header_timeout() {
    let running = start_server_with(|config| config.settings.limits.head_timeout = TIMEOUT).await;
    let mut stream = connect(&running).await;
    for _ in 0..3 {
        assert!(with_stopped_clock(gets_response(&mut stream)).await);
        sleep(3 * TIMEOUT).await;
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn long_poll_may_exceed_header_body_write_and_idle_timeouts() {
    let set = |config: &mut Config| {
        config.settings.limits.head_timeout = TIMEOUT;
        config.settings.limits.body_timeout = TIMEOUT;
        config.settings.limits.write_timeout = TIMEOUT;
        config.settings.limits.idle_timeout = TIMEOUT;
    };
    let running = start_server_with(set).await;
    let server = Server { state: Arc::clone(&running.state), router: scanlogin_server::app(&running.state) };
    let code = server.gene().await;
    let poll = format!(
        "GET /api/v2/qrcode/check?random={}&wait=30&status=0 HTTP/1.1\r\nhost: x\r\nx-scanlogin-poll-token: {}\r\n\r\n",
        code.random, code.poll_token
    );
    let start = Instant::now();
    let stream = with_stopped_clock(async {
        let mut stream = connect(&running).await;
        stream.write_all(poll.as_bytes()).await.unwrap();
        yield_until("a waiting poll", || !running.state.codes.notifier.is_empty()).await;
        stream
    });
    assert!(read_to_close(stream.await).await.contains("\"status\":0"));
    assert!(start.elapsed() >= Duration::from_secs(30));
    running.shutdown().await;
}

#[tokio::test]
async fn incomplete_body_gets_408_and_closes_the_connection() {
    let running = start_server_with(|config| config.settings.limits.body_timeout = SHORT).await;
    let mut stream = connect(&running).await;
    let gene = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\n\r\n{";
    stream.write_all(gene.as_bytes()).await.unwrap();
    let response = read_to_close(stream).await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("\"reason\":\"timeout\""), "{response}");
    running.shutdown().await;
}

#[tokio::test]
async fn client_that_does_not_read_is_disconnected() {
    let www = tempfile::tempdir().unwrap();
    std::fs::write(www.path().join("large.bin"), vec![0; 1024 * 1024]).unwrap();
    let set = |config: &mut Config| {
        config.www = Some(www.path().to_owned());
        config.settings.limits.write_timeout = SHORT;
    };
    let running = start_server_with(set).await;
    let mut stream = connect(&running).await;
    // When the buffers of both sides are full, writes block until the server closes the connection.
    within_timeout("the close of a connection that is not read", async {
        while stream.write_all(b"GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n").await.is_ok() {}
    })
    .await;
    running.shutdown().await;
}

#[tokio::test]
async fn oversized_headers_get_431_and_malformed_ones_400() {
    let running = start_server_with(|_| {}).await;
    for (head, status) in [
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(20_000)), 431),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: x\r\n".repeat(200)), 431),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(20_000)), 431),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1} a TLS handshake\r\n\r\n".to_owned(), 400),
    ] {
        let mut stream = connect(&running).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let response = read_to_close(stream).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {response}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn connections_over_the_maximum_are_closed_and_permits_released() {
    let running = start_server_with(|config| config.max_connections = 2).await;
    let (mut first, mut second) = (connect(&running).await, connect(&running).await);
    assert!(gets_response(&mut first).await && gets_response(&mut second).await);
    assert_eq!(read_to_close(connect(&running).await).await, "");
    assert!(gets_response(&mut first).await, "accepted connections stay open");
    drop(first);
    within_timeout("a response after the release of a permit", async {
        while !gets_response(&mut connect(&running).await).await {}
    })
    .await;
    running.shutdown().await;
}

#[tokio::test]
async fn connections_are_limited_per_ip_except_for_trusted_proxies() {
    for (proxies, is_accepted) in [(vec![], false), (vec!["127.0.0.0/8".parse().unwrap()], true)] {
        let set = |config: &mut Config| {
            config.trusted_proxies = proxies;
            config.settings.limits.connections_per_address = NonZeroU32::MIN;
        };
        let running = start_server_with(set).await;
        let mut first = connect(&running).await;
        assert!(gets_response(&mut first).await);
        assert_eq!(gets_response(&mut connect(&running).await).await, is_accepted);
        running.shutdown().await;
    }
}

#[tokio::test]
async fn idle_connections_do_not_delay_shutdown() {
    let log = CapturedLog::new(LogFormat::Json);
    let running = start_server_with(|_| {}).await;
    let silent = connect(&running).await;
    // A response on this later connection shows that the server has accepted the silent one.
    let mut idle = connect(&running).await;
    assert!(gets_response(&mut idle).await);
    running.shutdown().await;
    assert_eq!(read_to_close(silent).await, "");
    assert_eq!(read_to_close(idle).await, "");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line["route"] == "/healthz"), "{lines:?}");
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "the shutdown logs no warning: {lines:?}");
}

#[tokio::test]
async fn client_that_does_not_read_fills_at_most_48_kb_of_buffers() {
    let running = start_server_with(|config| config.settings.limits.write_timeout = SHORT).await;
    let server = Server { state: Arc::clone(&running.state), router: scanlogin_server::app(&running.state) };
    let address = running.url.strip_prefix("http://").unwrap().parse().unwrap();
    let length = response_length(TcpStream::connect(address).await.unwrap()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let served = "scanlogin_http_requests_total{route=\"/healthz\",status=\"200\"}";
    let before = metrics::value(&server, served).await;
    within_timeout("the close of a connection that is not read", async {
        while stream.write_all(GET.as_bytes()).await.is_ok() {}
    })
    .await;
    let responses = (metrics::value(&server, served).await - before) as usize;
    assert!((1..=48 * 1024 / length).contains(&responses), "{responses} responses of {length} bytes");
    running.shutdown().await;
}

/// The length of the response to [`GET`] in bytes, with its head.
async fn response_length(mut stream: TcpStream) -> usize {
    stream.write_all(GET.replace("host", "connection: close\r\nhost").as_bytes()).await.unwrap();
    read_to_close(stream).await.len()
}
