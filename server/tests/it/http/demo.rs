//! The demo's company: two users, and a site that signs them in.

use std::sync::Arc;

use scanlogin_server::Config;
use serde_json::json;

use crate::support::common::{API, Server};
use crate::support::test_stores::BrokenStore;

/// The name and value of the cookie that a reply sets.
fn cookie(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap().to_owned()
}

async fn demo_token(server: &Server, user: &str) -> String {
    let login = server.post("/demo/login").json(&json!({ "username": user, "password": user })).await.success();
    login["token"].as_str().unwrap().to_owned()
}

/// The ticket of a code that a demo user confirms.
async fn demo_ticket(server: &Server, user: &str) -> String {
    let token = demo_token(server, user).await;
    let code = server.gene().await;
    for action in ["scanned", "confirm"] {
        let call = server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random }));
        call.header("authorization", &token).await.success();
    }
    server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn alice_and_bob_sign_in_with_their_names_and_nobody_else_does() {
    let server = Server::with(|config| config.public_url = Some("https://demo.example".parse().unwrap()));
    for (username, nickname) in [("alice", "Alice"), ("bob", "Bob")] {
        let data = server.post("/demo/login").json(&json!({ "username": username, "password": username })).await;
        let user = data.success()["user"].clone();
        assert_eq!((&user["id"], &user["nickname"]), (&json!(username), &json!(nickname)));
        assert_eq!(user["photo"], format!("https://demo.example/photos/{username}.svg"));
    }
    for (username, password) in [("alice", "bob"), ("carol", "carol"), ("Alice", "alice")] {
        let reply = server.post("/demo/login").json(&json!({ "username": username, "password": password })).await;
        reply.is_refused(2020, "wrong-password");
    }
    server.post("/demo/login").json(&json!({ "username": "alice" })).await.is_refused(2231, "missing-parameter");
    server
        .post("/demo/login")
        .json(&json!({ "username": "", "password": "" }))
        .await
        .is_refused(2231, "missing-parameter");
    assert_eq!(server.post("/demo/login").body("text/plain", "{}").await.refusal().0, 415);
}

#[tokio::test(start_paused = true)]
async fn the_site_exchanges_the_ticket_and_knows_its_visitor_until_the_logout() {
    let server = Server::new();
    let ticket = demo_ticket(&server, "alice").await;

    let reply = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
    let data = reply.success();
    let user = &data["user"];
    assert_eq!((&user["id"], &user["loginsCount"], user.get("token")), (&json!("alice"), &json!(1), None));
    let set_cookie = reply.header("set-cookie").unwrap();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(set_cookie.contains(part), "{set_cookie}");
    }
    assert!(!set_cookie.contains("Secure"), "the demo speaks plain HTTP");

    let session = cookie(set_cookie);
    let me = || server.get("/demo/me").header("cookie", &format!("other=1; {session}"));
    assert_eq!(me().await.success(), data);

    let logout = server.post("/demo/logout").header("cookie", &session).await;
    logout.success();
    assert!(logout.header("set-cookie").unwrap().contains("Max-Age=0"));
    me().await.is_refused(2020, "not-signed-in");
}

#[tokio::test(start_paused = true)]
async fn a_site_on_https_sets_a_secure_cookie() {
    let server = Server::with(|config| config.public_url = Some("https://demo.example".parse().unwrap()));
    let ticket = demo_ticket(&server, "bob").await;
    let reply = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
    assert!(reply.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[tokio::test(start_paused = true)]
async fn a_bad_ticket_gives_no_session_and_says_why() {
    let server = Server::new();
    let ticket = demo_ticket(&server, "alice").await;
    server.post("/demo/session").json(&json!({ "ticket": ticket })).await.success();
    for (ticket, reason) in [(ticket.as_str(), "ticket-used"), ("x", "unknown-ticket"), ("", "missing-parameter")] {
        let reply = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
        reply.is_refused(2231, reason);
        assert_eq!(reply.header("set-cookie"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_exchange_keeps_its_http_status() {
    let server = Server::of(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    let reply = server.post("/demo/session").json(&json!({ "ticket": "t" })).await;
    assert_eq!(reply.refusal(), (503, 503, "unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn without_a_session_nobody_is_signed_in() {
    let server = Server::new();
    server.get("/demo/me").await.is_refused(2020, "not-signed-in");
    server.get("/demo/me").header("cookie", "scanlogin_demo_session=x").await.is_refused(2020, "not-signed-in");
    server.post("/demo/logout").await.success();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_no_demo_has_none_of_this() {
    let server = Server::with(|config| config.demo = None);
    for path in ["/demo/login", "/demo/session", "/demo/logout"] {
        assert_eq!(server.post(path).json(&json!({})).await.refusal().0, 404);
    }
    assert_eq!(server.get("/demo/me").await.refusal().0, 404);
}
