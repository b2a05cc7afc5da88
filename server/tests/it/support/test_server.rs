//! An in-process server under test, and the requests that a requester, an approver and a backend send to it.

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
use scanlogin_server::config::app::{App, Confirmation};
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
/// The address of the page of [`set_links`].
pub(crate) const RETURN_URL: &str = "https://shop.example/login?lang=en";

/// The router under test, with its state. It runs without a socket.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) state: Arc<AppState>,
    pub(crate) router: Router,
}

/// A code with its poll token, as its requester knows it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
    /// The data of the response to `gene`.
    pub(crate) data: Value,
}

impl Server {
    /// The demo with default settings and an in-memory store.
    pub(crate) fn new() -> Self {
        Self::with_config(|_| {})
    }

    /// The demo with settings changed by `set`. The server's clock follows tokio's clock.
    pub(crate) fn with_config(set: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::demo().unwrap();
        set(&mut config);
        Self::with_store(config, Arc::new(SqliteStore::in_memory().unwrap()))
    }

    /// The demo with a store that delays the results of `find` and `swap`.
    pub(crate) fn with_slow_store(find_delay: Duration, swap_delay: Duration) -> Self {
        let store = SlowStore { store: SqliteStore::in_memory().unwrap(), find_delay, swap_delay };
        Self::with_store(Config::demo().unwrap(), Arc::new(store))
    }

    pub(crate) fn with_store(config: Config, store: Arc<dyn Store>) -> Self {
        Self::with_clock(config, store, Clock::starting_at(start_time()))
    }

    pub(crate) fn with_clock(config: Config, store: Arc<dyn Store>, clock: Clock) -> Self {
        crate::support::captured_log::install();
        let state = AppState::new(config, store, clock).unwrap();
        Self { router: scanlogin_server::app(&state), state }
    }

    pub(crate) fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> TestRequest {
        let builder = Request::builder().method(method).uri(path);
        TestRequest { router: self.router.clone(), builder, body: Body::empty() }
    }

    /// Creates a code, as a requester does.
    pub(crate) async fn gene(&self) -> Code {
        self.gene_with(json!({})).await
    }

    pub(crate) async fn gene_with(&self, request: Value) -> Code {
        let data = self.post(&format!("{API}/gene")).json(&request).await.success();
        Code::from_data(&data)
    }

    /// A poll of the requester of `code`.
    pub(crate) fn check(&self, code: &Code) -> TestRequest {
        self.check_with(code, "")
    }

    /// A poll with more query parameters, such as `&wait=25&status=0`.
    pub(crate) fn check_with(&self, code: &Code, query: &str) -> TestRequest {
        self.get(&format!("{API}/check?random={}{query}", code.random)).poll_token(&code.poll_token)
    }

    pub(crate) async fn status(&self, code: &Code) -> i64 {
        self.check(code).await.success()["status"].as_i64().unwrap()
    }

    /// `action` (`scanned`, `confirm` or `cancel`) of the approver `user`.
    pub(crate) fn act(&self, action: &str, code: &Code, user: &str) -> TestRequest {
        let token = self.token(user);
        self.post(&format!("{API}/{action}")).json(&json!({ "random": code.random })).bearer(&token)
    }

    /// A code with a link for the device of its page. The server needs [`set_links`].
    pub(crate) async fn gene_with_link(&self) -> Code {
        self.gene_with(json!({ "returnUrl": RETURN_URL })).await
    }

    /// `scanned` of an approver that was opened by the link, on the device of the page.
    pub(crate) fn open(&self, code: &Code, user: &str) -> TestRequest {
        let body = json!({ "random": code.random, "sameDevice": true });
        self.post(&format!("{API}/scanned")).json(&body).bearer(&self.token(user))
    }

    /// Opens and confirms `code` as `user`, and returns the response code.
    pub(crate) async fn response_code(&self, code: &Code, user: &str) -> String {
        self.open(code, user).await.success();
        code.response_code(&self.act("confirm", code, user).await.success())
    }

    /// `complete` of the page of `code`.
    pub(crate) fn complete(&self, code: &Code, response_code: &str) -> TestRequest {
        self.complete_without_token(code, response_code).poll_token(&code.poll_token)
    }

    pub(crate) fn complete_without_token(&self, code: &Code, response_code: &str) -> TestRequest {
        let body = json!({ "random": code.random, "responseCode": response_code });
        self.post(&format!("{API}/complete")).json(&body)
    }

    /// `confirm` with a number.
    pub(crate) fn confirm_number(&self, code: &Code, user: &str, number: &str) -> TestRequest {
        let body = json!({ "random": code.random, "number": number });
        self.post(&format!("{API}/confirm")).json(&body).bearer(&self.token(user))
    }

    /// A token with which `user` approves codes. The server itself issues it.
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

    /// Scans and confirms `code` as `user`, and returns its ticket.
    pub(crate) async fn ticket(&self, code: &Code, user: &str) -> String {
        self.act("scanned", code, user).await.success();
        self.act("confirm", code, user).await.success();
        self.check(code).await.success()["ticket"].as_str().unwrap().to_owned()
    }

    /// The app of the demo.
    pub(crate) fn app(&self) -> &App {
        &self.state.config.settings.apps[0]
    }

    /// The secret with which the app's backend authenticates.
    pub(crate) fn app_secret(&self) -> String {
        self.state.config.demo.as_ref().unwrap().app_secret.expose().to_owned()
    }

    /// An exchange of `ticket` with the app's credentials.
    pub(crate) fn exchange(&self, ticket: &str) -> TestRequest {
        self.userinfo(ticket).basic(&self.app().id, &self.app_secret())
    }

