//! A page with a widget in it, and a server that answers by script.

use std::cell::Cell;
use std::panic;

use js_sys::{Array, Promise};
use scanlogin::web::{self, ScanHandle, Shell};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Document, Element, HtmlElement};

#[wasm_bindgen(module = "/tests/browser/server.js")]
extern "C" {
    /// See `server.js`.
    pub(crate) type Server;

    #[wasm_bindgen(constructor)]
    fn new() -> Server;
    #[wasm_bindgen(method)]
    pub(crate) fn on(this: &Server, call: &str, status: u16, body: &str);
    #[wasm_bindgen(method, js_name = on)]
    pub(crate) fn on_with(this: &Server, call: &str, status: u16, body: &str, retry_after: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn requests(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn held(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn field(this: &Server, n: u32, name: &str) -> String;
    #[wasm_bindgen(method)]
    fn close(this: &Server);
    /// For a test that chooses the app id; empty for requests without one.
    #[wasm_bindgen(method, setter, js_name = appId)]
    pub(crate) fn set_app_id(this: &Server, id: &str);
    #[wasm_bindgen(method, getter)]
    pub(crate) fn aborted(this: &Server) -> u32;
    #[wasm_bindgen(method, getter, js_name = mostInFlight)]
    pub(crate) fn most_in_flight(this: &Server) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn options(this: &Server, log: &Array, extra: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = takeStrays)]
    pub(crate) fn take_strays() -> u32;
    #[wasm_bindgen(js_name = isReading)]
    fn is_reading() -> bool;
    fn listen(widget: &Element, states: &Array, heard: &Array);
    #[wasm_bindgen(catch)]
    pub(crate) fn run(code: &str, argument: &JsValue) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/tests/browser/clock.js")]
extern "C" {
    /// See `clock.js`.
    #[wasm_bindgen(js_name = stopTime)]
    fn stop_time();
    #[wasm_bindgen(js_name = resumeTime)]
    fn resume_time();
    #[wasm_bindgen(js_name = pendingTimers)]
    pub(crate) fn pending_timers() -> u32;
    #[wasm_bindgen(js_name = passTime)]
    fn pass_time(end: f64);
    fn time() -> f64;
    pub(crate) fn sleep(milliseconds: f64);
    #[wasm_bindgen(js_name = turn)]
    fn turn_promise() -> Promise;
}

/// By its own dates it expired long ago: wall clocks differ, and nobody may look at them.
pub(crate) const GENE: &str = r#"{"code":200,"message":"ok","data":{"random":"r1","expiresIn":120,"url":"/r1.png","scene":"APP_AUTH",
    "userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z",
    "customData":{"z":1,"a":["<b>"]},"pollToken":"secret"}}"#;

/// The answer of `check` with a status.
pub(crate) fn check(status: i32) -> String {
    let user = match status {
        0 => "{}",
        _ => r#"{"nickname":"Alice <i>","photo":null,"extra":[7]}"#,
    };
    let ticket = if status == 2 { r#""ticket-1""# } else { "null" };
    format!(
        r#"{{"code":200,"message":"ok","data":{{"random":"r1","status":{status},"ticket":{ticket},"userInfo":{user}}}}}"#
    )
}

#[wasm_bindgen(module = "/js/shell.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = openShell)]
    fn open_shell(target: &JsValue, options: &JsValue) -> Result<Shell, JsValue>;
}

/// Starts a widget as the entry points of the package do.
pub(crate) fn start_scanning(target: JsValue, options: JsValue, kind: &str) -> Result<ScanHandle, JsValue> {
    web::start(open_shell(&target, &options)?, options, kind)
}

thread_local! {
    static PAGES: Cell<u32> = {
        forget_pages_at_panic();
        Cell::new(0)
    };
}

/// A test that fails drops nothing. Its page stays, for the screenshot, without the timers that would run in the tests that
/// follow.
fn forget_pages_at_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        PAGES.set(0);
        resume_time();
    }));
}

/// An element for a widget, with a server of its own. Time stands still while there is one.
pub(crate) struct Page {
    pub(crate) server: Server,
    pub(crate) target: Element,
    pub(crate) log: Array,
    pub(crate) heard: Array,
    /// All states that the widget has shown, and how many of them the test has waited for.
    states: Array,
    awaited: Cell<u32>,
    pub(crate) handle: Option<ScanHandle>,
}

impl Page {
    /// A page whose server holds every request.
    pub(crate) fn new() -> Self {
        if PAGES.replace(PAGES.get() + 1) == 0 {
            stop_time();
        }
        assert_eq!(take_strays(), 0, "a page that has ended sends requests");
        let target = document().create_element("div").unwrap();
        document().body().unwrap().append_child(&target).unwrap();
        Self {
            server: Server::new(),
            target,
            log: Array::new(),
            heard: Array::new(),
            states: Array::new(),
            awaited: Cell::new(0),
            handle: None,
        }
    }

    /// A page whose server makes a code and answers polls with these statuses; it holds the poll after them.
    pub(crate) fn with(statuses: &[i32]) -> Self {
        let page = Self::new();
        page.server.on("gene", 200, GENE);
        page.answer_polls(statuses);
        page
    }

