//! authing-js-sdk from npm signs in at this server. Its page has another origin, and the app allows polls without a
//! poll token.

use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use scanlogin_decoder::decode;
use scanlogin_e2e::comparison::sdk;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>authing-js-sdk</title>
<link rel="icon" href="data:,">
<script src="/sdk.js"></script><div id="qrcode"></div>"#;

/// Lets the SDK poll when the test calls `poll()`, instead of every 800 ms. The SDK polls again without a response: in
/// a slow browser, two polls would report one cancel, and each would show a new code.
const HOLD_POLLS: &str = "window.setInterval = (poll) => { window.poll = poll; };";

/// A page that shows a code with the SDK, and the site that created the code.
struct SdkPage {
    browser: Browser,
    site: Site,
    phone: Phone,
}

impl SdkPage {
    /// Opens the page. `setup` is JavaScript that runs before the SDK starts.
    async fn open(code_lifetime: Duration, setup: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let sdk = sdk()?;
        let pages = Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/sdk.js", get(async || ([(CONTENT_TYPE, "text/javascript")], sdk)));
        tokio::spawn(axum::serve(listener, pages).into_future());

        let origin = url.parse().map_err(Error::msg)?;
        let set = |config: &mut scanlogin_server::Config| {
            let app = demo_app(config);
            app.allowed_origins = vec![origin];
            app.compat.poll_without_token = true;
            app.code_lifetime = code_lifetime;
        };
        let site = Site::start_with(set, |app| app).await?;
        let phone = Phone::sign_in(&site.url, "alice").await?;
        let browser = Browser::open().await?;
        browser.goto(&url).await?;
        let start = format!(
            "{setup}
            window.calls = [];
            const record = (name) => (...values) => calls.push([name, ...values]);
            const client = new Authing.AuthenticationClient({{ appId: 'demo-app', appHost: '{}' }});
            client.qrcode.startScanning('qrcode', {{
              onCodeShow: record('shown'), onScanned: record('scanned'), onSuccess: record('success'),
              onCancel: record('cancelled'), onExpired: record('expired'), onError: record('error'),
            }});",
            site.url
        );
        browser.run(&start).await?;
        Ok(Self { browser, site, phone })
    }

    /// Waits for the code, and decodes it on a screenshot.
    async fn code(&self) -> Result<String> {
        self.wait_for_callback("shown").await?;
        self.browser
            .wait_for("[...document.images].some((image) => image.complete && image.naturalWidth > 100)")
            .await?;
        decode(&self.browser.screenshot().await?)
    }

    /// Waits until a callback is called, and returns its name and arguments.
    async fn wait_for_callback(&self, name: &str) -> Result<Value> {
        self.browser.wait_for(&format!("calls.some(([name]) => name === '{name}')")).await?;
        let calls = self.browser.run("return calls").await?;
        let call = calls.as_array().and_then(|calls| calls.iter().find(|call| call[0] == name));
        call.cloned().with_context(|| format!("{name} is not in {calls}"))
    }
}

#[tokio::test]
async fn confirmed_code_gives_a_ticket_that_the_backend_exchanges_once() -> Result<()> {
    let page = SdkPage::open(Duration::from_secs(120), "").await?;
    let code = page.code().await?;
    let requester = page.phone.scan(&code).await?;
    assert!(requester["origin"].as_str().is_some_and(|origin| origin != page.site.url), "{requester}");
    assert_eq!(page.wait_for_callback("scanned").await?[1]["nickname"], "Alice");
    page.phone.confirm(&code).await?;
    let success = page.wait_for_callback("success").await?;
    let ticket = success[2].as_str().context("the ticket is not a string")?;
    assert_eq!(page.site.exchange(ticket).await?["data"]["username"], "alice");
    assert_eq!(page.site.exchange(ticket).await?["reason"], "ticket-used");
    assert_eq!(page.browser.run("return calls.filter(([name]) => name === 'error')").await?, json!([]));
    page.browser.expect_no_console_errors(&[]).await?;
    page.browser.close().await
}

#[tokio::test]
async fn cancelled_code_calls_on_cancel_and_is_replaced() -> Result<()> {
    let page = SdkPage::open(Duration::from_secs(120), HOLD_POLLS).await?;
    let code = page.code().await?;
    page.phone.scan(&code).await?;
    page.phone.cancel(&code).await?;
    page.browser.run("poll()").await?;
    page.wait_for_callback("cancelled").await?;
    page.browser.wait_for("calls.filter(([name]) => name === 'shown').length === 2").await?;
    assert_ne!(page.code().await?, code);
    page.browser.close().await
}

#[tokio::test]
async fn expired_code_calls_on_expired() -> Result<()> {
    let page = SdkPage::open(Duration::from_secs(3), "").await?;
    page.wait_for_callback("expired").await?;
    assert_eq!(page.browser.run("return calls.filter(([name]) => name === 'success')").await?, json!([]));
    page.browser.close().await
}
