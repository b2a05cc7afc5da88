//! The widget while its wasm is loading, when it can't be loaded, and after a retry. The causes are faults of the
//! server, a Content Security Policy and a browser without WebAssembly.

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use scanlogin_decoder::Picture;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};
use thirtyfour::Key;

const WASM: &str = "scanlogin.wasm";

/// What Chromium writes to the console for an HTTP error.
const CHROMIUM_ERRORS: &[&str] = &["Failed to load resource"];

/// The host element of the widget in the state `failed`.
const FAILED: &str = "document.querySelector('.scanlogin[data-state=failed]')";

/// The host element of the widget in the state `loading`.
const LOADING: &str = "document.querySelector('.scanlogin[data-state=loading]')";

/// The element in the shell that has the focus.
const FOCUS: &str = "document.activeElement.shadowRoot?.activeElement.className";

/// Replaces the delay before the loading state is shown: it ends when the test calls `endDelay()`.
const HOLD_LOADING_DELAY: &str = "const real = setTimeout;
    window.setTimeout = (call, after) => {
      if (after !== 300) return real(call, after);
      window.setTimeout = real;
      window.endDelay = call;
    }";

/// Replaces the timeout of 20 seconds for the download: it ends when the test calls `timeOut()`.
const HOLD_DOWNLOAD_TIMEOUT: &str = "const real = setTimeout;
    window.setTimeout = (call, after) => {
      if (after !== 20_000) return real(call, after);
      window.setTimeout = real;
      window.timeOut = call;
    }";

/// Sets an `AbortSignal` as an option.
const WITH_SIGNAL: &str = "window.controller = new AbortController(); options = { signal: controller.signal }";

/// A page that loads the package with a script tag, as a module, or as a module at a `blob:` address. `setup` is
/// JavaScript that runs first.
fn page(entry_point: &str, setup: &str) -> String {
    let load = match entry_point {
        "script" => "<script src=/scanlogin/global.js></script><script>begin(ScanLogin)</script>",
        "blob" => {
            "<script type=module>
               const code = await (await fetch('/scanlogin/index.js')).blob();
               begin(await import(URL.createObjectURL(new Blob([code], { type: 'text/javascript' }))));
             </script>"
        }
        _ => "<script type=module>import * as ScanLogin from '/scanlogin/index.js'; begin(ScanLogin)</script>",
    };
    // A development server serves a copy of the module from its cache.
    let load = match entry_point.strip_prefix("cached/") {
        Some(cache) => load.replace("/scanlogin/index.js", &format!("/app/{cache}/scanlogin.js")),
        None => load.to_owned(),
    };
    format!(
        "<!doctype html><html lang=en><title>Loading</title><link rel=icon href=data:,><body><div id=qrcode></div>
         <script>
           window.calls = [];
           window.options = {{}};
           window.wasm = undefined;
           {setup};
           window.begin = (entryPoint) => {{
             window.ScanLogin = entryPoint;
             if (wasm) entryPoint.init(wasm).catch(() => {{}});
             window.start = (target = 'qrcode') => (window.handle = entryPoint.startScanning(target, {{
               onError: (message, error) => calls.push({{
                 code: error.code,
                 fatal: error.fatal,
                 isError: error instanceof Error && error.message === message,
                 message,
               }}),
               onRetry: () => calls.push('retry'),
               onCodeShow: () => calls.push('shown'),
               ...options,
             }}));
             start();
           }};
         </script>
         {load}</body></html>"
    )
}

