//! What a person sees and a page is told while the wasm is on its way and when it can't run, and how it comes back. Real
//! faults of the server, real policies, and a browser without WebAssembly.

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use scanlogin_decoder::Picture;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};
use thirtyfour::Key;

const WASM: &str = "scanlogin.wasm";

/// What Chromium itself writes when an answer is no success.
const CHROMIUM: &[&str] = &["Failed to load resource"];

/// The box that stands where the code should be.
const BOX: &str = "document.querySelector('.scanlogin[data-state=failed]')";

/// The box while the wasm is on its way: the widget that takes its place has room for a code.
const LOADING: &str = "[...document.querySelectorAll('.scanlogin[data-state=loading]')].find(
    ({ shadowRoot }) => !shadowRoot.querySelector('.code'))";

/// Lets the page's first short timer, which is that of the box, wait for `due()`.
const HOLD_THE_BOX: &str = "const real = setTimeout;
    window.setTimeout = (call, after) => {
      if (after >= 1000) return real(call, after);
      window.setTimeout = real;
      window.due = call;
    }";

/// Lets the 20 seconds that the wasm may take end when `giveUp()` is called.
const HOLD_THE_END_OF_WAITING: &str = "const real = setTimeout;
    window.setTimeout = (call, after) => {
      if (after !== 20_000) return real(call, after);
      window.setTimeout = real;
      window.giveUp = call;
    }";

/// A page by either door; its query is JavaScript that runs first of all.
fn page(door: &str, first: &str) -> String {
    let load = match door {
        "script" => "<script src=/scanlogin/global.js></script><script>begin(ScanLogin)</script>",
        _ => "<script type=module>import * as ScanLogin from '/scanlogin/index.js'; begin(ScanLogin)</script>",
    };
    format!(
        "<!doctype html><html lang=en><title>ConnectionProblem</title><link rel=icon href=data:,><body><div id=qrcode></div>
         <script>
           window.told = [];
           window.options = {{}};
           window.wasm = undefined;
           {first};
           window.begin = (door) => {{
             window.ScanLogin = door;
             if (wasm) door.init(wasm).catch(() => {{}});
             window.start = (target = 'qrcode') => (window.handle = door.startScanning(target, {{
               onError: (message, error) => told.push([
                 error.code, error.fatal, error instanceof Error && error.message === message, message,
               ]),
               onRetry: () => told.push('retry'),
               onCodeShow: () => told.push('shown'),
               ...options,
             }}));
             start();
           }};
         </script>
         {load}</body></html>"
    )
}

/// A demo with the pages on it, one of them under a policy without `'wasm-unsafe-eval'`.
async fn start(faults: &Faults) -> Result<Site> {
    let pages = async |Path(door): Path<String>, RawQuery(first): RawQuery| {
        let first = reqwest::Url::parse(&format!("http://page?{}", first.unwrap_or_default()))
            .ok()
            .and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()))
            .unwrap_or_default();
        Html(page(&door, &first))
    };
    let strict = async || {
        let policy = "default-src 'self'; script-src 'self' 'unsafe-inline'";
        ([(CONTENT_SECURITY_POLICY, policy), (CONTENT_TYPE, "text/html")], page("script", "")).into_response()
    };
    let with_pages = |app: Router| faults.wrap(app.route("/strict", get(strict)).route("/by/{door}", get(pages)));
    Site::start_with(|_| {}, with_pages).await
}

async fn open(browser: &Browser, site: &Site, door: &str, first: &str) -> Result<()> {
    let mut url = reqwest::Url::parse(&format!("{}/by/{door}", site.url))?;
    url.query_pairs_mut().append_pair("first", first);
    browser.goto(url.as_str()).await
}

async fn words(browser: &Browser, selector: &str) -> Result<Value> {
    browser.run(&format!("return {BOX}.shadowRoot.querySelector('{selector}').textContent")).await
}

async fn try_again(browser: &Browser) -> Result<()> {
    browser.run(&format!("{BOX}.shadowRoot.querySelector('button').click()")).await.map(drop)
}

/// Waits for the box, and answers with what the page was told until then.
async fn told(browser: &Browser) -> Result<Value> {
    browser.until(&format!("{BOX}?.shadowRoot.querySelector('.headline').textContent")).await?;
    browser.run("return told").await
}

