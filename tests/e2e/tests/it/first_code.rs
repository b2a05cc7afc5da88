//! The first code, which a page requests and shows before its wasm is loaded, or gets with its HTML.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::RawQuery;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};

const WASM: &str = "scanlogin.wasm";

/// Whether the widget shows a code. Without a code, the shell has no canvas.
const CANVAS: &str = "document.querySelector('.scanlogin')?.shadowRoot.querySelector('canvas')";

/// A page with a widget in `#qrcode` whose callbacks are recorded. `setup` runs first, and can set `options`.
const PAGE: &str = "<!doctype html><html lang=en><title>First code</title><link rel=icon href=data:,><body><div id=qrcode></div>
    <script>window.calls = []; window.options = {}; SETUP</script>
    <script src=/scanlogin/global.js></script>
    <script>
      const names = ['CodeLoaded', 'CodeShow', 'Start', 'Scanned', 'Success', 'Expired', 'Error', 'Retry', 'CodeDestroyed'];
      for (const name of names) {
        window.options[`on${name}`] = (...values) => calls.push([name, values.find((value) => typeof value === 'string')]);
      }
      window.start = () => (window.handle = ScanLogin.startScanning('qrcode', { countdown: false, ...options }));
      start();
    </script></body></html>";

/// A page that a backend renders: the code is in an attribute of the script tag. `CODE` is JSON, escaped for HTML.
const RENDERED: &str = "<!doctype html><html lang=en><title>Rendered</title><link rel=icon href=data:,><body><div id=qrcode></div>
    <script>
      window.calls = [];
      addEventListener('scanlogin:success', ({ detail }) => calls.push(detail.userInfo.nickname));
    </script>
    <script src=/scanlogin/global.js data-target=qrcode data-countdown=false data-code=\"CODE\"></script></body></html>";

struct FirstCodeTest {
    faults: Faults,
    site: Site,
    browser: Browser,
}

impl FirstCodeTest {
    async fn start() -> Result<Self> {
        let faults = Faults::default();
        let page = async |RawQuery(query): RawQuery| {
            let url = reqwest::Url::parse(&format!("http://page?{}", query.unwrap_or_default()));
            let setup = url.ok().and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()));
            Html(PAGE.replace("SETUP", &setup.unwrap_or_default()))
        };
        let empty = async || Html("<!doctype html><html lang=en><title>Empty</title><link rel=icon href=data:,>");
        let with_pages = |app: Router| {
            faults.wrap(app.route("/page", get(page)).route("/rendered", get(render)).route("/empty", get(empty)))
        };
        let site = Site::start_with(|_| {}, with_pages).await?;
        Ok(Self { faults, site, browser: Browser::open().await? })
    }

    async fn open(&self, setup: &str) -> Result<()> {
        self.browser.goto(self.address(setup)?.as_str()).await
    }

    fn address(&self, setup: &str) -> Result<reqwest::Url> {
        let mut url = reqwest::Url::parse(&format!("{}/page", self.site.url))?;
        url.query_pairs_mut().append_pair("setup", setup);
        Ok(url)
    }

    /// Opens a page whose wasm is held, and returns the text of the code that it shows.
    async fn open_with_code(&self, setup: &str) -> Result<String> {
        self.faults.inject(WASM, Fault::Held);
        self.open(setup).await?;
        self.browser.read_code().await
    }

    async fn calls(&self) -> Result<Value> {
        self.browser.run("return calls").await
    }

    fn codes(&self) -> usize {
        self.faults.requests("gene").len()
    }

    async fn close(self, expected: &[&str]) -> Result<()> {
        self.browser.expect_no_console_errors(expected).await?;
        self.browser.close().await
    }
}

/// Renders a page as a backend does: it requests a code, and prints the answer.
async fn render(headers: HeaderMap) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut request = reqwest::Client::new()
        .post(format!("http://{host}/api/v2/qrcode/gene"))
        .json(&json!({ "modules": "M", "params": { "note": "</script>\"'&" } }));
    if let Some(agent) = headers.get(USER_AGENT) {
        request = request.header(USER_AGENT, agent.as_bytes());
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let Ok(answer) = answer.text().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let code = answer.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    ([(CACHE_CONTROL, "no-store"), (CONTENT_TYPE, "text/html")], RENDERED.replace("CODE", &code)).into_response()
}