/// Serves the module from any folder with the name `deps`, and the wasm from `node_modules` only.
async fn development_server(Path(path): Path<String>) -> Response {
    let (file, media_type) = match path.as_str() {
        "node_modules/scanlogin/dist/scanlogin.wasm" => (WASM, "application/wasm"),
        path if path.ends_with("/deps/scanlogin.js") => ("index.js", "text/javascript"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/dist/");
    match std::fs::read(package.to_owned() + file) {
        Ok(bytes) => ([(CONTENT_TYPE, media_type)], bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A site with the pages, a browser, and faults between them.
struct LoadingTest {
    faults: Faults,
    site: Site,
    browser: Browser,
}

impl LoadingTest {
    async fn start() -> Result<Self> {
        let faults = Faults::default();
        let pages = async |Path(entry_point): Path<String>, RawQuery(query): RawQuery| {
            let setup = reqwest::Url::parse(&format!("http://page?{}", query.unwrap_or_default()))
                .ok()
                .and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()))
                .unwrap_or_default();
            Html(page(&entry_point, &setup))
        };
        let strict = async || {
            let policy = "default-src 'self'; script-src 'self' 'unsafe-inline'";
            ([(CONTENT_SECURITY_POLICY, policy), (CONTENT_TYPE, "text/html")], page("script", "")).into_response()
        };
        let with_pages = |app: Router| {
            faults.wrap(
                app.route("/strict", get(strict))
                    .route("/page/{*entry_point}", get(pages))
                    .route("/app/{*path}", get(development_server)),
            )
        };
        let site = Site::start_with(|_| {}, with_pages).await?;
        Ok(Self { faults, site, browser: Browser::open().await? })
    }

    /// Opens a page that starts a widget.
    async fn open(&self, entry_point: &str, setup: &str) -> Result<()> {
        let mut url = reqwest::Url::parse(&format!("{}/page/{entry_point}", self.site.url))?;
        url.query_pairs_mut().append_pair("setup", setup);
        self.browser.goto(url.as_str()).await
    }

    /// Opens a page, and waits until its widget shows that the wasm can't be loaded. Returns the recorded callbacks.
    async fn open_failed(&self, entry_point: &str, setup: &str) -> Result<Value> {
        self.open(entry_point, setup).await?;
        self.wait_for_failure().await
    }

    /// Opens a page whose code and wasm are held, and waits until its widget shows the loading state.
    async fn open_loading(&self, setup: &str) -> Result<()> {
        self.hold();
        self.open("script", setup).await?;
        self.wait_for_loading().await
    }

    fn hold(&self) {
        self.faults.inject("gene", Fault::Held);
        self.faults.inject(WASM, Fault::Held);
    }

    async fn wait_for_loading(&self) -> Result<()> {
        self.browser.wait_for(&format!("{LOADING}?.shadowRoot.querySelector('.headline').textContent")).await.map(drop)
    }

    /// Waits until the widget shows that the wasm can't be loaded. Returns the recorded callbacks.
    async fn wait_for_failure(&self) -> Result<Value> {
        self.browser.wait_for(&format!("{FAILED}?.shadowRoot.querySelector('.headline').textContent")).await?;
        self.calls().await
    }

    async fn calls(&self) -> Result<Value> {
        self.browser.run("return calls").await
    }

    /// The text of an element of the failed widget.
    async fn failed_text(&self, selector: &str) -> Result<Value> {
        self.browser.run(&format!("return {FAILED}.shadowRoot.querySelector('{selector}').textContent")).await
    }

    /// Waits until the wasm shows the code. Before, the script may show it.
    async fn wait_for_code(&self) -> Result<()> {
        self.browser.wait_for("calls.includes('shown')").await?;
        self.browser.read_code().await.map(drop)
    }

    /// Clicks the button of the failed widget.
    async fn retry(&self) -> Result<()> {
        self.browser.run(&format!("{FAILED}.shadowRoot.querySelector('button').click()")).await.map(drop)
    }

    /// The language, `aria-busy`, role of the status, headline and hint of the loading widget.
    async fn loading_status(&self) -> Result<Value> {
        let code = format!(
            "const root = {LOADING}.shadowRoot;
             const [frame, status, headline, hint] =
               ['.frame', '.status', '.headline', '.hint'].map((part) => root.querySelector(part));
             return [frame.lang, frame.ariaBusy, status.getAttribute('role'), headline.textContent, hint.textContent]"
        );
        self.browser.run(&code).await
    }

    async fn widget_count(&self) -> Result<Value> {
        self.browser.run("return document.querySelectorAll('.scanlogin').length").await
    }

    /// A screenshot with all finite animations at their end, and all others at their start.
    async fn picture(&self) -> Result<Picture> {
        self.browser
            .run(
                "for (const animation of document.querySelector('.scanlogin').shadowRoot.getAnimations()) {
                   if (animation.effect.getComputedTiming().endTime === Infinity) {
                     animation.pause();
                     animation.currentTime = 0;
                   } else animation.finish();
                 }",
            )
            .await?;
        Picture::from_png(&self.browser.screenshot().await?)
    }

    /// Closes the browser. The console must have no messages except those that contain one of `expected`.
    async fn close(self, expected: &[&str]) -> Result<()> {
        self.browser.expect_no_console_errors(expected).await?;
        self.browser.close().await
    }
}

/// The expected result of `loading_status` in a language.
fn loading_status_in(tag: &str) -> Value {
    let headline = match tag {
        "zh-CN" => "正在加载二维码…",
        "zh-TW" => "正在載入 QR Code…",
        "ja-JP" => "QRコードを読み込んでいます…",
        _ => "Loading code…",
    };
    json!([tag, "true", "status", headline, ""])
}

/// The text of the message of an error.
fn message(call: &Value) -> &str {
    call["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn loading_shell_has_the_size_of_the_widget_and_is_adopted_by_the_wasm() -> Result<()> {
    let test = LoadingTest::start().await?;
    for (setup, tag) in [
        ("", "en-US"),
        ("options = { lang: 'zh', theme: 'dark', size: { width: 300, height: 200 } }", "zh-CN"),
        ("options = { lang: 'zh-Hant-HK', containerSize: { width: 400, height: 520 } }", "zh-TW"),
        ("document.documentElement.lang = 'ja'; options = { size: { width: 320, height: 320 } }", "ja-JP"),
    ] {
        test.open_loading(setup).await?;
        assert_eq!(test.loading_status().await?, loading_status_in(tag));
        let display = format!("return getComputedStyle({LOADING}.shadowRoot.querySelector('button')).display");
        assert_eq!(test.browser.run(&display).await?, "none");
        assert_eq!(test.browser.run("return handle.state").await?, "loading");
        let frame = "const host = document.querySelector('.scanlogin');
            const { x, y, width, height } = host.shadowRoot.querySelector('.frame').getBoundingClientRect();
            return [x, y, width, height, host.dataset.theme]";
        let before = test.browser.run(frame).await?;
        test.browser.run(&format!("window.host = {LOADING}")).await?;
        test.faults.clear();
        test.wait_for_code().await?;
        assert_eq!(test.browser.run(frame).await?, before, "{setup}");
        assert_eq!(test.browser.run("return host === document.querySelector('.scanlogin')").await?, true, "{setup}");
        assert_eq!(test.widget_count().await?, 1);
        assert_eq!(test.calls().await?, json!(["shown"]));
    }
    test.close(&[]).await
}

#[tokio::test]
async fn loading_and_failed_states_look_the_same_without_and_with_the_wasm() -> Result<()> {
    let test = LoadingTest::start().await?;
    // The messages of an account that is refused are those of the shell without the wasm.
    let refuse = |response: &mut Value| *response = json!({ "code": 1001, "reason": "blocked", "message": "no" });
    let tips = "tips: { failed: 'Not now', refused: 'Not now', otherAccount: 'Check your connection and try again',
        retry: 'Once more' }";
    for (scheme, setup) in [
        ("light", format!("options = {{ {tips} }}")),
        ("dark", format!("options = {{ {tips}, containerSize: {{ width: 400, height: 520 }} }}")),
        ("light", format!("options = {{ {tips}, theme: 'dark', colors: {{ light: '#e8f4ff' }} }}")),
        ("light", format!("options = {{ {tips}, size: {{ width: 300, height: 200 }} }}; qrcode.style.width = '160px'")),
        ("dark", format!("options = {{ {tips} }}; qrcode.style.cssText = '--scanlogin-padding: 3px; direction: rtl'")),
        ("light", format!("options = {{ {tips} }}; qrcode.remove()")),
    ] {
        test.browser.emulate_media(&[("prefers-color-scheme", scheme)]).await?;
        test.faults.inject(WASM, Fault::NotFound);
        test.faults.inject("gene", Fault::Modified(refuse));
        test.open_failed("script", &setup).await?;
        let failed = test.picture().await?;
        test.faults.clear();
        test.faults.inject("gene", Fault::Modified(refuse));
        test.retry().await?;
        test.browser.wait_for("calls.at(-1).code === 'refused'").await?;
        assert!(test.picture().await? == failed, "failed: {scheme}, {setup}");

        // With this option, the wasm requests the code after it has adopted the shell.
        test.open_loading(&format!("{setup}; options.headers = {{}}")).await?;
        let loading = test.picture().await?;
        let requests = test.faults.requests("gene").len();
        test.faults.clear();
        test.faults.inject("gene", Fault::Held);
        test.faults.wait_for_requests("gene", requests + 1).await?;
        assert!(test.picture().await? == loading, "loading: {scheme}, {setup}");
        assert!(loading != failed);
        test.faults.clear();
    }
    test.browser.close().await
}

#[tokio::test]
async fn browser_without_constructed_style_sheets_shows_loading_state_and_code() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open_loading("delete window.CSSStyleSheet").await?;
    assert_eq!(test.loading_status().await?, loading_status_in("en-US"));
    let height = format!("return {LOADING}.shadowRoot.querySelector('.stage').offsetHeight");
    assert_eq!(test.browser.run(&height).await?, 240);
    test.faults.clear();
    test.browser.read_code().await?;
    test.close(&[]).await
}

#[tokio::test]
async fn browser_without_a_newer_feature_shows_the_code_or_names_the_error() -> Result<()> {
    let test = LoadingTest::start().await?;
    let sheets = "Object.defineProperty(ShadowRoot.prototype, 'adoptedStyleSheets', { get: () => [], set";
    let is_styled = "const root = document.querySelector('.scanlogin').shadowRoot;
        return root.querySelector('.stage').offsetHeight === 240";
    for setup in [
        "delete ShadowRoot.prototype.adoptedStyleSheets",
        "delete CSSStyleSheet.prototype.replaceSync",
        &format!("{sheets}() {{ throw new TypeError('no sheets') }} }})"),
        &format!("{sheets}() {{}} }})"),
        "delete window.ResizeObserver",
        "delete window.IntersectionObserver",
        "delete window.structuredClone",
        "delete window.reportError; options = { onCodeShow: () => { calls.push('shown'); throw 'of the page' } }",
    ] {
        test.open("script", setup).await?;
        test.wait_for_code().await?;
        assert_eq!(test.browser.run(is_styled).await?, true, "{setup}");
        assert_eq!(test.calls().await?, json!(["shown"]), "{setup}");
    }
    let calls = test.open_failed("script", "delete window.AbortController").await?;
    assert_eq!((&calls[0]["code"], calls.as_array().map(Vec::len)), (&json!("wasm-unsupported"), Some(1)), "{calls}");
    test.close(&["of the page"]).await
}

#[tokio::test]
async fn wasm_of_another_version_offers_to_reload_the_page() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::OtherVersion);
    let calls = test.open_failed("script", "").await?;
    assert_eq!((&calls[0]["code"], calls.as_array().map(Vec::len)), (&json!("wasm-outdated"), Some(1)), "{calls}");
    assert!(message(&calls[0]).contains("another version"), "{calls}");
    assert_eq!(test.failed_text("button").await?, "Reload the page");
    assert_eq!(test.failed_text(".hint").await?, "This page is out of date");
    // The cached wasm may be the old one, so a second request bypasses the cache.
    assert_eq!(test.faults.requests(WASM).len(), 2);
    test.browser.run("window.isOldPage = true").await?;
    test.faults.clear();
    test.retry().await?;
    test.wait_for_code().await?;
    assert_eq!(test.browser.run("return [window.isOldPage, calls]").await?, json!([null, ["shown"]]));
    test.browser.close().await
}

