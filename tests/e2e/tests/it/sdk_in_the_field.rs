//! The SDK in the field, as npm has it and with nothing changed, walks the whole path at our server: a page of another
//! origin with `authing-js-sdk`, which knows no poll token, under an app that lets such clients poll.

use std::time::Duration;

use anyhow::{Context as _, Error, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use scanlogin_decoder::decode;
use scanlogin_e2e::side_by_side::sdk;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PAGE: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="data:,">
<script src="/sdk.js"></script><div id="qrcode"></div>"#;

/// Lets the SDK poll when `poll()` is called, in place of every 800 ms. A poll of the SDK does not wait for the one before:
/// in a slow browser two would learn of one cancel, and put a code each into the same place.
const HOLD_POLLS: &str = "window.setInterval = (poll) => { window.poll = poll; };";

/// A page of the shop that shows a code, and the server that made it.
struct Shop {
    browser: Browser,
    site: Site,
    phone: Phone,
}

impl Shop {
    async fn open(code_lifetime: Duration, first: &str) -> Result<Self> {
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
            "{first}
            window.told = [];
            const tell = (name) => (...values) => told.push([name, ...values]);
            const client = new Authing.AuthenticationClient({{ appId: 'demo-app', appHost: '{}' }});
            client.qrcode.startScanning('qrcode', {{
              onCodeShow: tell('shown'), onScanned: tell('scanned'), onSuccess: tell('success'),
              onCancel: tell('cancelled'), onExpired: tell('expired'), onError: tell('error'),
            }});",
            site.url
        );
        browser.run(&start).await?;
        Ok(Self { browser, site, phone })
    }

    /// Waits for the code, as a camera sees it.
    async fn code(&self) -> Result<String> {
        self.told("shown").await?;
        self.browser.until("[...document.images].some((image) => image.complete && image.naturalWidth > 100)").await?;
        decode(&self.browser.screenshot().await?)
    }

    /// Waits until a callback was called, and answers with what it got.
    async fn told(&self, name: &str) -> Result<Value> {
        self.browser.until(&format!("told.some(([name]) => name === '{name}')")).await?;
        let told = self.browser.run("return told").await?;
        let call = told.as_array().and_then(|told| told.iter().find(|call| call[0] == name));
        call.cloned().with_context(|| format!("{name} is not in {told}"))
    }
}

#[tokio::test]
async fn a_code_is_shown_scanned_confirmed_and_brings_a_ticket() -> Result<()> {
    let shop = Shop::open(Duration::from_secs(120), "").await?;
    let code = shop.code().await?;
    let requester = shop.phone.scan(&code).await?;
    assert!(requester["origin"].as_str().is_some_and(|origin| origin != shop.site.url), "{requester}");
    assert_eq!(shop.told("scanned").await?[1]["nickname"], "Alice");
    shop.phone.confirm(&code).await?;
    let success = shop.told("success").await?;
    let ticket = success[2].as_str().context("no ticket")?;
    assert_eq!(shop.site.exchange(ticket).await?["data"]["username"], "alice");
    assert_eq!(shop.site.exchange(ticket).await?["reason"], "ticket-used");
    assert_eq!(shop.browser.run("return told.filter(([name]) => name === 'error')").await?, json!([]));
    shop.browser.expect_quiet_console(&[]).await?;
    shop.browser.close().await
}

#[tokio::test]
async fn a_code_that_is_cancelled_is_told_and_followed_by_another() -> Result<()> {
    let shop = Shop::open(Duration::from_secs(120), HOLD_POLLS).await?;
    let code = shop.code().await?;
    shop.phone.scan(&code).await?;
    shop.phone.cancel(&code).await?;
    shop.browser.run("poll()").await?;
    shop.told("cancelled").await?;
    shop.browser.until("told.filter(([name]) => name === 'shown').length === 2").await?;
    assert_ne!(shop.code().await?, code);
    shop.browser.close().await
}

#[tokio::test]
async fn a_code_that_expires_is_told() -> Result<()> {
    let shop = Shop::open(Duration::from_secs(3), "").await?;
    shop.told("expired").await?;
    assert_eq!(shop.browser.run("return told.filter(([name]) => name === 'success')").await?, json!([]));
    shop.browser.close().await
}
