//! The demo's own endpoints: the login of its two users, and the session of its site.

use std::sync::Arc;
use std::time::Duration;

use scanlogin_server::Config;
use scanlogin_server::secrets::Hash;
use serde_json::{Value, json};

use crate::support::test_server::{API, Code, Server, advance_clock};
use crate::support::test_stores::BrokenStore;

/// The name and value of a `Set-Cookie` header.
fn cookie(set_cookie: &str) -> String {
    set_cookie.split(';').next().unwrap().to_owned()
}

async fn demo_token(server: &Server, user: &str) -> String {
    let login = server.post("/demo/login").json(&json!({ "username": user, "password": user })).await.success();
    login["token"].as_str().unwrap().to_owned()
}

/// The ticket of a new code that a demo user scans and confirms.
async fn demo_ticket(server: &Server, user: &str) -> String {
    let token = demo_token(server, user).await;
    let code = server.gene().await;
    for action in ["scanned", "confirm"] {
        let request = server.post(&format!("{API}/{action}")).json(&json!({ "random": code.random }));
        request.header("authorization", &token).await.success();
    }
    server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn demo_login_accepts_only_alice_and_bob_with_their_passwords() {
    let server = Server::with_config(|config| config.public_url = Some("https://demo.example".parse().unwrap()));
    for (username, nickname) in [("alice", "Alice"), ("bob", "Bob")] {
        let data = server.post("/demo/login").json(&json!({ "username": username, "password": username })).await;
        let user = data.success()["user"].clone();
        assert_eq!((&user["id"], &user["nickname"]), (&json!(username), &json!(nickname)));
        assert_eq!(user["photo"], format!("https://demo.example/photos/{username}.svg"));
    }
    for (username, password) in [("alice", "bob"), ("carol", "carol"), ("Alice", "alice")] {
        let response = server.post("/demo/login").json(&json!({ "username": username, "password": password })).await;
        response.assert_error(2020, "wrong-password");
    }
    server.post("/demo/login").json(&json!({ "username": "alice" })).await.assert_error(2231, "missing-parameter");
    server
        .post("/demo/login")
        .json(&json!({ "username": "", "password": "" }))
        .await
        .assert_error(2231, "missing-parameter");
    assert_eq!(server.post("/demo/login").body("text/plain", "{}").await.error().0, 415);
}

#[tokio::test(start_paused = true)]
async fn demo_session_lasts_until_logout() {
    let server = Server::new();
    let ticket = demo_ticket(&server, "alice").await;

    let response = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
    let data = response.success();
    let user = &data["user"];
    assert_eq!((&user["id"], &user["loginsCount"], user.get("token")), (&json!("alice"), &json!(1), None));
    let set_cookie = response.header("set-cookie").unwrap();
    for part in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
        assert!(set_cookie.contains(part), "{set_cookie}");
    }
    assert!(!set_cookie.contains("Secure"), "the demo uses plain HTTP");

    let session = cookie(set_cookie);
    let me = || server.get("/demo/me").header("cookie", &format!("other=1; {session}"));
    assert_eq!(me().await.success(), data);

    let logout = server.post("/demo/logout").header("cookie", &session).await;
    logout.success();
    assert!(logout.header("set-cookie").unwrap().contains("Max-Age=0"));
    me().await.assert_error(2020, "not-signed-in");
}

#[tokio::test(start_paused = true)]
async fn https_public_url_sets_a_secure_cookie() {
    let server = Server::with_config(|config| config.public_url = Some("https://demo.example".parse().unwrap()));
    let ticket = demo_ticket(&server, "bob").await;
    let response = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
    assert!(response.header("set-cookie").unwrap().ends_with("; Secure"));
}