/// Opens a page whose wasm is on its way, and waits until the box says so.
async fn open_and_hold(browser: &Browser, site: &Site, faults: &Faults, first: &str) -> Result<()> {
    faults.strike(WASM, Fault::Held);
    open(browser, site, "script", first).await?;
    browser.until(&format!("{LOADING}?.shadowRoot.querySelector('.headline').textContent")).await.map(drop)
}

/// What a person and a screen reader know of the box while the wasm is on its way.
async fn loading(browser: &Browser) -> Result<Value> {
    let code = format!(
        "const root = {LOADING}.shadowRoot;
         const [frame, status, headline, hint] =
           ['.frame', '.status', '.headline', '.hint'].map((part) => root.querySelector(part));
         return [frame.lang, frame.ariaBusy, status.getAttribute('role'), headline.textContent, hint.textContent]"
    );
    browser.run(&code).await
}

/// What `loading` answers in a language.
fn in_language(tag: &str) -> Value {
    let words = match tag {
        "zh-CN" => "正在获取二维码…",
        "zh-TW" => "正在取得 QR Code…",
        "ja-JP" => "QRコードを取得しています…",
        _ => "Getting a code…",
    };
    json!([tag, "true", "status", words, ""])
}

#[tokio::test]
async fn while_the_wasm_is_on_its_way_the_place_of_the_code_says_so_and_keeps_its_size() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    for (first, tag) in [
        ("", "en-US"),
        ("options = { lang: 'zh', theme: 'dark', size: { width: 300, height: 200 } }", "zh-CN"),
        ("options = { lang: 'zh-Hant-HK', containerSize: { width: 400, height: 520 } }", "zh-TW"),
        ("document.documentElement.lang = 'ja'; options = { size: { width: 320, height: 320 } }", "ja-JP"),
    ] {
        open_and_hold(&browser, &site, &faults, first).await?;
        assert_eq!(loading(&browser).await?, in_language(tag));
        let is_hidden = format!("return getComputedStyle({LOADING}.shadowRoot.querySelector('button')).display");
        assert_eq!(browser.run(&is_hidden).await?, "none");
        assert_eq!(browser.run("return handle.state").await?, "loading");
        let frame = "const host = document.querySelector('.scanlogin');
            const { x, y, width, height } = host.shadowRoot.querySelector('.frame').getBoundingClientRect();
            return [x, y, width, height, host.dataset.theme ?? 'auto']";
        let before = browser.run(frame).await?;
        faults.relent();
        browser.read_code().await?;
        assert_eq!(browser.run(frame).await?, before, "{first}");
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
        assert_eq!(browser.run("return told").await?, json!(["shown"]));
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn it_looks_as_the_widget_does_pixel_by_pixel() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    // What a server says of a failure stands where the box has its advice.
    let refused = |answer: &mut Value| {
        *answer = json!({ "code": 1001, "message": "Try again, or use another browser" });
    };
    let words = "tips: { failed: 'Not now', retry: 'Once more' }";
    for (scheme, first) in [
        ("light", format!("options = {{ {words} }}")),
        ("dark", format!("options = {{ {words}, containerSize: {{ width: 400, height: 520 }} }}")),
        ("light", format!("options = {{ {words}, theme: 'dark', colors: {{ light: '#e8f4ff' }} }}")),
        (
            "light",
            format!("options = {{ {words}, size: {{ width: 300, height: 200 }} }}; qrcode.style.width = '160px'"),
        ),
        ("dark", format!("options = {{ {words} }}; qrcode.style.cssText = '--scanlogin-padding: 3px; direction: rtl'")),
        ("light", format!("options = {{ {words} }}; qrcode.remove()")),
    ] {
        browser.prefer(&[("prefers-color-scheme", scheme)]).await?;
        faults.strike(WASM, Fault::Missing);
        open(&browser, &site, "script", &first).await?;
        told(&browser).await?;
        let failed = picture(&browser).await?;
        faults.relent();
        faults.strike("gene", Fault::Changed(refused));
        try_again(&browser).await?;
        browser.until(&format!("{BOX}.shadowRoot.querySelector('.code')")).await?;
        assert!(picture(&browser).await? == failed, "failed: {scheme}, {first}");

        open_and_hold(&browser, &site, &faults, &first).await?;
        let loading = picture(&browser).await?;
        faults.relent();
        faults.strike("gene", Fault::Held);
        browser.until("document.querySelector('.scanlogin').shadowRoot.querySelector('.code')").await?;
        assert!(picture(&browser).await? == loading, "loading: {scheme}, {first}");
        assert!(loading != failed);
        faults.relent();
    }
    browser.close().await
}

