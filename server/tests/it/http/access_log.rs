//! The access log: its lines, its request ids, and the absence of secrets and forged lines.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::Method;
use scanlogin_server::Config;
use scanlogin_server::config::LogFormat;
use scanlogin_server::store::user::User;
use serde_json::json;

use crate::support::captured_log::{CapturedLog, take_lines};
use crate::support::test_server::{API, Server};
use crate::support::test_stores::{BROKEN_STORE_ERROR, BrokenStore};

#[tokio::test(start_paused = true)]
async fn every_response_has_a_unique_request_id_chosen_by_the_server() {
    let server = Server::new();
    let code = server.gene().await;
    let mut ids = HashSet::new();
    let requests = [
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.check(&code),
        server.act("confirm", &code, "alice"),
        server.get(&format!("{API}/image/{}.png", code.random)),
        server.get("/nothing-here"),
        server.post("/healthz"),
        server.get("/readyz"),
        server.post(&format!("{API}/scanned")).body("text/plain", "no"),
    ];
    let count = requests.len();
    for request in requests {
        let response = request.header("x-request-id", "from-the-client").await;
        let id = response.header("x-request-id").expect("a request id").to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        ids.insert(id);
    }
    assert_eq!(ids.len(), count);
}

#[tokio::test(start_paused = true)]
async fn every_log_line_of_a_request_has_its_request_id() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    for request in [
        server.get("/readyz"),
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.post(&format!("{API}/scanned")).json(&json!({ "random": "r" })).bearer(&server.token("alice")),
    ] {
        let before = log.lines().len();
        let id = request.await.header("x-request-id").unwrap().to_owned();
        let lines = log.lines().split_off(before);
        assert!(lines.iter().any(|line| line["error"] == BROKEN_STORE_ERROR), "{lines:?}");
        assert!(lines.iter().any(|line| line["route"].is_string()), "{lines:?}");
        assert!(lines.iter().all(|line| line["span"]["request_id"] == id), "{id} in {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn control_characters_in_requests_forge_no_log_line() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = CapturedLog::new(format);
        let server = Server::new();
        let code = server.gene().await;
        let forged = "x\n2026-01-01T00:00:00Z INFO forged\u{1b}[31m\u{202e}\u{2028}\r";
        let mallory =
            User { id: forged.to_owned(), user_pool_id: server.app().user_pool_id.clone(), ..User::default() };
        let token = server.state.identity.sign(&mallory).unwrap();
        let scan = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        // These characters are valid in a header, but must be escaped in a log.
        scan.bearer(token.expose()).header("user-agent", "\t\u{202e}forged").await.success();
        server.get("/%0A2026-01-01T00:00:00Z%20INFO%20forged").await;

        let text = log.text();
        assert!(text.contains("forged"), "{text}");
        assert_eq!(text.lines().count(), 4, "gene, scan, the audit event of the scan, and the missing file: {text}");
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(text.chars().all(is_plain), "{text:?}");
        assert_eq!(
            log.text().contains('\u{202e}'),
            format == LogFormat::Json,
            "only the JSON log contains it, inside a string: {text:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_logs_exactly_one_line() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::new();
    let image = format!("{API}/image/unknown.png");
    let jwks = "/.well-known/jwks.json";
    let preflight =
        server.request(Method::OPTIONS, &format!("{API}/gene")).header("access-control-request-method", "POST");
    let paths = ["/healthz", "/readyz", "/openapi.json", jwks, &image, "/demo/me", "/demo/nothing", "/nothing"];
    let gets = paths.map(|path| (path, server.get(path)));
    for (path, request) in gets.into_iter().chain([("a preflight", preflight)]) {
        let before = log.lines().len();
        let id = request.await.header("x-request-id").unwrap().to_owned();
        let lines = log.lines().split_off(before);
        assert_eq!(lines.len(), 1, "{path}: {lines:?}");
        assert_eq!(lines[0]["span"]["request_id"], id.as_str(), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn check_logs_a_line_only_when_refused() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::new();
    let code = server.gene().await;
    let before = log.lines().len();
    server.check(&code).await.success();
    assert_eq!(log.lines().len(), before, "{}", log.text());
    server.get(&format!("{API}/check?random={}", code.random)).await.assert_error(1001, "forbidden");
    assert_eq!(log.lines().len(), before + 1, "{}", log.text());
}

#[tokio::test(start_paused = true)]
async fn access_log_has_the_expected_fields_and_no_secret() {
    take_lines();
    let server = Server::new();
    let login = json!({ "username": "alice", "password": "wrong-pass-word" });
    server.post("/demo/login").json(&login).await.assert_error(2020, "wrong-password");
    let code = server.gene_with(json!({ "customData": { "order": "custom-data-value" } })).await;
    let token = server.token("alice");
    let ticket = server.ticket(&code, "alice").await;
    server.get(&format!("{API}/image/{}.png", code.random)).await;
    server.get(&format!("{API}/nope/{}", code.random)).await.error();
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.assert_error(2231, "ticket-used");
    server.post("/demo/session").json(&json!({ "ticket": ticket })).await.assert_error(2231, "ticket-used");
    let malformed = format!("{{\"random\":\"{}\",", code.random);
    server.post(&format!("{API}/scanned")).body("application/json", malformed).await.error();

    let log = take_lines();
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
