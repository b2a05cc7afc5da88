//! The widget under the strictest policy that a page can have: no styles, no HTML from strings, nothing but the server.
//! Not one violation may be reported, and a violation of the test's own shows that one would be.

use std::time::Duration;

use anyhow::Result;
use axum::Router;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, get, post};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The pages come by both doors.
const PAGES: [&str; 2] = ["/script.html", "/module.html"];

const SCRIPT_PAGE: &str = "<!doctype html><html lang=en><title>Script</title><link rel=icon href=/favicon.svg>
    <script src=/watch.js></script><script src=/scanlogin/global.js></script><script src=/script.js defer></script>
    <body></body></html>";
const SCRIPT: &str = "begin(ScanLogin.startScanning);";

const MODULE_PAGE: &str = "<!doctype html><html lang=en><title>Module</title><link rel=icon href=/favicon.svg>
    <script src=/watch.js></script><script src=/module.js type=module></script>
    <body></body></html>";
const MODULE: &str = "import { startScanning } from '/scanlogin/index.js'; begin(startScanning);";

const WATCH: &str = "
    window.told = [];
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      violations.push(`${violatedDirective} ${blockedURI}`);
    });
    window.begin = (startScanning) => {
      window.again = () => { window.handle = startScanning(document.body, {
        onCodeShow: (random) => told.push(['shown', random]),
        onSuccess: (userInfo, ticket) => told.push(['success', ticket]),
        onError: (message) => told.push(['error', message]),
      }); };
      again();
    };";

/// A site with the pages on it, and the reports of violations that reach it.
async fn start(code_lifetime: Option<Duration>) -> Result<(Site, UnboundedReceiver<String>)> {
    let (reports, received) = unbounded_channel();
    let set = |config: &mut scanlogin_server::Config| {
        let app = demo_app(config);
        app.code_lifetime = code_lifetime.unwrap_or(app.code_lifetime);
    };
    Ok((Site::start_with(set, |app| with_pages(app, reports)).await?, received))
}

fn with_pages(app: Router, reports: UnboundedSender<String>) -> Router {
    let report = async move |report: String| reports.send(report).map_or(StatusCode::GONE, |()| StatusCode::NO_CONTENT);
    app.route("/script.html", get(|headers| page(headers, SCRIPT_PAGE)))
        .route("/module.html", get(|headers| page(headers, MODULE_PAGE)))
        .route("/watch.js", script(WATCH))
        .route("/script.js", script(SCRIPT))
        .route("/module.js", script(MODULE))
        .route("/reports", post(report))
}

async fn page(headers: HeaderMap, page: &'static str) -> impl IntoResponse {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src http://{host}; img-src http://{host}; \
         require-trusted-types-for 'script'; trusted-types 'none'; report-uri /reports"
    );
    ([(CONTENT_TYPE, "text/html".to_owned()), (CONTENT_SECURITY_POLICY, policy)], page)
}

/// A script of a page.
fn script(text: &'static str) -> MethodRouter {
    get(async move || ([(CONTENT_TYPE, "text/javascript")], text))
}

/// Violates the policy, and expects this to be the first that anybody hears of.
async fn expect_no_violation_but_ours(browser: &Browser, reports: &mut UnboundedReceiver<String>) -> Result<()> {
    browser.expect_quiet_console(&[]).await?;
    assert_eq!(browser.run("return violations").await?, json!([]));
    browser
        .run(
            "const style = document.createElement('style');
             style.textContent = 'body { color: red }';
             document.head.append(style)",
        )
        .await?;
    browser.until("violations.length").await?;
    assert_eq!(browser.run("return violations").await?, json!(["style-src-elem inline"]));
    let report: Value = serde_json::from_str(&reports.recv().await.unwrap_or_default())?;
    assert_eq!(report.pointer("/csp-report/effective-directive"), Some(&json!("style-src-elem")), "{report}");
    // Each browser has its own words for it.
    browser.expect_quiet_console(&["inline style"]).await
}

#[tokio::test]
async fn signing_in_and_declining_violate_nothing() -> Result<()> {
    let (site, mut reports) = start(None).await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for page in PAGES {
        browser.goto(&format!("{}{page}", site.url)).await?;
        let text = browser.read_code().await?;
        // The widget's own sheet is in force.
        let style = browser
            .run(
                "const root = document.querySelector('.scanlogin').shadowRoot;
                 const style = (part) => getComputedStyle(root.querySelector(part));
                 return [style('.frame').display, style('.stage').inlineSize, style('.cover').display]",
            )
            .await?;
        assert_eq!(style, json!(["flex", "240px", "none"]), "{page}");

        phone.scan(&text).await?;
        browser.until_state("scanned").await?;
        browser.until("document.querySelector('.scanlogin').shadowRoot.querySelector('.photo').naturalWidth").await?;
        phone.confirm(&text).await?;
        browser.until_state("confirmed").await?;
        browser.until("told.at(-1)[0] === 'success' && told.at(-1)[1].length").await?;

        browser.run("handle.destroy(); again()").await?;
        let text = browser.read_code().await?;
        phone.scan(&text).await?;
        phone.cancel(&text).await?;
        browser.until_state("cancelled").await?;
        browser.click_widget().await?;
        assert_ne!(browser.read_code().await?, text, "{page}");
        expect_no_violation_but_ours(&browser, &mut reports).await?;
    }
    browser.close().await
}

#[tokio::test]
async fn an_expired_code_and_the_next_one_violate_nothing() -> Result<()> {
    let (site, mut reports) = start(Some(Duration::from_secs(2))).await?;
    let browser = Browser::open().await?;
    for page in PAGES {
        browser.goto(&format!("{}{page}", site.url)).await?;
        browser.until_state("expired").await?;
        browser.click_widget().await?;
        browser.until("new Set(told.map(([word, random]) => word === 'shown' && random)).size === 2").await?;
        expect_no_violation_but_ours(&browser, &mut reports).await?;
    }
    browser.close().await
}