#[tokio::test]
async fn code_is_shown_without_the_wasm_which_takes_it_over_unchanged() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    for setup in ["", "options = { logo: '/favicon.svg', colors: { dark: '#0b5a62', light: '#f4fbfa' } }"] {
        let codes = test.codes();
        let text = test.open_with_code(setup).await?;
        assert_eq!(test.browser.run("return [handle.state, calls]").await?, json!(["ready", []]), "{setup}");
        test.browser.run(&format!("window.canvas = {CANVAS}")).await?;
        let before = test.browser.settled_screenshot().await?;

        test.faults.clear();
        test.browser.wait_for("calls.length === 3").await?;
        let random = text.split('"').nth(7).context("the text has no id")?;
        assert_eq!(
            test.calls().await?,
            json!([["CodeLoaded", random], ["CodeShow", random], ["Start", null]]),
            "{setup}"
        );
        assert_eq!(test.browser.run(&format!("return canvas === {CANVAS}")).await?, true, "{setup}");
        assert!(test.browser.settled_screenshot().await? == before, "{setup}: the picture has changed");
        assert_eq!(test.codes(), codes + 1, "{setup}");
    }
    test.close(&[]).await
}

#[tokio::test]
async fn return_to_another_browser_is_explained_before_the_wasm_is_loaded() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    test.faults.inject(WASM, Fault::Held);
    let mut address = test.address("")?;
    // This browser has kept no response of `gene` to which the response code could belong.
    address.set_fragment(Some(&format!("scanlogin-response={}", "A".repeat(43))));
    test.browser.goto(address.as_str()).await?;
    test.browser.read_code().await?;
    let hint = test.browser.widget_text(".hint").await?;
    assert!(hint.starts_with("You started in another browser."), "{hint}");
    test.close(&[]).await
}

#[tokio::test]
async fn approval_before_the_wasm_is_loaded_signs_in() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let text = test.open_with_code("").await?;
    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    test.faults.clear();
    test.browser.wait_for("calls.at(-1)?.[0] === 'Success'").await?;
    let names = test.browser.run("return calls.map(([name]) => name)").await?;
    assert_eq!(names, json!(["CodeLoaded", "CodeShow", "Start", "Success"]));
    test.close(&[]).await
}

#[tokio::test]
async fn wasm_that_cannot_be_loaded_replaces_the_code_and_a_retry_shows_it_again() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    test.open("").await?;
    test.browser.wait_for_state("failed").await?;
    assert_eq!(test.browser.run(&format!("return [{CANVAS}, handle.state]")).await?, json!([null, "failed"]));
    assert_eq!(test.browser.run("return calls.map(([name]) => name)").await?, json!(["Error"]));
    test.faults.clear();
    test.browser.click_widget().await?;
    test.browser.read_code().await?;
    let names = test.browser.run("return calls.map(([name]) => name)").await?;
    assert_eq!(names, json!(["Error", "Retry", "CodeLoaded", "CodeShow", "Start"]));
    assert_eq!(test.codes(), 1, "the code is still valid");
    test.close(&["Failed to load resource"]).await
}

#[tokio::test]
async fn code_that_was_shown_is_removed_when_the_download_fails_and_replaced_when_it_has_expired() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let hold_timers = "const real = setTimeout;
        window.setTimeout = (call, after) => {
          if (after === 20_000) window.timeOut = call;
          else return real(call, after);
        }";
    let first = test.open_with_code(hold_timers).await?;
    test.browser.run("timeOut()").await?;
    test.browser.wait_for_state("failed").await?;
    assert_eq!(test.browser.run(&format!("return {CANVAS}")).await?, Value::Null);
    test.browser.run("const now = performance.now(); performance.now = () => now + 121_000").await?;
    test.faults.clear();
    test.browser.click_widget().await?;
    assert_ne!(test.browser.read_code().await?, first);
    let names = test.browser.run("return calls.map(([name]) => name)").await?;
    assert_eq!(names, json!(["Error", "Retry", "CodeLoaded", "CodeShow", "Start"]));
    assert_eq!(test.codes(), 2);
    test.browser.close().await
}

