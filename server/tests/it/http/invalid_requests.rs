//! Invalid requests get an error in the envelope, and change no state.

use core::num::NonZeroU32;
use std::sync::Arc;

use axum::http::Method;
use scanlogin_server::Config;
use scanlogin_server::config::LogFormat;
use serde_json::json;

use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{API, Server, advance_clock};
use crate::support::test_stores::{BROKEN_STORE_ERROR, BrokenStore};

const POSTS: [&str; 6] = ["gene", "scanned", "confirm", "cancel", "complete", "userinfo"];

#[tokio::test(start_paused = true)]
async fn invalid_json_bodies_get_400() {
    let server = Server::new();
    for endpoint in POSTS {
        for body in ["", "{", "{\"random\":", "random=1", "<html>", "{\"random\":\"a\"} more", "\u{feff}{}"] {
            let response = server.post(&format!("{API}/{endpoint}")).body("application/json", body).await;
            assert_eq!(response.error(), (400, 400, "malformed-json".to_owned()), "{endpoint} {body:?}");
        }
        let response = server.post(&format!("{API}/{endpoint}")).body("application/json", vec![b'"', 0xff, b'"']).await;
        assert_eq!(response.error().0, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn deeply_nested_json_gets_400() {
    let server = Server::new();
    let deep = format!("{{\"params\":{}", "[".repeat(16_000));
    assert_eq!(server.post(&format!("{API}/gene")).body("application/json", deep).await.error().0, 400);
}

#[tokio::test(start_paused = true)]
async fn bodies_without_a_json_content_type_get_415() {
    let server = Server::new();
    for endpoint in POSTS {
        let path = format!("{API}/{endpoint}");
        assert_eq!(server.post(&path).await.error().0, 415, "{endpoint}");
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let response = server.post(&path).body(content_type, "{}").await;
            assert_eq!(response.error(), (415, 415, "unsupported-media-type".to_owned()), "{endpoint} {content_type}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_over_16_kib_get_413() {
    let server = Server::new();
    let body = |length: usize| format!("{{\"context\":\"{}\"}}", "x".repeat(length - 14));
    for (length, status) in [(16 * 1024, 200), (16 * 1024 + 1, 413), (1024 * 1024, 413), (8 * 1024 * 1024, 413)] {
        let response = server.post(&format!("{API}/gene")).body("application/json", body(length)).await;
        assert_eq!(response.status, status, "{length}");
        if status == 413 {
            assert_eq!(response.error(), (413, 413, "too-large".to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_routes_get_404_for_every_method() {
    let server = Server::new();
    for path in ["/", "/nope", "/api", "/api/v2/qrcode", "/api/v2/qrcode/", "/api/v2/qrcode/nope", "/%ff", "//"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let response = server.request(method, path).await;
            assert_eq!(response.error(), (404, 404, "unknown-route".to_owned()), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_methods_get_405_with_an_allow_header() {
    let server = Server::new();
    for (method, path, allow) in [
        (Method::GET, "/api/v2/qrcode/gene", "POST"),
        (Method::POST, "/api/v2/qrcode/check", "GET,HEAD"),
        (Method::PUT, "/api/v2/qrcode/confirm", "POST"),
        (Method::DELETE, "/api/v2/qrcode/image/a.png", "GET,HEAD"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::GET, "/demo/login", "POST"),
    ] {
        let response = server.request(method, path).await;
        assert_eq!(response.error(), (405, 405, "method-not-allowed".to_owned()), "{path}");
        assert_eq!(response.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn missing_and_invalid_fields_are_named_in_the_error() {
    let server = Server::new();
    let code = server.gene().await;
    for (endpoint, body, field, reason) in [
        ("scanned", json!({}), "random", "missing-parameter"),
        ("confirm", json!({ "random": "" }), "random", "missing-parameter"),
        ("cancel", json!({ "random": 5 }), "random", "invalid-parameter"),
        ("scanned", json!({ "random": null }), "random", "invalid-parameter"),
        ("scanned", json!({ "random": [code.random] }), "random", "invalid-parameter"),
        ("scanned", json!([code.random]), "body", "invalid-parameter"),
        ("scanned", json!("text"), "body", "invalid-parameter"),
        ("scanned", json!(null), "body", "invalid-parameter"),
        ("userinfo", json!({}), "ticket", "missing-parameter"),
        ("userinfo", json!({ "ticket": "" }), "ticket", "missing-parameter"),
        ("userinfo", json!({ "ticket": {} }), "ticket", "invalid-parameter"),
        ("gene", json!({ "scene": "TV" }), "scene", "invalid-parameter"),
        ("gene", json!({ "scene": 1 }), "scene", "invalid-parameter"),
        ("gene", json!({ "autoMergeQrCode": "no" }), "autoMergeQrCode", "invalid-parameter"),
        ("gene", json!({ "extIdpConnId": 1 }), "extIdpConnId", "invalid-parameter"),
        ("gene", json!({ "withCustomData": 1 }), "withCustomData", "invalid-parameter"),
        ("gene", json!({ "customData": "text" }), "customData", "invalid-parameter"),
        ("gene", json!({ "params": [1] }), "customData", "invalid-parameter"),
        ("gene", json!({ "customData": { "a": "x".repeat(1_000) } }), "customData", "invalid-parameter"),
        ("gene", json!({ "scene": "WXAPP_AUTH" }), "scene", "unsupported-scene"),
        ("gene", json!({ "scene": "WECHATMP_AUTH" }), "scene", "unsupported-scene"),
    ] {
        let request = server.post(&format!("{API}/{endpoint}")).header("authorization", &server.token("alice"));
        let response = request.json(&body).await;
        response.assert_error(2231, reason);
        assert!(response.message().contains(field), "{endpoint} {body}: {}", response.message());
    }
    for query in ["", "?random=", "?status=0"] {
        let response = server.get(&format!("{API}/check{query}")).await;
        response.assert_error(2231, "missing-parameter");
        assert!(response.message().contains("random"));
    }
    assert_eq!(server.status(&code).await, 0, "the state has not changed");
}

#[tokio::test(start_paused = true)]
async fn unknown_codes_are_refused_by_scanned_confirm_cancel_and_check() {
    let server = Server::new();
    let mut code = server.gene().await;
    for random in ["unknown", "'; DROP TABLE codes; --", &"x".repeat(10_000), "人", "%00"] {
        code.random = random.to_owned();
        for action in ["scanned", "confirm", "cancel"] {
            server.act(action, &code, "alice").await.assert_error(2241, "unknown-code");
        }
    }
    code.random = "unknown".to_owned();
    server.check(&code).await.assert_error(2241, "unknown-code");
    server.check_with(&code, "&wait=30&status=0").await.assert_error(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn approver_with_an_invalid_token_is_refused_without_a_transition() {
    let server = Server::new();
    let foreign = Server::new().token("alice");
    let other_pool = Server::with_config(|config| {
        config.jwt_secret = server.state.config.jwt_secret.clone();
        config.settings.apps[0].user_pool_id = "other".to_owned();
    });
    let expired = server.token("alice");
    advance_clock(24 * 60 * 60 + 61).await;
    let code = server.gene().await;
    let refused = [
        (None, 2020, "not-signed-in"),
        (Some(String::new()), 2020, "not-signed-in"),
        (Some("Bearer".to_owned()), 2020, "not-signed-in"),
        (Some("garbage".to_owned()), 2020, "not-signed-in"),
        (Some("Bearer a.b.c".to_owned()), 2020, "not-signed-in"),
        (Some(format!("Basic {expired}")), 2020, "not-signed-in"),
        (Some(foreign), 2020, "not-signed-in"),
        (Some(expired), 2206, "login-expired"),
        (Some(other_pool.token("alice")), 2036, "wrong-pool"),
    ];
    for action in ["scanned", "confirm", "cancel"] {
        for (token, error_code, reason) in &refused {
            let mut request = server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random }));
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            request.await.assert_error(*error_code, reason);
        }
    }
    assert_eq!(server.status(&code).await, 0);
}

#[tokio::test(start_paused = true)]
async fn token_is_accepted_with_and_without_the_bearer_scheme() {
    let server = Server::new();
    for scheme in ["", "Bearer ", "bearer "] {
        let code = server.gene().await;
        let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        request.header("authorization", &format!("{scheme}{}", server.token("alice"))).await.success();
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_yields_503_with_retry_after() {
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    let random = json!({ "random": "r" });
    for request in [
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.get(&format!("{API}/check?random=r")),
        server.post(&format!("{API}/scanned")).json(&random).header("authorization", &server.token("alice")),
        server.exchange("t"),
        server.get(&format!("{API}/image/r.png")),
        server.get("/readyz"),
    ] {
        let response = request.await;
        assert_eq!(response.error(), (503, 503, "unavailable".to_owned()));
        assert_eq!(response.header("retry-after"), Some("1"));
        assert!(!response.message().contains(BROKEN_STORE_ERROR), "the message must not contain the cause");
    }
}

#[tokio::test(start_paused = true)]
async fn panic_in_a_handler_yields_an_enveloped_500() {
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: true }));
    let response = server.get("/readyz").await;
    assert_eq!(response.error(), (500, 500, "internal".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn panic_is_logged_with_its_message_and_the_request_id() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: true }));
    // `scanned` runs in a task of its own.
    let scan = server.post(&format!("{API}/scanned")).json(&json!({ "random": "r" })).bearer(&server.token("alice"));
    for request in [server.get("/readyz"), scan] {
        let before = log.lines().len();
        let response = request.await;
        assert_eq!(response.error(), (500, 500, "internal".to_owned()));
        let lines = log.lines().split_off(before);
        let line = lines.iter().find(|line| line["level"] == "ERROR").unwrap_or_else(|| panic!("{lines:?}"));
        assert_eq!(line["panic"], "the test store panics");
        assert_eq!(line["span"]["request_id"], response.header("x-request-id").unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn check_reports_the_first_error_in_the_order_of_protocol_md() {
    let server = Server::with_config(|config| {
        config.settings.limits.checks_per_code.burst = NonZeroU32::MIN;
        config.settings.limits.checks_per_code.per_second = NonZeroU32::MIN;
    });
    let code = server.gene().await;
    let random = format!("random={}", code.random);
    // Each request has all the faults of the next ones.
    for (query, app, reason) in [
        ("wait=x&wait=x", "unknown", "unknown-app"),
        ("wait=x&wait=x", "demo-app", "invalid-parameter"),
        ("wait=x", "demo-app", "missing-parameter"),
        (&format!("{random}&wait=x"), "demo-app", "invalid-parameter"),
        (&format!("{random}&status=x"), "demo-app", "invalid-parameter"),
        ("random=unknown", "demo-app", "unknown-code"),
        ("random=unknown", "demo-app", "rate-limited"),
        (&random, "demo-app", "origin-not-allowed"),
    ] {
        let request = server.get(&format!("{API}/check?{query}")).header("x-authing-app-id", app);
        let response = request.header("origin", "https://evil.example").await;
        assert_eq!(response.error().2, reason, "{query} {app}");
    }
    advance_clock(1).await;
    server.get(&format!("{API}/check?{random}")).await.assert_error(1001, "forbidden");
}
