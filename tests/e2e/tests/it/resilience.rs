//! A network that goes away, a server that is busy, a tab that nobody sees, a laptop that sleeps: the page says what is
//! going on, and goes on by itself.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_server::clock::Clock;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{AppState, Config, app};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time;

/// What Chromium itself writes when a request fails, and what the login page then says of it.
const CHROMIUM: &[&str] = &["Failed to load resource", "Scan to sign in"];

/// Takes the network from the browser, or gives it back.
async fn set_offline(browser: &Browser, is_offline: bool) -> Result<()> {
    browser.command("Network.enable", json!({})).await?;
    let conditions = json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.command("Network.emulateNetworkConditions", conditions).await.map(drop)
}

async fn has_button(browser: &Browser) -> Result<Value> {
    browser.run("return !document.querySelector('.scanlogin').shadowRoot.querySelector('button').hidden").await
}

#[tokio::test]
async fn a_page_that_is_offline_says_so_and_goes_on_by_itself() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    set_offline(&browser, true).await?;
    browser.until_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "You’re offline");

    set_offline(&browser, false).await?;
    assert_eq!(browser.read_code().await?, text);
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

#[tokio::test]
async fn a_busy_server_is_given_its_time_without_a_button() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    faults.strike("gene", Fault::Overloaded(30));
    browser.goto(&site.url).await?;
    browser.until_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "The server is busy");
    let rest = browser.widget_text(".countdown").await?;
    assert!(rest.starts_with("Trying again in 0:"), "{rest}");
    assert_eq!(has_button(&browser).await?, false);
    let widget = "document.querySelector('.scanlogin').shadowRoot";
    browser.until(&format!("{widget}.querySelector('.countdown').textContent !== '{rest}'")).await?;

    faults.strike("gene", Fault::Overloaded(1));
    browser.goto(&site.url).await?;
    browser.until_state("unreachable").await?;
    faults.relent();
    browser.until_state("ready").await?;
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

#[tokio::test]
async fn a_page_that_nobody_sees_keeps_its_expired_code_until_somebody_looks() -> Result<()> {
    let site = Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.until("window.ScanLogin !== undefined").await?;
    browser
        .run(
            "document.querySelector('#qrcode').remove();
             window.told = [];
             const tell = (what) => () => told.push(`${what}, ${document.visibilityState}`);
             document.addEventListener('visibilitychange', tell('changed'));
             window.start = () => ScanLogin.startScanning(document.body, {
               autoRefresh: 1,
               onCodeShow: tell('shown'),
               onExpired: tell('expired'),
             })",
        )
        .await?;
    browser.minimize().await?;
    browser.until("told.includes('changed, hidden')").await?;
    browser.run("told.length = 0; start()").await?;
    browser.until("told.length === 2").await?;
    assert_eq!(browser.run("return told").await?, json!(["shown, hidden", "expired, hidden"]));

    browser.restore().await?;
    browser.until("told.length >= 4").await?;
    let told = browser.run("return told").await?;
    assert_eq!((&told[2], &told[3]), (&json!("changed, visible"), &json!("shown, visible")));
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_page_that_slept_past_the_expiry_says_so_and_gets_the_next_code() -> Result<()> {
    let site = start_on(Clock::starting_at(Clock::system().now())).await?;
    let browser = Browser::open().await?;
    browser.goto(&site).await?;
    let slept = browser.read_code().await?;
    // The clock of a page may or may not go on while its machine sleeps. This one stands still.
    time::pause();
    time::advance(Duration::from_secs(600)).await;
    time::resume();
    browser.until_state("expired").await?;
    browser.click_widget().await?;
    let text = browser.read_code().await?;
    assert_ne!(text, slept);

    // And this one goes on, though the server's does not.
    browser.run("const now = performance.now.bind(performance); performance.now = () => now() + 600_000").await?;
    browser.until_state("expired").await?;
    browser.click_widget().await?;
    let next = browser.read_code().await?;
    assert_ne!(next, text);
    let phone = Phone::sign_in(&site, "bob").await?;
    phone.scan(&next).await?;
    phone.confirm(&next).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Bob");
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

/// A demo that goes by a clock of the test's, for as long as the test runs.
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