/// What is to be seen, with all that moves at its end, or where it begins when it has none.
async fn picture(browser: &Browser) -> Result<Picture> {
    browser
        .run(
            "for (const animation of document.querySelector('.scanlogin').shadowRoot.getAnimations()) {
               if (animation.effect.getComputedTiming().endTime === Infinity) {
                 animation.pause();
                 animation.currentTime = 0;
               } else animation.finish();
             }",
        )
        .await?;
    Picture::from_png(&browser.screenshot().await?)
}

#[tokio::test]
async fn a_browser_without_constructed_sheets_shows_words_and_a_code() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    open_and_hold(&browser, &site, &faults, "delete window.CSSStyleSheet").await?;
    assert_eq!(loading(&browser).await?, in_language("en-US"));
    let height = format!("return {LOADING}.shadowRoot.querySelector('.stage').offsetHeight");
    assert_eq!(browser.run(&height).await?, 240);
    faults.relent();
    browser.read_code().await?;
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_wasm_that_comes_at_once_is_not_spoken_of() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Held);
    open(&browser, &site, "script", HOLD_THE_BOX).await?;
    browser.until("window.due").await?;
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 0);
    faults.relent();
    browser.read_code().await?;
    browser.run("due()").await?;
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_words_of_loading_are_the_pages_own_and_change_with_the_language() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    open_and_hold(&browser, &site, &faults, "options = { lang: 'fr', tips: { loading: '<b>Un instant</b>' } }").await?;
    assert_eq!(loading(&browser).await?, json!(["fr", "true", "status", "<b>Un instant</b>", ""]));

    // The language of the page is followed until the widget has one of its own.
    let speak = async |code: &str, tag: &str| {
        browser.run(code).await?;
        browser.until(&format!("{LOADING}.shadowRoot.querySelector('.frame').lang === '{tag}'")).await?;
        assert_eq!(loading(&browser).await?, in_language(tag));
        anyhow::Ok(())
    };
    open_and_hold(&browser, &site, &faults, "").await?;
    speak("document.documentElement.lang = 'zh-TW'", "zh-TW").await?;
    speak("handle.setLanguage('ja')", "ja-JP").await?;
    speak("document.documentElement.lang = 'zh-CN'", "ja-JP").await?;

    // So it is in trouble.
    faults.strike(WASM, Fault::Missing);
    open(&browser, &site, "module", "").await?;
    told(&browser).await?;
    browser.run("document.documentElement.lang = 'zh-CN'").await?;
    browser.until(&format!("{BOX}.shadowRoot.querySelector('.headline').textContent === '无法显示二维码'")).await?;
    browser.close().await
}

#[tokio::test]
async fn a_retry_says_that_it_loads_and_leaves_the_focus_where_it_is() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    open(&browser, &site, "script", "").await?;
    told(&browser).await?;
    browser.press(Key::Tab).await?;
    faults.strike(WASM, Fault::Held);
    browser.press(Key::Enter).await?;
    browser.until(&format!("{LOADING}?.shadowRoot.activeElement?.ariaDisabled === 'true'")).await?;
    assert_eq!(loading(&browser).await?, in_language("en-US"));
    // A second click is no second try.
    browser.press(Key::Enter).await?;
    faults.relent();
    browser.read_code().await?;
    assert_eq!(browser.run("return document.activeElement.shadowRoot?.activeElement.className").await?, "frame");
    assert_eq!(browser.run("return told.slice(1)").await?, json!(["retry", "shown"]));
    browser.close().await
}

#[tokio::test]
async fn a_widget_that_ends_while_the_wasm_is_on_its_way_leaves_nothing() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    let with_signal = "window.stop = new AbortController(); options = { signal: stop.signal }";
    for end in [
        "handle.destroy()",
        "stop.abort()",
        "document.querySelector('#qrcode').remove()",
        "document.querySelector('.scanlogin').remove()",
    ] {
        open_and_hold(&browser, &site, &faults, with_signal).await?;
        browser.run(end).await?;
        browser.until("handle.state === 'destroyed' && !document.querySelector('.scanlogin')").await?;
        faults.relent();
        browser.run("return ScanLogin.init()").await?;
        let left = "return [handle.state, document.querySelectorAll('.scanlogin').length, told.length]";
        assert_eq!(browser.run(left).await?, json!(["destroyed", 0, 0]), "{end}");
    }
    // Before there is a box, too.
    faults.strike(WASM, Fault::Held);
    open(&browser, &site, "script", HOLD_THE_BOX).await?;
    browser.until("window.due").await?;
    browser.run("handle.destroy(); due()").await?;
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 0);
    browser.close().await
}

