//! A page with a widget and a scripted server.

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
    pub(crate) fn respond(this: &Server, call: &str, status: u16, body: &str);
    #[wasm_bindgen(method, js_name = respond)]
    pub(crate) fn respond_with(this: &Server, call: &str, status: u16, body: &str, retry_after: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn requests(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn held(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn field(this: &Server, n: u32, name: &str) -> String;
    #[wasm_bindgen(method)]
    fn close(this: &Server);
    /// An empty id is for requests without an app id.
    #[wasm_bindgen(method, setter, js_name = appId)]
    pub(crate) fn set_app_id(this: &Server, id: &str);
    #[wasm_bindgen(method, setter, js_name = takesAll)]
    pub(crate) fn set_takes_all(this: &Server, takes_all: bool);
    #[wasm_bindgen(method, getter)]
    pub(crate) fn aborted(this: &Server) -> u32;
    #[wasm_bindgen(method, getter, js_name = maxInFlight)]
    pub(crate) fn max_in_flight(this: &Server) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn options(this: &Server, log: &Array, extra: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = takeLateRequests)]
    pub(crate) fn take_late_requests() -> u32;
    #[wasm_bindgen(js_name = isReading)]
    fn is_reading() -> bool;
    fn observe(widget: &Element, states: &Array, announcements: &Array);
    #[wasm_bindgen(catch)]
    pub(crate) fn run(code: &str, argument: &JsValue) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(module = "/tests/browser/clock.js")]
extern "C" {
    #[wasm_bindgen(js_name = stopClock)]
    fn stop_clock();
    #[wasm_bindgen(js_name = restoreClock)]
    fn restore_clock();
    #[wasm_bindgen(js_name = pendingTimers)]
    pub(crate) fn pending_timers() -> u32;
    #[wasm_bindgen(js_name = advanceTo)]
    fn advance_to(end: f64);
    fn time() -> f64;
    pub(crate) fn suspend(milliseconds: f64);
    #[wasm_bindgen(js_name = nextTask)]
    fn next_task_promise() -> Promise;
}

#[wasm_bindgen(module = "/js/shell.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = openShell)]
    fn open_shell(target: &JsValue, options: &JsValue) -> Result<Shell, JsValue>;
}

/// A response of `gene`. `expireAt` is in the past: the widget must not compare it with the wall clock.
pub(crate) const GENE: &str = r#"{"code":200,"message":"ok","data":{"random":"r1","expiresIn":120,"url":"/r1.png","scene":"APP_AUTH",
    "userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z",
    "customData":{"z":1,"a":["<b>"]},"pollToken":"secret"}}"#;

/// The text of the code in [`GENE`].
pub(crate) const CODE_TEXT: &str = r#"{"scene":"APP_AUTH","random":"r1","userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z","customData":{"z":1,"a":["<b>"]}}"#;

/// The address of an image that the browser can load.
pub(crate) const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/// A response of `check` with a status.
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

/// Starts a widget as the entry points of the package do.
pub(crate) fn start_scanning(target: JsValue, options: JsValue, kind: &str) -> Result<ScanHandle, JsValue> {
    web::start(open_shell(&target, &options)?, options, kind, JsValue::UNDEFINED)
}

/// Starts a widget with what the page has received for an early request.
pub(crate) fn start_received(target: JsValue, options: JsValue, received: JsValue) -> Result<ScanHandle, JsValue> {
    web::start(open_shell(&target, &options)?, options, "qrcode", received)
}

thread_local! {
    /// The number of live pages.
    static PAGES: Cell<u32> = {
        restore_clock_at_panic();
        Cell::new(0)
    };
}

/// A failed test drops nothing, so that its page stays for the screenshot. Its timers are removed, since they would run
/// during later tests.
fn restore_clock_at_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        PAGES.set(0);
        restore_clock();
    }));
}

/// An element for a widget, with its own server. The clock stands still while a page is alive.
pub(crate) struct Page {
    pub(crate) server: Server,
    pub(crate) target: Element,
    pub(crate) callback_log: Array,
    announcement_log: Array,
    /// All states that the widget has shown.
    states: Array,
    /// The number of states up to the last one that the test has waited for.
    awaited: Cell<u32>,
    pub(crate) handle: Option<ScanHandle>,
}

impl Page {
    /// A page whose server holds every request.
    pub(crate) fn new() -> Self {
        if PAGES.replace(PAGES.get() + 1) == 0 {
            stop_clock();
        }
        assert_eq!(take_late_requests(), 0, "an ended page has sent requests");
        let target = document().create_element("div").unwrap();
        document().body().unwrap().append_child(&target).unwrap();
        Self {
            server: Server::new(),
            target,
            callback_log: Array::new(),
            announcement_log: Array::new(),
            states: Array::new(),
            awaited: Cell::new(0),
            handle: None,
        }
    }

    /// A page whose server creates a code, responds to polls with these statuses, and holds the next poll.
    pub(crate) fn with_polls(statuses: &[i32]) -> Self {
        let page = Self::new();
        page.script_new_code(statuses);
        page
    }

    /// As [`with_polls`](Self::with_polls), with a widget that is started and shows its code.
    pub(crate) async fn ready() -> Self {
        let mut page = Self::with_polls(&[0]);
        page.start("");
        page.wait_for_state("ready").await;
        page
    }

    /// Adds responses to polls.
    pub(crate) fn script_polls(&self, statuses: &[i32]) {
        for status in statuses {
            self.server.respond("check", 200, &check(*status));
        }
    }

    /// Adds a response with a code, and responses to its polls.
    pub(crate) fn script_new_code(&self, statuses: &[i32]) {
        self.server.respond("gene", 200, GENE);
        self.script_polls(statuses);
    }

