//! The entry points of the package: a script tag without other code, `<scan-login>`, the module with an inline wasm,
//! and their import on a server. Other tests call `startScanning` of `index.js` and `global.js`.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{Html, Redirect};
use axum::routing::{any, get};
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::{Value, json};
use tokio::sync::Notify;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/dist");

const HEAD: &str = "<!doctype html><html lang=en><title>Entry points</title><link rel=icon href=data:,>
    <script>
      window.events = [];
      for (const name of ['success', 'scanned', 'cancel', 'expired', 'error']) {
        for (const type of [name, 'scanlogin:' + name]) {
          document.addEventListener(type, ({ type, target, detail }) => events.push([type, target.id, detail]));
        }
      }
    </script>";

/// The script tag is before its target. The browser parses the target only after the wasm is loaded: the server holds
/// `slow.js` until the page requests `wasm-loaded`.
const TAG: &str =
    "<script src=/scanlogin/global.js data-target=qrcode data-app-id=demo-app data-tenant-id=7 data-size=200
      data-countdown=false data-tips='{\"title\":\"Scan me\"}' data-custom-data='{\"hello\":\"world\"}'></script>
    <script>ScanLogin.init().then(() => fetch('/wasm-loaded'))</script>
    <script src=/slow.js></script>
    <body><div id=qrcode></div></body>";

const TWICE: &str = "<body><div id=first></div><div id=second></div>
    <script src=/scanlogin/global.js data-target=first></script><script>window.before = ScanLogin</script>
    <script src='/scanlogin/global.js?again' data-target=second></script></body>";

/// A CDN serves `global.js` at the address of the package.
const CDN: &str = "<body><div id=qrcode></div>
    <script src=/npm/scanlogin@0.1.0 data-target=qrcode></script></body>";

const INTEGRITY: &str = "<body><div id=qrcode></div>
    <script src=/scanlogin/global.js data-target=qrcode data-integrity=sha384-AAAA></script></body>";

const WASM_ADDRESS: &str = "<body><div id=qrcode></div>
    <script src=/scanlogin/global.js data-target=qrcode data-wasm=/npm/scanlogin@0.1.0/dist/scanlogin.wasm></script></body>";

const BARE: &str = "<body><div id=qrcode></div><script src=/scanlogin/global.js></script></body>";

/// A page whose encoding is not UTF-8, and a script without a charset.
const LEGACY: &str = "<!doctype html><meta charset=gbk><body><div id=qrcode></div>
    <script src=/without-charset/global.js data-target=qrcode data-lang=zh-CN></script></body>";

/// Markup of a stranger, such as a comment, without a script. Each name hides a property of `document` or of the window.
const CLOBBERED: &str =
    "<body><img name=currentScript data-target=trap data-wasm=/trap.wasm data-host=http://127.0.0.1:1>
    <img name=body><img name=documentElement><img name=getElementById><img name=createElement><img name=createElementNS>
    <img name=readyState><img name=addEventListener><img name=hidden><img name=baseURI>
    <a id=ScanLogin></a><a id=addEventListener></a><a id=reportError></a><div id=qrcode></div>
    <script src=/scanlogin/global.js data-target=qrcode></script></body>";

const MODULE: &str = "<body><div id=qrcode></div>
    <script type=module src=/scanlogin/global.js data-target=qrcode data-size=200></script></body>";

/// jQuery inserts a fragment, requests its scripts, and runs their text in scripts without attributes.
const FRAGMENT: &str = "<body><div id=place></div><script>
      fetch('/scanlogin/global.js').then((response) => response.text()).then((text) => {
        place.innerHTML = '<div id=qrcode></div><script src=/scanlogin/global.js data-target=qrcode data-size=200></' + 'script>';
        for (let count = 0; count < 2; count += 1) {
          const script = document.createElement('script');
          script.text = text;
          document.head.appendChild(script).remove();
        }
      });
    </script></body>";

/// As [`FRAGMENT`], with another name of the file in its tag.
const RENAMED: &str = "<body><div id=place></div><script>
      window.warnings = [];
      console.warn = (text) => warnings.push(text);
      fetch('/scanlogin/global.js').then((response) => response.text()).then((text) => {
        place.innerHTML = '<div id=qrcode></div><script src=/assets/sign-in.js data-target=qrcode></' + 'script>';
        const script = document.createElement('script');
        script.text = text;
        document.head.appendChild(script).remove();
      });
    </script></body>";