#[tokio::test]
async fn options_that_can_not_be_read_count_as_absent_as_they_do_in_the_widget() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    let throwing = "options = undefined; window.secretive = new Proxy({}, { get() { throw new Error('mine') } });
        addEventListener('error', ({ message }) => told.push(message));
        addEventListener('unhandledrejection', ({ reason }) => told.push(reason.message))";
    open_and_hold(&browser, &site, &faults, throwing).await?;
    browser.run("handle.destroy(); window.handle = ScanLogin.startScanning('qrcode', secretive)").await?;
    browser.until(&format!("{LOADING}?.shadowRoot.querySelector('.headline').textContent")).await?;
    assert_eq!(loading(&browser).await?, in_language("en-US"));
    faults.relent();
    browser.read_code().await?;
    assert_eq!(browser.run("return told").await?, json!([]));
    browser.close().await
}

#[tokio::test]
async fn each_fault_of_the_server_has_a_name_a_sentence_and_a_button_that_tries_again() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    for (fault, code, says) in [
        (Fault::Missing, "wasm-not-found", "is not there"),
        (Fault::Html, "wasm-wrong-type", "text/html"),
        (Fault::Empty, "wasm-wrong-type", "does its server answer every address"),
        (Fault::Halved, "wasm-damaged", "deploy both again"),
        (Fault::Overloaded(1), "wasm-unreachable", "HTTP 503"),
        (Fault::Broken, "wasm-unreachable", "connect-src"),
    ] {
        for door in ["script", "module"] {
            faults.strike(WASM, fault);
            open(&browser, &site, door, "").await?;
            let told_first = told(&browser).await?;
            assert_eq!(told_first.as_array().map(Vec::len), Some(1), "{told_first}");
            let [told_code, is_fatal, is_error] = [0, 1, 2].map(|n| told_first[0][n].clone());
            assert_eq!(
                (told_code, is_fatal, is_error),
                (json!(code), json!(true), json!(true)),
                "{fault:?} {told_first}"
            );
            let message = told_first[0][3].as_str().unwrap_or_default();
            assert!(message.contains(says) && message.contains("/scanlogin/scanlogin.wasm"), "{message}");
            assert_eq!(words(&browser, ".headline").await?, "The QR code can’t be shown");
            assert_eq!(words(&browser, "button").await?, "Try again");
            assert_eq!(browser.run("return handle.state").await?, "failed");

            // The fault is still there: each click is one try, and told once.
            try_again(&browser).await?;
            browser.until("told.length === 3").await?;
            let told_next = browser.run("return told.map((told) => told[0])").await?;
            assert_eq!(told_next, json!([code, "r", code]), "{fault:?}");

            faults.relent();
            try_again(&browser).await?;
            browser.read_code().await?;
            assert_eq!(browser.run("return told.slice(3)").await?, json!(["retry", "shown"]), "{fault:?}");
            assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
        }
    }
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

#[tokio::test]
async fn the_right_file_under_a_wrong_type_simply_works() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Mislabelled);
    for door in ["script", "module"] {
        open(&browser, &site, door, "").await?;
        browser.read_code().await?;
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_file_that_never_comes_is_given_up() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Held);
    open(&browser, &site, "module", HOLD_THE_END_OF_WAITING).await?;
    faults.until_seen(WASM, 1).await?;
    browser.run("giveUp()").await?;
    let told = told(&browser).await?;
    assert_eq!(told[0][0], "wasm-unreachable", "{told}");
    assert!(told[0][3].as_str().unwrap_or_default().contains("no answer in 20 seconds"), "{told}");
    faults.relent();
    try_again(&browser).await?;
    browser.read_code().await?;
    browser.close().await
}

