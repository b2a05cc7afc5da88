//! Start, shutdown and restart of a server with a socket and a store file.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use axum::routing::get;
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{Config, Running, start, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::reserved_port::ReservedPort;
use crate::support::test_server::{API, Server, start_server};
use crate::support::timeout::{within_timeout, yield_until};

async fn send(running: &Running, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn receive(mut stream: TcpStream) -> String {
    let mut text = String::new();
    within_timeout("the end of a response", stream.read_to_string(&mut text)).await.unwrap();
    text
}

#[tokio::test]
async fn started_server_uses_its_listen_address_and_records_the_client_ip() {
    let running = start_server(Config::demo().unwrap()).await;
    let gene = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\nconnection: close\r\n\r\n{}";
    let text = receive(send(&running, gene).await).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains(&format!("{}/api/v2/qrcode/image/", running.url)), "{text}");
    let random = text.split("\"random\":\"").nth(1).unwrap().split('"').next().unwrap();
    let record = running.state.codes.find(random).await.unwrap().record;
    assert_eq!(record.requester.read().unwrap().ip, "127.0.0.1");
    running.shutdown().await;
}

#[tokio::test]
async fn start_with_serves_the_wrapped_router() {
    let config = Config::demo().unwrap();
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let bad_gateway = async || axum::http::StatusCode::BAD_GATEWAY;
    let running = start_with(config, listener, |app| {
        axum::Router::new().route("/healthz", get(bad_gateway)).fallback_service(app)
    });
    let running = running.await.unwrap();
    for (path, status) in [("/healthz", 502), ("/nope", 404)] {
        let text = receive(send(&running, &format!("GET {path} HTTP/1.0\r\n\r\n")).await).await;
        assert!(text.starts_with(&format!("HTTP/1.0 {status}")), "{text}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn one_mebibyte_body_gets_a_413_that_the_client_can_read() {
    let running = start_server(Config::demo().unwrap()).await;
    let head = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1048576\r\nconnection: close\r\n\r\n";
    let text = receive(send(&running, &format!("{head}{}", "x".repeat(1_048_576))).await).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    assert!(text.contains("too-large"), "{text}");
    running.shutdown().await;
}

#[tokio::test]
async fn shutdown_ends_waiting_polls_and_accepts_no_connection() {
    // The port is reserved, so that no other process listens on it after the shutdown.
    let port = ReservedPort::new();
    let running = start(Config::demo().unwrap(), port.listen()).await.unwrap();
    let server = Server { state: Arc::clone(&running.state), router: scanlogin_server::app(&running.state) };
    let code = server.gene().await;
    let poll = format!(
        "GET /api/v2/qrcode/check?random={}&wait=30&status=0 HTTP/1.1\r\nhost: x\r\nx-scanlogin-poll-token: {}\r\n\r\n",
        code.random, code.poll_token
    );
    let stream = send(&running, &poll).await;
    yield_until("a waiting poll", || !running.state.codes.notifier.is_empty()).await;
    running.shutdown().await;
    let text = receive(stream).await;
    assert!(text.contains("\"status\":0"), "{text}");
    assert!(TcpStream::connect(port.address()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn restart_keeps_codes_poll_tokens_and_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let config = Config::demo().unwrap();
    let start = || Server::with_store(config.clone(), Arc::new(SqliteStore::open(&file).unwrap()));

    let first = start();
    let code = first.gene().await;
    first.act("scanned", &code, "alice").await.success();
    drop(first);

    let second = start();
    assert_eq!(second.status(&code).await, 1, "the poll token is still valid");
    second.act("confirm", &code, "alice").await.success();
    let ticket = second.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    drop(second);

    let third = start();
    assert_eq!(third.check(&code).await.success()["ticket"], ticket);
    assert_eq!(third.exchange(&ticket).await.success()["id"], "id-of-alice");
    drop(third);
    start().exchange(&ticket).await.assert_error(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn poll_without_token_after_a_restart_requires_it_at_creation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let mut config = Config::demo().unwrap();
    config.settings.apps[0].compat.poll_without_token = true;
    let start = || Server::with_store(config.clone(), Arc::new(SqliteStore::open(&file).unwrap()));
    let code = start().gene().await;
    let path = format!("{API}/check?random={}", code.random);
    assert_eq!(start().get(&path).await.success()["status"], 0);

    let without_compat = Server::with_store(Config::demo().unwrap(), Arc::new(SqliteStore::open(&file).unwrap()));
    let code = without_compat.gene().await;
    drop(without_compat);
    let path = format!("{API}/check?random={}", code.random);
    start().get(&path).await.assert_error(2241, "unknown-code");
    assert_eq!(start().status(&code).await, 0, "the poll token is still valid");
}

#[tokio::test]
async fn unreadable_store_fails_the_start_with_flag_and_path() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a SQLite database. ".repeat(100)).unwrap();
    let newer = folder.path().join("newer.db");
    drop(SqliteStore::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();

    for path in [garbage.as_path(), &newer, folder.path(), Path::new("/nowhere/codes.db")] {
        let mut config = Config::demo().unwrap();
        config.store = StoreAddress::Sqlite(path.to_owned());
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let error = start(config, listener).await.err().expect("the start fails").to_string();
        assert!(error.contains("--store") && error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn code_lifetime_may_be_shorter_than_a_second_in_tests() {
    let server = Server::with_config(|config| config.settings.apps[0].code_lifetime = Duration::from_millis(50));
    let code = server.gene().await;
    let check = server.check_with(&code, "&wait=25&status=0").await.success();
    assert_eq!(check["status"], -1);
}
