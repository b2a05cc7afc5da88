//! Audit events of scan, confirm, cancel and exchange, whether they succeed or fail.

use core::time::Duration;

use scanlogin_server::config::LogFormat;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{API, Code, Server, advance_clock};
use crate::support::timeout::yield_until;

/// Action and outcome of every audit event.
fn audit_outcomes(log: &CapturedLog) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    log.audit_events().iter().map(|event| (text(&event["action"]), text(&event["outcome"]))).collect()
}

fn outcomes(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(action, outcome)| ((*action).to_owned(), (*outcome).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_sign_in_action_logs_one_audit_event() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::new();
    let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("user-agent", "The Browser");
    let gene = gene.header("host", "localhost").header("origin", "http://localhost");
    let code = Code::from_data(&gene.await.success());

    let scan = server.act("scanned", &code, "alice").header("user-agent", "The Phone").await;
    server.act("confirm", &code, "alice").await.success();
    let ticket = server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    server.exchange(&ticket).await.success();

    assert_eq!(audit_outcomes(&log), outcomes(&[("scan", "ok"), ("confirm", "ok"), ("exchange", "ok")]));
    let events = log.audit_events();
    for event in &events {
        for (field, expected) in [
            ("level", "INFO"),
            ("app_id", "demo-app"),
            ("user_pool_id", "demo-pool"),
            ("user_id", "id-of-alice"),
            ("ip", "unknown"),
            ("browser_ip", "unknown"),
            ("browser_origin", "http://localhost"),
            ("browser_user_agent", "The Browser"),
        ] {
            assert_eq!(event[field], expected, "{field} of {event}");
        }
        assert_eq!(event["code"], events[0]["code"], "all events have the same hash of the code");
    }
    assert_eq!(events[0]["code"].as_str().unwrap().len(), 16);
    assert_eq!(events[0]["user_agent"], "The Phone");
    assert_eq!(events[0].get("origin"), None, "an approver sends no Origin");
    assert_eq!(events[0]["span"]["request_id"], scan.header("x-request-id").unwrap());

    for secret in [&code.random, &code.poll_token, &ticket, &server.token("alice"), &server.app_secret()] {
        assert!(!log.text().contains(secret), "{secret} in {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn refused_actions_log_audit_events() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    let scan = || server.post(&format!("{API}/scanned"));
    scan().json(&json!({ "random": code.random })).await.assert_error(2020, "not-signed-in");
    scan().json(&json!({ "random": "nope" })).bearer(&server.token("eve")).await.assert_error(2241, "unknown-code");
    scan().body("application/json", "{").await.error();
    server.act("confirm", &code, "alice").await.assert_error(500, "not-scanned");
    server.act("scanned", &code, "alice").await.success();
    server.act("cancel", &code, "eve").await.error();
    server.act("cancel", &code, "alice").await.success();
    server.exchange("nope").await.assert_error(2231, "unknown-ticket");
    let ticket = server.ticket(&other, "alice").await;
    assert_eq!(server.userinfo(&ticket).basic("demo-app", "wrong").await.error().2, "wrong-credentials");
    server.userinfo(&ticket).header("x-authing-app-id", "nope").await.assert_error(1001, "unknown-app");
    server.userinfo("").await.assert_error(2231, "missing-parameter");

    assert_eq!(
        audit_outcomes(&log),
        outcomes(&[
            ("scan", "not-signed-in"),
            ("scan", "unknown-code"),
            ("scan", "malformed-json"),
            ("confirm", "not-scanned"),
            ("scan", "ok"),
            ("cancel", "wrong-user"),
            ("cancel", "ok"),
            ("exchange", "unknown-ticket"),
            ("scan", "ok"),
            ("confirm", "ok"),
            ("exchange", "wrong-credentials"),
            ("exchange", "unknown-app"),
            ("exchange", "missing-parameter"),
        ])
    );
    let events = log.audit_events();
    assert_eq!(events[0]["code"], events[3]["code"], "an action without a user still has the hash of its code");
    assert_eq!(events[0].get("user_id"), None);
    assert_eq!(events[1]["user_id"], "id-of-eve");
    assert_eq!(events[1].get("app_id"), None, "the app of an unknown code is unknown");
    assert_eq!(events[5]["user_id"], "id-of-eve", "the user who sent the request, not the user who scanned");
    assert_eq!(events[10]["user_id"], "id-of-alice", "the user whom the exchange would have returned");
}

#[tokio::test(start_paused = true)]
async fn aborted_request_is_audited_when_it_completes() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::with_slow_store(Duration::ZERO, Duration::from_secs(5));
    let code = server.gene().await;
    timeout(Duration::from_secs(1), server.act("scanned", &code, "alice").into_future()).await.unwrap_err();
    assert_eq!(audit_outcomes(&log), []);
    advance_clock(5).await;
    yield_until("the audit event of the scan", || !audit_outcomes(&log).is_empty()).await;
    assert_eq!(audit_outcomes(&log), outcomes(&[("scan", "ok")]));
    assert!(log.audit_events()[0]["span"]["request_id"].is_string());
}