    /// An exchange of `ticket` without credentials.
    pub(crate) fn userinfo(&self, ticket: &str) -> TestRequest {
        self.post(&format!("{API}/userinfo")).json(&json!({ "ticket": ticket }))
    }
}

impl Code {
    /// Reads the data of a response to `gene`.
    pub(crate) fn from_data(data: &Value) -> Self {
        let text = |name: &str| data[name].as_str().unwrap().to_owned();
        Self { random: text("random"), poll_token: text("pollToken"), data: data.clone() }
    }

    /// The response code in the response to a confirm on the device of the page.
    pub(crate) fn response_code(&self, confirm: &Value) -> String {
        let address = confirm["returnUrl"].as_str().expect("an address to return to");
        let start = format!("{RETURN_URL}#scanlogin-response={}.", self.random);
        let response_code =
            address.strip_prefix(&start).unwrap_or_else(|| panic!("{address} does not begin with {start}"));
        assert_eq!(response_code.len(), 43, "{address}");
        response_code.to_owned()
    }
}

/// Starts a server in this process, on a free port.
pub(crate) async fn start_server(config: Config) -> Running {
    let listener = TcpListener::bind(config.listen).await.unwrap();
    start(config, listener).await.unwrap()
}

/// The time at which the clocks of tests start.
pub(crate) fn start_time() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// Advances tokio's paused clock.
pub(crate) async fn advance_clock(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Disables the rate limits on scans, confirms and cancels, which concurrency tests would exceed.
pub(crate) fn disable_approver_limits(config: &mut Config) {
    let rate = Rate { burst: NonZeroU32::MAX, per_second: NonZeroU32::MAX };
    config.settings.limits.approver_calls_per_code = rate;
    config.settings.limits.approver_calls_per_user = rate;
}

/// Gives the demo's app links, and lists the page [`RETURN_URL`].
pub(crate) fn set_links(config: &mut Config) {
    let app = &mut config.settings.apps[0];
    app.code_url = Some("https://pass.example/s".to_owned().try_into().unwrap());
    app.return_urls = vec![RETURN_URL.to_owned().try_into().unwrap()];
}

/// Lets the demo's app ask for the number of the page.
pub(crate) fn set_number_matching(config: &mut Config) {
    config.settings.apps[0].confirmation = Confirmation::Number;
}

/// Sends all requests concurrently and counts the responses by `reason`. A success counts as "ok".
pub(crate) async fn send_concurrently(requests: Vec<TestRequest>) -> HashMap<String, usize> {
    let mut tasks: JoinSet<String> = requests
        .into_iter()
        .map(|request| async move {
            let response = request.await;
            response.json()["reason"].as_str().unwrap_or("ok").to_owned()
        })
        .collect();
    let mut counts = HashMap::new();
    while let Some(reason) = tasks.join_next().await {
        *counts.entry(reason.unwrap()).or_default() += 1;
    }
    counts
}

/// The expected result of [`send_concurrently`].
pub(crate) fn reason_counts<const N: usize>(expected: [(&str, usize); N]) -> HashMap<String, usize> {
    expected.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
}

/// A request that can still be changed. `.await` sends it.
pub(crate) struct TestRequest {
    router: Router,
    pub(crate) builder: axum::http::request::Builder,
    body: Body,
}

impl TestRequest {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Sets the client address. Without it the server does not know the address.
    pub(crate) fn client_ip(mut self, address: &str) -> Self {
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
        let mut request = self.header("content-type", content_type);
        request.body = body.into();
        request
    }
}

impl IntoFuture for TestRequest {
    type Output = TestResponse;
    type IntoFuture = core::pin::Pin<Box<dyn Future<Output = TestResponse> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let request = self.builder.body(self.body).unwrap();
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let response = self.router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let response = TestResponse { status: parts.status, headers: parts.headers, body: body.to_vec() };
            crate::support::openapi_validator::assert_is_documented(&method, &path, &response);
            response
        })
    }
}

/// A response with its complete body.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl TestResponse {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("the body is not JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The data of the response. Panics unless it is a success.
    pub(crate) fn success(&self) -> Value {
        let envelope = self.json();
        assert_eq!((self.status.as_u16(), envelope["code"].as_i64()), (200, Some(200)), "{envelope}");
        assert!(envelope["message"].is_string() && envelope.get("reason").is_none(), "{envelope}");
        self.assert_common_headers();
        envelope["data"].clone()
    }

    /// HTTP status, `code` and `reason` of an error. Panics if the envelope has `data`, or no message.
    pub(crate) fn error(&self) -> (u16, i64, String) {
        let envelope = self.json();
        assert!(envelope.get("data").is_none(), "{envelope}");
        assert!(envelope["message"].as_str().is_some_and(|message| !message.is_empty()), "{envelope}");
        self.assert_common_headers();
        let reason = envelope["reason"].as_str().expect("a reason").to_owned();
        (self.status.as_u16(), envelope["code"].as_i64().expect("a code"), reason)
    }

    /// Asserts a business error, which has HTTP status 200.
    #[track_caller]
    pub(crate) fn assert_error(&self, code: i64, reason: &str) {
        assert_eq!(self.error(), (200, code, reason.to_owned()), "{}", self.json());
    }

    /// Asserts a rate-limit error, and returns its `Retry-After` in seconds.
    #[track_caller]
    pub(crate) fn assert_rate_limited(&self) -> u64 {
        assert_eq!(self.error(), (429, 429, "rate-limited".to_owned()), "{}", self.json());
        self.header("retry-after").unwrap().parse().unwrap()
    }

    /// The message of the envelope.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn assert_common_headers(&self) {
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
    }
}
