//! The login page offline, with a busy server, hidden, and after sleep of the machine: it shows its state and recovers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_server::clock::Clock;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{AppState, Config, app};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time;

/// What Chromium writes for a failed request, and the login page for an error of the widget.
const EXPECTED_MESSAGES: &[&str] = &["Failed to load resource", "Scan to sign in"];

/// Whether the widget shows its button.
async fn has_button(browser: &Browser) -> Result<Value> {
    browser.run("return !document.querySelector('.scanlogin').shadowRoot.querySelector('button').hidden").await
}

#[tokio::test]
async fn offline_page_shows_it_and_continues_when_online() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    browser.go_offline().await?;
    browser.wait_for_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "You’re offline");

    browser.go_online().await?;
    assert_eq!(browser.read_code().await?, text);
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_no_console_errors(EXPECTED_MESSAGES).await?;
    browser.close().await
}

#[tokio::test]
async fn busy_server_is_retried_after_a_countdown_without_a_button() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    faults.inject("gene", Fault::Overloaded(30));
    browser.goto(&site.url).await?;
    browser.wait_for_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "The server is busy");
    let countdown = browser.widget_text(".countdown").await?;
    assert!(countdown.starts_with("Trying again in 0:"), "{countdown}");
    assert_eq!(has_button(&browser).await?, false);
    let widget = "document.querySelector('.scanlogin').shadowRoot";
    browser.wait_for(&format!("{widget}.querySelector('.countdown').textContent !== '{countdown}'")).await?;

    faults.inject("gene", Fault::Overloaded(1));
    browser.goto(&site.url).await?;
    browser.wait_for_state("unreachable").await?;
    faults.clear();
    browser.wait_for_state("ready").await?;
    browser.expect_no_console_errors(EXPECTED_MESSAGES).await?;
    browser.close().await
}

#[tokio::test]
async fn hidden_page_replaces_its_expired_code_when_it_becomes_visible() -> Result<()> {
    let site = Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.wait_for("window.ScanLogin !== undefined").await?;
    browser
        .run(
            "document.querySelector('#qrcode').remove();
             window.events = [];
             const record = (name) => () => events.push(`${name}, ${document.visibilityState}`);
             document.addEventListener('visibilitychange', record('changed'));
             window.start = () => ScanLogin.startScanning(document.body, {
               autoRefresh: 1,
               onCodeShow: record('shown'),
               onExpired: record('expired'),
             })",
        )
        .await?;
    browser.minimize().await?;
    browser.wait_for("events.includes('changed, hidden')").await?;
    browser.run("events.length = 0; start()").await?;
    browser.wait_for("events.length === 2").await?;
    assert_eq!(browser.run("return events").await?, json!(["shown, hidden", "expired, hidden"]));

    browser.restore().await?;
    browser.wait_for("events.length >= 4").await?;
    let events = browser.run("return events").await?;
    assert_eq!((&events[2], &events[3]), (&json!("changed, visible"), &json!("shown, visible")));
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn page_that_slept_past_the_expiry_gets_a_new_code() -> Result<()> {
    let site = start_on(Clock::starting_at(Clock::system().now())).await?;
    let browser = Browser::open().await?;
    browser.goto(&site).await?;
    let expired = browser.read_code().await?;
    let codes = |number: u32| {
        let calls = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/gene')).length";
        format!("{calls} === {number}")
    };
    // In some browsers the clock of the page stops during sleep. Here only the clock of the server moves.
    time::pause();
    time::advance(Duration::from_secs(600)).await;
    time::resume();
    browser.wait_for(&codes(2)).await?;
    let text = browser.read_code().await?;
    assert_ne!(text, expired);

    // In others it continues. Here only the clock of the page moves.
    browser.run("const now = performance.now.bind(performance); performance.now = () => now() + 600_000").await?;
    browser.wait_for(&codes(3)).await?;
    let next = browser.read_code().await?;
    assert_ne!(next, text);
    let phone = Phone::sign_in(&site, "bob").await?;
    phone.scan(&next).await?;
    phone.confirm(&next).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Bob");
    browser.expect_no_console_errors(EXPECTED_MESSAGES).await?;
    browser.close().await
}

/// A service worker that answers from its cache first.
const CACHE_FIRST: &str = "addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  if (event.request.method !== 'GET' || !event.request.url.includes('/api/')) return;
  event.respondWith(caches.open('api').then(async (cache) => {
    const known = await cache.match(event.request);
    if (known) return known;
    const response = await fetch(event.request);
    await cache.put(event.request, response.clone());
    return response;
  }));
});";

#[tokio::test]
async fn cache_first_service_worker_does_not_freeze_the_polls() -> Result<()> {
    let worker = || async { ([(header::CONTENT_TYPE, "text/javascript")], CACHE_FIRST) };
    // The policy of the login page allows no service worker.
    let page = || async { Html("<!doctype html><title>A page with a service worker</title>") };
    let wrap = |app: Router| app.route("/worker.js", get(worker)).route("/page", get(page));
    let site = Site::start_with(|_| {}, wrap).await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/page", site.url)).await?;
    browser.run("navigator.serviceWorker.register('/worker.js')").await?;
    browser.wait_for("navigator.serviceWorker.controller !== null").await?;
    browser
        .run(
            "window.results = [];
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning(document.body, {
               longPoll: false,
               interval: 100,
               onResult: ({ status }) => results.push(status),
             }))",
        )
        .await?;
    browser.wait_for("results.length > 1").await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.wait_for("results.includes(2)").await?;
    browser.close().await
}

#[tokio::test]
async fn page_that_was_frozen_asks_when_it_becomes_visible() -> Result<()> {
    let page = || async { Html("<!doctype html><title>A page that is frozen</title>") };
    let site = Site::start_with(|_| {}, |app| app.route("/page", get(page))).await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/page", site.url)).await?;
    browser
        .run(
            "window.results = [];
             window.events = [];
             for (const name of ['freeze', 'resume']) document.addEventListener(name, () => events.push(name));
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning(document.body, {
               appId: 'demo-login',
               longPoll: false,
               onResult: ({ status }) => results.push(status),
               onSuccess: () => results.push('signed in'),
             }))",
        )
        .await?;
    browser.wait_for("results.length > 0").await?;
    let text = browser.read_code().await?;
    // No new timer of the widget ends from now on, so that after one more poll only the return to the page makes it ask.
    browser.run("window.setTimeout = () => 0; window.polls = results.length").await?;
    browser.wait_for("results.length > polls").await?;
    browser.minimize().await?;
    browser.command("Page.setWebLifecycleState", json!({ "state": "frozen" })).await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.command("Page.setWebLifecycleState", json!({ "state": "active" })).await?;
    browser.restore().await?;
    browser.wait_for("results.includes('signed in')").await?;
    assert_eq!(browser.run("return events").await?, json!(["freeze", "resume"]));
    assert_eq!(browser.run("return results.filter((result) => result === 'signed in').length").await?, json!(1));
    browser.close().await
}

/// Starts the demo with `clock`, and returns its URL. It ends with the test.
async fn start_on(clock: Clock) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut config = Config::demo()?;
    config.listen = listener.local_addr()?;
    config.www = Some(root.join("www"));
    config.package = Some(root.join("pkg/dist"));
    let url = config.base_url();
    let state = AppState::new(config, Arc::new(SqliteStore::in_memory()?), clock)?;
    let app = app(&state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}