#[tokio::test]
async fn error_without_a_text_as_message_becomes_an_error_with_a_code() -> Result<()> {
    let test = LoadingTest::start().await?;
    let fetch = "const real = fetch; window.fetch = (input, ...rest) =>
        String(input.url || input).endsWith('.wasm') ? Promise.reject(REASON) : real(input, ...rest)";
    for reason in
        ["null", "undefined", "Symbol('s')", "Object.assign(new Error(), { message: { a: 1 } })", "{ message: 5 }"]
    {
        let calls = test.open_failed("script", &fetch.replace("REASON", reason)).await?;
        assert_eq!((&calls[0]["code"], &calls[0]["isError"]), (&json!("wasm-unreachable"), &json!(true)), "{reason}");
        assert!(calls[0]["message"].is_string(), "{reason} {calls}");
    }
    // `init` gets a source that is no address.
    let calls = test.open_failed("module", "wasm = { source: Object.create(null) }").await?;
    assert_eq!((&calls[0]["code"], &calls[0]["isError"]), (&json!("wasm-unreachable"), &json!(true)), "{calls}");
    test.close(&[]).await
}

#[tokio::test]
async fn start_that_throws_leaves_no_loading_state() -> Result<()> {
    let test = LoadingTest::start().await?;
    // `adopt` has put the shell into the page when it observes the page.
    let break_once = "const Real = MutationObserver;
        window.MutationObserver = function () { window.MutationObserver = Real; throw new Error('broken once'); }";
    // Without an early code, the wasm is the first to show anything.
    let late = "options = { headers: {} }";
    let calls = test.open_failed("script", &format!("{late}; {break_once}")).await?;
    assert_eq!((&calls[0]["message"], calls.as_array().map(Vec::len)), (&json!("broken once"), Some(1)), "{calls}");
    assert_eq!(test.widget_count().await?, 1);

    test.open_loading(late).await?;
    test.browser.run(&format!("handle.destroy(); {break_once}; start()")).await?;
    test.faults.clear();
    test.wait_for_failure().await?;
    assert_eq!(test.widget_count().await?, 1);

    // Once the wasm is loaded, `startScanning` throws.
    test.open("script", "").await?;
    test.wait_for_code().await?;
    let start = format!(
        "handle.destroy(); {break_once}; try {{ start() }} catch (error) {{ calls.push(error.message) }}
         return [calls.at(-1), document.querySelectorAll('.scanlogin').length]"
    );
    assert_eq!(test.browser.run(&start).await?, json!(["broken once", 0]));
    test.browser.close().await
}

