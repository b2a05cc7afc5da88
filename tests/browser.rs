//! The widget in a real browser: its view, its slots, what goes over to JavaScript, and its end.
//!
//! The network is scripted inside the page; the real server takes part in `tests/e2e`.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop where it stands"
)]

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use scanlogin::qr::{Drawing, EcLevel};
use scanlogin::web::{ScanHandle, start_scanning};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Document, Element, HtmlElement};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(module = "/tests/browser/server.js")]
extern "C" {
    type Server;

    #[wasm_bindgen(constructor)]
    fn new() -> Server;
    #[wasm_bindgen(method)]
    fn on(this: &Server, call: &str, status: u16, body: &str);
    #[wasm_bindgen(method)]
    fn hold(this: &Server, call: &str);
    #[wasm_bindgen(method)]
    fn requests(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    fn field(this: &Server, n: u32, name: &str) -> String;
    #[wasm_bindgen(method)]
    fn close(this: &Server);
    #[wasm_bindgen(method, getter)]
    fn aborted(this: &Server) -> u32;
    #[wasm_bindgen(method, getter, js_name = mostInFlight)]
    fn most_in_flight(this: &Server) -> u32;

    fn options(log: &Array, extra: &JsValue) -> JsValue;
    #[wasm_bindgen(catch)]
    fn run(code: &str, argument: &JsValue) -> Result<JsValue, JsValue>;
}

/// By its own dates it expired long ago: wall clocks differ, and nobody may look at them.
const GENE: &str = r#"{"code":200,"message":"ok","data":{"random":"r1","expiresIn":120,"url":"/r1.png","scene":"APP_AUTH",
    "userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z",
    "customData":{"z":1,"a":["<b>"]},"pollToken":"secret"}}"#;

fn check(status: i32) -> String {
    let user = match status {
        0 => "{}",
        _ => r#"{"nickname":"Alice <i>","photo":null,"extra":[7]}"#,
    };
    let ticket = if status == 2 { r#""ticket-1""# } else { "null" };
    format!(
        r#"{{"code":200,"message":"ok","data":{{"random":"r1","status":{status},"ticket":{ticket},"userInfo":{user}}}}}"#
    )
}

/// A page with a widget in it. Cleans up after itself.
struct Page {
    server: Server,
    target: Element,
    log: Array,
    handle: Option<ScanHandle>,
}

impl Page {
    fn new() -> Self {
        let target = document().create_element("div").unwrap();
        document().body().unwrap().append_child(&target).unwrap();
        Self { server: Server::new(), target, log: Array::new(), handle: None }
    }

    /// A page whose server makes codes and answers polls with these statuses; the last one is repeated.
    fn with(statuses: &[i32]) -> Self {
        let page = Self::new();
        page.server.on("gene", 200, GENE);
        for status in statuses {
            page.server.on("check", 200, &check(*status));
        }
        page
    }

    fn start(&mut self, extra: &str) {
        let extra = run(&format!("return {{ {extra} }}"), &self.log).unwrap();
        self.handle = Some(start_scanning(self.target.clone().into(), options(&self.log, &extra)).unwrap());
    }

    fn handle(&self) -> &ScanHandle {
        self.handle.as_ref().unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.log.iter().map(|line| line.as_string().unwrap()).collect()
    }

    fn has_told(&self, name: &str) -> bool {
        self.told().iter().any(|line| line.starts_with(name))
    }

    fn find(&self, selector: &str) -> Option<Element> {
        self.target.first_element_child()?.shadow_root()?.query_selector(selector).unwrap()
    }

    fn text(&self, selector: &str) -> String {
        self.find(selector).and_then(|element| element.text_content()).unwrap_or_default()
    }

    fn click(&self) {
        self.find("button").unwrap().unchecked_into::<HtmlElement>().click();
    }

    async fn until_state(&self, state: &str) {
        until(state, || self.handle().state() == state).await;
    }

    async fn until_told(&self, name: &str) {
        until(name, || self.has_told(name)).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.destroy();
        }
        self.server.close();
        self.target.remove();
    }
}

fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

async fn until(what: &str, is_true: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_true() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("waited in vain for: {what}");
}

#[wasm_bindgen_test]
async fn a_good_run_shows_every_state_and_calls_back_in_order() {
    let mut page = Page::with(&[0, 1, 1, 2]);
    page.start("");
    assert_eq!(page.handle().state(), "loading");
    page.until_state("ready").await;
    assert_eq!(page.text(".headline"), "Scan with the app to sign in");
    page.until_state("scanned").await;
    assert_eq!(page.text(".name"), "Alice <i>");
    page.until_state("confirmed").await;
    assert_eq!(page.text(".headline"), "Signed in");

    let user = r#"{"nickname":"Alice <i>","photo":null,"extra":[7]}"#;
    let result = |status: i32| {
        let ticket = if status == 2 { r#""ticket-1""# } else { "null" };
        let user = if status == 0 { "{}" } else { user };
        format!(r#"onResult {{"random":"r1","status":{status},"ticket":{ticket},"userInfo":{user}}}"#)
    };
    let expected = [
        "onCodeLoaded r1 /r1.png".to_owned(),
        "onCodeShow r1 /r1.png".to_owned(),
        "onStart handle".to_owned(),
        result(0),
        result(1),
        format!("onScanned {user}"),
        result(1),
        result(2),
        format!("onSuccess {user} ticket-1"),
    ];
    assert_eq!(page.told(), expected);
    assert_eq!(page.server.most_in_flight(), 1);
}

#[wasm_bindgen_test]
async fn the_code_on_the_page_is_the_text_of_the_contract_as_one_path() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_state("ready").await;
    let text = r#"{"scene":"APP_AUTH","random":"r1","userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z","customData":{"z":1,"a":["<b>"]}}"#;
    let drawing = Drawing::new(text, EcLevel::M).unwrap();
    assert_eq!(page.find(".code path").unwrap().get_attribute("d"), Some(drawing.path));
    let image = page.find(".code svg").unwrap();
    assert_eq!(image.get_attribute("viewBox"), Some(format!("0 0 {0} {0}", drawing.side)));
    assert_eq!(image.get_attribute("aria-label").as_deref(), Some("QR code for signing in"));
}

#[wasm_bindgen_test]
async fn requests_carry_what_the_protocol_asks_for_and_the_poll_token_in_no_address() {
    let mut page = Page::with(&[0, 0]);
    page.start("appId: 'app', host: 'https://login.test/', customData: { hello: 'world' }, lang: 'ja-JP'");
    until("a held poll", || page.server.requests("check") >= 2).await;
    let field = |n, name| page.server.field(n, name);
    assert_eq!(field(0, "url"), "https://login.test/api/v2/qrcode/gene");
    assert_eq!(field(0, "body"), r#"{"scene":"APP_AUTH","autoMergeQrCode":false,"params":{"hello":"world"}}"#);
    assert_eq!(field(0, "x-authing-app-id"), "app");
    assert_eq!(field(0, "x-authing-request-from"), "sdk");
    assert_eq!(field(0, "x-authing-lang"), "ja-JP");
    assert_eq!(field(0, "x-authing-userpool-id"), "undefined");
    assert_eq!(field(1, "url"), "https://login.test/api/v2/qrcode/check?random=r1");
    assert_eq!(field(1, "x-scanlogin-poll-token"), "secret");
    assert_eq!(field(2, "url"), "https://login.test/api/v2/qrcode/check?random=r1&wait=25&status=0");
}

#[wasm_bindgen_test]
async fn text_from_outside_is_text_on_the_page() {
    let hostile = "<img src=x onerror=\"document.title='owned'\">";
    let mut page = Page::new();
    let message = hostile.replace('"', "\\\"");
    page.server.on("gene", 200, &format!(r#"{{"code":1001,"message":"{message}"}}"#));
    page.start(&format!("tips: {{ failed: `{hostile}` }}"));
    page.until_state("failed").await;
    assert_eq!((page.text(".headline").as_str(), page.text(".hint").as_str()), (hostile, hostile));
    assert!(page.find(".status img, .hint img").is_none());
    assert_eq!(
        page.told(),
        [format!("onCodeLoadFailed {hostile}"), format!("onError {hostile} ScanLoginError:refused:undefined:true"),]
    );
    assert_ne!(document().title(), "owned");
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_json_is_said_aloud_and_a_click_recovers() {
    for (status, body) in
        [(200, "<html>hello"), (200, r#"{"code":200,"data":{"ra"#), (200, ""), (502, "bad gateway"), (0, "")]
    {
        let mut page = Page::with(&[0]);
        page.server.hold("gene");
        page.server.on("gene", status, body);
        page.start("");
        page.until_state("unreachable").await;
        assert_eq!(page.text("button"), "Try now", "HTTP {status} {body}");
        page.server.hold("gene");
        page.server.on("gene", 200, GENE);
        page.click();
        page.until_state("ready").await;
        assert!(page.has_told("onError") && page.has_told("onRetry") && page.has_told("onCodeShow"));
    }
}

#[wasm_bindgen_test]
async fn a_cancelled_and_an_expired_code_are_replaced_by_a_click() {
    for (status, state, callback, headline) in
        [(3, "cancelled", "onCancel", "Sign-in was declined"), (-1, "expired", "onExpired", "This code has expired")]
    {
        let mut page = Page::with(&[0, status, 0]);
        page.start("");
        page.until_state(state).await;
        assert_eq!((page.text(".headline").as_str(), page.text("button").as_str()), (headline, "Get a new code"));
        assert!(page.has_told(callback));
        page.click();
        page.until_state("ready").await;
        assert!(page.has_told("onRetry") && page.has_told("onCodeDestroyed r1"));
    }
}

#[wasm_bindgen_test]
async fn focus_on_a_button_that_goes_away_stays_in_the_widget() {
    let mut page = Page::with(&[-1, 0]);
    page.start("");
    page.until_state("expired").await;
    page.find("button").unwrap().unchecked_into::<HtmlElement>().focus().unwrap();
    page.click();
    page.until_state("ready").await;
    let root = page.target.first_element_child().unwrap().shadow_root().unwrap();
    assert_eq!(root.active_element(), page.find(".frame"));
}

#[wasm_bindgen_test]
async fn an_image_of_the_server_is_shown_and_one_that_fails_is_drawn() {
    let pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    for (url, selector) in [(pixel, ".code img"), ("/is-not-there.png", ".code svg")] {
        let mut page = Page::with(&[0]);
        page.server.hold("gene");
        page.server.on(
            "gene",
            200,
            &format!(r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}"}}}}"#),
        );
        page.start("");
        page.until_state("ready").await;
        assert!(page.find(selector).is_some(), "{selector}");
        page.until_told("onStart").await;
    }
}

#[wasm_bindgen_test]
async fn an_exchange_hands_over_the_whole_user() {
    let mut page = Page::with(&[2]);
    page.server.on("userinfo", 200, r#"{"code":200,"data":{"id":"1","token":"jwt"}}"#);
    page.start("autoExchangeUserInfo: true");
    page.until_told("onSuccess").await;
    assert_eq!(page.told().last().unwrap(), r#"onSuccess {"id":"1","token":"jwt"} ticket-1"#);
    assert_eq!(page.server.field(2, "body"), r#"{"ticket":"ticket-1"}"#);
}

#[wasm_bindgen_test]
async fn a_second_factor_goes_to_both_its_callbacks() {
    let mut page = Page::with(&[]);
    let result = r#"{"code":1636,"message":"mfa","data":{"token":"t"}}"#;
    page.server.on("check", 200, &format!(r#"{{"code":200,"data":{{"status":4,"scannedResult":{result}}}}}"#));
    page.start("");
    page.until_state("needs-mfa").await;
    let told = page.told();
    assert_eq!(told[told.len() - 2..], [r#"onMfa 1636 mfa {"token":"t"}"#.to_owned(), format!("onAuthFlow {result}")]);
}

#[wasm_bindgen_test]
async fn destroying_takes_everything_away_and_nothing_follows() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_told("onResult").await;
    page.server.hold("check");
    let polls = page.server.requests("check");
    until("a held poll", || page.server.requests("check") > polls).await;
    let told = page.told().len();
    page.handle().destroy();
    assert_eq!(page.told()[told..], ["onCodeDestroyed r1"]);
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.handle().state(), "destroyed");
    until("the abort", || page.server.aborted() == 1).await;
    page.handle().destroy();
    page.handle().refresh();
    let requests = page.server.requests("check") + page.server.requests("gene");
    TimeoutFuture::new(500).await;
    assert_eq!(page.told().len(), told + 1);
    assert_eq!(page.server.requests("check") + page.server.requests("gene"), requests);
}

#[wasm_bindgen_test]
async fn a_callback_may_destroy_the_widget_that_calls_it() {
    // From the answer to a request, and from a person's click.
    for callback in ["onStart", "onResult", "onScanned", "onRetry"] {
        let mut page = Page::with(&[1]);
        page.start(&format!("{callback}: () => {{ argument.push('{callback}'); globalThis.stop(); }}"));
        let handle = Rc::new(page.handle.take().unwrap());
        let stop = Closure::<dyn Fn()>::new({
            let handle = handle.clone();
            move || handle.destroy()
        });
        run("globalThis.stop = argument", stop.as_ref()).unwrap();
        if callback == "onRetry" {
            until("scanned", || handle.state() == "scanned").await;
            page.click();
        }
        until("the destroy", || handle.state() == "destroyed").await;
        TimeoutFuture::new(300).await;
        let told = page.told();
        assert_eq!(told[told.len() - 2..], [callback, "onCodeDestroyed r1"], "nothing follows");
        assert_eq!(page.target.child_element_count(), 0);
    }
}

#[wasm_bindgen_test]
async fn a_callback_that_throws_is_the_pages_error_and_changes_nothing() {
    let mut page = Page::with(&[0, 1, 2]);
    let code = "window.onerror = (message) => { argument.push('page error ' + message); return true; }";
    run(code, &page.log).unwrap();
    page.start("onResult: () => { throw new Error('oops'); }");
    page.until_told("onSuccess").await;
    run("window.onerror = null", &JsValue::NULL).unwrap();
    let errors = page.told().iter().filter(|line| line.contains("page error") && line.contains("oops")).count();
    assert_eq!(errors, 3);
}

#[wasm_bindgen_test]
async fn a_widget_that_leaves_the_page_ends_and_one_that_is_moved_does_not() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_told("onResult").await;
    page.server.hold("check");
    let polls = page.server.requests("check");
    until("a held poll", || page.server.requests("check") > polls).await;

    let elsewhere = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&elsewhere).unwrap();
    elsewhere.append_child(&page.target).unwrap();
    TimeoutFuture::new(100).await;
    assert_eq!(page.handle().state(), "ready");

    // Not the widget itself: whatever holds it.
    elsewhere.remove();
    page.until_state("destroyed").await;
    assert_eq!(page.told().last().unwrap(), "onCodeDestroyed r1");
    until("the abort", || page.server.aborted() == 1).await;
}

#[wasm_bindgen_test]
async fn a_widget_in_a_shadow_root_is_missed_too() {
    let mut page = Page::with(&[0]);
    let root = page.target.attach_shadow(&web_sys::ShadowRootInit::new(web_sys::ShadowRootMode::Open)).unwrap();
    let inner = document().create_element("div").unwrap();
    root.append_child(&inner).unwrap();
    let outer = std::mem::replace(&mut page.target, inner);
    page.start("");
    page.until_state("ready").await;
    outer.remove();
    page.until_state("destroyed").await;
}

#[wasm_bindgen_test]
async fn aborting_the_signal_destroys_and_an_aborted_one_starts_nothing() {
    let mut page = Page::with(&[0]);
    run("globalThis.controller = new AbortController()", &JsValue::NULL).unwrap();
    page.start("signal: globalThis.controller.signal");
    page.until_state("ready").await;
    run("globalThis.controller.abort()", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.target.child_element_count()), ("destroyed", 0));

    let mut page = Page::with(&[0]);
    page.start("signal: AbortSignal.abort()");
    assert_eq!(page.handle().state(), "destroyed");
    TimeoutFuture::new(50).await;
    assert_eq!((page.server.requests("gene"), page.told().len()), (0, 0));
}

#[wasm_bindgen_test]
async fn two_widgets_on_a_page_do_not_know_of_each_other() {
    let mut first = Page::with(&[0]);
    first.start("");
    let mut second = Page::with(&[0]);
    second.start("");
    first.until_state("ready").await;
    second.until_state("ready").await;
    first.handle().destroy();
    assert_eq!((first.handle().state().as_str(), second.handle().state().as_str()), ("destroyed", "ready"));
    assert!(second.find(".code path").is_some());
    let polls = second.server.requests("check");
    until("further polls", || second.server.requests("check") > polls + 1).await;
    // Restore in the reverse order of replacing.
    drop(second);
    drop(first);
}

#[wasm_bindgen_test]
async fn an_unknown_target_gets_a_box_of_its_own() {
    let page = Page::with(&[0]);
    let handle = start_scanning("no-such-id".into(), options(&page.log, &JsValue::UNDEFINED)).unwrap();
    until("ready", || handle.state() == "ready").await;
    let floating = document().query_selector("body > [data-floating]").unwrap().unwrap();
    let left = floating.get_bounding_client_rect().left();
    assert!(left > 0.0, "{left}");
    handle.destroy();
    assert!(document().query_selector("[data-floating]").unwrap().is_none());
}

#[wasm_bindgen_test]
fn wrong_options_throw_at_once_and_name_the_option() {
    let page = Page::new();
    let table = [
        ("interval: 'fast'", "option `interval` must be a number"),
        ("size: { width: 1 }", "option `size.width` must be a whole number of pixels from 80 to 4000"),
        ("onSuccess: 'call me'", "option `onSuccess` must be a function"),
        ("signal: {}", "option `signal` must be an AbortSignal"),
        ("tips: []", "option `tips` must be an object"),
        ("host: 'example.com'", "option `host` must be an address such as `https://login.example.com`"),
        (
            "customData: (() => { const a = {}; a.a = a; return a; })()",
            "option `customData` or `context` must be something that JSON can hold",
        ),
    ];
    for (extra, message) in table {
        let extra = run(&format!("return {{ {extra} }}"), &JsValue::NULL).unwrap();
        let thrown = start_scanning(page.target.clone().into(), extra).unwrap_err();
        let error: js_sys::Error = thrown.dyn_into().unwrap();
        assert_eq!(error.message(), message);
        assert_eq!(js_sys::Reflect::get(&error, &"code".into()).unwrap(), "invalid-option");
    }
    for target in [JsValue::NULL, JsValue::from(5), js_sys::Object::new().into()] {
        let error: js_sys::Error = start_scanning(target, JsValue::UNDEFINED).unwrap_err().dyn_into().unwrap();
        assert_eq!(error.message(), "option `target` must be an element or the id of one");
    }
    let error: js_sys::Error = start_scanning(page.target.clone().into(), 5.into()).unwrap_err().dyn_into().unwrap();
    assert_eq!(error.message(), "the options of `startScanning` must be an object");
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.server.requests("gene"), 0);
}
