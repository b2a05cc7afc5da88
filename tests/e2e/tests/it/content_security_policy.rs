//! The widget under a strict Content Security Policy: no inline styles, no HTML from strings, no origin but that of the
//! server. No violation may be reported. Each test then violates the policy, to show that violations are reported.

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

/// One page for each entry point.
const PAGES: [&str; 2] = ["/script.html", "/module.html"];

const SCRIPT_PAGE: &str = "<!doctype html><html lang=en><title>Script</title><link rel=icon href=/favicon.svg>
    <script src=/record.js></script><script src=/scanlogin/global.js></script><script src=/script.js defer></script>
    <body></body></html>";
const SCRIPT: &str = "begin(ScanLogin.startScanning);";

const MODULE_PAGE: &str = "<!doctype html><html lang=en><title>Module</title><link rel=icon href=/favicon.svg>
    <script src=/record.js></script><script src=/module.js type=module></script>
    <body></body></html>";
const MODULE: &str = "import { startScanning } from '/scanlogin/index.js'; begin(startScanning);";

const RECORD: &str = "
    window.calls = [];
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      violations.push(`${violatedDirective} ${blockedURI}`);
    });
    window.begin = (startScanning) => {
      window.start = () => { window.handle = startScanning(document.body, {
        onCodeShow: (random) => calls.push(['shown', random]),
        onSuccess: (userInfo, ticket) => calls.push(['success', ticket]),
        onError: (message) => calls.push(['error', message]),
      }); };
      start();
    };";

/// A site with the pages, and the reports of violations that it receives.
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
        .route("/record.js", script(RECORD))
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

/// A route for a script.
fn script(text: &'static str) -> MethodRouter {
    get(async move || ([(CONTENT_TYPE, "text/javascript")], text))
}

/// Violates the policy, and asserts that this is the first reported violation.
async fn assert_no_earlier_violation(browser: &Browser, reports: &mut UnboundedReceiver<String>) -> Result<()> {
    browser.expect_no_console_errors(&[]).await?;
    assert_eq!(browser.run("return violations").await?, json!([]));
    browser
        .run(
            "const style = document.createElement('style');
             style.textContent = 'body { color: red }';
             document.head.append(style)",
        )
        .await?;
    browser.wait_for("violations.length").await?;
    assert_eq!(browser.run("return violations").await?, json!(["style-src-elem inline"]));
    let report: Value = serde_json::from_str(&reports.recv().await.unwrap_or_default())?;
    assert_eq!(report.pointer("/csp-report/effective-directive"), Some(&json!("style-src-elem")), "{report}");
    // The message differs between browsers.
    browser.expect_no_console_errors(&["inline style"]).await
}

#[tokio::test]
async fn confirmed_and_declined_codes_violate_no_policy() -> Result<()> {
    let (site, mut reports) = start(None).await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for page in PAGES {
        browser.goto(&format!("{}{page}", site.url)).await?;
        let text = browser.read_code().await?;
        // The styles of the widget are applied.
        let style = browser
            .run(
                "const root = document.querySelector('.scanlogin').shadowRoot;
                 const style = (part) => getComputedStyle(root.querySelector(part));
                 return [style('.frame').display, style('.stage').inlineSize, style('.cover').display]",
            )
            .await?;
        assert_eq!(style, json!(["flex", "240px", "none"]), "{page}");

        phone.scan(&text).await?;
        browser.wait_for_state("scanned").await?;
        browser
            .wait_for("document.querySelector('.scanlogin').shadowRoot.querySelector('.photo').naturalWidth")
            .await?;
        phone.confirm(&text).await?;
        browser.wait_for_state("confirmed").await?;
        browser.wait_for("calls.at(-1)[0] === 'success' && calls.at(-1)[1].length").await?;

        browser.run("handle.destroy(); start()").await?;
        let text = browser.read_code().await?;
        phone.scan(&text).await?;
        phone.cancel(&text).await?;
        browser.wait_for_state("cancelled").await?;
        browser.click_widget().await?;
        assert_ne!(browser.read_code().await?, text, "{page}");
        assert_no_earlier_violation(&browser, &mut reports).await?;
    }
    browser.close().await
}

#[tokio::test]
async fn expired_code_and_its_replacement_violate_no_policy() -> Result<()> {
    let (site, mut reports) = start(Some(Duration::from_secs(2))).await?;
    let browser = Browser::open().await?;
    for page in PAGES {
        browser.goto(&format!("{}{page}", site.url)).await?;
        browser.wait_for_state("expired").await?;
        browser.click_widget().await?;
        browser.wait_for("new Set(calls.map(([name, random]) => name === 'shown' && random)).size === 2").await?;
        assert_no_earlier_violation(&browser, &mut reports).await?;
    }
    browser.close().await
}