#[tokio::test]
async fn loading_state_is_not_shown_before_its_delay() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.hold();
    test.open("script", HOLD_LOADING_DELAY).await?;
    test.browser.wait_for("window.endDelay").await?;
    assert_eq!(test.widget_count().await?, 0);
    test.faults.clear();
    test.wait_for_code().await?;
    test.browser.run("endDelay()").await?;
    assert_eq!(test.widget_count().await?, 1);
    test.close(&[]).await
}

#[tokio::test]
async fn loading_and_failed_messages_follow_tips_and_language() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open_loading("options = { lang: 'fr', tips: { loading: '<b>Un instant</b>' } }").await?;
    assert_eq!(test.loading_status().await?, json!(["fr", "true", "status", "<b>Un instant</b>", ""]));

    // The widget follows the language of the page until `setLanguage` is called.
    let change_language = async |code: &str, tag: &str| {
        test.browser.run(code).await?;
        test.browser.wait_for(&format!("{LOADING}.shadowRoot.querySelector('.frame').lang === '{tag}'")).await?;
        assert_eq!(test.loading_status().await?, loading_status_in(tag));
        anyhow::Ok(())
    };
    test.open_loading("").await?;
    change_language("document.documentElement.lang = 'zh-TW'", "zh-TW").await?;
    change_language("handle.setLanguage('ja')", "ja-JP").await?;
    change_language("document.documentElement.lang = 'zh-CN'", "ja-JP").await?;

    // The handle keeps a language that is set before the shell exists.
    test.open_loading("addEventListener('DOMContentLoaded', () => handle.setLanguage('ja'))").await?;
    assert_eq!(test.loading_status().await?, loading_status_in("ja-JP"));

    // The state `failed` also follows the language of the page.
    test.faults.inject(WASM, Fault::NotFound);
    test.open_failed("module", "").await?;
    test.browser.run("document.documentElement.lang = 'zh-CN'").await?;
    test.browser
        .wait_for(&format!("{FAILED}.shadowRoot.querySelector('.headline').textContent === '无法加载二维码'"))
        .await?;
    test.browser.close().await
}