const ELEMENT: &str = "<body><scan-login id=login app-id=demo-app size=200 countdown=false></scan-login>
    <script type=module>
      import * as element from '/scanlogin/element.js';
      window.login = document.querySelector('scan-login');
    </script></body>";

const INLINE: &str = "<body><div id=qrcode></div>
    <script type=module>
      import { startScanning } from '/scanlogin/inline.js';
      startScanning('qrcode', { onSuccess: (userInfo, ticket) => events.push(['success', '', { userInfo, ticket }]) });
    </script></body>";

/// Adds the pages to the site.
fn with_pages(app: Router) -> Router {
    let page = async |Path(name): Path<String>| {
        let body = match name.as_str() {
            "tag" => TAG,
            "twice" => TWICE,
            "cdn" => CDN,
            "integrity" => INTEGRITY,
            "wasm-address" => WASM_ADDRESS,
            "bare" => BARE,
            "clobbered" => CLOBBERED,
            "module" => MODULE,
            "fragment" => FRAGMENT,
            "renamed" => RENAMED,
            "element" => ELEMENT,
            _ => INLINE,
        };
        Html([HEAD, body, "</html>"].concat())
    };
    let package = async |Path(file): Path<String>| Redirect::temporary(&format!("/scanlogin/{file}"));
    let without_charset = async |Path(file): Path<String>| {
        let bytes = std::fs::read(format!("{DIST}/{file}")).unwrap_or_default();
        ([(CONTENT_TYPE, "text/javascript")], bytes)
    };
    // A redirect to another origin, with the same port.
    let redirect = async |headers: HeaderMap, Path(call): Path<String>| {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        Redirect::temporary(&format!("http://{}/api/v2/qrcode/{call}", host.replace("127.0.0.1", "localhost")))
    };
    // `notify_one` stores a permit, so the order of the two requests does not matter.
    let wasm_loaded = Arc::new(Notify::new());
    let waiting = Arc::clone(&wasm_loaded);
    let slow = async move || {
        waiting.notified().await;
        ([(CONTENT_TYPE, "text/javascript")], "")
    };
    let release = async move || wasm_loaded.notify_one();
    app.route("/page/{name}", get(page))
        .route("/slow.js", get(slow))
        .route("/redirecting/api/v2/qrcode/{call}", any(redirect))
        .route("/wasm-loaded", get(release))
        .route("/legacy", get(async || ([(CONTENT_TYPE, "text/html")], LEGACY)))
        .route("/without-charset/{file}", get(without_charset))
        .route("/npm/scanlogin@0.1.0", get(async || Redirect::temporary("/scanlogin/global.js")))
        .route("/npm/scanlogin@0.1.0/dist/{file}", get(package))
}

/// A site with the pages, a browser, and a record of the requests between them.
struct EntryPointTest {
    faults: Faults,
    traffic: Traffic,
    site: Site,
    browser: Browser,
}

impl EntryPointTest {
    async fn start() -> Result<Self> {
        let (faults, traffic) = (Faults::default(), Traffic::default());
        let site = Site::start_with(|_| {}, |app| faults.wrap(traffic.wrap(with_pages(app)))).await?;
        Ok(Self { faults, traffic, site, browser: Browser::open().await? })
    }

    async fn goto(&self, page: &str) -> Result<()> {
        self.browser.goto(&format!("{}/page/{page}", self.site.url)).await
    }

    /// Closes the browser. The console must have no messages except those that contain one of `expected`.
    async fn close(self, expected: &[&str]) -> Result<()> {
        self.browser.expect_no_console_errors(expected).await?;
        self.browser.close().await
    }
}