#[tokio::test]
async fn widget_that_ends_while_it_shows_the_code_leaves_nothing() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let setup = "window.controller = new AbortController(); options = { signal: controller.signal }";
    for end in [
        "handle.destroy()",
        "handle.stopPolling(); handle.destroy()",
        "controller.abort()",
        "document.querySelector('#qrcode').remove()",
        "document.querySelector('.scanlogin').remove()",
    ] {
        test.open_with_code(setup).await?;
        test.browser.run(end).await?;
        test.browser.wait_for("handle.state === 'destroyed' && !document.querySelector('.scanlogin')").await?;
        let polls = test.faults.requests("check").len();
        test.faults.clear();
        test.browser.run("return ScanLogin.init()").await?;
        assert_eq!(test.browser.run("return [handle.state, calls]").await?, json!(["destroyed", []]), "{end}");
        assert_eq!(test.faults.requests("check").len(), polls, "{end}");
    }
    test.close(&[]).await
}

#[tokio::test]
async fn second_widget_in_the_element_replaces_the_code() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let first = test.open_with_code("").await?;
    test.browser.run(&format!("window.first = handle; window.canvas = {CANVAS}; start()")).await?;
    test.browser.wait_for(&format!("![null, undefined, canvas].includes({CANVAS})")).await?;
    assert_ne!(test.browser.read_code().await?, first);
    assert_eq!(
        test.browser.run("return [first.state, document.querySelectorAll('.scanlogin').length]").await?,
        json!(["destroyed", 1])
    );
    test.faults.clear();
    test.browser.wait_for("calls.length === 3").await?;
    assert_eq!(test.codes(), 2);
    test.close(&[]).await
}

#[tokio::test]
async fn refresh_before_the_wasm_is_loaded_lets_it_request_another_code() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let first = test.open_with_code("").await?;
    test.browser.run("handle.refresh()").await?;
    assert_eq!(test.browser.run(&format!("return [handle.state, {CANVAS}]")).await?, json!(["loading", null]));
    test.faults.clear();
    assert_ne!(test.browser.read_code().await?, first);
    let names = test.browser.run("return calls.map(([name]) => name)").await?;
    assert_eq!(names, json!(["CodeLoaded", "CodeShow", "Start"]));
    assert_eq!(test.codes(), 2);
    test.close(&[]).await
}

#[tokio::test]
async fn refresh_with_a_loaded_wasm_does_not_wait_for_the_request_that_it_replaces() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    test.faults.inject("gene", Fault::Held);
    // Without an abort, the page would wait for the answer until this timeout.
    test.open("options.timeout = 120_000").await?;
    test.faults.wait_for_requests("gene", 1).await?;
    // The wasm is loaded, and waits for the answer to the first request.
    test.browser.run("ScanLogin.init().then(() => (window.isLoaded = true))").await?;
    test.browser.wait_for("window.isLoaded").await?;
    test.browser.run("handle.refresh()").await?;
    // The first request is still held.
    test.faults.wait_for_requests("gene", 2).await?;
    test.faults.clear();
    test.browser.read_code().await?;
    let names = test.browser.run("return calls.map(([name]) => name)").await?;
    assert_eq!(names, json!(["CodeLoaded", "CodeShow", "Start"]));
    test.close(&[]).await
}

#[tokio::test]
async fn code_that_expires_before_the_wasm_is_loaded_is_covered() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let hold_life = "const real = setTimeout;
        window.setTimeout = (call, after) => {
          if (after < 100_000) return real(call, after);
          window.endLife = call;
        }";
    test.open_with_code(hold_life).await?;
    test.browser.run("endLife()").await?;
    assert_eq!(test.browser.run("return handle.state").await?, "loading");
    let is_covered = "document.querySelector('.scanlogin').shadowRoot.querySelector('.frame').dataset.covered";
    assert_eq!(test.browser.run(&format!("return {is_covered}")).await?, "true");
    test.faults.clear();
    test.browser.wait_for("calls.length === 3").await?;
    assert_eq!(test.codes(), 1);
    test.close(&[]).await
}