#[tokio::test]
async fn retry_shows_the_loading_state_and_keeps_the_focus() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    test.open_failed("script", "").await?;
    test.browser.press(Key::Tab).await?;
    test.faults.inject(WASM, Fault::Held);
    test.browser.press(Key::Enter).await?;
    test.browser.wait_for(&format!("{LOADING}?.shadowRoot.activeElement?.className === 'button'")).await?;
    assert_eq!(test.loading_status().await?, loading_status_in("en-US"));
    // A second click during the retry has no effect.
    test.browser.press(Key::Enter).await?;
    test.faults.clear();
    test.browser.read_code().await?;
    assert_eq!(test.browser.run(&format!("return {FOCUS}")).await?, "frame");
    assert_eq!(test.browser.run("return calls.slice(1)").await?, json!(["retry", "shown"]));
    test.browser.close().await
}

#[tokio::test]
async fn widget_ended_while_loading_leaves_no_elements_and_calls_nothing() -> Result<()> {
    let test = LoadingTest::start().await?;
    for end in [
        "handle.destroy()",
        "controller.abort()",
        "document.querySelector('#qrcode').remove()",
        "document.querySelector('.scanlogin').remove()",
    ] {
        test.open_loading(WITH_SIGNAL).await?;
        test.browser.run(end).await?;
        test.browser.wait_for("handle.state === 'destroyed' && !document.querySelector('.scanlogin')").await?;
        test.faults.clear();
        test.browser.run("return ScanLogin.init()").await?;
        let result = "return [handle.state, document.querySelectorAll('.scanlogin').length, calls.length]";
        assert_eq!(test.browser.run(result).await?, json!(["destroyed", 0, 0]), "{end}");
    }
    // Before the loading state is shown.
    test.hold();
    test.open("script", HOLD_LOADING_DELAY).await?;
    test.browser.wait_for("window.endDelay").await?;
    test.browser.run("handle.destroy(); endDelay()").await?;
    assert_eq!(test.widget_count().await?, 0);
    test.browser.close().await
}

#[tokio::test]
async fn widget_ended_by_a_callback_of_its_start_does_not_poll() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open_loading("").await?;
    let code = "const { qrcode } = new ScanLogin.AuthenticationClient({ appId: 'demo-app' });
        window.polling = qrcode.startPolling('r1', { onStart() { polling.destroy(); } });";
    test.browser.run(code).await?;
    test.faults.clear();
    test.wait_for_code().await?;
    assert_eq!(test.browser.run("return polling.state").await?, "destroyed");
    test.browser.close().await
}

#[tokio::test]
async fn target_and_language_of_a_wrong_type_are_the_same_errors_as_with_the_wasm() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open_loading("options = { tips: { title: 'Hola' } }").await?;
    let code = "handle.setLanguage(5);
        window.errors = [];
        ScanLogin.startScanning(undefined, { onError: (_, { code }) => errors.push(code) })";
    test.browser.run(code).await?;
    test.faults.clear();
    test.wait_for_code().await?;
    test.browser.wait_for("errors.length").await?;
    test.browser.run("handle.setLanguage(5); handle.setLanguage(undefined)").await?;
    assert_eq!(test.browser.run("return [handle.state, errors]").await?, json!(["ready", ["invalid-option"]]));
    test.browser.close().await
}

#[tokio::test]
async fn floating_loading_shell_moves_into_its_element_when_the_page_has_it() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open_loading("").await?;
    test.browser.run("handle.destroy(); start('late')").await?;
    test.browser.wait_for("document.querySelector('.scanlogin[data-floating]')").await?;
    test.browser.run("document.body.append(Object.assign(document.createElement('div'), { id: 'late' }))").await?;
    test.faults.clear();
    test.wait_for_code().await?;
    let result =
        "return [document.querySelectorAll('.scanlogin').length, !!document.querySelector('#late > .scanlogin')]";
    assert_eq!(test.browser.run(result).await?, json!([1, true]));
    test.browser.close().await
}

