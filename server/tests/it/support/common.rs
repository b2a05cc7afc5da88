//! A server to test, and the three who call it.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use scanlogin_server::clock::Clock;
use scanlogin_server::config::app::App;
use scanlogin_server::config::limits::Rate;
use scanlogin_server::store::Store;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::{AppState, Config, Running, start};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::support::test_stores::SlowStore;

pub(crate) const API: &str = "/api/v2/qrcode";

/// The server under test.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) state: Arc<AppState>,
    pub(crate) router: Router,
}

/// A code, as the browser knows it that asked for it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
    pub(crate) data: Value,
}

impl Server {
    /// With the contract's defaults, in memory.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other settings. Its clock goes with tokio's.
    pub(crate) fn with(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::demo().unwrap();
        set(&mut config);
        Self::of(config, Arc::new(SqliteStore::in_memory().unwrap()))
    }

    /// With a store that takes its time.
    pub(crate) fn slow(after_find: Duration, after_swap: Duration) -> Self {
        let store = SlowStore { store: SqliteStore::in_memory().unwrap(), after_find, after_swap };
        Self::of(Config::demo().unwrap(), Arc::new(store))
    }

    pub(crate) fn of(config: Config, store: Arc<dyn Store>) -> Self {
        crate::support::kept_log::keep();
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let state = AppState::new(config, store, Clock::starting_at(start)).unwrap();
        Self { router: scanlogin_server::app(&state), state }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let builder = Request::builder().method(method).uri(path);
        Call { router: self.router.clone(), builder, body: Body::empty() }
    }

    /// A page asks for a code.
    pub(crate) async fn gene(&self) -> Code {
        self.gene_with(json!({})).await
    }

    pub(crate) async fn gene_with(&self, request: Value) -> Code {
        let data = self.post(&format!("{API}/gene")).json(&request).await.success();
        Code::of(&data)
    }

    /// The browser asks what has become of its code.
    pub(crate) fn check(&self, code: &Code) -> Call {
        self.check_with(code, "")
    }

    pub(crate) fn check_with(&self, code: &Code, more: &str) -> Call {
        self.get(&format!("{API}/check?random={}{more}", code.random)).poll_token(&code.poll_token)
    }

    pub(crate) async fn status(&self, code: &Code) -> i64 {
        self.check(code).await.success()["status"].as_i64().unwrap()
    }

    /// The phone of `user` asks for `action`.
    pub(crate) fn act(&self, action: &str, code: &Code, user: &str) -> Call {
        let token = self.token(user);
        self.post(&format!("{API}/{action}")).json(&json!({ "random": code.random })).bearer(&token)
    }

    pub(crate) fn token(&self, user: &str) -> String {
        let user = User {
            id: format!("id-of-{user}"),
            user_pool_id: self.app().user_pool_id.clone(),
            email: Some(format!("{user}@example.com")),
            nickname: Some(user.to_owned()),
            photo: Some(format!("https://photos.example/{user}.png")),
            ..User::default()
        };
        self.state.identity.sign(&user).unwrap().expose().to_owned()
    }

    /// The ticket of a code that `user` scans and confirms.
    pub(crate) async fn ticket(&self, code: &Code, user: &str) -> String {
        self.act("scanned", code, user).await.success();
        self.act("confirm", code, user).await.success();
        self.check(code).await.success()["ticket"].as_str().unwrap().to_owned()
    }

    /// The app of the demo.
    pub(crate) fn app(&self) -> &App {
        &self.state.config.settings.apps[0]
    }

    /// What its backend proves itself with.
    pub(crate) fn app_secret(&self) -> String {
        self.state.config.demo.as_ref().unwrap().app_secret.expose().to_owned()
    }

    /// The site's backend exchanges a ticket.
    pub(crate) fn exchange(&self, ticket: &str) -> Call {
        self.userinfo(ticket).basic(&self.app().id, &self.app_secret())
    }

    /// Somebody tries to.
    pub(crate) fn userinfo(&self, ticket: &str) -> Call {
        self.post(&format!("{API}/userinfo")).json(&json!({ "ticket": ticket }))
    }
}