    /// Starts the widget. `extra` are the fields of an object with further options.
    pub(crate) fn start(&mut self, extra: &str) {
        let extra = run(&format!("return {{ {extra} }}"), &self.callback_log).unwrap();
        self.start_with(self.server.options(&self.callback_log, &extra), "qrcode");
    }

    /// Starts a widget of a kind with exactly these options.
    pub(crate) fn start_with(&mut self, options: JsValue, kind: &str) {
        self.handle = Some(start_scanning(self.target.clone().into(), options, kind).unwrap());
        // A widget whose signal is already aborted shows nothing.
        if let Some(widget) = self.find_widget() {
            observe(&widget, &self.states, &self.announcement_log);
        }
    }

    pub(crate) fn handle(&self) -> &ScanHandle {
        self.handle.as_ref().unwrap()
    }

    /// The callbacks so far: their names and arguments, separated by spaces.
    pub(crate) fn callbacks(&self) -> Vec<String> {
        texts(&self.callback_log)
    }

    pub(crate) fn last_callback(&self) -> String {
        self.callbacks().pop().unwrap()
    }

    /// The announcements of the live regions so far.
    pub(crate) fn announcements(&self) -> Vec<String> {
        texts(&self.announcement_log)
    }

    /// Whether a callback was called. `start` is the start of its line in [`callbacks`](Self::callbacks).
    pub(crate) fn has_called(&self, start: &str) -> bool {
        self.callbacks().iter().any(|line| line.starts_with(start))
    }

    pub(crate) fn widget(&self) -> Element {
        self.find_widget().unwrap()
    }

    fn find_widget(&self) -> Option<Element> {
        self.target.query_selector(".scanlogin").unwrap()
    }

    /// An element in the shadow root of the widget.
    pub(crate) fn find(&self, selector: &str) -> Option<Element> {
        self.find_widget()?.shadow_root()?.query_selector(selector).unwrap()
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.find(selector).and_then(|element| element.text_content()).unwrap_or_default()
    }

    pub(crate) fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.find(selector).unwrap().get_attribute(name)
    }

    /// The text of the button. `None` if it is hidden.
    pub(crate) fn button(&self) -> Option<String> {
        self.find("button:not([hidden])").and_then(|button| button.text_content())
    }

    pub(crate) fn click(&self) {
        self.find("button:not([hidden])").unwrap().unchecked_into::<HtmlElement>().click();
    }

    /// Advances the clock until the widget has shown a state after the last one that was waited for.
    pub(crate) async fn wait_for_state(&self, state: &str) {
        advance_until(state, || self.has_shown(state)).await;
    }

    /// Whether the widget has shown a state after the last one that was waited for.
    pub(crate) fn has_shown(&self, state: &str) -> bool {
        let position = self.states.index_of(&state.into(), self.awaited.get() as i32);
        let Ok(position) = u32::try_from(position) else { return false };
        self.awaited.set(position + 1);
        true
    }

    /// Advances the clock until the server holds a poll.
    pub(crate) async fn wait_for_held_poll(&self) {
        advance_until("a held poll", || self.server.held("check") > 0).await;
    }

    /// Advances the clock until a callback is called. `start` is as in [`has_called`](Self::has_called).
    pub(crate) async fn wait_for_callback(&self, start: &str) {
        advance_until(start, || self.has_called(start)).await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.destroy();
        }
        self.server.close();
        self.target.remove();
        // The panic hook sets the number to 0.
        if PAGES.replace(PAGES.get().saturating_sub(1)) <= 1 {
            restore_clock();
        }
    }
}

/// The media query of a touch device without a mouse.
pub(crate) const TOUCH: &str = "(pointer: coarse) and (hover: none)";

/// Sets the only media query that matches, until it is dropped.
pub(crate) struct Device(JsValue);

impl Device {
    pub(crate) fn new(media: &str) -> Self {
        let code = "const original = window.matchMedia;
            window.matchMedia = (query) => ({ matches: argument === query });
            return original;";
        Self(run(code, &media.into()).unwrap())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        run("window.matchMedia = argument", &self.0).unwrap();
    }
}

pub(crate) fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

/// The maximum wait in milliseconds of the controlled clock. A code expires after two minutes. With a longer wait, the
/// test runner may reach its own timeout first, which does not name the test.
const MAX_WAIT: f64 = 150_000.0;
/// The maximum number of tasks that a test waits for in real time.
const MAX_TASKS: u32 = 5_000;

/// Waits in real time, for events that do not depend on the controlled clock, such as a loaded image.
pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..MAX_TASKS {
        if condition() {
            return;
        }
        next_task().await;
    }
    panic!("timeout while waiting for: {what}");
}

/// Advances the clock, from timer to timer, until `condition` is true.
pub(crate) async fn advance_until(what: &str, condition: impl Fn() -> bool) {
    let end = time() + MAX_WAIT;
    while !condition() {
        settle().await;
        if condition() {
            return;
        }
        assert!(time() < end, "timeout while waiting for: {what}");
        advance_to(end);
    }
}

/// Advances the clock, and runs the timers that are due.
pub(crate) async fn advance(milliseconds: f64) {
    // The end is computed once: a sum of the steps could differ by a rounding error and never reach it.
    let end = time() + milliseconds;
    settle().await;
    while time() < end {
        advance_to(end);
        settle().await;
    }
}

/// Waits until the page has done everything that needs no advance of the clock.
pub(crate) async fn settle() {
    next_task().await;
    wait_until("the bodies that are being read", || !is_reading()).await;
    next_task().await;
}

async fn next_task() {
    JsFuture::from(next_task_promise()).await.unwrap();
}

fn texts(array: &Array) -> Vec<String> {
    array.iter().map(|line| line.as_string().unwrap()).collect()
}