#[tokio::test]
async fn options_whose_getters_throw_count_as_absent() -> Result<()> {
    let test = LoadingTest::start().await?;
    let setup = "options = undefined; window.throwing = new Proxy({}, { get() { throw new Error('a getter') } });
        addEventListener('error', ({ message }) => calls.push(message));
        addEventListener('unhandledrejection', ({ reason }) => calls.push(reason.message))";
    test.open_loading(setup).await?;
    test.browser.run("handle.destroy(); window.handle = ScanLogin.startScanning('qrcode', throwing)").await?;
    test.wait_for_loading().await?;
    assert_eq!(test.loading_status().await?, loading_status_in("en-US"));
    test.faults.clear();
    test.browser.read_code().await?;
    assert_eq!(test.calls().await?, json!([]));
    test.browser.close().await
}

#[tokio::test]
async fn each_fault_of_the_server_has_a_code_and_can_be_retried() -> Result<()> {
    let test = LoadingTest::start().await?;
    // The fault, the code of the error, and a part of its message.
    for (fault, code, part) in [
        (Fault::NotFound, "wasm-not-found", "init()"),
        (Fault::Html, "wasm-wrong-type", "text/html"),
        (Fault::Empty, "wasm-wrong-type", "WebAssembly"),
        (Fault::TruncatedFile, "wasm-damaged", "damaged"),
        (Fault::Overloaded(1), "wasm-unreachable", "HTTP 503"),
        (Fault::Aborted, "wasm-unreachable", "connect-src"),
    ] {
        for entry_point in ["script", "module"] {
            test.faults.inject(WASM, fault);
            let calls = test.open_failed(entry_point, "").await?;
            assert_eq!(calls.as_array().map(Vec::len), Some(1), "{calls}");
            let error = &calls[0];
            assert_eq!(
                (&error["code"], &error["fatal"], &error["isError"]),
                (&json!(code), &json!(true), &json!(true)),
                "{fault:?} {calls}"
            );
            assert!(message(error).contains(part) && message(error).contains("/scanlogin/scanlogin.wasm"), "{error}");
            assert_eq!(test.failed_text(".headline").await?, "Couldn’t load the QR code");
            assert_eq!(test.failed_text("button").await?, "Try again");
            assert_eq!(test.browser.run("return handle.state").await?, "failed");

            // The fault persists, so a click reports one more error.
            test.retry().await?;
            test.browser.wait_for("calls.length === 3").await?;
            let codes = test.browser.run("return calls.map((call) => call.code ?? call)").await?;
            assert_eq!(codes, json!([code, "retry", code]), "{fault:?}");

            test.faults.clear();
            test.retry().await?;
            test.browser.read_code().await?;
            assert_eq!(test.browser.run("return calls.slice(3)").await?, json!(["retry", "shown"]), "{fault:?}");
            assert_eq!(test.widget_count().await?, 1);
        }
    }
    test.close(CHROMIUM_ERRORS).await
}

#[tokio::test]
async fn wasm_with_a_wrong_content_type_is_accepted() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::WrongContentType);
    for entry_point in ["script", "module"] {
        test.open(entry_point, "").await?;
        test.browser.read_code().await?;
    }
    test.close(&[]).await
}

#[tokio::test]
async fn download_without_a_response_fails_after_20_s() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::Held);
    test.open("module", HOLD_DOWNLOAD_TIMEOUT).await?;
    test.faults.wait_for_requests(WASM, 1).await?;
    test.browser.run("timeOut()").await?;
    let calls = test.wait_for_failure().await?;
    assert_eq!(calls[0]["code"], "wasm-unreachable", "{calls}");
    assert!(message(&calls[0]).contains("20 seconds"), "{calls}");
    test.faults.clear();
    test.retry().await?;
    test.browser.read_code().await?;
    test.browser.close().await
}

#[tokio::test]
async fn policy_without_wasm_unsafe_eval_is_reported_as_wasm_blocked() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.browser.goto(&format!("{}/strict", test.site.url)).await?;
    let calls = test.wait_for_failure().await?;
    assert_eq!(calls[0]["code"], "wasm-blocked", "{calls}");
    assert!(message(&calls[0]).contains("'wasm-unsafe-eval'"), "{calls}");
    test.retry().await?;
    test.browser.wait_for("calls.length === 3").await?;
    // The policy does not block the styles of the shell.
    let width = format!("return {FAILED}.shadowRoot.querySelector('.frame').offsetWidth");
    assert_eq!(test.browser.run(&width).await?, 300);
    test.browser.close().await
}

#[tokio::test]
async fn browser_without_the_needed_webassembly_is_reported_as_wasm_unsupported() -> Result<()> {
    let test = LoadingTest::start().await?;
    for setup in [
        "window.modern = WebAssembly; delete window.WebAssembly",
        // WebAssembly exists, but lacks a feature that the wasm uses.
        "window.modern = WebAssembly; window.WebAssembly = { ...modern, validate: () => false }",
    ] {
        let calls = test.open_failed("script", setup).await?;
        assert_eq!(calls[0]["code"], "wasm-unsupported", "{calls}");
        test.browser.run("window.WebAssembly = modern").await?;
        test.retry().await?;
        test.browser.read_code().await?;
    }
    test.close(&[]).await
}

