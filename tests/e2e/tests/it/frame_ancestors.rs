//! A page with a code in a frame of another page, which could cover the code. The widget warns in the console. With
//! `frameAncestors` it does not start.

use anyhow::Result;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

/// The start of the warning for a page in a frame of another origin.
const WARNING: &str = "scanlogin: this page is framed by another origin";

/// Frames the page in its parameter `frame`, and stores the message of this page.
const PARENT: &str = "<!doctype html><html lang=en><title>Parent</title><link rel=icon href=data:,><body>
    <script>
      window.addEventListener('message', ({ data }) => { window.report = data; });
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.src = new URLSearchParams(location.search).get('frame');
    </script></body></html>";

/// Starts a widget with the options in its parameter `options`, and reports the outcome to the top page.
const CHILD: &str = "<!doctype html><html lang=en><title>Child</title><link rel=icon href=data:,><body>
    <script type=module>
      import { init, startScanning } from '/scanlogin/index.js';
      const warnings = [];
      const warn = console.warn;
      console.warn = (...values) => { warnings.push(values.join(' ')); warn(...values); };
      const report = (outcome) => top.postMessage({ warnings, ...outcome }, '*');
      const options = JSON.parse(new URLSearchParams(location.search).get('options'));
      await init();
      try {
        startScanning(document.body, { ...options, onCodeShow: () => report({ state: 'shown' }) });
      } catch (error) {
        report({ state: 'thrown', code: error.code, isError: error instanceof Error });
      }
    </script></body></html>";

/// Navigates to the address in its parameter `to`.
const REDIRECT: &str = "<!doctype html><html lang=en><title>Redirect</title><link rel=icon href=data:,>
    <script>location.href = new URLSearchParams(location.search).get('to')</script></html>";

async fn start() -> Result<Site> {
    let with_pages = |app: Router| {
        app.route("/parent", get(async || Html(PARENT)))
            .route("/child", get(async || Html(CHILD)))
            .route("/redirect", get(async || Html(REDIRECT)))
    };
    Site::start_with(|_| {}, with_pages).await
}

/// The address of the site with another host name, and so with another origin.
fn other_origin(site: &Site) -> String {
    site.url.replace("127.0.0.1", "localhost")
}

/// Opens a page of the origin `parent` that frames a page of the site. Returns the report of the framed page.
async fn frame(browser: &Browser, site: &Site, parent: &str, options: Value) -> Result<Value> {
    frame_address(browser, parent, &child(site, &options)?).await
}

async fn frame_address(browser: &Browser, parent: &str, address: &str) -> Result<Value> {
    browser.goto(&with_query(&format!("{parent}/parent"), "frame", address)?).await?;
    browser.wait_for("window.report !== undefined").await?;
    browser.run("return report").await
}

/// The address of a page of the site that starts a widget with `options`.
fn child(site: &Site, options: &Value) -> Result<String> {
    with_query(&format!("{}/child", site.url), "options", &options.to_string())
}

fn with_query(address: &str, name: &str, value: &str) -> Result<String> {
    let mut url = reqwest::Url::parse(address)?;
    url.query_pairs_mut().append_pair(name, value);
    Ok(url.into())
}

#[tokio::test]
async fn frame_of_another_origin_causes_a_warning_in_the_console() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    let report = frame(&browser, &site, &other_origin(&site), json!({})).await?;
    assert_eq!(report["state"], "shown", "{report}");
    let warnings: Vec<String> = serde_json::from_value(report["warnings"].clone())?;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with(WARNING), "{warnings:?}");
    browser.close().await
}

#[tokio::test]
async fn frame_of_an_unlisted_origin_throws_framed() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    for listed in [json!([]), json!(["https://example.com"])] {
        let report = frame(&browser, &site, &other_origin(&site), json!({ "frameAncestors": listed })).await?;
        assert_eq!((&report["state"], &report["code"]), (&json!("thrown"), &json!("framed")), "{report}");
        assert_eq!(report["isError"], true, "{report}");
    }
    browser.close().await
}

#[tokio::test]
async fn unlisted_origin_throws_framed_after_a_navigation_from_a_listed_origin() -> Result<()> {
    let (site, listed) = (start().await?, start().await?);
    let browser = Browser::open().await?;
    let page = child(&site, &json!({ "frameAncestors": [listed.url] }))?;
    // The frame starts at the listed origin, which navigates to the page.
    let redirect = with_query(&format!("{}/redirect", listed.url), "to", &page)?;
    let report = frame_address(&browser, &other_origin(&site), &redirect).await?;
    assert_eq!((&report["state"], &report["code"]), (&json!("thrown"), &json!("framed")), "{report}");
    browser.close().await
}

#[tokio::test]
async fn frame_of_a_listed_origin_starts_without_a_warning() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    let parent = other_origin(&site);
    let report = frame(&browser, &site, &parent, json!({ "frameAncestors": [parent] })).await?;
    assert_eq!(report, json!({ "state": "shown", "warnings": [] }));
    browser.close().await
}

#[tokio::test]
async fn same_origin_frame_and_top_level_page_start_without_a_warning() -> Result<()> {
    let site = start().await?;
    let browser = Browser::open().await?;
    for options in [json!({}), json!({ "frameAncestors": [] })] {
        let report = frame(&browser, &site, &site.url, options.clone()).await?;
        assert_eq!(report, json!({ "state": "shown", "warnings": [] }));
        browser.goto(&child(&site, &options)?).await?;
        browser.wait_for_state("ready").await?;
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}