#[tokio::test]
async fn a_policy_that_forbids_webassembly_is_named() -> Result<()> {
    let site = start(&Faults::default()).await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/strict", site.url)).await?;
    let told_first = told(&browser).await?;
    assert_eq!(told_first[0][0], "wasm-blocked", "{told_first}");
    assert!(told_first[0][3].as_str().unwrap_or_default().contains("'wasm-unsafe-eval'"), "{told_first}");
    try_again(&browser).await?;
    browser.until("told.length === 3").await?;
    // The box needs no exception from the policy: it is dressed.
    let width = format!("return {BOX}.shadowRoot.querySelector('.frame').offsetWidth");
    assert_eq!(browser.run(&width).await?, 300);
    browser.close().await
}

#[tokio::test]
async fn a_browser_that_is_too_old_is_told_so() -> Result<()> {
    let site = start(&Faults::default()).await?;
    let browser = Browser::open().await?;
    for old in [
        "window.modern = WebAssembly; delete window.WebAssembly",
        // It has WebAssembly, but not what ours needs of it.
        "window.modern = WebAssembly; window.WebAssembly = { ...modern, validate: () => false }",
    ] {
        open(&browser, &site, "script", old).await?;
        let told = told(&browser).await?;
        assert_eq!(told[0][0], "wasm-unsupported", "{told}");
        // Nothing was wrong but that.
        browser.run("window.WebAssembly = modern").await?;
        try_again(&browser).await?;
        browser.read_code().await?;
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn bytes_that_do_not_match_their_integrity_are_refused() -> Result<()> {
    let site = start(&Faults::default()).await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "module", "").await?;
    browser.read_code().await?;
    browser
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
    let hashes: Vec<String> = serde_json::from_value(browser.until("window.hashes").await?)?;
    let [sha256, sha384, sha512] = hashes.try_into().unwrap_or_default();
    let other = format!("sha384-{}", "A".repeat(64));

    for right in [&sha384, &format!("{other} {sha384}"), &format!("sha256-AAAA {sha512}")] {
        open(&browser, &site, "module", &format!("wasm = {{ integrity: '{right}' }}")).await?;
        browser.read_code().await?;
    }
    // Where hashes are of several kinds, the weaker count for nothing.
    for wrong in [&other, &format!("{sha256} {other}"), "nonsense"] {
        open(&browser, &site, "module", &format!("wasm = {{ integrity: '{wrong}' }}")).await?;
        let told = told(&browser).await?;
        assert_eq!(told[0][0], "wasm-integrity", "{told}");
        // The page may learn better.
        browser.run(&format!("return ScanLogin.init({{ integrity: '{sha384}' }})")).await?;
        try_again(&browser).await?;
        browser.read_code().await?;
    }
    // Without HTTPS a browser can't hash, and what can't be checked is refused.
    let plain =
        format!("Object.defineProperty(crypto, 'subtle', {{ value: undefined }}); wasm = {{ integrity: '{sha384}' }}");
    open(&browser, &site, "module", &plain).await?;
    let told = told(&browser).await?;
    assert!(told[0][0] == "wasm-integrity" && told[0][3].as_str().unwrap_or_default().contains("HTTPS"), "{told}");
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_person_with_a_keyboard_tries_again_and_keeps_the_focus() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    open(&browser, &site, "script", "").await?;
    told(&browser).await?;
    let role = format!("return {BOX}.shadowRoot.querySelector('.status').getAttribute('role')");
    assert_eq!(browser.run(&role).await?, "alert");

    browser.press(Key::Tab).await?;
    browser.press(Key::Enter).await?;
    browser.until("told.length === 3").await?;
    let focus = "return document.activeElement.shadowRoot?.activeElement.className";
    assert_eq!(browser.run(focus).await?, "button");
    faults.relent();
    browser.press(Key::Enter).await?;
    browser.read_code().await?;
    assert_eq!(browser.run(focus).await?, "frame");
    browser.close().await
}

#[tokio::test]
async fn it_speaks_the_language_of_the_page_and_the_pages_own_words() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    for (first, headline, button) in [
        ("document.documentElement.lang = 'zh-Hant-HK'", "無法顯示 QR Code", "重試"),
        ("document.documentElement.lang = 'ja'; options = { lang: 'zh-CN' }", "无法显示二维码", "重试"),
        ("options = { lang: 'ja-JP' }", "QRコードを表示できません", "再試行"),
        ("options = { lang: 'fr', tips: { failed: '<b>Zut</b>', retry: 'Encore' } }", "<b>Zut</b>", "Encore"),
    ] {
        open(&browser, &site, "script", first).await?;
        told(&browser).await?;
        assert_eq!(
            (words(&browser, ".headline").await?, words(&browser, "button").await?),
            (headline.into(), button.into())
        );
    }
    open(&browser, &site, "script", "").await?;
    told(&browser).await?;
    browser.run("handle.setLanguage('ja')").await?;
    assert_eq!(words(&browser, "button").await?, "再試行");
    // The widget that takes its place goes on in that language.
    faults.relent();
    try_again(&browser).await?;
    browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "アプリでスキャンしてログイン");
    browser.close().await
}