#[tokio::test]
async fn wasm_that_a_tool_left_behind_is_reported_with_the_line_that_helps() -> Result<()> {
    let test = LoadingTest::start().await?;
    for (entry_point, address, code, help) in [
        ("blob", "", "wasm-not-found", "import 'scanlogin/inline'"),
        ("module", "/scanlogin.wasm", "wasm-not-found", "import 'scanlogin/inline'"),
        ("module", "/cache/vite/deps/scanlogin.wasm", "wasm-not-found", "optimizeDeps: { exclude: ['scanlogin'] }"),
        ("module", "/node_modules/scanlogin.wasm", "wasm-not-found", "optimizeDeps: { exclude: ['scanlogin'] }"),
        ("module", "/deps/../", "wasm-wrong-type", "answer every address with the same page"),
        ("module", "file:///scanlogin.wasm", "wasm-unreachable", "import 'scanlogin/inline'"),
    ] {
        let setup = if address.is_empty() { String::new() } else { format!("wasm = '{address}'") };
        let calls = test.open_failed(entry_point, &setup).await?;
        assert_eq!(calls[0]["code"], code, "{address}: {calls}");
        assert!(message(&calls[0]).contains(help), "{address}: {calls}");
    }
    test.close(&["Failed to load resource", "Not allowed to load local resource", "Fetch API cannot load file:"]).await
}

#[tokio::test]
async fn wasm_beside_a_module_in_the_cache_of_a_development_server_is_found_in_node_modules() -> Result<()> {
    let test = LoadingTest::start().await?;
    for cache in ["node_modules/.vite/deps", "node_modules/.cache/vite/client/deps", ".angular/cache/21/app/vite/deps"]
    {
        test.open(&format!("cached/{cache}"), "").await?;
        test.browser.read_code().await?;
    }
    test.close(&[]).await
}

#[tokio::test]
async fn missing_text_decoder_or_fetch_is_reported_as_wasm_unsupported() -> Result<()> {
    let test = LoadingTest::start().await?;
    for missing in ["TextDecoder", "TextEncoder", "fetch"] {
        let calls = test.open_failed("module", &format!("delete window.{missing}")).await?;
        assert_eq!(calls[0]["code"], "wasm-unsupported", "{calls}");
        assert!(message(&calls[0]).contains("jest-fixed-jsdom"), "{calls}");
    }
    test.close(&[]).await
}

#[tokio::test]
async fn wasm_that_does_not_match_its_integrity_is_rejected() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.open("module", "").await?;
    test.browser.read_code().await?;
    test.browser
        .run(
            "(async () => {
               const bytes = await (await fetch('/scanlogin/scanlogin.wasm')).arrayBuffer();
               const hash = async (bits) => {
                 const digest = await crypto.subtle.digest('SHA-' + bits, bytes);
                 return 'sha' + bits + '-' + btoa(String.fromCharCode(...new Uint8Array(digest)));
               };
               window.hashes = await Promise.all([256, 384, 512].map(hash));
             })()",
        )
        .await?;
    let hashes: Vec<String> = serde_json::from_value(test.browser.wait_for("window.hashes").await?)?;
    let [sha256, sha384, sha512] = hashes.try_into().unwrap_or_default();
    let other = format!("sha384-{}", "A".repeat(64));

    for matching in [&sha384, &format!("{other} {sha384}"), &format!("sha256-AAAA {sha512}")] {
        test.open("module", &format!("wasm = {{ integrity: '{matching}' }}")).await?;
        test.browser.read_code().await?;
    }
    // Only the strongest kind of hash counts.
    for wrong in [&other, &format!("{sha256} {other}"), "nonsense"] {
        let calls = test.open_failed("module", &format!("wasm = {{ integrity: '{wrong}' }}")).await?;
        assert_eq!(calls[0]["code"], "wasm-integrity", "{calls}");
        // A later `init` replaces the hash.
        test.browser.run(&format!("return ScanLogin.init({{ integrity: '{sha384}' }})")).await?;
        test.retry().await?;
        test.browser.read_code().await?;
    }
    // Without HTTPS, a browser has no hash functions, and the wasm is rejected.
    let setup =
        format!("Object.defineProperty(crypto, 'subtle', {{ value: undefined }}); wasm = {{ integrity: '{sha384}' }}");
    let calls = test.open_failed("module", &setup).await?;
    assert_eq!(calls[0]["code"], "wasm-integrity", "{calls}");
    assert!(message(&calls[0]).contains("HTTPS"), "{calls}");
    test.close(&[]).await
}

#[tokio::test]
async fn failure_is_a_status_and_a_retry_by_keyboard_keeps_the_focus() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    test.open_failed("script", "").await?;
    let role = format!("return {FAILED}.shadowRoot.querySelector('.status').getAttribute('role')");
    assert_eq!(test.browser.run(&role).await?, "status");

    test.browser.press(Key::Tab).await?;
    test.browser.press(Key::Enter).await?;
    test.browser.wait_for("calls.length === 3").await?;
    let focus = format!("return {FOCUS}");
    assert_eq!(test.browser.run(&focus).await?, "button");
    test.faults.clear();
    test.browser.press(Key::Enter).await?;
    test.browser.read_code().await?;
    assert_eq!(test.browser.run(&focus).await?, "frame");
    test.browser.close().await
}