#[tokio::test]
async fn script_tag_with_data_attributes_shows_a_code_and_dispatches_events() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("tag").await?;
    let text = test.browser.read_code().await?;
    assert!(text.ends_with(r#""customData":{"hello":"world"}}"#), "{text}");
    assert_eq!(test.browser.widget_text(".headline").await?, "Scan me");
    let layout = "const root = document.querySelector('#qrcode > .scanlogin').shadowRoot;
        return [root.querySelector('.stage').offsetWidth, root.querySelector('.countdown').hidden]";
    assert_eq!(test.browser.run(layout).await?, json!([200, true]));

    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    phone.scan(&text).await?;
    test.browser.wait_for("events.length === 1").await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("events.length === 2").await?;
    let events = test.browser.run("return events").await?;
    assert_eq!((&events[0][0], &events[0][1]), (&json!("scanlogin:scanned"), &json!("qrcode")));
    assert_eq!((&events[1][0], &events[1][2]["userInfo"]["nickname"]), (&json!("scanlogin:success"), &json!("Alice")));
    assert!(events[1][2]["ticket"].is_string(), "{events}");
    test.close(&[]).await
}

#[tokio::test]
async fn script_loaded_twice_starts_both_widgets_with_one_wasm() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("twice").await?;
    test.browser
        .wait_for("['first', 'second'].every((id) => document.querySelector(`#${id} > .scanlogin[data-state=ready]`))")
        .await?;
    assert_eq!(test.browser.run("return before === ScanLogin").await?, true);
    assert_eq!(test.faults.requests("scanlogin.wasm").len(), 1);
    test.close(&[]).await
}

#[tokio::test]
async fn wasm_is_found_for_the_package_address_of_a_cdn_and_for_data_wasm() -> Result<()> {
    let test = EntryPointTest::start().await?;
    for page in ["cdn", "wasm-address"] {
        test.goto(page).await?;
        test.browser.read_code().await?;
    }
    test.close(&[]).await
}

#[tokio::test]
async fn script_tag_believes_no_markup_that_has_the_name_of_a_property() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("clobbered").await?;
    let text = test.browser.read_code().await?;
    assert_eq!(test.browser.run("return !!document.querySelector('#qrcode > .scanlogin')").await?, true);
    assert_eq!(test.faults.requests("trap.wasm").len(), 0);
    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    phone.scan(&text).await?;
    test.browser.wait_for("events.length === 1").await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("events.length === 2").await?;
    assert_eq!(test.browser.run("return events[1].slice(0, 2)").await?, json!(["scanlogin:success", "qrcode"]));
    test.close(&[]).await
}

#[tokio::test]
async fn script_tag_works_as_a_module_and_in_a_fragment_that_jquery_inserts() -> Result<()> {
    let test = EntryPointTest::start().await?;
    for (page, codes) in [("module", 1), ("fragment", 2)] {
        test.goto(page).await?;
        test.browser.read_code().await?;
        let size =
            "return document.querySelector('#qrcode > .scanlogin').shadowRoot.querySelector('.stage').offsetWidth";
        assert_eq!(test.browser.run(size).await?, 200, "{page}");
        assert_eq!(test.traffic.snapshot().codes, codes, "{page}: each tag starts one widget");
    }
    test.goto("renamed").await?;
    let warning = test.browser.wait_for("warnings[0]").await?;
    assert!(warning.as_str().is_some_and(|warning| warning.contains("data-target")), "{warning}");
    test.close(&[]).await
}

#[tokio::test]
async fn calls_go_to_the_origin_of_the_page_and_follow_no_redirect() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("bare").await?;
    let other = test.site.url.replace("127.0.0.1", "localhost");
    let base = format!("document.head.append(Object.assign(document.createElement('base'), {{ href: '{other}/x/' }}))");
    test.browser.run(&base).await?;
    test.browser.run("window.handle = ScanLogin.startScanning('qrcode')").await?;
    test.browser.read_code().await?;
    let origins = "return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/gene'))
        .map(({ name }) => new URL(name).origin === location.origin)";
    assert_eq!(test.browser.run(origins).await?, json!([true]));

    test.browser.run("handle.destroy()").await?;
    let before = test.faults.requests("gene").len();
    test.browser
        .run(
            "ScanLogin.startScanning('qrcode', {
               host: `${location.origin}/redirecting`,
               onError: (message, error) => events.push(error.code),
             })",
        )
        .await?;
    test.browser.wait_for("events.length").await?;
    assert_eq!(test.browser.run("return events[0]").await?, "network");
    for (_, uri) in test.faults.requests("gene").split_off(before) {
        assert!(uri.path().starts_with("/redirecting/"), "{uri}");
    }
    test.browser.close().await
}

#[tokio::test]
async fn messages_are_correct_on_a_page_in_another_encoding() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.faults.inject("scanlogin.wasm", Fault::NotFound);
    test.browser.goto(&format!("{}/legacy", test.site.url)).await?;
    test.browser.wait_for("document.querySelector('.scanlogin[data-state=failed]')").await?;
    assert_eq!(test.browser.widget_text(".headline").await?, "无法加载二维码");
    test.browser.close().await
}

