//! What an attacker would try, one test for each way in. `SECURITY.md` says which threat each of them stands for.
//!
//! Deliberately absent: how long anything takes. That secrets are compared in constant time is seen to by their types
//! (`src/secrets.rs`), and a clock that all tests share could not tell.

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

use crate::support::common::{API, Call, Code, Reply, Server, counts, crowded, pass, race, running};
use crate::support::kept_log::{self, Log};
use crate::support::provider::{Key, Provider, base64, from_now, issuers, with};
use crate::support::redis_server::{self, Keeps, RedisServer};

const POSTS: [&str; 5] = ["gene", "scanned", "confirm", "cancel", "userinfo"];

/// The demo's app and another one, with pages and a secret of its own.
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

/// What comes back on a connection of its own until the server closes it.
async fn answer_to(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // An end is an end, whether the server had read all of what was sent or not.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(start_paused = true)]
async fn whoever_photographs_a_code_learns_nothing_of_it_and_cannot_even_tell_its_state() {
    let server = Server::new();
    let (code, of_the_thief) = (server.gene().await, server.gene().await);
    let path = format!("{API}/check?random={}", code.random);
    let poll_token = code.poll_token.as_str();
    let mut told_before: Option<Vec<Vec<u8>>> = None;
    for step in ["", "scanned", "confirm"] {
        if !step.is_empty() {
            server.act(step, &code, "alice").await.success();
        }
        let mut told = Vec::new();
        for poll in [
            server.get(&path),
            server.get(&path).poll_token(""),
            server.get(&path).poll_token(&of_the_thief.poll_token),
            server.get(&path).poll_token(&code.random),
            server.get(&path).poll_token(&poll_token[..42]),
            server.get(&path).poll_token(&poll_token.to_ascii_lowercase()),
            server.get(&path).bearer(&server.token("mallory")),
            server.get(&format!("{path}&x-scanlogin-poll-token={poll_token}")),
            server.get(&format!("{path}&status=0&wait=30")).poll_token(&of_the_thief.poll_token),
            server.get(&format!("{path}&random={}", of_the_thief.random)).poll_token(&of_the_thief.poll_token),
        ] {
            let reply = poll.await;
            // `refusal` sees to it that there is no data.
            assert!(["forbidden", "invalid-parameter"].contains(&reply.refusal().2.as_str()), "{}", reply.json());
            told.push(reply.body);
        }
        assert!(told_before.is_none_or(|before| before == told), "the same in every state");
        told_before = Some(told);
    }
    assert_eq!(server.status(&code).await, 2, "and the browser's own polls go on");
}

#[test]
fn a_million_ids_repeat_nothing_and_have_no_structure() {
    const IDS: usize = 1_000_000;
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut value_of = [None; 256];
    for (value, character) in CHARACTERS.iter().enumerate() {
        value_of[usize::from(*character)] = Some(value);
    }
    // How often each character stands in each place, and how each differs from that of the id before.
    let (mut values, mut changes) = (vec![[0_u32; 64]; 32], vec![[0_u32; 64]; 32]);
    let mut seen = HashSet::with_capacity(IDS);
    let (mut before, mut rises) = ([0; 32], 0_usize);
    for _ in 0..IDS {
        let id: [u8; 32] = random_id().unwrap().into_bytes().try_into().unwrap();
        let id = id.map(|character| value_of[usize::from(character)].expect("of base64url"));
        for place in 0..32 {
            values[place][id[place]] += 1;
            changes[place][id[place] ^ before[place]] += 1;
        }
        rises += usize::from(before < id);
        before = id;
        seen.insert(id.map(|value| value as u8));
    }
    assert_eq!(seen.len(), IDS, "a repetition");
    // Chance exceeds these bounds less than once in 10^9 runs: chi-squared of 63 degrees of freedom, in 64 tables, and
    // seven standard deviations of the number of rises in a random order.
    for table in values.iter().chain(&changes) {
        let expected = IDS as f64 / 64.0;
        let chi_squared: f64 = table.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!(chi_squared < 180.0, "{chi_squared}: {table:?}");
    }
    assert!(rises.abs_diff(IDS / 2) < 2_100, "{rises} of {IDS} are greater than the one before");
}

/// On the clock of this machine, since Redis forgets by its own.
fn server_on(config: Config, store: Arc<dyn Store>) -> Server {
    let state = AppState::new(config, store, Clock::system()).unwrap();
    Server { router: scanlogin_server::app(&state), state }
}

/// A thousand backends at once bring one ticket.
async fn a_thousand_redemptions(store: Arc<dyn Store>) {
    let server = server_on(Config::demo().unwrap(), store);
    let ticket = server.ticket(&server.gene().await, "alice").await;
    let outcomes = race((0..1_000).map(|_| server.exchange(&ticket)).collect()).await;
    assert_eq!(outcomes, counts([("ok", 1), ("ticket-used", 999)]));
    server.exchange(&ticket).await.is_refused(2231, "ticket-used");
    let again = server.ticket(&server.gene().await, "alice").await;
    assert_eq!(server.exchange(&again).await.success()["loginsCount"], 2, "{outcomes:?}");
}

fn times(outcomes: &HashMap<String, usize>, outcome: &str) -> usize {
    outcomes.get(outcome).copied().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_redemptions_of_a_ticket_at_once_one_wins_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_thousand_redemptions(Arc::new(SqliteStore::open(&folder.path().join("codes.db")).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_redemptions_of_a_ticket_at_once_one_wins_in_redis() {
    let redis = RedisServer::start(Keeps::Nothing);
    a_thousand_redemptions(Arc::new(redis.open().await)).await;
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_worth_nothing_a_second_time_to_another_app_to_a_browser_or_too_late() {
    let server = Server::with(shop_and_blog);
    let gene = async || {
        let call = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-app").json(&json!({}));
        Code::of(&call.await.success())
    };
    let code = gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let blog = || server.userinfo(&ticket).basic("blog", "secret of the blog");
    blog().await.is_refused(2231, "unknown-ticket");
    blog().header("x-authing-app-id", "demo-app").await.is_refused(2231, "unknown-ticket");
    server.userinfo(&ticket).basic("demo-app", "secret of the blog").await.is_refused(1001, "forbidden");
    server.userinfo(&ticket).poll_token(&code.poll_token).await.is_refused(1001, "forbidden");
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.is_refused(2231, "ticket-used");

    let late = server.ticket(&gene().await, "alice").await;
    pass(300).await;
    server.exchange(&late).await.is_refused(2231, "ticket-expired");
}

#[tokio::test(start_paused = true)]
async fn nobody_confirms_without_a_scan_for_another_after_a_cancel_or_too_late() {
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
        pass(seconds).await;
        let before = server.check(&code).await.body;
        let reply = server.act("confirm", &code, user).await;
        assert_eq!(reply.refusal().2, reason, "{steps:?} {seconds} {user}");
        assert_eq!(server.check(&code).await.body, before, "{steps:?} {seconds} {user}: nothing has changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_confirms_and_cancels_at_once_one_kind_wins_and_the_other_gets_nothing() {
    let redis = RedisServer::start(Keeps::Nothing);
    let mut config = Config::demo().unwrap();
    crowded(&mut config);
    let stores: [Arc<dyn Store>; 2] = [Arc::new(SqliteStore::in_memory().unwrap()), Arc::new(redis.open().await)];
    for store in stores {
        let server = server_on(config.clone(), store);
        let code = server.gene().await;
        server.act("scanned", &code, "alice").await.success();
        let fifty = |action| race((0..50).map(|_| server.act(action, &code, "alice")).collect());
        let (confirms, cancels) = tokio::join!(fifty("confirm"), fifty("cancel"));
        let check = server.check(&code).await.success();
        // A confirm that comes again is a success again; a cancel is not.
        match check["status"].as_i64().unwrap() {
            2 => assert!(times(&cancels, "ok") == 0 && check["ticket"].is_string(), "{cancels:?} {check}"),
            3 => assert!(times(&confirms, "ok") == 0 && check["ticket"].is_null(), "{confirms:?} {check}"),
            status => panic!("status {status}"),
        }
        assert!(times(&cancels, "ok") <= 1, "{cancels:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_token_speaks_for_alice_but_one_of_her_issuer_to_us_in_its_time_and_her_pool() {
    let key = Key::es256("a");
    let stranger = Key::es256("a");
    let provider = Provider::with(&[&key]).await;
    let settings = issuers(&provider.url, json!({ "user_pool_claim": "pool" }));
    let server = Server::with(|config| config.settings.issuers = settings);
    let alice = with(&server, "pool", json!("demo-pool"));
    let but = |name: &str, value: Value| {
        let mut claims = alice.clone();
        claims[name] = value;
        key.sign(&claims)
    };
    let spoiled = |token: String| token[..token.len() - 8].to_owned() + "AAAAAAAA";
    let part = |value: &Value| base64(value.to_string());
    let unsigned = |algorithm: &str| format!("{}.{}.", part(&json!({ "alg": algorithm, "typ": "JWT" })), part(&alice));
    let by_public_key = |bytes: &[u8]| {
        let header = Header { kid: Some("a".to_owned()), ..Header::default() };
        jsonwebtoken::encode(&header, &alice, &EncodingKey::from_secret(bytes)).unwrap()
    };
    let brings_a_key = Header { jwk: serde_json::from_value(stranger.jwk.clone()).ok(), ..stranger.header() };
    let names_a_url = Header { jku: Some(provider.url.clone()), ..stranger.header() };

    let code = server.gene().await;
    let scan =
        |token: &str| server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random })).bearer(token);
    for (attack, token, reason) in [
        ("another pool", but("pool", json!("staff")), "wrong-pool"),
        ("no pool", but("pool", json!(null)), "wrong-pool"),
        ("two pools", but("pool", json!(["demo-pool", "staff"])), "wrong-pool"),
        ("another audience", but("aud", json!("another app")), "not-signed-in"),
        ("no audience", but("aud", json!(null)), "not-signed-in"),
        ("another issuer", but("iss", json!("https://id.example.com.evil.example")), "not-signed-in"),
        ("no issuer", but("iss", json!(null)), "not-signed-in"),
        ("expired", but("exp", json!(from_now(&server, -61))), "login-expired"),
        ("for ever", but("exp", json!(null)), "not-signed-in"),
        ("from the future", but("iat", json!(from_now(&server, 90))), "not-signed-in"),
        ("not yet good", but("nbf", json!(from_now(&server, 90))), "not-signed-in"),
        ("a stranger's key of the same name", stranger.sign(&alice), "not-signed-in"),
        ("a key of its own", stranger.sign_with(brings_a_key, &alice), "not-signed-in"),
        ("a place to find its key", stranger.sign_with(names_a_url, &alice), "not-signed-in"),
        ("a spoiled signature", spoiled(key.sign(&alice)), "not-signed-in"),
        ("no algorithm", unsigned("none"), "not-signed-in"),
        ("no algorithm, shouted", unsigned("NONE"), "not-signed-in"),
        ("no signature", unsigned("ES256"), "not-signed-in"),
        ("the public key as a secret", by_public_key(key.jwk.to_string().as_bytes()), "not-signed-in"),
        ("the public point as a secret", by_public_key(key.jwk["x"].as_str().unwrap().as_bytes()), "not-signed-in"),
        ("no secret at all", by_public_key(b""), "not-signed-in"),
    ] {
        assert_eq!(scan(&token).await.refusal().2, reason, "{attack}");
    }
    assert_eq!(server.status(&code).await, 0);
    scan(&key.sign(&alice)).await.success();
}

#[tokio::test(start_paused = true)]
async fn no_page_of_another_origin_gets_or_reads_anything_however_it_is_called() {
    let server = Server::with(shop_and_blog);
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
        let reply = gene().header("origin", origin).json(&json!({})).await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        reply.is_refused(1001, "origin-not-allowed");
    }
    // What a browser sends without asking first is not read, and a page that it does not name is none of ours.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let reply = gene().header("origin", "https://shop.example").body(content_type, "{}").await;
        assert_eq!(reply.refusal().2, "unsupported-media-type");
    }
    for site in ["cross-site", "same-site", "nonsense"] {
        gene().header("sec-fetch-site", site).json(&json!({})).await.is_refused(1001, "origin-not-allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_preflight_allows_no_origin_method_or_header_because_it_is_asked_to() {
    let server = Server::with(shop_and_blog);
    let preflight = |origin: &str, method: &str| {
        let call = server.call(Method::OPTIONS, &format!("{API}/gene")).header("origin", origin);
        call.header("access-control-request-method", method)
    };
    for origin in ["https://evil.example", "null", "https://shop.example.evil.example"] {
        assert_eq!(preflight(origin, "POST").await.header("access-control-allow-origin"), None, "{origin}");
    }
    let asks_for_more = preflight("https://shop.example", "DELETE")
        .header("access-control-request-headers", "x-forwarded-for,cookie,x-evil")
        .header("access-control-request-private-network", "true");
    let reply = asks_for_more.await;
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET,POST"));
    let headers = reply.header("access-control-allow-headers").unwrap();
    assert!(headers.split(',').all(|name| !["x-forwarded-for", "cookie", "x-evil", "*"].contains(&name)), "{headers}");
    assert_eq!(reply.header("access-control-allow-private-network"), None);
    // The one is allowed, and the answer must not be handed to the other by a cache.
    assert!(reply.header("vary").is_some_and(|vary| vary.contains("origin")));
}

#[tokio::test]
async fn a_request_can_not_hide_another_one_or_a_header() {
    let running = running(Config::demo().unwrap()).await;
    let address = running.url.strip_prefix("http://").unwrap();
    let hidden = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let post = |head: &str, body: &str| {
        format!("POST {API}/gene HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n{body}")
    };
    let chunked = format!("2\r\n{{}}\r\n0\r\n\r\n{hidden}");
    let length = format!("content-length: {}\r\n", chunked.len());
    let in_the_open = answer_to(address, post("transfer-encoding: chunked\r\n", &chunked).as_bytes()).await;
    assert_eq!(in_the_open.matches("HTTP/1.1 200 OK").count(), 2, "who hides nothing is answered twice: {in_the_open}");
    for (attack, request, status) in [
        ("a length before chunks", post(&format!("{length}transfer-encoding: chunked\r\n"), &chunked), 200),
        ("a length behind chunks", post(&format!("transfer-encoding: chunked\r\n{length}"), &chunked), 200),
        ("two lengths", post("content-length: 2\r\ncontent-length: 40\r\n", &format!("{{}}{hidden}")), 400),
        ("two lengths in one", post("content-length: 2, 40\r\n", &format!("{{}}{hidden}")), 400),
        ("a length with a sign", post("content-length: +2\r\n", &format!("{{}}{hidden}")), 400),
        ("a length behind a space", post("content-length : 2\r\n", &format!("{{}}{hidden}")), 400),
        ("chunks of another kind", post("transfer-encoding: xchunked\r\n", &chunked), 400),
        ("chunks that are not the last word", post("transfer-encoding: chunked, identity\r\n", &chunked), 400),
        ("a folded line", post("user-agent: a\r\n transfer-encoding: chunked\r\n", &chunked), 400),
        ("a bare CR", post("user-agent: a\rtransfer-encoding: chunked\r\n", &chunked), 400),
        ("a NUL", post("user-agent: a\0b\r\n", &chunked), 400),
        ("chunks in an old protocol", post("transfer-encoding: chunked\r\n", &chunked).replace("/1.1", "/1.0"), 400),
    ] {
        let answer = answer_to(address, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{attack}: {answer}");
        assert_eq!(answer.matches("HTTP/1.").count(), 1, "{attack}: {answer}");
    }
    running.shutdown().await;
}

/// A folder of pages, beside what is not meant for anybody.
fn pages_beside_a_secret() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    std::fs::create_dir_all(www.join("evil.example")).unwrap();
    std::fs::write(www.join("page.html"), "a page").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "not meant for anybody").unwrap();
    let mut config = Config::demo().unwrap();
    config.package = Some(www.clone());
    config.www = Some(www);
    (folder, config)
}

#[tokio::test]
async fn no_path_leads_out_of_the_pages_to_another_host_or_into_a_header() {
    let (_folder, config) = pages_beside_a_secret();
    let running = running(config).await;
    let address = running.url.strip_prefix("http://").unwrap();
    let get = async |path: &str| {
        answer_to(address, format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await
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
        let answer = get(path).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with(['3', '4']), "{path}: {answer}");
        assert!(!body.contains("not meant for anybody"), "{path}: {answer}");
        assert!(!head.contains("set-cookie"), "{path}: {answer}");
        let location = head.lines().find_map(|line| line.strip_prefix("location: "));
        assert!(location.is_none_or(|to| to.starts_with('/') && !to.starts_with("//")), "{path}: {answer}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_writes_a_line_of_the_log_or_on_the_phone_of_another() {
    let forged = "x\n2026-01-01T00:00:00Z INFO audit: action=\"confirm\"\u{1b}[2K\u{2028}\r";
    for format in [LogFormat::Text, LogFormat::Json] {
        let log = Log::new(format);
        let server = Server::with(|config| config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
        let gene =
            server.post(&format!("{API}/gene")).from("10.0.0.1").json(&json!({ "customData": { forged: forged } }));
        let gene = gene.header("user-agent", "Moz\u{202e}illa\t\u{200b}").header("x-forwarded-for", "1.2.3.4\tforged");
        let code = Code::of(&gene.await.success());
        let mallory = User { id: forged.to_owned(), user_pool_id: "demo-pool".to_owned(), ..User::default() };
        let token = server.state.identity.sign(&mallory).unwrap();
        let post = |call: &str, body: Value| server.post(&format!("{API}/{call}")).json(&body).bearer(token.expose());
        let requester = post("scanned", json!({ "random": code.random })).await.success()["requester"].clone();
        post("confirm", json!({ "random": forged })).await.refusal();
        server.userinfo(forged).basic("demo-app\nforged", "").await.refusal();
        server.get("/%0AINFO%20forged?%0Aforged").await.refusal();

        let text = log.text();
        assert_eq!(text.lines().count(), 8, "five requests, three of them with an audit: {text}");
        assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
        for field in ["appName", "ip", "userAgent", "createdAt"] {
            let shown = requester[field].as_str().unwrap();
            assert!(!shown.contains(|c: char| c.is_control() || ['\u{202e}', '\u{200b}'].contains(&c)), "{shown:?}");
        }
        assert_eq!(requester["ip"], "10.0.0.1", "not what a stranger makes up");
    }
}

/// The whole way of a sign-in and many wrong ways, and what was told at each.
async fn all_that_is_told(server: &Server) -> (Vec<(&'static str, Reply)>, Vec<(&'static str, String, &'static str)>) {
    let mut told = Vec::new();
    let gene = server.post(&format!("{API}/gene")).json(&json!({ "customData": { "to": "checkout" } })).await;
    let code = Code::of(&gene.success());
    told.push(("gene", gene));
    let bearer = server.token("alice");
    let random = json!({ "random": code.random });
    for step in ["scanned", "confirm"] {
        let call = server.post(&format!("{API}/{step}")).json(&random).bearer(&bearer);
        told.push((step, call.await));
    }
    let check = server.check(&code).await;
    let ticket = check.success()["ticket"].as_str().unwrap().to_owned();
    told.push(("check", check));
    told.push(("", server.userinfo(&ticket).basic("demo-app", "wrong").await));
    let userinfo = server.exchange(&ticket).await;
    let token = userinfo.success()["token"].as_str().unwrap().to_owned();
    told.push(("userinfo", userinfo));

    let app_secret = server.app_secret();
    let malformed = format!("{{\"ticket\":\"{ticket}\",\"random\":\"{}\",", code.poll_token);
    for call in [
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
        told.push(("", call.await));
    }
    let jwt_secret = server.state.config.jwt_secret.as_ref().unwrap().expose().to_owned();
    // Each with the one answer that hands it out.
    let secrets = vec![
        ("the poll token", code.poll_token, "gene"),
        ("the ticket", ticket, "check"),
        ("the token of the phone", bearer, ""),
        ("the token for the backend", token, "userinfo"),
        ("the secret of the app", app_secret, ""),
        ("the secret that tokens are signed with", jwt_secret, ""),
    ];
    (told, secrets)
}

async fn is_told_to_nobody_else(state: Arc<AppState>, password: &str, at_rest: impl Fn() -> Vec<u8>) {
    for format in [Some(LogFormat::Text), Some(LogFormat::Json), None] {
        let shipped = format.map(Log::new);
        kept_log::taken();
        let server = Server { router: scanlogin_server::app(&state), state: Arc::clone(&state) };
        let (told, secrets) = all_that_is_told(&server).await;
        // Without a log as it is shipped, all that anything in this process says at its most talkative.
        let log = shipped.map_or_else(kept_log::taken, |log| log.text());
        assert!(log.contains("answered"), "{log}");

        let request = Request::get("/metrics").body(Body::empty()).unwrap();
        let response = metrics_endpoint::routes(&state).oneshot(request).await.unwrap();
        let metrics = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        let at_rest = at_rest();
        let holds = |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let all = secrets.iter().map(|(name, secret, only_in)| (*name, secret.as_str(), *only_in));
        for (name, secret, only_in) in all.chain([("the store's password", password, "")]) {
            for (call, reply) in &told {
                let head = format!("{:?}", reply.headers);
                assert!(!head.contains(secret), "{name} in the head of {call}: {head}");
                assert_eq!(
                    holds(&reply.body, secret),
                    call == &only_in && !call.is_empty(),
                    "{name} told by {call}: {reply:?}"
                );
            }
            assert!(!log.contains(secret), "{name} in {log}");
            assert!(!holds(&metrics, secret), "{name} in the metrics");
            assert!(!holds(&at_rest, secret), "{name} in the store");
        }
        assert!(holds(&at_rest, "demo-app"), "the search works");
        // The key that we sign with is in the store, and nowhere else.
        for key in state.store.keys(KeyPurpose::Signing).await.unwrap() {
            // PKCS #8 has 16 bytes before those of the key itself.
            let seed = &key.secret[16..48];
            for written in [STANDARD.encode(seed), URL_SAFE_NO_PAD.encode(seed), URL_SAFE_NO_PAD.encode(&key.secret)] {
                assert!(!log.contains(&written) && !holds(&metrics, &written));
                assert!(told.iter().all(|(_, reply)| !holds(&reply.body, &written)));
            }
        }
    }
}

fn files_in(folder: &Path) -> Vec<u8> {
    std::fs::read_dir(folder).unwrap().flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[tokio::test]
async fn no_secret_is_in_a_log_a_url_an_error_the_metrics_or_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { redis_timeout: redis_server::TIMEOUT, ..Config::demo().unwrap() };
    config.store = StoreAddress::Sqlite(folder.path().join("codes.db"));
    let state = AppState::open(config.clone()).await.unwrap();
    is_told_to_nobody_else(state, "there is none here", || files_in(folder.path())).await;

    let redis = RedisServer::start(Keeps::Everything);
    let password = "the-password-of-the-store";
    redis.ask(&format!("ACL SETUSER scanlogin on >{password} ~* &* +@all"));
    let url = redis.url().replace("redis://", &format!("redis://scanlogin:{password}@"));
    config.store = url.parse().unwrap();
    let state = AppState::open(config.clone()).await.unwrap();
    is_told_to_nobody_else(state, password, || redis.disk()).await;

    config.store = url.replace("-password", "-passw0rd").parse().unwrap();
    let error = AppState::open(config).await.err().unwrap().to_string();
    assert!(!error.contains("passw0rd"), "{error}");
}

/// Tries what `strategy` makes up, the same each time, against a server that sends nobody away.
fn bombard<T: core::fmt::Debug>(strategy: impl Strategy<Value = T>, call: impl Fn(&Server, T) -> Option<Call>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let server = runtime.block_on(async {
        Server::with(|config| {
            crowded(config);
            let limits = &mut config.settings.limits;
            let Rate { burst, per_second } = limits.approver_calls_per_code;
            limits.codes_per_address = Rate { burst, per_second };
            limits.wrong_guesses_per_address = Rate { burst, per_second };
            limits.checks_per_code = Rate { burst, per_second };
        })
    });
    let cases = Cases { cases: 2_000, failure_persistence: None, ..Cases::default() };
    let mut runner = TestRunner::new_with_rng(cases, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let tried = runner.run(&strategy, |made_up| {
        if let Some(call) = call(&server, made_up) {
            let reply = runtime.block_on(call.into_future());
            assert!(reply.status.as_u16() < 500, "{reply:?}");
            // Both see to the envelope, and that nothing is stored.
            if reply.json()["code"] == 200 {
                reply.success();
            } else {
                reply.refusal();
            }
        }
        Ok(())
    });
    tried.unwrap();
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
    ];
    let names = || prop_oneof!["random|ticket|scene|params|customData|context|withCustomData|extIdpConnId", ".{0,8}"];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((names(), inner), 0..6).prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    })
}

#[test]
fn no_body_makes_a_call_fail_or_answer_outside_of_the_envelope() {
    let deep = (0_usize..20_000, prop_oneof!["\\[", "\\{\"params\":", "\\{\"random\":\\["]);
    let body = prop_oneof![
        4 => any_json().prop_map(|value| value.to_string().into_bytes()),
        2 => vec(any::<u8>(), 0..200),
        1 => deep.prop_map(|(depth, begin)| begin.repeat(depth).into_bytes()),
        1 => "\\{\"(random|ticket|params)\":-?[0-9]{1,400}(e[0-9]{1,5})?\\}".prop_map(String::into_bytes),
        1 => "\\{(\"(random|params|customData)\":(\"a\"|\\{\\}),){1,9}\"random\":\"b\"\\}".prop_map(String::into_bytes),
        1 => "\\{\"random\":\"(\\\\u[0-9a-f]{4}){1,9}\"\\}".prop_map(String::into_bytes),
    ];
    bombard((prop::sample::select(POSTS.to_vec()), body), |server, (call, body)| {
        let call = server.post(&format!("{API}/{call}")).bearer(&server.token("alice"));
        Some(call.body("application/json", body))
    });
}

#[test]
fn no_path_query_or_header_makes_a_call_fail_or_answer_outside_of_the_envelope() {
    let begins = ["/", "/demo/", "/api/v2/qrcode/", "/api/v2/qrcode/image/", "/api/v2/qrcode/check?random=x&wait="];
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
    let method = prop::sample::select(vec!["GET", "POST", "DELETE", "PATCH", "MADEUP"]);
    bombard(
        (method, prop::sample::select(begins.to_vec()), rest, headers),
        |server, (method, begin, rest, headers)| {
            let path = format!("{begin}{rest}");
            // What is no address does not come as far as this.
            path.parse::<Uri>().ok().filter(|uri| uri.authority().is_none())?;
            let mut call = server.call(method.parse().unwrap(), &path).from("127.0.0.1");
            for (name, value) in headers {
                let Ok(value) = HeaderValue::from_bytes(&value) else { continue };
                call.builder = call.builder.header(name, value);
            }
            Some(call)
        },
    );
}