#[tokio::test]
async fn failed_messages_are_in_the_language_of_the_page_unless_options_replace_them() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    for (setup, headline, button) in [
        ("document.documentElement.lang = 'zh-Hant-HK'", "無法載入 QR Code", "重試"),
        ("document.documentElement.lang = 'ja'; options = { lang: 'zh-CN' }", "无法加载二维码", "重试"),
        ("options = { lang: 'ja-JP' }", "QRコードを読み込めませんでした", "再試行"),
        ("options = { lang: 'fr', tips: { failed: '<b>Zut</b>', retry: 'Encore' } }", "<b>Zut</b>", "Encore"),
    ] {
        test.open_failed("script", setup).await?;
        assert_eq!(
            (test.failed_text(".headline").await?, test.failed_text("button").await?),
            (headline.into(), button.into())
        );
    }
    test.open_failed("script", "").await?;
    test.browser.run("handle.setLanguage('ja')").await?;
    assert_eq!(test.failed_text("button").await?, "再試行");
    // The language is kept when the wasm adopts the shell.
    test.faults.clear();
    test.retry().await?;
    test.browser.read_code().await?;
    assert_eq!(test.browser.widget_text(".headline").await?, "アプリで読み取ってログイン");
    test.browser.close().await
}

#[tokio::test]
async fn failed_widget_ends_and_leaves_no_elements() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    // The server responds to this request after all earlier requests of the page.
    let last_request = "return fetch('/favicon.svg').then(({ ok }) => ok)";
    for end in [
        "handle.destroy()",
        "controller.abort()",
        "document.querySelector('#qrcode').remove()",
        "document.querySelector('.scanlogin').remove()",
    ] {
        test.open_failed("module", WITH_SIGNAL).await?;
        let requests = test.faults.requests(WASM).len();
        test.browser.run(end).await?;
        test.browser.wait_for("handle.state === 'destroyed' && !document.querySelector('.scanlogin')").await?;
        test.browser.run("handle.refresh(); handle.destroy()").await?;
        test.browser.run(last_request).await?;
        assert_eq!(test.faults.requests(WASM).len(), requests, "{end}");
        assert_eq!(test.browser.run("return calls.length").await?, 1, "{end}");
    }
    // A widget that is moved within the page does not end.
    test.open_failed("module", "").await?;
    test.browser.run("document.body.prepend(document.querySelector('#qrcode'))").await?;
    test.browser.run(last_request).await?;
    assert_eq!(test.browser.run("return handle.state").await?, "failed");
    test.browser.close().await
}

#[tokio::test]
async fn second_widget_replaces_the_first_and_an_unknown_id_opens_a_floating_shell() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    test.open_failed("module", "").await?;
    test.browser.run("window.first = handle; start()").await?;
    test.browser.wait_for("handle.state === 'failed'").await?;
    assert_eq!(test.browser.run("return first.state").await?, "destroyed");
    assert_eq!(test.widget_count().await?, 1);

    test.browser.run("start('nowhere')").await?;
    test.browser.wait_for("document.querySelector('body > .scanlogin[data-floating]')").await?;
    let is_centred =
        "const { x, y, width, height } = document.querySelector('[data-floating]').getBoundingClientRect();
        return [Math.round(x + width / 2) === Math.round(document.documentElement.clientWidth / 2),
                Math.round(y + height / 2) === Math.round(innerHeight / 2)]";
    assert_eq!(test.browser.run(is_centred).await?, json!([true, true]));

    // A widget that starts with the loaded wasm replaces the failed one in `#qrcode`.
    test.faults.clear();
    test.browser.run("handle.destroy(); return ScanLogin.init()").await?;
    test.browser.run("start()").await?;
    test.browser.read_code().await?;
    assert_eq!(test.widget_count().await?, 1);
    test.browser.close().await
}

#[tokio::test]
async fn invalid_option_is_reported_without_a_retry_button() -> Result<()> {
    let test = LoadingTest::start().await?;
    let calls = test.open_failed("module", "options = { interval: 'often' }").await?;
    assert_eq!((&calls[0]["code"], &calls[0]["fatal"]), (&json!("invalid-option"), &json!(true)), "{calls}");
    assert!(message(&calls[0]).contains("`interval`"), "{calls}");
    let display = format!("return getComputedStyle({FAILED}.shadowRoot.querySelector('button')).display");
    assert_eq!(test.browser.run(&display).await?, "none");
    test.close(&[]).await
}

#[tokio::test]
async fn failure_without_on_error_goes_to_the_error_handler_of_the_page() -> Result<()> {
    let test = LoadingTest::start().await?;
    test.faults.inject(WASM, Fault::NotFound);
    let setup = "options = { onError: undefined }; addEventListener('error', ({ error }) => calls.push(error.code))";
    assert_eq!(test.open_failed("script", setup).await?, json!(["wasm-not-found"]));
    test.browser.close().await
}