#[tokio::test]
async fn it_ends_as_a_widget_does_and_leaves_nothing() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    for end in [
        "handle.destroy()",
        "stop.abort()",
        "document.querySelector('#qrcode').remove()",
        "document.querySelector('.scanlogin').remove()",
    ] {
        let with_signal = "window.stop = new AbortController(); options = { signal: stop.signal }";
        open(&browser, &site, "module", with_signal).await?;
        told(&browser).await?;
        let seen = faults.seen(WASM).len();
        browser.run(end).await?;
        browser.until("handle.state === 'destroyed' && !document.querySelector('.scanlogin')").await?;
        browser.run("handle.refresh(); handle.destroy()").await?;
        // What it would still ask for would have come before this.
        browser.run("return fetch('/favicon.svg').then(({ ok }) => ok)").await?;
        assert_eq!((faults.seen(WASM).len(), browser.run("return told.length").await?), (seen, json!(1)), "{end}");
    }
    // An element that is moved stays what it is.
    open(&browser, &site, "module", "").await?;
    told(&browser).await?;
    browser.run("document.body.prepend(document.querySelector('#qrcode'))").await?;
    browser.run("return fetch('/favicon.svg').then(({ ok }) => ok)").await?;
    assert_eq!(browser.run("return handle.state").await?, "failed");
    browser.close().await
}

#[tokio::test]
async fn an_element_has_room_for_one_and_an_unknown_id_gets_a_box_of_its_own() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    open(&browser, &site, "module", "").await?;
    told(&browser).await?;
    browser.run("window.first = handle; start()").await?;
    browser.until("handle.state === 'failed'").await?;
    assert_eq!(
        browser.run("return [first.state, document.querySelectorAll('.scanlogin').length]").await?,
        json!(["destroyed", 1])
    );

    browser.run("start('nowhere')").await?;
    browser.until("document.querySelector('body > .scanlogin[data-floating]')").await?;
    let middle = "const { x, y, width, height } = document.querySelector('[data-floating]').getBoundingClientRect();
        return [Math.round(x + width / 2) === Math.round(document.documentElement.clientWidth / 2),
                Math.round(y + height / 2) === Math.round(innerHeight / 2)]";
    assert_eq!(browser.run(middle).await?, json!([true, true]));

    // A widget takes the place of a box, whoever started it.
    faults.relent();
    browser.run("handle.destroy(); return ScanLogin.init()").await?;
    browser.run("start()").await?;
    browser.read_code().await?;
    assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 1);
    browser.close().await
}

#[tokio::test]
async fn what_a_second_try_can_not_mend_has_no_button() -> Result<()> {
    let site = start(&Faults::default()).await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "module", "options = { interval: 'often' }").await?;
    let told = told(&browser).await?;
    assert_eq!((&told[0][0], &told[0][1]), (&json!("invalid-option"), &json!(true)), "{told}");
    assert!(told[0][3].as_str().unwrap_or_default().contains("interval"), "{told}");
    let is_hidden = format!("return getComputedStyle({BOX}.shadowRoot.querySelector('button')).display === 'none'");
    assert_eq!(browser.run(&is_hidden).await?, true);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn without_on_error_the_pages_error_handler_is_told() -> Result<()> {
    let faults = Faults::default();
    let site = start(&faults).await?;
    let browser = Browser::open().await?;
    faults.strike(WASM, Fault::Missing);
    let first = "options = { onError: undefined }; addEventListener('error', ({ error }) => told.push(error.code))";
    open(&browser, &site, "script", first).await?;
    assert_eq!(told(&browser).await?, json!(["wasm-not-found"]));
    browser.close().await
}