#[tokio::test]
async fn wasm_is_requested_after_the_answer_or_a_head_start() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    test.faults.inject("gene", Fault::Held);
    let hold_head_start = "const real = setTimeout;
        window.setTimeout = (call, after) => {
          if (after !== 2000) return real(call, after);
          window.endHeadStart = call;
        }";
    test.open(hold_head_start).await?;
    test.faults.wait_for_requests("gene", 1).await?;
    // The loading state is shown after the time in which the request for the wasm would have been sent.
    test.browser.wait_for_state("loading").await?;
    assert_eq!(test.faults.requests(WASM).len(), 0);
    test.browser.run("endHeadStart()").await?;
    test.faults.wait_for_requests(WASM, 1).await?;
    test.faults.clear();
    test.browser.read_code().await?;
    assert_eq!(test.codes(), 1);
    test.close(&[]).await
}

#[tokio::test]
async fn server_without_modules_gets_one_request_and_the_wasm_draws_the_code() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let without_modules = |response: &mut Value| {
        response["data"].as_object_mut().map(|data| data.remove("modules"));
    };
    test.faults.inject("gene", Fault::Modified(without_modules));
    test.faults.inject(WASM, Fault::Held);
    test.open("").await?;
    test.browser.wait_for_state("loading").await?;
    assert_eq!(test.browser.run(&format!("return {CANVAS}")).await?, Value::Null);
    test.faults.clear();
    test.browser.read_code().await?;
    assert_eq!(test.codes(), 1);
    test.close(&[]).await
}

#[tokio::test]
async fn code_in_the_html_of_a_page_is_shown_without_a_request_and_signs_in() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    test.faults.inject(WASM, Fault::Held);
    test.browser.goto(&format!("{}/rendered", test.site.url)).await?;
    let text = test.browser.read_code().await?;
    assert!(text.contains(r#""note":"</script>\"'&""#), "{text}");
    test.faults.clear();
    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    let requester = phone.scan(&text).await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("calls.length").await?;
    assert_eq!(test.calls().await?, json!(["Alice"]));
    assert_eq!(test.codes(), 1, "that of the backend");
    let agent = requester["userAgent"].as_str().unwrap_or_default();
    assert!(agent.contains("Mozilla"), "the phone shows the browser, not the backend: {requester}");
    test.close(&[]).await
}

#[tokio::test]
async fn code_of_a_page_from_a_cache_that_has_expired_is_replaced_by_a_new_one() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let old = "const createdAt = new Date(Date.now() - 600_000).toISOString();
        options = { code: { code: 200, data: { random: 'old', expiresIn: 120, createdAt } } }";
    test.open(old).await?;
    test.browser.read_code().await?;
    test.browser.wait_for("calls.length === 3").await?;
    assert_eq!(test.codes(), 1);
    test.close(&[]).await
}

#[tokio::test]
async fn framed_page_with_frame_ancestors_requests_no_code_before_the_check() -> Result<()> {
    let test = FirstCodeTest::start().await?;
    let setup = "calls.push = ([name]) => top.postMessage(name, '*'); options = { frameAncestors: ORIGINS }";
    let other = test.site.url.replace("127.0.0.1", "localhost");
    for (origins, first, codes) in [("[]".to_owned(), "Error", 0), (format!("['{other}']"), "CodeLoaded", 1)] {
        test.faults.inject(WASM, Fault::Held);
        test.browser.goto(&format!("{other}/empty")).await?;
        let wasm = test.faults.requests(WASM).len();
        let frame = format!(
            "window.messages = [];
             addEventListener('message', ({{ data }}) => messages.push(data));
             document.body.appendChild(document.createElement('iframe')).src = '{}'",
            test.address(&setup.replace("ORIGINS", &origins))?
        );
        test.browser.run(&frame).await?;
        test.faults.wait_for_requests(WASM, wasm + 1).await?;
        assert_eq!(test.codes(), 0, "{origins}");
        test.faults.clear();
        test.browser.wait_for("messages.length").await?;
        assert_eq!(test.browser.run("return messages[0]").await?, first, "{origins}");
        assert_eq!(test.codes(), codes, "{origins}");
    }
    test.browser.close().await
}