#[tokio::test]
async fn script_tag_rejects_a_wasm_that_does_not_match_data_integrity() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("integrity").await?;
    test.browser.wait_for("events.length").await?;
    let events = test.browser.run("return [events[0][0], events[0][2].error.code, events[0][2].message]").await?;
    assert_eq!((&events[0], &events[1]), (&json!("scanlogin:error"), &json!("wasm-integrity")));
    test.close(&["is refused: its hash is sha384-"]).await
}

#[tokio::test]
async fn element_shows_a_code_and_dispatches_events() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("element").await?;
    let text = test.browser.read_code().await?;
    assert_eq!(
        test.browser.run("return [login.state, login.size, login.countdown, login.appId]").await?,
        json!([
            "ready", { "width": 200, "height": 200 }, false, "demo-app"
        ])
    );
    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    // `cancel` does not bubble, because a dialog would handle it.
    test.browser.run("login.addEventListener('cancel', () => events.push(['cancel']))").await?;
    phone.scan(&text).await?;
    test.browser.wait_for("events.length === 1").await?;
    phone.cancel(&text).await?;
    test.browser.wait_for("events.length === 2").await?;
    assert_eq!(test.browser.run("return events.map(([type]) => type)").await?, json!(["scanned", "cancel"]));

    test.browser.run("events.length = 0; login.refresh()").await?;
    let text = test.browser.read_code().await?;
    phone.scan(&text).await?;
    test.browser.wait_for("events.length === 1").await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("events.length === 2").await?;
    let events = test.browser.run("return events").await?;
    assert_eq!((&events[1][0], &events[1][1]), (&json!("success"), &json!("login")));
    assert!(events[1][2]["ticket"].is_string(), "{events}");
    assert_eq!(events[1][2]["userInfo"]["nickname"], "Alice");
    test.close(&[]).await
}

#[tokio::test]
async fn element_restarts_once_for_changed_options_and_not_for_language_or_callbacks() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("element").await?;
    test.browser.read_code().await?;
    assert_eq!(test.traffic.snapshot().codes, 1);

    // A new language, a move within the page and an unchanged attribute do not restart the widget.
    test.browser
        .run(
            "login.lang = 'ja';
             document.body.prepend(login);
             login.setAttribute('app-id', 'demo-app');",
        )
        .await?;
    test.browser
        .wait_for(
            "login.querySelector('.scanlogin').shadowRoot.querySelector('.headline').textContent.startsWith('アプリ')",
        )
        .await?;
    test.browser.run("login.options = { onSuccess: () => events.push('old') }").await?;
    test.traffic.wait_until(|snapshot| snapshot.codes == 2).await?;
    let text = test.browser.read_code().await?;
    test.browser.run("login.options = { onSuccess: () => events.push('new') }").await?;

    let phone = Phone::sign_in(&test.site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("events.includes('new')").await?;
    assert_eq!(test.browser.run("return events.includes('old')").await?, false);
    assert_eq!(test.traffic.snapshot().codes, 2);

    // Several changes cause one restart.
    test.browser.run("login.size = 240; login.theme = 'dark'; login.options = { customData: { a: 1 } }").await?;
    test.traffic.wait_until(|snapshot| snapshot.codes == 3).await?;
    assert!(test.browser.read_code().await?.ends_with(r#""customData":{"a":1}}"#));
    assert_eq!(test.browser.run("return login.querySelectorAll('.scanlogin').length").await?, 1);
    assert_eq!(test.traffic.snapshot().codes, 3);
    test.close(&[]).await
}

#[tokio::test]
async fn element_ends_when_removed_and_starts_when_inserted_again() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("element").await?;
    let text = test.browser.read_code().await?;
    test.traffic.wait_until(|snapshot| !snapshot.held.is_empty()).await?;
    test.browser.run("login.remove()").await?;
    test.traffic.wait_until(|snapshot| snapshot.held.is_empty()).await?;
    assert_eq!(test.browser.run("return [login.state, login.childElementCount]").await?, json!(["destroyed", 0]));
    test.browser.run("document.body.append(login)").await?;
    assert_ne!(test.browser.read_code().await?, text);

    // Invalid options dispatch `error`.
    test.browser
        .run(
            "login.remove();
             login.interval = 'often';
             login.addEventListener('error', ({ detail }) => events.push(detail.error.code));
             document.body.append(login);",
        )
        .await?;
    test.browser.wait_for("events.includes('invalid-option')").await?;
    test.close(&["scanlogin: option `interval`"]).await
}

#[tokio::test]
async fn element_that_is_removed_and_inserted_in_one_task_keeps_its_code() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("element").await?;
    let text = test.browser.read_code().await?;
    // Frameworks insert the element again in a later microtask.
    test.browser
        .run(
            "const nextTask = () => new Promise((done) => setTimeout(done));
             const move = async () => {
               for (let count = 0; count < 3; count += 1) {
                 login.remove();
                 for (let microtask = 0; microtask < 10; microtask += 1) await undefined;
                 document.body.prepend(login);
                 await nextTask();
                 await nextTask();
               }
             };
             return move()",
        )
        .await?;
    assert_eq!(test.browser.run("return login.state").await?, "ready");
    assert_eq!(test.browser.read_code().await?, text);
    assert_eq!(test.traffic.snapshot().codes, 1);
    test.close(&[]).await
}

