//! Attacks, one test for each attack. `SECURITY.md` maps each test to a threat.
//!
//! Deliberately absent: timing attacks. The types of `src/secrets.rs` ensure that secrets are compared in constant
//! time. A test could not measure it, because concurrent tests disturb each other's timing.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use jsonwebtoken::{EncodingKey, Header};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use scanlogin_server::clock::Clock;
use scanlogin_server::config::LogFormat;
use scanlogin_server::config::limits::Rate;
use scanlogin_server::http::metrics_endpoint;
use scanlogin_server::secrets::{Hash, random_id};
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::store::{KeyPurpose, Store};
use scanlogin_server::{AppState, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::support::captured_log::{self, CapturedLog};
use crate::support::oidc_provider::{Key, Provider, base64, claims_with, from_now, issuers};
use crate::support::redis_server::{self, Persistence, RedisServer};
use crate::support::test_server::{
    API, Code, Server, TestRequest, TestResponse, advance_clock, disable_approver_limits, reason_counts,
    send_concurrently, set_links, start_server,
};
use crate::support::timeout::within_timeout;

const POSTS: [&str; 6] = ["gene", "scanned", "confirm", "cancel", "complete", "userinfo"];

/// Adds an app `blog` to the demo's app. It has its own secret and its own allowed origin.
fn shop_and_blog(config: &mut Config) {
    let shop = &mut config.settings.apps[0];
    shop.allowed_origins = vec!["https://shop.example".parse().unwrap()];
    let mut blog = shop.clone();
    blog.id = "blog".to_owned();
    blog.secret_hashes = vec![Hash::of("secret of the blog")];
    blog.allowed_origins = vec!["https://blog.example".parse().unwrap()];
    config.settings.apps.push(blog);
    config.public_url = Some("https://login.example".parse().unwrap());
}

/// Sends `bytes` on a new connection, and returns all that is received until the server closes it.
async fn send_raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut response = Vec::new();
    // A reset is not an error here: the server may close the connection before it has read everything.
    let _ = within_timeout("the close of a connection", stream.read_to_end(&mut response)).await;
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test(start_paused = true)]
async fn check_without_the_poll_token_returns_the_same_error_in_every_state() {
    let server = Server::new();
    let (code, attacker_code) = (server.gene().await, server.gene().await);
    let path = format!("{API}/check?random={}", code.random);
    let poll_token = code.poll_token.as_str();
    let mut previous_bodies: Option<Vec<Vec<u8>>> = None;
    for step in ["", "scanned", "confirm"] {
        if !step.is_empty() {
            server.act(step, &code, "alice").await.success();
        }
        let mut bodies = Vec::new();
        for poll in [
            server.get(&path),
            server.get(&path).poll_token(""),
            server.get(&path).poll_token(&attacker_code.poll_token),
            server.get(&path).poll_token(&code.random),
            server.get(&path).poll_token(&poll_token[..42]),
            server.get(&path).poll_token(&poll_token.to_ascii_lowercase()),
            server.get(&path).bearer(&server.token("mallory")),
            server.get(&format!("{path}&x-scanlogin-poll-token={poll_token}")),
            server.get(&format!("{path}&status=0&wait=30")).poll_token(&attacker_code.poll_token),
            server.get(&format!("{path}&random={}", attacker_code.random)).poll_token(&attacker_code.poll_token),
        ] {
            let response = poll.await;
            // `error` asserts that there is no data.
            assert!(["forbidden", "invalid-parameter"].contains(&response.error().2.as_str()), "{}", response.json());
            bodies.push(response.body);
        }
        assert!(previous_bodies.is_none_or(|previous| previous == bodies), "the responses differ between states");
        previous_bodies = Some(bodies);
    }
    assert_eq!(server.status(&code).await, 2, "polls with the right token still succeed");
}

#[test]
fn one_million_random_ids_are_unique_and_uniformly_distributed() {
    const IDS: usize = 1_000_000;
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value_of = [None; 256];
    for (value, character) in CHARACTERS.iter().enumerate() {
        value_of[usize::from(*character)] = Some(value);
    }
    // Per position: how often each value occurs, and how often each XOR with the value of the previous id.
    let (mut values, mut changes) = (vec![[0_u32; 64]; 32], vec![[0_u32; 64]; 32]);
    let mut seen = HashSet::with_capacity(IDS);
    let (mut previous, mut increases) = ([0; 32], 0_usize);
    for _ in 0..IDS {
        let id: [u8; 32] = random_id().unwrap().into_bytes().try_into().unwrap();
        let id = id.map(|character| value_of[usize::from(character)].expect("a base64url character"));
        for position in 0..32 {
            values[position][id[position]] += 1;
            changes[position][id[position] ^ previous[position]] += 1;
        }
        increases += usize::from(previous < id);
        previous = id;
        seen.insert(id.map(|value| value as u8));
    }
    assert_eq!(seen.len(), IDS, "an id is repeated");
    // Random ids exceed these bounds less than once in 10^9 runs. The bounds are for chi-squared with 63 degrees of
    // freedom in 64 tables, and seven standard deviations of the number of increases in a random order.
    for table in values.iter().chain(&changes) {
        let expected = IDS as f64 / 64.0;
        let chi_squared: f64 = table.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!(chi_squared < 180.0, "{chi_squared}: {table:?}");
    }
    assert!(increases.abs_diff(IDS / 2) < 2_100, "{increases} of {IDS} ids are greater than the previous one");
}

