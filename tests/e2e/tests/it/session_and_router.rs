//! The session of the widget, compiled natively, against the router and a database in memory. The tests have no browser
//! and no socket, and control the clock.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request as HttpRequest, header};
use scanlogin::client::reader::Reader;
use scanlogin::client::request::Client;
use scanlogin::client::response::HttpResponse;
use scanlogin::error::{Error, ErrorCode};
use scanlogin::options::Config;
use scanlogin::session::{
    Context, Event, Instant, Notification, PageState, Policy, Reply, Request, RequestEffect, RequestId, Session,
    TimerEffect,
};
use scanlogin::view_model::{Action, FailureCause, ScanState};
use scanlogin_e2e::site::demo_app;
use scanlogin_protocol::wire::{GeneRequest, Scene};
use scanlogin_server::clock::Clock;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{AppState, app};
use serde_json::{Value, json};
use tokio::time;
use tower::ServiceExt as _;

type Sending = Pin<Box<dyn Future<Output = Result<Reply<Value>, Error>>>>;

/// A page without a browser: a session and its request in flight.
struct Page {
    router: Router,
    client: Arc<Client>,
    session: Session<Value>,
    started_at: time::Instant,
    in_flight: Option<(RequestId, Sending)>,
    wake_at: Option<Instant>,
    random: String,
    notifications: Vec<Notification<Value>>,
    requests: usize,
}

impl Page {
    fn open(router: &Router, policy: Policy) -> Result<Self> {
        let config =
            Config::read(&Reader::of(None::<Value>)).map_err(|error| anyhow::anyhow!(error.message().to_owned()))?;
        let gene = GeneRequest::<Value>::new(Scene::App, None);
        let mut page = Self {
            router: router.clone(),
            client: Arc::new(Client::new(&config, &gene).context("the options can't be sent")?),
            session: Session::new(policy, PageState { is_visible: true, is_online: true }, 1),
            started_at: time::Instant::now(),
            in_flight: None,
            wake_at: None,
            random: String::new(),
            notifications: Vec::new(),
            requests: 0,
        };
        page.handle(Event::Started);
        Ok(page)
    }

    fn now(&self) -> Instant {
        Instant(self.started_at.elapsed().as_millis() as u64)
    }

    fn handle(&mut self, event: Event<Value>) {
        let effects = self.session.handle(Context { now: self.now(), may_hold: true, is_taken: false }, event);
        match effects.request {
            RequestEffect::Keep => {}
            RequestEffect::Abort => self.in_flight = None,
            RequestEffect::Send(id, request) => {
                self.requests += 1;
                let sent: Sending = Box::pin(send(self.router.clone(), Arc::clone(&self.client), request));
                self.in_flight = Some((id, sent));
            }
        }
        match effects.timer {
            TimerEffect::Keep => {}
            TimerEffect::Clear => self.wake_at = None,
            TimerEffect::Set(at) => self.wake_at = Some(at),
        }
        while let Some(note) = self.session.next_notification() {
            if let Notification::CodeLoaded { random, .. } = &note {
                self.random = random.to_string();
            }
            self.notifications.push(note);
        }
    }

    /// Runs the session until it is in `state`.
    async fn until(&mut self, state: ScanState) -> Result<()> {
        while self.session.state() != state {
            let wake_at = self.wake_at.map(|at| self.started_at + Duration::from_millis(at.0));
            let event = match (&mut self.in_flight, wake_at) {
                (Some((id, request)), Some(wake_at)) => tokio::select! {
                    reply = request => Event::Replied(*id, reply),
                    () = time::sleep_until(wake_at) => Event::TimerFired,
                },
                (None, Some(wake_at)) => {
                    time::sleep_until(wake_at).await;
                    Event::TimerFired
                }
                (_, None) => {
                    anyhow::bail!(
                        "the session ended in the state {:?} after {:?}",
                        self.session.state(),
                        self.notifications
                    )
                }
            };
            if matches!(event, Event::Replied(..)) {
                self.in_flight = None;
            }
            self.handle(event);
        }
        Ok(())
    }
}

async fn send(router: Router, client: Arc<Client>, request: Request) -> Result<Reply<Value>, Error> {
    let http = client.http::<Value>(&request, None, 7);
    let method = if http.body.is_some() { "POST" } else { "GET" };
    let mut builder = HttpRequest::builder().method(method).uri(http.url);
    for (name, value) in http.headers {
        builder = builder.header(name, value);
    }
    let (status, body) = call(router, builder.body(Body::from(http.body.unwrap_or_default())))
        .await
        .map_err(|error| Error::temporary(ErrorCode::Network, error.to_string()))?;
    HttpResponse { status, retry_after: None, body: Some(body) }.read(&request, None)
}