#[tokio::test]
async fn element_in_another_document_reports_its_target() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("element").await?;
    test.browser.read_code().await?;
    test.browser
        .run(
            "login.addEventListener('error', ({ detail }) => events.push(detail.message));
             window.frame = document.body.appendChild(document.createElement('iframe'));
             frame.contentDocument.body.append(login)",
        )
        .await?;
    test.browser.wait_for("events.length").await?;
    assert_eq!(
        test.browser.run("return [events[0], login.state, login.childElementCount]").await?,
        json!(["option `target` must be an element of this document", "destroyed", 0])
    );
    test.browser.run("document.body.append(login)").await?;
    test.browser.read_code().await?;
    test.close(&["must be an element of this document"]).await
}

#[tokio::test]
async fn inline_entry_point_downloads_no_wasm() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.faults.inject("scanlogin.wasm", Fault::NotFound);
    test.goto("inline").await?;
    let text = test.browser.read_code().await?;
    let phone = Phone::sign_in(&test.site.url, "bob").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    test.browser.wait_for("events.length").await?;
    assert_eq!(test.browser.run("return events[0][2].userInfo.nickname").await?, "Bob");
    assert!(test.faults.requests("scanlogin.wasm").is_empty());
    test.close(&[]).await
}

#[tokio::test]
async fn init_accepts_each_kind_of_source_and_rejects_invalid_ones() -> Result<()> {
    let test = EntryPointTest::start().await?;
    test.goto("inline").await?;
    test.browser.read_code().await?;
    let sources = [
        "address",
        "new URL(address, location)",
        "await fetch(address)",
        "bytes",
        "new Uint8Array(bytes)",
        "await WebAssembly.compile(bytes)",
        "{ source: address }",
        "{ source: bytes, integrity: 'sha256-' + btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))) }",
    ];
    let invalid = [
        ("new Uint8Array(3)", "wasm-wrong-type"),
        ("bytes.slice(0, 9)", "wasm-damaged"),
        ("{ source: await WebAssembly.compile(bytes), integrity: 'sha384-AAAA' }", "wasm-integrity"),
        ("'http://127.0.0.1:1/'", "wasm-unreachable"),
    ];
    let cases = sources.iter().map(|source| (*source, "ready")).chain(invalid);
    for (n, (source, outcome)) in cases.enumerate() {
        // Each query loads a new instance of the module.
        let code = format!(
            "window.outcome = undefined;
             (async () => {{
               const {{ init, startScanning }} = await import('/scanlogin/index.js?{n}');
               const address = '/scanlogin/scanlogin.wasm';
               const bytes = await (await fetch(address)).arrayBuffer();
               await init({source});
               const handle = startScanning('qrcode', {{ onCodeShow: () => {{ outcome = handle.state; handle.destroy(); }} }});
             }})().catch((error) => {{ outcome = error.message.length < 200 && error.code; }})"
        );
        test.browser.run(&code).await?;
        test.browser.wait_for("window.outcome !== undefined").await?;
        assert_eq!(test.browser.run("return outcome").await?, outcome, "{source}");
    }
    test.close(&["net::ERR"]).await
}

