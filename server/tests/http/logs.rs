//! The log says what happened, and nothing that must not be known.

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use serde_json::json;

use crate::common::{API, Server};

thread_local! {
    /// What this test has logged: each runs on a thread of its own, and so do the handlers that it calls.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the log, of all tests alike: tracing remembers for the whole process which lines nobody wants.
pub(crate) fn keep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_writer(|| Lines).with_max_level(tracing::Level::TRACE);
        log.with_ansi(false).init();
    });
}

/// What this test has logged until now.
pub(crate) fn taken() -> String {
    String::from_utf8(LINES.take()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_line_a_request_and_no_secret_in_any() {
    let server = Server::new();
    let login = json!({ "username": "alice", "password": "wrong-pass-word" });
    server.post("/demo/login").json(&login).await.is_refused(2020, "wrong-password");
    let code = server.gene_with(json!({ "customData": { "order": "custom-data-value" } })).await;
    let token = server.token("alice");
    let ticket = server.ticket(&code, "alice").await;
    server.get(&format!("{API}/image/{}.png", code.random)).await;
    server.get(&format!("{API}/nope/{}", code.random)).await.refusal();
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.is_refused(2231, "ticket-used");
    server.post("/demo/session").json(&json!({ "ticket": ticket })).await.is_refused(2231, "ticket-used");
    let malformed = format!("{{\"random\":\"{}\",", code.random);
    server.post(&format!("{API}/scanned")).body("application/json", malformed).await.refusal();

    let log = taken();
    for expected in [
        "method=POST route=\"/api/v2/qrcode/gene\" status=200",
        "route=\"/api/v2/qrcode/image/{file}\"",
        "outcome=\"ticket-used\"",
        "outcome=\"wrong-password\"",
        "outcome=\"malformed-json\"",
        "outcome=\"unknown-route\"",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    let app_secret = server.app_secret();
    for secret in [
        code.random.as_str(),
        &code.poll_token,
        &token,
        &ticket,
        &app_secret,
        "wrong-pass-word",
        "custom-data-value",
        "alice@example.com",
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