async fn call(router: Router, request: axum::http::Result<HttpRequest<Body>>) -> Result<(u16, Value)> {
    let mut request = request?;
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 1))));
    let response = router.oneshot(request).await?;
    let status = response.status().as_u16();
    Ok((status, serde_json::from_slice(&to_bytes(response.into_body(), 1 << 20).await?)?))
}

/// Sends a request of the phone, and returns the body of the response.
async fn phone(router: &Router, path: &str, token: &str, body: Value) -> Result<Value> {
    let request = HttpRequest::post(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, token)
        .body(Body::from(body.to_string()));
    Ok(call(router.clone(), request).await?.1)
}

async fn approve(router: &Router, calls: &[&str], random: &str) -> Result<()> {
    let login = phone(router, "/demo/login", "", json!({ "username": "alice", "password": "alice" })).await?;
    let token = login["data"]["token"].as_str().context("the response has no token")?;
    for call in calls {
        let answer = phone(router, &format!("/api/v2/qrcode/{call}"), token, json!({ "random": random })).await?;
        anyhow::ensure!(answer["code"] == 200, "{call}: {answer}");
    }
    Ok(())
}

fn router() -> Result<Router> {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse()?);
    let store = Arc::new(SqliteStore::in_memory()?);
    Ok(app(&AppState::new(scanlogin_server::Config::demo()?, store, clock)?))
}

#[tokio::test(start_paused = true)]
async fn held_polls_notify_the_session_of_scan_and_confirm() -> Result<()> {
    let router = router()?;
    let mut page = Page::open(&router, Policy::default())?;
    page.until(ScanState::Ready).await?;
    approve(&router, &["scanned"], &page.random).await?;
    page.until(ScanState::Scanned).await?;
    approve(&router, &["confirm"], &page.random).await?;
    page.until(ScanState::Confirmed).await?;
    // The least interval between two polls is longer.
    assert!(page.now().0 < 640, "scan and confirm were seen after {} ms of the controlled clock", page.now().0);
    let Some(Notification::Succeeded { user_info, ticket, .. }) = page.notifications.last() else {
        panic!("{:?}", page.notifications)
    };
    assert_eq!(user_info["nickname"], "Alice");
    assert!(!ticket.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unscanned_code_needs_at_most_6_requests_and_expires_by_the_status_of_the_server() -> Result<()> {
    let router = router()?;
    let mut page = Page::open(&router, Policy::default())?;
    page.until(ScanState::Expired).await?;
    assert_eq!(page.now().0 / 1000, 120, "the deadline of the session is two seconds later");
    // One for the code, and one held poll every 25 seconds.
    assert!(page.requests <= 6, "{}", page.requests);
    page.handle(Event::Clicked(Action::NewCode));
    page.until(ScanState::Ready).await
}

#[tokio::test(start_paused = true)]
async fn session_without_long_poll_is_notified_of_a_cancel() -> Result<()> {
    let router = router()?;
    let mut page = Page::open(&router, Policy { long_poll: false, ..Policy::default() })?;
    page.until(ScanState::Ready).await?;
    approve(&router, &["scanned", "cancel"], &page.random).await?;
    page.until(ScanState::Cancelled).await
}

#[tokio::test(start_paused = true)]
async fn code_scanned_one_second_before_its_expiry_can_be_confirmed() -> Result<()> {
    let router = router()?;
    let mut page = Page::open(&router, Policy::default())?;
    page.until(ScanState::Ready).await?;
    let random = page.random.clone();
    let late = router.clone();
    let approver = tokio::spawn(async move {
        time::sleep(Duration::from_secs(119)).await;
        approve(&late, &["scanned"], &random).await?;
        time::sleep(Duration::from_secs(55)).await;
        approve(&late, &["confirm"], &random).await
    });
    page.until(ScanState::Confirmed).await?;
    approver.await?
}

#[tokio::test(start_paused = true)]
async fn exchange_by_the_page_is_refused_unless_the_app_allows_it() -> Result<()> {
    for is_allowed in [false, true] {
        let mut config = scanlogin_server::Config::demo()?;
        demo_app(&mut config).allow_exchange_from_browser = is_allowed;
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse()?);
        let router = app(&AppState::new(config, Arc::new(SqliteStore::in_memory()?), clock)?);
        let mut page = Page::open(&router, Policy { auto_exchange: true, ..Policy::default() })?;
        page.until(ScanState::Ready).await?;
        approve(&router, &["scanned", "confirm"], &page.random).await?;
        let end = if is_allowed { ScanState::Confirmed } else { ScanState::Failed(FailureCause::SiteProblem) };
        page.until(end).await?;
        match page.notifications.last() {
            Some(Notification::Succeeded { user_info, .. }) if is_allowed => assert_eq!(user_info["username"], "alice"),
            Some(Notification::Failed { error, is_fatal: true }) if !is_allowed => {
                assert_eq!(error.reason(), Some("forbidden"));
            }
            other => panic!("{other:?}"),
        }
    }
    Ok(())
}
