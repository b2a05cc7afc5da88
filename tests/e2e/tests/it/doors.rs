//! The doors of the package other than plain `startScanning`: a script tag without a line of code, `<scan-login>`, the door
//! with the wasm inside, and a server that only imports.

use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, Redirect};
use axum::routing::get;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::{Value, json};
use tokio::sync::Notify;

const DIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/dist");

const HEAD: &str = "<!doctype html><html lang=en><title>Doors</title><link rel=icon href=data:,>
    <script>
      window.told = [];
      for (const name of ['success', 'scanned', 'cancel', 'expired', 'error']) {
        for (const type of [name, 'scanlogin:' + name]) {
          document.addEventListener(type, ({ type, target, detail }) => told.push([type, target.id, detail]));
        }
      }
    </script>";

/// The tag stands before the element that it names. The page is read up to there when the wasm is there, and no earlier:
/// the server holds `slow.js` until the page has asked for `wasm-is-there`.
const TAG: &str =
    "<script src=/scanlogin/global.js data-target=qrcode data-app-id=demo-app data-tenant-id=7 data-size=200
      data-countdown=false data-tips='{\"title\":\"Scan me\"}' data-custom-data='{\"hello\":\"world\"}'></script>
    <script>ScanLogin.init().then(() => fetch('/wasm-is-there'))</script>
    <script src=/slow.js></script>
    <body><div id=qrcode></div></body>";

const TWICE: &str = "<body><div id=first></div><div id=second></div>
    <script src=/scanlogin/global.js data-target=first></script><script>window.before = ScanLogin</script>
    <script src='/scanlogin/global.js?again' data-target=second></script></body>";

/// As a CDN serves a package by its name.
const CDN: &str = "<body><div id=qrcode></div>
    <script src=/npm/scanlogin@0.1.0 data-target=qrcode></script></body>";

const INTEGRITY: &str = "<body><div id=qrcode></div>
    <script src=/scanlogin/global.js data-target=qrcode data-integrity=sha384-AAAA></script></body>";

const ELSEWHERE: &str = "<body><div id=qrcode></div>
    <script src=/scanlogin/global.js data-target=qrcode data-wasm=/npm/scanlogin@0.1.0/dist/scanlogin.wasm></script></body>";

const BARE: &str = "<body><div id=qrcode></div><script src=/scanlogin/global.js></script></body>";

/// A page that is not in UTF-8, and a server that does not tell how its scripts are written.
const LEGACY: &str = "<!doctype html><meta charset=gbk><body><div id=qrcode></div>
    <script src=/untold/global.js data-target=qrcode data-lang=zh-CN></script></body>";

const ELEMENT: &str = "<body><scan-login id=login app-id=demo-app size=200 countdown=false></scan-login>
    <script type=module>
      import * as element from '/scanlogin/element.js';
      window.login = document.querySelector('scan-login');
    </script></body>";

const INLINE: &str = "<body><div id=qrcode></div>
    <script type=module>
      import { startScanning } from '/scanlogin/inline.js';
      startScanning('qrcode', { onSuccess: (userInfo, ticket) => told.push(['success', '', { userInfo, ticket }]) });
    </script></body>";

