//! Whoever runs the server can tell who did what, and who tried to.

use core::time::Duration;

use scanlogin_server::config::LogFormat;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::common::{API, Server, pass};
use crate::support::kept_log::Log;

/// Action and outcome of every event.
fn story(log: &Log) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    log.audit().iter().map(|event| (text(&event["action"]), text(&event["outcome"]))).collect()
}

fn pairs(story: &[(&str, &str)]) -> Vec<(String, String)> {
    story.iter().map(|(action, outcome)| ((*action).to_owned(), (*outcome).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn each_step_to_a_sign_in_leaves_one_event_that_says_who_and_what() {
    let log = Log::new(LogFormat::Json);
    let server = Server::new();
    let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("user-agent", "The Browser");
    let data = gene.header("host", "localhost").header("origin", "http://localhost").await.success();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    let code =
        crate::support::common::Code { random: text("random"), poll_token: text("pollToken"), data: data.clone() };

    let scan = server.act("scanned", &code, "alice").header("user-agent", "The Phone").await;
    server.act("confirm", &code, "alice").await.success();
    let ticket = server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    server.exchange(&ticket).await.success();

    assert_eq!(story(&log), pairs(&[("scan", "ok"), ("confirm", "ok"), ("exchange", "ok")]));
    let events = log.audit();
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
        assert_eq!(event["code"], events[0]["code"], "one code, one hash");
    }
    assert_eq!(events[0]["code"].as_str().unwrap().len(), 16);
    assert_eq!(events[0]["user_agent"], "The Phone");
    assert_eq!(events[0].get("origin"), None, "a phone has none");
    assert_eq!(events[0]["span"]["request_id"], scan.header("x-request-id").unwrap());

    for secret in [&code.random, &code.poll_token, &ticket, &server.token("alice"), &server.app_secret()] {
        assert!(!log.text().contains(secret), "{secret} in {}", log.text());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_leaves_an_event_too() {
    let log = Log::new(LogFormat::Json);
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    let scan = || server.post(&format!("{API}/scanned"));
    scan().json(&json!({ "random": code.random })).await.is_refused(2020, "not-signed-in");
    scan().json(&json!({ "random": "nope" })).bearer(&server.token("eve")).await.is_refused(2241, "unknown-code");
    scan().body("application/json", "{").await.refusal();
    server.act("confirm", &code, "alice").await.is_refused(500, "not-scanned");
    server.act("scanned", &code, "alice").await.success();
    server.act("cancel", &code, "eve").await.refusal();
    server.act("cancel", &code, "alice").await.success();
    server.exchange("nope").await.is_refused(2231, "unknown-ticket");
    let ticket = server.ticket(&other, "alice").await;
    server.userinfo(&ticket).basic("demo-app", "wrong").await.is_refused(1001, "forbidden");
    server.userinfo(&ticket).header("x-authing-app-id", "nope").await.is_refused(1001, "unknown-app");
    server.userinfo("").await.is_refused(2231, "missing-parameter");

    assert_eq!(
        story(&log),
        pairs(&[
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
            ("exchange", "forbidden"),
            ("exchange", "unknown-app"),
            ("exchange", "missing-parameter"),
        ])
    );
    let events = log.audit();
    assert_eq!(events[0]["code"], events[3]["code"], "an attempt without a user still names its code");
    assert_eq!(events[0].get("user_id"), None);
    assert_eq!(events[1]["user_id"], "id-of-eve");
    assert_eq!(events[1].get("app_id"), None, "nobody knows the app of a code that is not there");
    assert_eq!(events[5]["user_id"], "id-of-eve", "who tries, not whose it is");
    assert_eq!(events[10]["user_id"], "id-of-alice", "who would have been handed out");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_half_way_is_in_the_audit_all_the_same() {
    let log = Log::new(LogFormat::Json);
    let server = Server::slow(Duration::ZERO, Duration::from_secs(5));
    let code = server.gene().await;
    timeout(Duration::from_secs(1), server.act("scanned", &code, "alice").into_future()).await.unwrap_err();
    assert_eq!(story(&log), []);
    pass(5).await;
    while story(&log).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(story(&log), pairs(&[("scan", "ok")]));
    assert!(log.audit()[0]["span"]["request_id"].is_string());
}
