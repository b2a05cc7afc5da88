//! Whatever is sent, the answer is a clear refusal in the envelope, and nothing is lost.

use std::sync::Arc;

use axum::http::Method;
use scanlogin_server::Config;
use serde_json::json;

use crate::support::common::{API, Server, pass};
use crate::support::test_stores::BrokenStore;

const POSTS: [&str; 5] = ["gene", "scanned", "confirm", "cancel", "userinfo"];

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_json_is_refused() {
    let server = Server::new();
    for call in POSTS {
        for body in ["", "{", "{\"random\":", "random=1", "<html>", "{\"random\":\"a\"} more", "\u{feff}{}"] {
            let reply = server.post(&format!("{API}/{call}")).body("application/json", body).await;
            assert_eq!(reply.refusal(), (400, 400, "malformed-json".to_owned()), "{call} {body:?}");
        }
        let reply = server.post(&format!("{API}/{call}")).body("application/json", vec![b'"', 0xff, b'"']).await;
        assert_eq!(reply.refusal().0, 400);
    }
}

#[tokio::test(start_paused = true)]
async fn json_that_is_nested_without_end_is_refused() {
    let server = Server::new();
    let deep = format!("{{\"params\":{}", "[".repeat(60_000));
    assert_eq!(server.post(&format!("{API}/gene")).body("application/json", deep).await.refusal().0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_declared_as_json_is_refused() {
    let server = Server::new();
    for call in POSTS {
        let path = format!("{API}/{call}");
        assert_eq!(server.post(&path).await.refusal().0, 415, "{call}");
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
            let reply = server.post(&path).body(content_type, "{}").await;
            assert_eq!(reply.refusal(), (415, 415, "unsupported-media-type".to_owned()), "{call} {content_type}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_of_more_than_64_kib_is_refused() {
    let server = Server::new();
    let body = |length: usize| format!("{{\"context\":\"{}\"}}", "x".repeat(length - 14));
    for (length, status) in [(64 * 1024, 200), (64 * 1024 + 1, 413), (1024 * 1024, 413), (8 * 1024 * 1024, 413)] {
        let reply = server.post(&format!("{API}/gene")).body("application/json", body(length)).await;
        assert_eq!(reply.status, status, "{length}");
        if status == 413 {
            assert_eq!(reply.refusal(), (413, 413, "too-large".to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_route_is_refused_whatever_the_method() {
    let server = Server::new();
    for path in ["/", "/nope", "/api", "/api/v2/qrcode", "/api/v2/qrcode/", "/api/v2/qrcode/nope", "/%ff", "//"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let reply = server.call(method, path).await;
            assert_eq!(reply.refusal(), (404, 404, "unknown-route".to_owned()), "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_method_is_told_the_right_one() {
    let server = Server::new();
    for (method, path, allow) in [
        (Method::GET, "/api/v2/qrcode/gene", "POST"),
        (Method::POST, "/api/v2/qrcode/check", "GET,HEAD"),
        (Method::PUT, "/api/v2/qrcode/confirm", "POST"),
        (Method::DELETE, "/api/v2/qrcode/image/a.png", "GET,HEAD"),
        (Method::POST, "/healthz", "GET,HEAD"),
        (Method::GET, "/demo/login", "POST"),
    ] {
        let reply = server.call(method, path).await;
        assert_eq!(reply.refusal(), (405, 405, "method-not-allowed".to_owned()), "{path}");
        assert_eq!(reply.header("allow"), Some(allow), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn fields_that_are_missing_empty_or_of_a_wrong_type_are_named() {
    let server = Server::new();
    let code = server.gene().await;
    for (call, body, field, reason) in [
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
        let call_to = server.post(&format!("{API}/{call}")).header("authorization", &server.token("alice"));
        let reply = call_to.json(&body).await;
        reply.is_refused(2231, reason);
        assert!(reply.message().contains(field), "{call} {body}: {}", reply.message());
    }
    for query in ["", "?random=", "?status=0"] {
        let reply = server.get(&format!("{API}/check{query}")).await;
        reply.is_refused(2231, "missing-parameter");
        assert!(reply.message().contains("random"));
    }
    assert_eq!(server.status(&code).await, 0, "nothing was lost");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_code_is_refused_by_every_call() {
    let server = Server::new();
    let mut code = server.gene().await;
    for random in ["unknown", "'; DROP TABLE codes; --", &"x".repeat(10_000), "人", "%00"] {
        code.random = random.to_owned();
        for action in ["scanned", "confirm", "cancel"] {
            server.act(action, &code, "alice").await.is_refused(2241, "unknown-code");
        }
    }
    code.random = "unknown".to_owned();
    server.check(&code).await.is_refused(2241, "unknown-code");
    server.check_with(&code, "&wait=30&status=0").await.is_refused(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn a_phone_without_a_good_token_is_refused_and_changes_nothing() {
    let server = Server::new();
    let foreign = Server::new().token("alice");
    let other_pool = Server::with(|config| {
        config.jwt_secret = server.state.config.jwt_secret.clone();
        config.settings.apps[0].user_pool_id = "other".to_owned();
    });
    let expired = server.token("alice");
    pass(24 * 60 * 60 + 61).await;
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
        for (token, number, reason) in &refused {
            let mut call = server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random }));
            if let Some(token) = token {
                call = call.header("authorization", token);
            }
            call.await.is_refused(*number, reason);
        }
    }
    assert_eq!(server.status(&code).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_taken_with_bearer_and_without() {
    let server = Server::new();
    for scheme in ["", "Bearer ", "bearer "] {
        let code = server.gene().await;
        let call = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        call.header("authorization", &format!("{scheme}{}", server.token("alice"))).await.success();
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_sends_everybody_away_for_now() {
    let server = Server::of(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    let random = json!({ "random": "r" });
    for call in [
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.get(&format!("{API}/check?random=r")),
        server.post(&format!("{API}/scanned")).json(&random).header("authorization", &server.token("alice")),
        server.exchange("t"),
        server.get(&format!("{API}/image/r.png")),
        server.get("/readyz"),
    ] {
        let reply = call.await;
        assert_eq!(reply.refusal(), (503, 503, "unavailable".to_owned()));
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(!reply.message().contains("disk"), "causes are for the log");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_server_is_still_an_answer() {
    let server = Server::of(Config::demo().unwrap(), Arc::new(BrokenStore { panics: true }));
    let reply = server.get("/readyz").await;
    assert_eq!(reply.refusal(), (500, 500, "internal".to_owned()));
}