/// A demo with these pages on it.
async fn start(wrap: impl FnOnce(Router) -> Router) -> Result<Site> {
    let page = async |Path(name): Path<String>| {
        let body = match name.as_str() {
            "tag" => TAG,
            "twice" => TWICE,
            "cdn" => CDN,
            "integrity" => INTEGRITY,
            "elsewhere" => ELSEWHERE,
            "bare" => BARE,
            "element" => ELEMENT,
            _ => INLINE,
        };
        Html([HEAD, body, "</html>"].concat())
    };
    let package = async |Path(file): Path<String>| Redirect::temporary(&format!("/scanlogin/{file}"));
    let untold = async |Path(file): Path<String>| {
        let bytes = std::fs::read(format!("{DIST}/{file}")).unwrap_or_default();
        ([(CONTENT_TYPE, "text/javascript")], bytes)
    };
    // A permit stays until it is taken, so it does not matter which of the two requests comes first.
    let wasm_is_there = Arc::new(Notify::new());
    let is_waited_for = Arc::clone(&wasm_is_there);
    let slow = async move || {
        is_waited_for.notified().await;
        ([(CONTENT_TYPE, "text/javascript")], "")
    };
    let release = async move || wasm_is_there.notify_one();
    let with_pages = |app: Router| {
        wrap(
            app.route("/page/{name}", get(page))
                .route("/slow.js", get(slow))
                .route("/wasm-is-there", get(release))
                .route("/legacy", get(async || ([(CONTENT_TYPE, "text/html")], LEGACY)))
                .route("/untold/{file}", get(untold))
                .route("/npm/scanlogin@0.1.0", get(async || Redirect::temporary("/scanlogin/global.js")))
                .route("/npm/scanlogin@0.1.0/dist/{file}", get(package)),
        )
    };
    Site::start_with(|_| {}, with_pages).await
}

async fn goto(browser: &Browser, site: &Site, page: &str) -> Result<()> {
    browser.goto(&format!("{}/page/{page}", site.url)).await
}