#[tokio::test]
async fn client_rejects_options_of_a_wrong_type_before_and_after_the_wasm_is_loaded() -> Result<()> {
    let test = EntryPointTest::start().await?;
    for options in ["5", "'demo-app'", "['demo-app']", "true"] {
        test.faults.inject("scanlogin.wasm", Fault::Held);
        test.goto("bare").await?;
        let code = format!(
            "window.codes = [];
             const onError = (message, error) => codes.push(error.code);
             const client = new ScanLogin.AuthenticationClient({options});
             client.qrcode.geneCode().catch((error) => onError(error.message, error));
             client.qrcode.startScanning('qrcode', {{ onError }});
             new ScanLogin.AuthenticationClient(null).qrcode.startScanning('qrcode', {options});
             addEventListener('error', (event) => {{
               event.preventDefault();
               codes.push(event.error.code);
             }});"
        );
        test.browser.run(&code).await?;
        test.faults.clear();
        test.browser.wait_for("codes.length === 3").await?;
        let late = format!(
            "try {{ new ScanLogin.AuthenticationClient({options}) }} catch (error) {{ codes.push(error.code) }}"
        );
        test.browser.run(&late).await?;
        assert_eq!(test.browser.run("return codes").await?, json!(vec!["invalid-option"; 4]), "{options}");
    }
    test.close(&[]).await
}

#[test]
fn entry_points_can_be_imported_on_a_server_and_throw_when_called() -> Result<()> {
    let script = "
        const before = Object.keys(globalThis).join();
        const entryPoints = await Promise.all(
          ['index', 'inline', 'element', 'global'].map((name) => import(`${process.argv[1]}/${name}.js`)),
        );
        const messageOf = async (call) => { try { await call(); return ''; } catch (error) { return error.message; } };
        const calls = entryPoints.slice(0, 2).flatMap(({ startScanning, init, AuthenticationClient }) => [
          () => startScanning('qrcode', {}),
          () => init(),
          () => new AuthenticationClient({}).qrcode.startScanning('qrcode'),
          () => new AuthenticationClient({}).qrcode.geneCode(),
        ]);
        console.log(JSON.stringify({
          isSame: Object.keys(globalThis).join() === before,
          exports: entryPoints.map((entryPoint) => Object.keys(entryPoint)),
          messages: await Promise.all(calls.map(messageOf)),
        }));";
    let output = Command::new("node").args(["--input-type=module", "--eval", script, DIST]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let report: Value = serde_json::from_slice(&output.stdout).context("the output of node is not JSON")?;
    assert_eq!(report["isSame"], true, "the imports must define no global");
    let functions = json!(["AuthenticationClient", "init", "startScanning"]);
    assert_eq!(report["exports"], json!([functions, functions, ["ScanLoginElement"], []]));
    let messages: Vec<String> = serde_json::from_value(report["messages"].clone())?;
    assert_eq!(messages.len(), 8);
    for message in messages {
        assert!(message.starts_with("scanlogin works in a browser's page"), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn module_that_wasm_pack_builds_shows_a_code_by_itself() -> Result<()> {
    let www = tempfile::tempdir()?;
    let package = www.path().join("pkg");
    let mut wasm_pack = Command::new("wasm-pack");
    // As typed by a developer, except for the profile and the folder: the other tests use `pkg/`.
    wasm_pack.args(["build", "--target", "web", "--dev", "--out-dir"]).arg(&package).current_dir(REPOSITORY);
    let output = wasm_pack.output().context("wasm-pack is not on the PATH: run `cargo xtask test --only e2e`")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tracked = format!("{REPOSITORY}/pkg/.gitignore");
    assert_eq!(fs::read(package.join(".gitignore"))?, fs::read(tracked)?, "the build would change a tracked file");

    fs::write(
        www.path().join("index.html"),
        "<!doctype html><div id=qrcode></div><script type=module src=main.js></script>",
    )?;
    let script = "import init, { startScanning } from './pkg/scanlogin.js';
        await init();
        startScanning('qrcode', { theme: 'dark', lang: 'ja', onSuccess: (user, ticket) => { window.ticket = ticket; } });";
    fs::write(www.path().join("main.js"), script)?;
    let site = Site::start_with(|config| config.www = Some(www.path().to_owned()), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let code = browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "アプリで読み取ってログイン");
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&code).await?;
    phone.confirm(&code).await?;
    browser.wait_for("window.ticket").await?;
    browser.close().await
}