    /// Lets the server answer further polls.
    pub(crate) fn answer_polls(&self, statuses: &[i32]) {
        for status in statuses {
            self.server.on("check", 200, &check(*status));
        }
    }

    /// Lets the server make another code, whose polls are answered with these statuses.
    pub(crate) fn answer_refresh(&self, statuses: &[i32]) {
        self.server.on("gene", 200, GENE);
        self.answer_polls(statuses);
    }

    /// Starts the widget. `extra` are further options, written as in an object.
    pub(crate) fn start(&mut self, extra: &str) {
        let extra = run(&format!("return {{ {extra} }}"), &self.log).unwrap();
        self.start_with(self.server.options(&self.log, &extra), "qrcode");
    }

    /// Starts a widget of a kind with these options and no others.
    pub(crate) fn start_with(&mut self, options: JsValue, kind: &str) {
        self.handle = Some(start_scanning(self.target.clone().into(), options, kind).unwrap());
        // One whose signal is aborted already shows nothing.
        if let Some(widget) = self.find_widget() {
            listen(&widget, &self.states, &self.heard);
        }
    }

    pub(crate) fn handle(&self) -> &ScanHandle {
        self.handle.as_ref().unwrap()
    }

    /// The callbacks so far, with their arguments.
    pub(crate) fn told(&self) -> Vec<String> {
        texts(&self.log)
    }

    /// What a screen reader has announced so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        texts(&self.heard)
    }

    pub(crate) fn has_told(&self, name: &str) -> bool {
        self.told().iter().any(|line| line.starts_with(name))
    }

    pub(crate) fn widget(&self) -> Element {
        self.find_widget().unwrap()
    }

    fn find_widget(&self) -> Option<Element> {
        self.target.query_selector(".scanlogin").unwrap()
    }

    pub(crate) fn find(&self, selector: &str) -> Option<Element> {
        self.find_widget()?.shadow_root()?.query_selector(selector).unwrap()
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.find(selector).and_then(|element| element.text_content()).unwrap_or_default()
    }

    /// The button's words, if there is one to press.
    pub(crate) fn button(&self) -> Option<String> {
        self.find("button:not([hidden])").and_then(|button| button.text_content())
    }

    pub(crate) fn click(&self) {
        self.find("button:not([hidden])").unwrap().unchecked_into::<HtmlElement>().click();
    }

    /// Lets time pass until the widget has shown a state, after those that were waited for before.
    pub(crate) async fn until_state(&self, state: &str) {
        pass_time_until(state, || self.has_shown(state)).await;
    }

    /// Whether the widget has shown a state since the last one that the test has waited for.
    pub(crate) fn has_shown(&self, state: &str) -> bool {
        let position = self.states.index_of(&state.into(), self.awaited.get() as i32);
        let Ok(position) = u32::try_from(position) else { return false };
        self.awaited.set(position + 1);
        true
    }

    /// Lets time pass until the server holds a poll.
    pub(crate) async fn until_held(&self) {
        pass_time_until("a held poll", || self.server.held("check") > 0).await;
    }

    /// Lets time pass until a callback was called.
    pub(crate) async fn until_told(&self, name: &str) {
        pass_time_until(name, || self.has_told(name)).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.destroy();
        }
        self.server.close();
        self.target.remove();
        // None are left after a panic in the page's own code.
        if PAGES.replace(PAGES.get().saturating_sub(1)) <= 1 {
            resume_time();
        }
    }
}

pub(crate) fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

/// How long a test waits for something, in milliseconds of the page's clock: codes live for two minutes. With a longer wait,
/// the test runner could give up first, and then it does not name the test.
const LONGEST_TIME: f64 = 150_000.0;
/// A guard against tests that would wait forever. Each turn is a task of the page.
const MOST_TURNS: u32 = 5_000;

/// Waits for what needs no time to pass: events of the page, such as an image that has loaded.
pub(crate) async fn until(what: &str, is_true: impl Fn() -> bool) {
    for _ in 0..MOST_TURNS {
        if is_true() {
            return;
        }
        turn().await;
    }
    panic!("waited in vain for: {what}");
}

/// Lets time pass, from timer to timer, until something is true.
pub(crate) async fn pass_time_until(what: &str, is_true: impl Fn() -> bool) {
    let end = time() + LONGEST_TIME;
    while !is_true() {
        settle().await;
        if is_true() {
            return;
        }
        assert!(time() < end, "waited in vain for: {what}");
        pass_time(end);
    }
}

/// Lets this much time pass, and runs the timers that are due in it.
pub(crate) async fn pass(milliseconds: f64) {
    // A sum of the parts may differ from the whole in its last digit, and then never reaches it.
    let end = time() + milliseconds;
    settle().await;
    while time() < end {
        pass_time(end);
        settle().await;
    }
}

/// Waits until the page has done all that it can do without time passing.
pub(crate) async fn settle() {
    turn().await;
    until("what is being read", || !is_reading()).await;
    turn().await;
}

async fn turn() {
    JsFuture::from(turn_promise()).await.unwrap();
}

fn texts(array: &Array) -> Vec<String> {
    array.iter().map(|line| line.as_string().unwrap()).collect()
}