#[tokio::test]
async fn a_script_tag_alone_shows_a_code_and_tells_by_events() -> Result<()> {
    let site = start(|app| app).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "tag").await?;
    let text = browser.read_code().await?;
    assert!(text.ends_with(r#""customData":{"hello":"world"}}"#), "{text}");
    assert_eq!(browser.widget_text(".headline").await?, "Scan me");
    let looks = "const root = document.querySelector('#qrcode > .scanlogin').shadowRoot;
        return [root.querySelector('.stage').offsetWidth, root.querySelector('.countdown').hidden]";
    assert_eq!(browser.run(looks).await?, json!([200, true]));

    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    browser.until("told.length === 1").await?;
    phone.confirm(&text).await?;
    browser.until("told.length === 2").await?;
    let told = browser.run("return told").await?;
    assert_eq!((&told[0][0], &told[0][1]), (&json!("scanlogin:scanned"), &json!("qrcode")));
    assert_eq!((&told[1][0], &told[1][2]["userInfo"]["nickname"]), (&json!("scanlogin:success"), &json!("Alice")));
    assert!(told[1][2]["ticket"].is_string(), "{told}");
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_script_that_is_loaded_twice_stays_one_and_starts_both_widgets() -> Result<()> {
    let faults = Faults::default();
    let site = start(|app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "twice").await?;
    browser
        .until("['first', 'second'].every((id) => document.querySelector(`#${id} > .scanlogin[data-state=ready]`))")
        .await?;
    assert_eq!(browser.run("return before === ScanLogin").await?, true);
    assert_eq!(faults.seen("scanlogin.wasm").len(), 1);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_wasm_is_found_behind_the_bare_address_of_a_cdn_and_wherever_the_tag_says() -> Result<()> {
    let site = start(|app| app).await?;
    let browser = Browser::open().await?;
    for page in ["cdn", "elsewhere"] {
        goto(&browser, &site, page).await?;
        browser.read_code().await?;
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn its_words_are_whole_on_a_page_in_another_encoding() -> Result<()> {
    let faults = Faults::default();
    let site = start(|app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    faults.strike("scanlogin.wasm", Fault::Missing);
    browser.goto(&format!("{}/legacy", site.url)).await?;
    browser.until("document.querySelector('.scanlogin[data-state=failed]')").await?;
    assert_eq!(browser.widget_text(".headline").await?, "无法显示二维码");
    browser.close().await
}

#[tokio::test]
async fn a_script_tag_refuses_a_wasm_with_another_hash_than_it_says() -> Result<()> {
    let site = start(|app| app).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "integrity").await?;
    browser.until("told.length").await?;
    let told = browser.run("return [told[0][0], told[0][2].error.code, told[0][2].message]").await?;
    assert_eq!((&told[0], &told[1]), (&json!("scanlogin:error"), &json!("wasm-integrity")));
    browser.expect_quiet_console(&["is refused: its hash is sha384-"]).await?;
    browser.close().await
}

#[tokio::test]
async fn an_element_shows_a_code_and_tells_by_events() -> Result<()> {
    let site = start(|app| app).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "element").await?;
    let text = browser.read_code().await?;
    assert_eq!(
        browser.run("return [login.state, login.size, login.countdown, login.appId]").await?,
        json!([
            "ready", { "width": 200, "height": 200 }, false, "demo-app"
        ])
    );
    let phone = Phone::sign_in(&site.url, "alice").await?;
    // A dialog would take a `cancel` that bubbles for its own.
    browser.run("login.addEventListener('cancel', () => told.push(['here']))").await?;
    phone.scan(&text).await?;
    browser.until("told.length === 1").await?;
    phone.cancel(&text).await?;
    browser.until("told.length === 2").await?;
    assert_eq!(browser.run("return told.map(([type]) => type)").await?, json!(["scanned", "here"]));

    browser.run("told.length = 0; login.refresh()").await?;
    let text = browser.read_code().await?;
    phone.scan(&text).await?;
    browser.until("told.length === 1").await?;
    phone.confirm(&text).await?;
    browser.until("told.length === 2").await?;
    let told = browser.run("return told").await?;
    assert_eq!((&told[1][0], &told[1][1]), (&json!("success"), &json!("login")));
    assert!(told[1][2]["ticket"].is_string(), "{told}");
    assert_eq!(told[1][2]["userInfo"]["nickname"], "Alice");
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn an_element_starts_anew_once_for_all_that_changes_and_not_for_words_or_callbacks() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(|app| traffic.wrap(app)).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "element").await?;
    browser.read_code().await?;
    assert_eq!(traffic.seen().codes, 1);

    // Neither another language, nor another place, nor what a framework does with each rendering, is another code.
    browser
        .run(
            "login.lang = 'ja';
             document.body.prepend(login);
             login.setAttribute('app-id', 'demo-app');",
        )
        .await?;
    browser
        .until(
            "login.querySelector('.scanlogin').shadowRoot.querySelector('.headline').textContent.startsWith('アプリ')",
        )
        .await?;
    browser.run("login.options = { onSuccess: () => told.push('old') }").await?;
    traffic.until(|seen| seen.codes == 2).await?;
    let text = browser.read_code().await?;
    browser.run("login.options = { onSuccess: () => told.push('new') }").await?;

    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.until("told.includes('new')").await?;
    assert_eq!(browser.run("return told.includes('old')").await?, false);
    assert_eq!(traffic.seen().codes, 2);

    // Two changes are one start.
    browser.run("login.size = 240; login.theme = 'dark'; login.options = { customData: { a: 1 } }").await?;
    traffic.until(|seen| seen.codes == 3).await?;
    assert!(browser.read_code().await?.ends_with(r#""customData":{"a":1}}"#));
    assert_eq!(browser.run("return login.querySelectorAll('.scanlogin').length").await?, 1);
    assert_eq!(traffic.seen().codes, 3);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn an_element_ends_when_it_leaves_the_page_and_starts_when_it_comes_back() -> Result<()> {
    let traffic = Traffic::default();
    let site = start(|app| traffic.wrap(app)).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "element").await?;
    let text = browser.read_code().await?;
    traffic.until(|seen| !seen.held.is_empty()).await?;
    browser.run("login.remove()").await?;
    traffic.until(|seen| seen.held.is_empty()).await?;
    assert_eq!(browser.run("return [login.state, login.childElementCount]").await?, json!(["destroyed", 0]));
    browser.run("document.body.append(login)").await?;
    assert_ne!(browser.read_code().await?, text);

    // What was set before the element was known counts, and wrong options are told.
    browser
        .run(
            "const early = document.createElement('template').content;
             login.remove();
             login.interval = 'often';
             login.addEventListener('error', ({ detail }) => told.push(detail.error.code));
             document.body.append(login);",
        )
        .await?;
    browser.until("told.includes('invalid-option')").await?;
    browser.expect_quiet_console(&["scanlogin: option `interval`"]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_door_with_the_wasm_inside_asks_for_no_file() -> Result<()> {
    let faults = Faults::default();
    let site = start(|app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    faults.strike("scanlogin.wasm", Fault::Missing);
    goto(&browser, &site, "inline").await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "bob").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.until("told.length").await?;
    assert_eq!(browser.run("return told[0][2].userInfo.nickname").await?, "Bob");
    assert!(faults.seen("scanlogin.wasm").is_empty());
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_wasm_may_come_from_wherever_the_page_has_it() -> Result<()> {
    let site = start(|app| app).await?;
    let browser = Browser::open().await?;
    goto(&browser, &site, "inline").await?;
    browser.read_code().await?;
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
    let wrong = [
        ("new Uint8Array(3)", "wasm-wrong-type"),
        ("bytes.slice(0, 9)", "wasm-damaged"),
        ("{ source: await WebAssembly.compile(bytes), integrity: 'sha384-AAAA' }", "wasm-integrity"),
        ("'http://127.0.0.1:1/'", "wasm-unreachable"),
    ];
    let tries = sources.iter().map(|source| (*source, "ready")).chain(wrong);
    for (n, (source, outcome)) in tries.enumerate() {
        // Each is a package of its own.
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
        browser.run(&code).await?;
        browser.until("window.outcome !== undefined").await?;
        assert_eq!(browser.run("return outcome").await?, outcome, "{source}");
    }
    browser.expect_quiet_console(&["net::ERR"]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_client_refuses_options_that_are_none_before_and_after_the_wasm_is_there() -> Result<()> {
    let faults = Faults::default();
    let site = start(|app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    for options in ["5", "'demo-app'", "['demo-app']", "true"] {
        faults.strike("scanlogin.wasm", Fault::Held);
        goto(&browser, &site, "bare").await?;
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
        browser.run(&code).await?;
        faults.relent();
        browser.until("codes.length === 3").await?;
        let late = format!(
            "try {{ new ScanLogin.AuthenticationClient({options}) }} catch (error) {{ codes.push(error.code) }}"
        );
        browser.run(&late).await?;
        assert_eq!(browser.run("return codes").await?, json!(vec!["invalid-option"; 4]), "{options}");
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[test]
fn a_server_may_import_every_door_and_is_told_when_it_calls_one() -> Result<()> {
    let script = "
        const before = Object.keys(globalThis).join();
        const doors = await Promise.all(
          ['index', 'inline', 'element', 'global'].map((door) => import(`${process.argv[1]}/${door}.js`)),
        );
        const said = async (work) => { try { await work(); return ''; } catch (error) { return error.message; } };
        const calls = doors.slice(0, 2).flatMap(({ startScanning, init, AuthenticationClient }) => [
          () => startScanning('qrcode', {}),
          () => init(),
          () => new AuthenticationClient({}).qrcode.startScanning('qrcode'),
          () => new AuthenticationClient({}).qrcode.geneCode(),
        ]);
        console.log(JSON.stringify({
          isSame: Object.keys(globalThis).join() === before,
          exports: doors.map((door) => Object.keys(door)),
          said: await Promise.all(calls.map(said)),
        }));";
    let output = Command::new("node").args(["--input-type=module", "--eval", script, DIST]).output()?;
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let told: Value = serde_json::from_slice(&output.stdout).context("node does not say what it saw")?;
    assert_eq!(told["isSame"], true);
    let functions = json!(["AuthenticationClient", "init", "startScanning"]);
    assert_eq!(told["exports"], json!([functions, functions, ["ScanLoginElement"], []]));
    let said: Vec<String> = serde_json::from_value(told["said"].clone())?;
    assert_eq!(said.len(), 8);
    for sentence in said {
        assert!(sentence.starts_with("scanlogin works in a browser's page"), "{sentence}");
    }
    Ok(())
}