#[tokio::test(start_paused = true)]
async fn invalid_ticket_creates_no_demo_session() {
    let server = Server::new();
    let ticket = demo_ticket(&server, "alice").await;
    server.post("/demo/session").json(&json!({ "ticket": ticket })).await.success();
    for (ticket, reason) in [(ticket.as_str(), "ticket-used"), ("x", "unknown-ticket"), ("", "missing-parameter")] {
        let response = server.post("/demo/session").json(&json!({ "ticket": ticket })).await;
        response.assert_error(2231, reason);
        assert_eq!(response.header("set-cookie"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn failed_exchange_keeps_its_http_status() {
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    let response = server.post("/demo/session").json(&json!({ "ticket": "t" })).await;
    assert_eq!(response.error(), (503, 503, "unavailable".to_owned()));
    assert_eq!(response.header("retry-after"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn demo_me_without_a_valid_session_is_refused() {
    let server = Server::new();
    server.get("/demo/me").await.assert_error(2020, "not-signed-in");
    server.get("/demo/me").header("cookie", "scanlogin_demo_session=x").await.assert_error(2020, "not-signed-in");
    server.post("/demo/logout").await.success();
}

#[tokio::test(start_paused = true)]
async fn demo_endpoints_are_absent_without_demo() {
    let server = Server::with_config(|config| config.demo = None);
    for path in ["/demo/login", "/demo/session", "/demo/logout"] {
        assert_eq!(server.post(path).json(&json!({})).await.error().0, 404);
    }
    assert_eq!(server.get("/demo/me").await.error().0, 404);
}

#[tokio::test(start_paused = true)]
async fn demo_session_ends_at_the_server_after_an_hour() {
    let server = Server::new();
    let response = server.post("/demo/session").json(&json!({ "ticket": demo_ticket(&server, "alice").await })).await;
    let set_cookie = response.header("set-cookie").unwrap();
    assert!(set_cookie.contains("; Max-Age=3600;"), "{set_cookie}");
    let me = || server.get("/demo/me").header("cookie", &cookie(set_cookie));
    advance_clock(3_599).await;
    me().await.success();
    advance_clock(1).await;
    me().await.assert_error(2020, "not-signed-in");
}

#[tokio::test(start_paused = true)]
async fn demo_logout_refuses_other_origins() {
    let server = Server::new();
    let response = server.post("/demo/session").json(&json!({ "ticket": demo_ticket(&server, "alice").await })).await;
    let session = cookie(response.header("set-cookie").unwrap());
    let logout = || server.post("/demo/logout").header("cookie", &session);
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let response = logout().header(name, value).body("application/x-www-form-urlencoded", "").await;
        response.assert_error(1001, "origin-not-allowed");
        assert_eq!(response.header("set-cookie"), None, "the cookie stays");
    }
    server.get("/demo/me").header("cookie", &session).await.success();
    logout().header("host", "localhost").header("origin", "http://localhost").await.success();
    server.get("/demo/me").header("cookie", &session).await.assert_error(2020, "not-signed-in");
}

/// The ticket of a new code of the login page that a demo user scans and confirms.
async fn login_ticket(server: &Server) -> String {
    let gene = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-login").json(&json!({}));
    let code = Code::from_data(&gene.await.success());
    for call in ["scanned", "confirm"] {
        server.act(call, &code, "alice").await.success();
    }
    let check = server.check(&code).header("x-authing-app-id", "demo-login").await.success();
    check["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn demo_site_exchanges_tickets_of_both_apps() {
    let server = Server::new();
    let session = |body: Value| server.post("/demo/session").json(&body);
    let ticket = login_ticket(&server).await;
    session(json!({ "ticket": ticket })).await.assert_error(2231, "unknown-ticket");
    let data = session(json!({ "ticket": ticket, "appId": "demo-login" })).await.success();
    assert_eq!(data["user"]["id"], "id-of-alice");

    let ticket = server.ticket(&server.gene().await, "alice").await;
    session(json!({ "ticket": ticket, "appId": "demo-login" })).await.assert_error(2231, "unknown-ticket");
    session(json!({ "ticket": ticket, "appId": "shop" })).await.assert_error(2231, "invalid-parameter");
    session(json!({ "ticket": ticket, "appId": "demo-app" })).await.success();
}

#[tokio::test(start_paused = true)]
async fn request_without_an_app_id_is_for_the_app_of_the_examples() {
    let server = Server::new();
    let code = server.gene().await;
    let scanned = server.act("scanned", &code, "alice").await.success();
    assert_eq!((code.data.get("text"), &scanned["requester"]["appName"]), (None, &json!("Quaymark")));
    let other = server.check(&code).header("x-authing-app-id", "demo-login").await;
    other.assert_error(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn login_page_of_the_demo_has_the_settings_of_the_examples() {
    let server = Server::with_config(|config| {
        config.public_url = Some("http://192.0.2.1:8787".parse().unwrap());
        config.settings.apps[0].code_lifetime = Duration::from_secs(10);
    });
    let gene = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-login").json(&json!({}));
    let data = gene.header("origin", "http://localhost:5173").await.success();
    let text = format!("http://192.0.2.1:8787/s#{}", data["random"].as_str().unwrap());
    assert_eq!((&data["expiresIn"], &data["text"]), (&json!(10), &json!(text)));
}

#[tokio::test(start_paused = true)]
async fn login_page_of_the_demo_has_a_link_for_the_same_device_at_each_address() {
    let server = Server::with_config(|config| config.listen = "127.0.0.1:8787".parse().unwrap());
    let link = async |page: &str, host: &str| {
        let gene = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-login");
        let gene = gene.header("host", host).header("origin", &format!("http://{host}"));
        gene.json(&json!({ "returnUrl": page })).await.success()["link"].clone()
    };
    for host in ["127.0.0.1:8787", "localhost:8787"] {
        let link = link(&format!("http://{host}/"), host).await;
        assert!(link.as_str().is_some_and(|link| link.starts_with("http://127.0.0.1:8787/s#")), "{host}: {link}");
    }
    assert!(link("http://localhost:8787/examples/", "localhost:8787").await.is_null());
    let of_examples = server.gene_with(json!({ "returnUrl": "http://127.0.0.1:8787/" })).await;
    assert_eq!(of_examples.data.get("link"), None, "the examples show JSON");
}

#[tokio::test(start_paused = true)]
async fn app_of_the_settings_with_an_id_of_the_demo_stays_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let hash = Hash::of("secret");
    let settings = format!(
        "[[app]]\nid = \"demo-login\"\nname = \"Own\"\nuser_pool_id = \"demo-pool\"\nsecret_hashes = [\"{hash}\"]\n"
    );
    std::fs::write(file.path(), settings).unwrap();
    let server = Server::with_config(|config| config.settings_file = Some(file.path().to_owned()));
    server.state.reload().unwrap();
    let app = server.state.apps().find("demo-login").cloned().unwrap();
    assert_eq!((app.name.as_str(), &app.code_url, app.has_secret("secret")), ("Own", &None, true));
    let ticket = login_ticket(&server).await;
    server.post("/demo/session").json(&json!({ "ticket": ticket, "appId": "demo-login" })).await.success();
}
