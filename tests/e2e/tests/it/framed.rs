//! A page with a code that another page frames: who frames it could lay anything over the code, so the widget says so,
//! and with `frameAncestors` it does not start.

use anyhow::Result;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

/// What the console says of a framed page.
const WARNING: &str = "scanlogin: this page is framed by another origin";

/// Frames the page that its query names.
const PARENT: &str = "<!doctype html><html lang=en><title>Parent</title><link rel=icon href=data:,><body>
    <script>
      window.addEventListener('message', ({ data }) => { window.told = data; });
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.src = new URLSearchParams(location.search).get('frame');
    </script></body></html>";

/// Starts a widget with the options that its query holds, and tells whoever frames it what came of that.
const CHILD: &str = "<!doctype html><html lang=en><title>Child</title><link rel=icon href=data:,><body>
    <script type=module>
      import { init, startScanning } from '/scanlogin/index.js';
      const told = { warnings: [] };
      const warn = console.warn;
      console.warn = (...values) => { told.warnings.push(values.join(' ')); warn(...values); };
      const tell = (more) => top.postMessage({ ...told, ...more }, '*');
      const options = JSON.parse(new URLSearchParams(location.search).get('options'));
      await init();
      try {
        startScanning(document.body, { ...options, onCodeShow: () => tell({ state: 'shown' }) });
      } catch (error) {
        tell({ state: 'thrown', code: error.code, isError: error instanceof Error });
      }
    </script></body></html>";

/// Sends whoever comes on to the page that its query names.
const HOP: &str = "<!doctype html><html lang=en><title>Hop</title><link rel=icon href=data:,>
    <script>location.href = new URLSearchParams(location.search).get('to')</script></html>";

async fn start() -> Result<Site> {
    let with_pages = |app: Router| {
        app.route("/parent", get(async || Html(PARENT)))
            .route("/child", get(async || Html(CHILD)))
            .route("/hop", get(async || Html(HOP)))
    };
    Site::start_with(|_| {}, with_pages).await
}

/// The same site under another name, which is another origin.
fn other_origin(site: &Site) -> String {
    site.url.replace("127.0.0.1", "localhost")
}

/// Lets `parent` frame the site's page, which starts a widget with `options`, and answers with what it told.
async fn frame(browser: &Browser, site: &Site, parent: &str, options: Value) -> Result<Value> {
    frame_address(browser, parent, &child(site, &options)?).await
}

async fn frame_address(browser: &Browser, parent: &str, address: &str) -> Result<Value> {
    browser.goto(&with_query(&format!("{parent}/parent"), "frame", address)?).await?;
    browser.until("window.told !== undefined").await?;
    browser.run("return told").await
}

/// The address of the site's page, which starts a widget with `options`.
fn child(site: &Site, options: &Value) -> Result<String> {
    with_query(&format!("{}/child", site.url), "options", &options.to_string())
}

fn with_query(address: &str, name: &str, value: &str) -> Result<String> {
    let mut url = reqwest::Url::parse(address)?;
    url.query_pairs_mut().append_pair(name, value);
    Ok(url.into())
}

#[tokio::test]
async fn a_page_framed_by_another_origin_says_so_in_the_console() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    let told = frame(&browser, &site, &other_origin(&site), json!({})).await?;
    assert_eq!(told["state"], "shown", "{told}");
    let warnings: Vec<String> = serde_json::from_value(told["warnings"].clone())?;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with(WARNING), "{warnings:?}");
    browser.close().await
}

#[tokio::test]
async fn a_page_framed_by_an_origin_that_is_not_listed_throws() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    for listed in [json!([]), json!(["https://example.com"])] {
        let told = frame(&browser, &site, &other_origin(&site), json!({ "frameAncestors": listed })).await?;
        assert_eq!((&told["state"], &told["code"]), (&json!("thrown"), &json!("framed")), "{told}");
        assert_eq!(told["isError"], true, "{told}");
    }
    browser.close().await
}

#[tokio::test]
async fn a_stranger_can_not_pass_for_a_listed_origin_by_coming_from_there() -> Result<()> {
    let (site, listed) = (start().await?, start().await?);
    let browser = Browser::open().await?;
    let page = child(&site, &json!({ "frameAncestors": [listed.url] }))?;
    // The frame begins at the listed origin, which any page of it with a link would do.
    let hop = with_query(&format!("{}/hop", listed.url), "to", &page)?;
    let told = frame_address(&browser, &other_origin(&site), &hop).await?;
    assert_eq!((&told["state"], &told["code"]), (&json!("thrown"), &json!("framed")), "{told}");
    browser.close().await
}

#[tokio::test]
async fn a_page_framed_by_an_origin_that_is_listed_runs_and_says_nothing() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    let parent = other_origin(&site);
    let told = frame(&browser, &site, &parent, json!({ "frameAncestors": [parent] })).await?;
    assert_eq!(told, json!({ "state": "shown", "warnings": [] }));
    browser.close().await
}

#[tokio::test]
async fn a_page_framed_by_its_own_origin_or_by_nobody_runs_and_says_nothing() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    for options in [json!({}), json!({ "frameAncestors": [] })] {
        let told = frame(&browser, &site, &site.url, options.clone()).await?;
        assert_eq!(told, json!({ "state": "shown", "warnings": [] }));
        browser.goto(&child(&site, &options)?).await?;
        browser.until_state("ready").await?;
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}