impl Code {
    /// What `gene` answers.
    pub(crate) fn of(data: &Value) -> Self {
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        Self { random: text("random"), poll_token: text("pollToken"), data: data.clone() }
    }
}

/// A server that listens on a port of its own, in this process.
pub(crate) async fn running(config: Config) -> Running {
    let listener = TcpListener::bind(config.listen).await.unwrap();
    start(config, listener).await.unwrap()
}

/// Pushes the clock.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// So many callers of one code are more than are let in.
pub(crate) fn crowded(config: &mut Config) {
    let rate = Rate { burst: NonZeroU32::MAX, per_second: NonZeroU32::MAX };
    config.settings.limits.approver_calls_per_code = rate;
    config.settings.limits.approver_calls_per_user = rate;
}

/// Sends all calls at once and counts their reasons, "ok" for a success.
pub(crate) async fn race(calls: Vec<Call>) -> HashMap<String, usize> {
    let mut running: JoinSet<String> = calls
        .into_iter()
        .map(|call| async move {
            let reply = call.await;
            reply.json()["reason"].as_str().unwrap_or("ok").to_owned()
        })
        .collect();
    let mut counts = HashMap::new();
    while let Some(reason) = running.join_next().await {
        *counts.entry(reason.unwrap()).or_default() += 1;
    }
    counts
}

pub(crate) fn counts<const N: usize>(expected: [(&str, usize); N]) -> HashMap<String, usize> {
    expected.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
}

/// A request on its way.
pub(crate) struct Call {
    router: Router,
    pub(crate) builder: axum::http::request::Builder,
    body: Body,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// As if it came through a socket.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().unwrap(), 40_000);
        self.builder = self.builder.extension(ConnectInfo(peer));
        self
    }

    pub(crate) fn poll_token(self, poll_token: &str) -> Self {
        self.header("x-scanlogin-poll-token", poll_token)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn basic(self, name: &str, password: &str) -> Self {
        let pair = STANDARD.encode(format!("{name}:{password}"));
        self.header("authorization", &format!("Basic {pair}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Body>) -> Self {
        let mut call = self.header("content-type", content_type);
        call.body = body.into();
        call
    }
}

impl IntoFuture for Call {
    type Output = Reply;
    type IntoFuture = core::pin::Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let request = self.builder.body(self.body).unwrap();
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let response = self.router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let reply = Reply { status: parts.status, headers: parts.headers, body: body.to_vec() };
            crate::support::description::is_as_described(&method, &path, &reply);
            reply
        })
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The data of a success.
    pub(crate) fn success(&self) -> Value {
        let envelope = self.json();
        assert_eq!((self.status.as_u16(), envelope["code"].as_i64()), (200, Some(200)), "{envelope}");
        assert!(envelope["message"].is_string() && envelope.get("reason").is_none(), "{envelope}");
        self.is_not_stored();
        envelope["data"].clone()
    }

    /// HTTP status, `code` and `reason` of a refusal, which holds nothing else but words.
    pub(crate) fn refusal(&self) -> (u16, i64, String) {
        let envelope = self.json();
        assert!(envelope.get("data").is_none(), "{envelope}");
        assert!(envelope["message"].as_str().is_some_and(|message| !message.is_empty()), "{envelope}");
        self.is_not_stored();
        let reason = envelope["reason"].as_str().expect("a reason").to_owned();
        (self.status.as_u16(), envelope["code"].as_i64().expect("a code"), reason)
    }

    /// Refused with HTTP 200, as a business refusal is.
    #[track_caller]
    pub(crate) fn is_refused(&self, code: i64, reason: &str) {
        assert_eq!(self.refusal(), (200, code, reason.to_owned()), "{}", self.json());
    }

    /// Told to wait, and how many seconds.
    #[track_caller]
    pub(crate) fn is_told_to_wait(&self) -> u64 {
        assert_eq!(self.refusal(), (429, 429, "rate-limited".to_owned()), "{}", self.json());
        self.header("retry-after").unwrap().parse().unwrap()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn is_not_stored(&self) {
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
    }
}