/// A server on the system clock, because Redis expires keys by the system clock.
fn server_on(config: Config, store: Arc<dyn Store>) -> Server {
    let state = AppState::new(config, store, Clock::system()).unwrap();
    Server { router: scanlogin_server::app(&state), state }
}

/// Exchanges one ticket 1000 times concurrently, and asserts that one exchange succeeds.
async fn exchange_1000_times(store: Arc<dyn Store>) {
    let server = server_on(Config::demo().unwrap(), store);
    let ticket = server.ticket(&server.gene().await, "alice").await;
    let reasons = send_concurrently((0..1_000).map(|_| server.exchange(&ticket)).collect()).await;
    assert_eq!(reasons, reason_counts([("ok", 1), ("ticket-used", 999)]));
    server.exchange(&ticket).await.assert_error(2231, "ticket-used");
    let second = server.ticket(&server.gene().await, "alice").await;
    assert_eq!(server.exchange(&second).await.success()["loginsCount"], 2, "{reasons:?}");
}

fn count_of(reasons: &HashMap<String, usize>, reason: &str) -> usize {
    reasons.get(reason).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_1000_concurrent_exchanges_succeeds_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    exchange_1000_times(Arc::new(SqliteStore::open(&folder.path().join("codes.db")).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_1000_concurrent_exchanges_succeeds_in_redis() {
    let redis = RedisServer::start(Persistence::None);
    exchange_1000_times(Arc::new(redis.open().await)).await;
}

#[tokio::test(start_paused = true)]
async fn userinfo_rejects_used_and_expired_tickets_other_apps_and_browsers() {
    let server = Server::with_config(shop_and_blog);
    let gene = async || {
        let request = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-app").json(&json!({}));
        Code::from_data(&request.await.success())
    };
    let code = gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let blog = || server.userinfo(&ticket).basic("blog", "secret of the blog");
    blog().await.assert_error(2231, "unknown-ticket");
    blog().header("x-authing-app-id", "demo-app").await.assert_error(2231, "unknown-ticket");
    let with_secret_of_another_app = server.userinfo(&ticket).basic("demo-app", "secret of the blog").await;
    assert_eq!(with_secret_of_another_app.error(), (401, 401, "wrong-credentials".to_owned()));
    server.userinfo(&ticket).poll_token(&code.poll_token).await.assert_error(1001, "forbidden");
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.assert_error(2231, "ticket-used");

    let late = server.ticket(&gene().await, "alice").await;
    advance_clock(300).await;
    server.exchange(&late).await.assert_error(2231, "ticket-expired");
}

#[tokio::test(start_paused = true)]
async fn confirm_fails_without_scan_by_another_user_after_cancel_or_after_expiry() {
    for (steps, seconds, user, reason) in [
        (&[][..], 0, "alice", "not-scanned"),
        (&["scanned"], 0, "mallory", "wrong-user"),
        (&["scanned", "cancel"], 0, "alice", "already-ended"),
        (&["scanned", "cancel"], 0, "mallory", "already-ended"),
        (&["scanned", "confirm"], 0, "mallory", "already-ended"),
        (&[], 120, "alice", "expired"),
        (&["scanned"], 180, "alice", "expired"),
        (&["scanned"], 10_000, "alice", "unknown-code"),
    ] {
        let server = Server::new();
        let code = server.gene().await;
        for step in steps {
            server.act(step, &code, "alice").await.success();
        }
        advance_clock(seconds).await;
        let before = server.check(&code).await.body;
        let response = server.act("confirm", &code, user).await;
        assert_eq!(response.error().2, reason, "{steps:?} {seconds} {user}");
        assert_eq!(server.check(&code).await.body, before, "{steps:?} {seconds} {user}: the state has changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_confirms_and_cancels_never_both_succeed() {
    let redis = RedisServer::start(Persistence::None);
    let mut config = Config::demo().unwrap();
    disable_approver_limits(&mut config);
    let stores: [Arc<dyn Store>; 2] = [Arc::new(SqliteStore::in_memory().unwrap()), Arc::new(redis.open().await)];
    for store in stores {
        let server = server_on(config.clone(), store);
        let code = server.gene().await;
        server.act("scanned", &code, "alice").await.success();
        let fifty = |action| send_concurrently((0..50).map(|_| server.act(action, &code, "alice")).collect());
        let (confirms, cancels) = tokio::join!(fifty("confirm"), fifty("cancel"));
        let check = server.check(&code).await.success();
        // Confirm is idempotent; cancel is not.
        match check["status"].as_i64().unwrap() {
            2 => assert!(count_of(&cancels, "ok") == 0 && check["ticket"].is_string(), "{cancels:?} {check}"),
            3 => assert!(count_of(&confirms, "ok") == 0 && check["ticket"].is_null(), "{confirms:?} {check}"),
            status => panic!("status {status}"),
        }
        assert!(count_of(&cancels, "ok") <= 1, "{cancels:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn scan_rejects_tokens_with_a_wrong_user_pool_audience_issuer_time_key_or_algorithm() {
    let key = Key::es256("a");
    let attacker = Key::es256("a");
    let provider = Provider::start(&[&key]).await;
    let settings = issuers(&provider.url, json!({ "user_pool_claim": "pool" }));
    let server = Server::with_config(|config| config.settings.issuers = settings);
    let claims = claims_with(&server, "pool", json!("demo-pool"));
    let with_claim = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        key.sign(&claims)
    };
    let corrupt_signature = |token: String| token[..token.len() - 8].to_owned() + "AAAAAAAA";
    let part = |value: &Value| base64(value.to_string());
    let unsigned = |algorithm: &str| format!("{}.{}.", part(&json!({ "alg": algorithm, "typ": "JWT" })), part(&claims));
    let sign_with_hmac = |secret: &[u8]| {
        let header = Header { kid: Some("a".to_owned()), ..Header::default() };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let with_jwk = Header { jwk: serde_json::from_value(attacker.jwk.clone()).ok(), ..attacker.header() };
    let with_jku = Header { jku: Some(provider.url.clone()), ..attacker.header() };

    let code = server.gene().await;
    let scan =
        |token: &str| server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random })).bearer(token);
    for (attack, token, reason) in [
        ("another user pool", with_claim("pool", json!("staff")), "wrong-pool"),
        ("no user pool", with_claim("pool", json!(null)), "wrong-pool"),
        ("two user pools", with_claim("pool", json!(["demo-pool", "staff"])), "wrong-pool"),
        ("another audience", with_claim("aud", json!("another app")), "not-signed-in"),
        ("no audience", with_claim("aud", json!(null)), "not-signed-in"),
        ("another issuer", with_claim("iss", json!("https://id.example.com.evil.example")), "not-signed-in"),
        ("no issuer", with_claim("iss", json!(null)), "not-signed-in"),
        ("expired", with_claim("exp", json!(from_now(&server, -61))), "login-expired"),
        ("no expiry", with_claim("exp", json!(null)), "not-signed-in"),
        ("issued in the future", with_claim("iat", json!(from_now(&server, 90))), "not-signed-in"),
        ("not yet valid", with_claim("nbf", json!(from_now(&server, 90))), "not-signed-in"),
        ("another key with the same kid", attacker.sign(&claims), "not-signed-in"),
        ("a key in the jwk header", attacker.sign_with(with_jwk, &claims), "not-signed-in"),
        ("a URL in the jku header", attacker.sign_with(with_jku, &claims), "not-signed-in"),
        ("a corrupt signature", corrupt_signature(key.sign(&claims)), "not-signed-in"),
        ("algorithm none", unsigned("none"), "not-signed-in"),
        ("algorithm NONE", unsigned("NONE"), "not-signed-in"),
        ("no signature", unsigned("ES256"), "not-signed-in"),
        ("the public JWK as an HMAC secret", sign_with_hmac(key.jwk.to_string().as_bytes()), "not-signed-in"),
        (
            "the public point as an HMAC secret",
            sign_with_hmac(key.jwk["x"].as_str().unwrap().as_bytes()),
            "not-signed-in",
        ),
        ("an empty HMAC secret", sign_with_hmac(b""), "not-signed-in"),
    ] {
        assert_eq!(scan(&token).await.error().2, reason, "{attack}");
    }
    assert_eq!(server.status(&code).await, 0);
    scan(&key.sign(&claims)).await.success();
}

#[tokio::test(start_paused = true)]
async fn gene_rejects_foreign_origins_and_sites_and_simple_content_types() {
    let server = Server::with_config(shop_and_blog);
    let gene = || server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-app");
    for origin in [
        "https://evil.example",
        "null",
        "https://shop.example.evil.example",
        "https://evil.example/https://shop.example",
        "https://shop.example@evil.example",
        "https://shop.example:8443",
        "http://shop.example",
        "https://shop.example, https://evil.example",
        "https://blog.example",
        "file://",
        "chrome-extension://shop.example",
        "*",
    ] {
        // The page can read that it is refused, and nothing else: an error has no data.
        let response = gene().header("origin", origin).json(&json!({})).await;
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        response.assert_error(1001, "origin-not-allowed");
    }
    // A browser sends these content types across origins without a preflight, so the server must reject them.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let response = gene().header("origin", "https://shop.example").body(content_type, "{}").await;
        assert_eq!(response.error().2, "unsupported-media-type");
    }
    // Some requests have no Origin header. Sec-Fetch-Site then decides.
    for site in ["cross-site", "same-site", "nonsense"] {
        gene().header("sec-fetch-site", site).json(&json!({})).await.assert_error(1001, "origin-not-allowed");
    }
}

/// Characters that hide text or change other text: control, soft hyphen, Arabic letter mark, Mongolian vowel separator,
/// zero width, direction, tag, Hangul filler, unassigned.
const INVISIBLE: &str = "\u{7}\u{1b}\u{ad}\u{61c}\u{180e}\u{200b}\u{202e}\u{2066}\u{e0041}\u{3164}\u{378}";

#[tokio::test(start_paused = true)]
async fn name_and_photo_of_a_stranger_are_filtered_before_a_page_gets_them() {
    let server = Server::with_config(|config| config.settings.apps[0].return_full_user_info = true);
    let scan = async |nickname: Option<String>, photo: &str| {
        let (code, name) = (server.gene().await, Some(format!("Full {INVISIBLE}Name")));
        let user_pool_id = server.app().user_pool_id.clone();
        let stranger = User { id: "mallory".to_owned(), user_pool_id, nickname, name, ..User::default() };
        let token = server.state.identity.sign(&User { photo: Some(photo.to_owned()), ..stranger }).unwrap();
        let body = json!({ "random": code.random });
        server.post(&format!("{API}/scanned")).json(&body).bearer(token.expose()).await.success();
        let user = server.check(&code).await.success()["userInfo"].clone();
        server.post(&format!("{API}/cancel")).json(&body).bearer(token.expose()).await.success();
        (user["nickname"].as_str().unwrap().to_owned(), user["photo"].as_str().unwrap().to_owned())
    };
    let photo = "https://photos.example/mallory.png";
    let marks = "\u{301}".repeat(100);
    for (nickname, expected) in [
        (Some("x".repeat(4_620)), "x".repeat(64)),
        (Some(format!("{INVISIBLE}Mal{INVISIBLE}lory\u{2028}\nAdmin")), "Mallory Admin".to_owned()),
        (Some(format!("e{marks}")), "e\u{301}\u{301}\u{301}".to_owned()),
        (Some(INVISIBLE.to_owned()), "Full Name".to_owned()),
        (None, "Full Name".to_owned()),
    ] {
        assert_eq!(scan(nickname, photo).await, (expected, photo.to_owned()));
    }
    for photo in
        ["/demo/logout", "//photos.example/a", "http://192.168.0.1/a", "data:image/png,a", "javascript:alert(1)"]
    {
        assert_eq!(scan(None, photo).await.1, "", "{photo}");
    }
}

#[tokio::test(start_paused = true)]
async fn requester_has_no_invisible_characters() {
    // A header value can't contain these control characters.
    let invisible = INVISIBLE.replace(char::is_control, "");
    let server = Server::with_config(|config| config.settings.apps[0].name = format!("The{INVISIBLE} Shop\u{2028}"));
    let user_agent = format!("{invisible}Fire{invisible}fox\u{2028}\t\u{2029}{}", "x".repeat(1_000));
    let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("user-agent", &user_agent);
    let code = Code::from_data(&gene.await.success());
    let requester = server.act("scanned", &code, "alice").await.success()["requester"].clone();
    assert_eq!(requester["appName"], "The Shop");
    assert_eq!(requester["userAgent"], format!("Firefox {}", "x".repeat(292)));
}

#[tokio::test(start_paused = true)]
async fn preflight_allows_only_configured_origins_methods_and_headers() {
    let server = Server::with_config(shop_and_blog);
    let preflight = |origin: &str, method: &str| {
        let request = server.request(Method::OPTIONS, &format!("{API}/gene")).header("origin", origin);
        request.header("access-control-request-method", method)
    };
    for origin in ["https://evil.example", "null", "https://shop.example.evil.example"] {
        for call in ["scanned", "confirm", "cancel", "complete", "userinfo"] {
            let request = server.request(Method::OPTIONS, &format!("{API}/{call}")).header("origin", origin);
            let response = request.header("access-control-request-method", "POST").await;
            assert_eq!(response.header("access-control-allow-origin"), None, "{call}, {origin}");
        }
    }
    let overreaching = preflight("https://shop.example", "DELETE")
        .header("access-control-request-headers", "x-forwarded-for,cookie,x-evil")
        .header("access-control-request-private-network", "true");
    let response = overreaching.await;
    assert_eq!(response.header("access-control-allow-methods"), Some("GET,POST"));
    let headers = response.header("access-control-allow-headers").unwrap();
    assert!(headers.split(',').all(|name| !["x-forwarded-for", "cookie", "x-evil", "*"].contains(&name)), "{headers}");
    assert_eq!(response.header("access-control-allow-private-network"), None);
    // Without Vary a cache could serve the response for an allowed origin to another origin.
    assert!(response.header("vary").is_some_and(|vary| vary.contains("origin")));
}

#[tokio::test]
async fn request_smuggling_attempts_get_exactly_one_response() {
    let running = start_server(Config::demo().unwrap()).await;
    let address = running.url.strip_prefix("http://").unwrap();
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let post = |head: &str, body: &str| {
        format!("POST {API}/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n{body}")
    };
    let chunked = format!("2\r\n{{}}\r\n0\r\n\r\n{smuggled}");
    let length = format!("content-length: {}\r\n", chunked.len());
    let pipelined = send_raw(address, post("transfer-encoding: chunked\r\n", &chunked).as_bytes()).await;
    assert_eq!(
        pipelined.matches("HTTP/1.1 200 OK").count(),
        2,
        "valid pipelined requests get two responses: {pipelined}"
    );
    for (attack, request, status) in [
        (
            "content-length before transfer-encoding",
            post(&format!("{length}transfer-encoding: chunked\r\n"), &chunked),
            200,
        ),
        (
            "content-length after transfer-encoding",
            post(&format!("transfer-encoding: chunked\r\n{length}"), &chunked),
            200,
        ),
        (
            "two content-length headers",
            post("content-length: 2\r\ncontent-length: 40\r\n", &format!("{{}}{smuggled}")),
            400,
        ),
        ("two lengths in one header", post("content-length: 2, 40\r\n", &format!("{{}}{smuggled}")), 400),
        ("content-length with a sign", post("content-length: +2\r\n", &format!("{{}}{smuggled}")), 400),
        ("space before the colon", post("content-length : 2\r\n", &format!("{{}}{smuggled}")), 400),
        ("unknown transfer-encoding", post("transfer-encoding: xchunked\r\n", &chunked), 400),
        ("chunked is not the last transfer-encoding", post("transfer-encoding: chunked, identity\r\n", &chunked), 400),
        ("folded header line", post("user-agent: a\r\n transfer-encoding: chunked\r\n", &chunked), 400),
        ("bare CR", post("user-agent: a\rtransfer-encoding: chunked\r\n", &chunked), 400),
        ("NUL byte", post("user-agent: a\0b\r\n", &chunked), 400),
        (
            "transfer-encoding in HTTP/1.0",
            post("transfer-encoding: chunked\r\n", &chunked).replace("/1.1", "/1.0"),
            400,
        ),
    ] {
        let response = send_raw(address, request.as_bytes()).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{attack}: {response}");
        assert_eq!(response.matches("HTTP/1.").count(), 1, "{attack}: {response}");
    }
    running.shutdown().await;
}

/// A configuration with a folder of pages. The parent folder has a file that must not be served.
fn pages_next_to_a_secret() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    std::fs::create_dir_all(www.join("evil.example")).unwrap();
    std::fs::write(www.join("page.html"), "a page").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "must not be served").unwrap();
    let mut config = Config::demo().unwrap();
    config.package = Some(www.clone());
    config.www = Some(www);
    (folder, config)
}

#[tokio::test]
async fn no_path_escapes_the_pages_redirects_off_host_or_injects_a_header() {
    let (_folder, config) = pages_next_to_a_secret();
    let running = start_server(config).await;
    let address = running.url.strip_prefix("http://").unwrap();
    let get = async |path: &str| {
        send_raw(address, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await
    };
    assert!(get("/page.html").await.ends_with("a page"));
    for path in [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/..%252fsecret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/%c0%ae%c0%ae%c0%afsecret.txt",
        "/./../secret.txt",
        "//../secret.txt",
        "/page.html/../../secret.txt",
        "/scanlogin/../../secret.txt",
        "/scanlogin/..%2f..%2fsecret.txt",
        "http://x/../secret.txt",
        "/api/v2/qrcode/image/..%2f..%2f..%2fsecret.txt.png",
        "/page.html%00.png",
        "/%00",
        "/page.html%0d%0aset-cookie:%20a=b",
        "//evil.example",
        "//evil.example/%2e%2e",
        "/%5cevil.example",
        "///evil.example",
        "/..;/secret.txt",
        "/page.html\\..\\secret.txt",
    ] {
        let response = get(path).await;
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with(['3', '4']), "{path}: {response}");
        assert!(!body.contains("must not be served"), "{path}: {response}");
        assert!(!head.contains("set-cookie"), "{path}: {response}");
        let location = head.lines().find_map(|line| line.strip_prefix("location: "));
        assert!(location.is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{path}: {response}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn control_characters_forge_no_log_line_and_no_requester_field() {
    let forged = "x\n2026-01-01T00:00:00Z INFO audit: action=\"confirm\"\u{1b}[2K\u{2028}\r";
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = CapturedLog::new(format);
        let server = Server::with_config(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
        let gene = server
            .post(&format!("{API}/gene"))
            .client_ip("10.0.0.1")
            .json(&json!({ "customData": { forged: forged } }));
        let gene = gene.header("user-agent", "Moz\u{202e}illa\t\u{200b}").header("x-forwarded-for", "1.2.3.4\tforged");
        let code = Code::from_data(&gene.await.success());
        let mallory = User { id: forged.to_owned(), user_pool_id: "demo-pool".to_owned(), ..User::default() };
        let token = server.state.identity.sign(&mallory).unwrap();
        let post =
            |endpoint: &str, body: Value| server.post(&format!("{API}/{endpoint}")).json(&body).bearer(token.expose());
        let requester = post("scanned", json!({ "random": code.random })).await.success()["requester"].clone();
        post("confirm", json!({ "random": forged })).await.error();
        server.userinfo(forged).basic("demo-app\nforged", "").await.error();
        server.get("/%0AINFO%20forged?%0Aforged").await.error();

        let text = log.text();
        assert_eq!(text.lines().count(), 8, "five requests, three of them with an audit event: {text}");
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
        for field in ["appName", "ip", "userAgent", "createdAt"] {
            let shown = requester[field].as_str().unwrap();
            assert!(!shown.contains(|c: char| c.is_control() || ['\u{202e}', '\u{200b}'].contains(&c)), "{shown:?}");
        }
        assert_eq!(requester["ip"], "10.0.0.1", "an invalid X-Forwarded-For is ignored");
    }
}

/// Sends the requests of a sign-in, and many invalid ones.
///
/// Returns the responses with the name of their endpoint (empty for a response that must contain no secret), and the
/// secrets with their description and the one endpoint that may return them (empty if there is none).
async fn send_everything(
    server: &Server,
) -> (Vec<(&'static str, TestResponse)>, Vec<(&'static str, String, &'static str)>) {
    let mut responses = Vec::new();
    let gene = server.post(&format!("{API}/gene")).json(&json!({ "customData": { "to": "checkout" } })).await;
    let code = Code::from_data(&gene.success());
    responses.push(("gene", gene));
    let bearer = server.token("alice");
    let random = json!({ "random": code.random });
    for step in ["scanned", "confirm"] {
        let request = server.post(&format!("{API}/{step}")).json(&random).bearer(&bearer);
        responses.push((step, request.await));
    }
    let check = server.check(&code).await;
    let ticket = check.success()["ticket"].as_str().unwrap().to_owned();
    responses.push(("check", check));
    responses.push(("", server.userinfo(&ticket).basic("demo-app", "wrong").await));
    let userinfo = server.exchange(&ticket).await;
    let token = userinfo.success()["token"].as_str().unwrap().to_owned();
    responses.push(("userinfo", userinfo));

    let same_device = server.gene_with_link().await;
    server.open(&same_device, "alice").await.success();
    let confirm = server.act("confirm", &same_device, "alice").await;
    let response_code = same_device.response_code(&confirm.success());
    responses.push(("confirm on the same device", confirm));
    let unused = server.gene_with_link().await;
    responses.push(("", server.complete(&unused, &response_code).await));
    responses.push(("", server.complete(&same_device, &response_code).await));
    responses.push(("", server.check(&same_device).await));

    let app_secret = server.app_secret();
    let malformed = format!("{{\"ticket\":\"{ticket}\",\"random\":\"{}\",", code.poll_token);
    for request in [
        server.exchange(&ticket),
        server.act("cancel", &code, "mallory"),
        server.post(&format!("{API}/confirm")).json(&random).bearer(&format!("{bearer}x")),
        server.post(&format!("{API}/scanned")).json(&random).header("authorization", &format!("Basic {bearer}")),
        server.post(&format!("{API}/userinfo")).body("application/json", malformed).basic("demo-app", &app_secret),
        server.userinfo(&ticket).basic("other-app", &app_secret),
        server.check(&code).header("x-authing-app-id", &app_secret),
        server.get(&format!("{API}/check?random={}&pollToken={}", code.random, code.poll_token)),
        server.get(&format!("{API}/image/{}.svg", code.random)),
        server.get(&format!("{API}/image/{}.png", code.poll_token)),
        server.get(&format!("/nope/{ticket}?token={bearer}")),
        server.post("/demo/login").json(&json!({ "username": "alice", "password": app_secret })),
        server.post("/demo/session").json(&json!({ "ticket": ticket })),
        server.get("/demo/me").header("cookie", &format!("scanlogin_demo_session={ticket}")),
        server.get("/openapi.json"),
        server.get("/.well-known/jwks.json"),
        server.get("/readyz"),
    ] {
        responses.push(("", request.await));
    }
    let jwt_secret = server.state.config.jwt_secret.as_ref().unwrap().expose().to_owned();
    // Description, secret, and the endpoint that returns it.
    let secrets = vec![
        ("the poll token", code.poll_token, "gene"),
        ("the ticket", ticket, "check"),
        ("the response code", response_code, "confirm on the same device"),
        ("the token of the approver", bearer, ""),
        ("the token for the backend", token, "userinfo"),
        ("the secret of the app", app_secret, ""),
        ("the JWT secret", jwt_secret, ""),
    ];
    (responses, secrets)
}

/// Asserts that secrets appear in no log, metric or store, and in no response except the one that returns them.
async fn assert_no_secret_leaks(state: Arc<AppState>, password: &str, read_store: impl Fn() -> Vec<u8>) {
    for format in [Some(LogFormat::Text), Some(LogFormat::Json), None] {
        let formatted = format.map(CapturedLog::new);
        captured_log::take_lines();
        let server = Server { router: scanlogin_server::app(&state), state: Arc::clone(&state) };
        let (responses, secrets) = send_everything(&server).await;
        // Without a format, the log is that of all crates in this process, at trace level.
        let log = formatted.map_or_else(captured_log::take_lines, |log| log.text());
        assert!(log.contains("request completed"), "{log}");

        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = metrics_endpoint::routes(&state).oneshot(request).await.unwrap();
        let metrics = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        let stored = read_store();
        let contains =
            |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let secrets = secrets.iter().map(|(name, secret, only_in)| (*name, secret.as_str(), *only_in));
        for (name, secret, only_in) in secrets.chain([("the store's password", password, "")]) {
            for (endpoint, response) in &responses {
                let head = format!("{:?}", response.headers);
                assert!(!head.contains(secret), "{name} in the headers of {endpoint}: {head}");
                assert_eq!(
                    contains(&response.body, secret),
                    endpoint == &only_in && !endpoint.is_empty(),
                    "{name} in the body of {endpoint}: {response:?}"
                );
            }
            assert!(!log.contains(secret), "{name} in {log}");
            assert!(!contains(&metrics, secret), "{name} in the metrics");
            assert!(!contains(&stored, secret), "{name} in the store");
        }
        assert!(contains(&stored, "demo-app"), "the search does not find stored text");
        // The private signing key is in the store, and nowhere else.
        for key in state.store.unmeasured().keys(KeyPurpose::Signing).await.unwrap() {
            // In PKCS #8 the key itself starts after 16 bytes.
            let seed = &key.secret[16..48];
            for encoded in [STANDARD.encode(seed), URL_SAFE_NO_PAD.encode(seed), URL_SAFE_NO_PAD.encode(&key.secret)] {
                assert!(!log.contains(&encoded) && !contains(&metrics, &encoded));
                assert!(responses.iter().all(|(_, response)| !contains(&response.body, &encoded)));
            }
        }
    }
}

fn read_files(folder: &Path) -> Vec<u8> {
    std::fs::read_dir(folder).unwrap().flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[tokio::test]
async fn secrets_do_not_leak_into_responses_logs_metrics_errors_or_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { redis_timeout: redis_server::REDIS_TIMEOUT, ..Config::demo().unwrap() };
    set_links(&mut config);
    config.store = StoreAddress::Sqlite(folder.path().join("codes.db"));
    let state = AppState::open(config.clone()).await.unwrap();
    assert_no_secret_leaks(state, "SQLite has no password", || read_files(folder.path())).await;

    let redis = RedisServer::start(Persistence::AppendOnly);
    let password = "the-password-of-the-store";
    redis.command(&format!("ACL SETUSER scanlogin on >{password} ~* &* +@all"));
    let url = redis.url().replace("redis://", &format!("redis://scanlogin:{password}@"));
    config.store = url.parse().unwrap();
    let state = AppState::open(config.clone()).await.unwrap();
    assert_no_secret_leaks(state, password, || redis.persisted_bytes()).await;

    config.store = url.replace("-password", "-passw0rd").parse().unwrap();
    let error = AppState::open(config).await.err().unwrap().to_string();
    assert!(!error.contains("passw0rd"), "{error}");
}

/// Sends 2000 generated requests, and asserts that each response is in the envelope and has a status below 500. The
/// generator is deterministic. The server has no rate limits.
fn fuzz<T: core::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    make_request: impl Fn(&Server, T) -> Option<TestRequest>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let server = runtime.block_on(async {
        Server::with_config(|config| {
            disable_approver_limits(config);
            let limits = &mut config.settings.limits;
            let Rate { burst, per_second } = limits.approver_calls_per_code;
            limits.codes_per_address = Rate { burst, per_second };
            limits.wrong_guesses_per_address = Rate { burst, per_second };
            limits.checks_per_code = Rate { burst, per_second };
        })
    });
    let cases = Cases { cases: 2_000, failure_persistence: None, ..Cases::default() };
    let mut runner = TestRunner::new_with_rng(cases, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&strategy, |input| {
        if let Some(request) = make_request(&server, input) {
            let response = runtime.block_on(request.into_future());
            assert!(response.status.as_u16() < 500, "{response:?}");
            // Both assert the envelope and `no-store`.
            if response.json()["code"] == 200 {
                response.success();
            } else {
                response.error();
            }
        }
        Ok(())
    });
    result.unwrap();
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
    ];
    let names = || {
        prop_oneof!["random|ticket|scene|params|customData|context|returnUrl|sameDevice|number|responseCode", ".{0,8}"]
    };
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((names(), inner), 0..6).prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    })
}

#[test]
fn random_bodies_get_an_enveloped_response_below_500() {
    let deeply_nested = (0_usize..20_000, prop_oneof!["\\[", "\\{\"params\":", "\\{\"random\":\\["]);
    let body = prop_oneof![
        4 => any_json().prop_map(|value| value.to_string().into_bytes()),
        2 => vec(any::<u8>(), 0..200),
        1 => deeply_nested.prop_map(|(depth, opening)| opening.repeat(depth).into_bytes()),
        1 => "\\{\"(random|ticket|params)\":-?[0-9]{1,400}(e[0-9]{1,5})?\\}".prop_map(String::into_bytes),
        1 => "\\{(\"(random|params|customData)\":(\"a\"|\\{\\}),){1,9}\"random\":\"b\"\\}".prop_map(String::into_bytes),
        1 => "\\{\"random\":\"(\\\\u[0-9a-f]{4}){1,9}\"\\}".prop_map(String::into_bytes),
    ];
    fuzz((prop::sample::select(POSTS.to_vec()), body), |server, (endpoint, body)| {
        let request = server.post(&format!("{API}/{endpoint}")).bearer(&server.token("alice"));
        Some(request.body("application/json", body))
    });
}

#[test]
fn random_paths_queries_and_headers_get_an_enveloped_response_below_500() {
    let prefixes = ["/", "/demo/", "/api/v2/qrcode/", "/api/v2/qrcode/image/", "/api/v2/qrcode/check?random=x&wait="];
    let rest = prop_oneof![
        "[!-~]{0,60}",
        "(%[0-9a-fA-F]{2}){0,30}",
        "(\\.\\./|%2e|%2f|//|;|&wait=|&status=|[0-9]{0,30}){0,9}"
    ];
    let names = vec![
        "authorization",
        "origin",
        "host",
        "x-scanlogin-poll-token",
        "x-forwarded-for",
        "x-authing-app-id",
        "content-type",
        "cookie",
    ];
    let headers = vec((prop::sample::select(names), vec(any::<u8>(), 0..60)), 0..4);
    let method = prop::sample::select(vec!["GET", "POST", "DELETE", "PATCH", "UNKNOWN"]);
    fuzz(
        (method, prop::sample::select(prefixes.to_vec()), rest, headers),
        |server, (method, prefix, rest, headers)| {
            let path = format!("{prefix}{rest}");
            // The HTTP library rejects an invalid URI before the router sees it.
            path.parse::<Uri>().ok().filter(|uri| uri.authority().is_none())?;
            let mut request = server.request(method.parse().unwrap(), &path).client_ip("127.0.0.1");
            for (name, value) in headers {
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                request.builder = request.builder.header(name, value);
            }
            Some(request)
        },
    );
}
