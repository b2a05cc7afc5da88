//! A server with a socket and a file: its start, its end, and its next start.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use axum::routing::get;
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{Config, Running, start, start_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::common::{Server, running};
use crate::support::port::Port;

async fn request(running: &Running, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(running.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn reply(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_started_server_goes_by_the_address_it_listens_on_and_knows_who_connects() {
    let running = running(Config::demo().unwrap()).await;
    let gene = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\nconnection: close\r\n\r\n{}";
    let text = reply(request(&running, gene).await).await;
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    assert!(text.contains(&format!("{}/api/v2/qrcode/image/", running.url)), "{text}");
    let random = text.split("\"random\":\"").nth(1).unwrap().split('"').next().unwrap();
    let record = running.state.codes.find(random).await.unwrap().record;
    assert_eq!(record.requester.read().unwrap().ip, "127.0.0.1");
    running.shutdown().await;
}

#[tokio::test]
async fn a_test_may_put_a_broken_network_around_the_server() {
    let config = Config::demo().unwrap();
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let broken = async || axum::http::StatusCode::BAD_GATEWAY;
    let running =
        start_with(config, listener, |app| axum::Router::new().route("/healthz", get(broken)).fallback_service(app));
    let running = running.await.unwrap();
    for (path, status) in [("/healthz", 502), ("/nope", 404)] {
        let text = reply(request(&running, &format!("GET {path} HTTP/1.0\r\n\r\n")).await).await;
        assert!(text.starts_with(&format!("HTTP/1.0 {status}")), "{text}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_megabyte_is_refused_in_words_that_its_sender_gets_to_read() {
    let running = running(Config::demo().unwrap()).await;
    let head = "POST /api/v2/qrcode/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1048576\r\nconnection: close\r\n\r\n";
    let text = reply(request(&running, &format!("{head}{}", "x".repeat(1_048_576))).await).await;
    assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    assert!(text.contains("too-large"), "{text}");
    running.shutdown().await;
}

#[tokio::test]
async fn shutdown_answers_waiting_polls_and_accepts_no_connection() {
    // Nobody else may listen on its port when it has ended.
    let port = Port::new();
    let running = start(Config::demo().unwrap(), port.listen()).await.unwrap();
    let server = Server { state: Arc::clone(&running.state), router: scanlogin_server::app(&running.state) };
    let code = server.gene().await;
    let poll = format!(
        "GET /api/v2/qrcode/check?random={}&wait=30&status=0 HTTP/1.1\r\nhost: x\r\nx-scanlogin-poll-token: {}\r\n\r\n",
        code.random, code.poll_token
    );
    let stream = request(&running, &poll).await;
    while running.state.codes.waiters.is_empty() {
        tokio::task::yield_now().await;
    }
    running.shutdown().await;
    let text = reply(stream).await;
    assert!(text.contains("\"status\":0"), "{text}");
    assert!(TcpStream::connect(port.address()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_codes_browsers_and_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let config = Config::demo().unwrap();
    let start = || Server::of(config.clone(), Arc::new(SqliteStore::open(&file).unwrap()));

    let first = start();
    let code = first.gene().await;
    first.act("scanned", &code, "alice").await.success();
    drop(first);

    let second = start();
    assert_eq!(second.status(&code).await, 1, "the poll token still counts");
    second.act("confirm", &code, "alice").await.success();
    let ticket = second.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    drop(second);

    let third = start();
    assert_eq!(third.check(&code).await.success()["ticket"], ticket);
    assert_eq!(third.exchange(&ticket).await.success()["id"], "id-of-alice");
    drop(third);
    start().exchange(&ticket).await.is_refused(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_poll_token_goes_on_after_a_restart_if_its_app_lets_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let mut config = Config::demo().unwrap();
    config.settings.apps[0].compat.poll_without_token = true;
    let start = || Server::of(config.clone(), Arc::new(SqliteStore::open(&file).unwrap()));
    let code = start().gene().await;
    let path = format!("{}/check?random={}", crate::support::common::API, code.random);
    assert_eq!(start().get(&path).await.success()["status"], 0);

    let strict = Server::of(Config::demo().unwrap(), Arc::new(SqliteStore::open(&file).unwrap()));
    let code = strict.gene().await;
    drop(strict);
    let path = format!("{}/check?random={}", crate::support::common::API, code.random);
    start().get(&path).await.is_refused(2241, "unknown-code");
    assert_eq!(start().status(&code).await, 0, "with its poll token any browser goes on");
}

#[tokio::test]
async fn a_store_that_can_not_be_opened_stops_the_start_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is no database, however long it is read as one. ".repeat(100)).unwrap();
    let newer = folder.path().join("newer.db");
    drop(SqliteStore::open(&newer).unwrap());
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();

    for path in [garbage.as_path(), &newer, folder.path(), Path::new("/nowhere/codes.db")] {
        let mut config = Config::demo().unwrap();
        config.store = StoreAddress::Sqlite(path.to_owned());
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let error = start(config, listener).await.err().expect("no start").to_string();
        assert!(error.contains("--store") && error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_code_may_live_for_a_moment_when_a_test_says_so() {
    let server = Server::with(|config| config.settings.apps[0].code_lifetime = Duration::from_millis(50));
    let code = server.gene().await;
    let check = server.check_with(&code, "&wait=25&status=0").await.success();
    assert_eq!(check["status"], -1);
}
