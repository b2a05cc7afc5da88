//! A page with a widget in it, and a server that answers by script.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function};
use scanlogin::web::{self, ScanHandle, Words};
use wasm_bindgen::prelude::*;
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
    pub(crate) fn hold(this: &Server, call: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn requests(this: &Server, call: &str) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn field(this: &Server, n: u32, name: &str) -> String;
    #[wasm_bindgen(method)]
    fn close(this: &Server);
    #[wasm_bindgen(method, getter)]
    pub(crate) fn aborted(this: &Server) -> u32;
    #[wasm_bindgen(method, getter, js_name = mostInFlight)]
    pub(crate) fn most_in_flight(this: &Server) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn options(this: &Server, log: &Array, extra: &JsValue) -> JsValue;

    #[wasm_bindgen(js_name = listen)]
    fn listen(widget: &Element, heard: &Array);
    #[wasm_bindgen(catch)]
    pub(crate) fn run(code: &str, argument: &JsValue) -> Result<JsValue, JsValue>;
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

#[wasm_bindgen(module = "/pkg/words.js")]
extern "C" {
    #[wasm_bindgen(js_name = wordsOf)]
    pub(crate) fn words_of(tips: &JsValue, lang: &JsValue) -> Words;
    #[wasm_bindgen(js_name = followPage)]
    fn follow_page(changed: &Function);
    fn field(options: &JsValue, name: &str) -> JsValue;
}

/// As a door does, which has the style sheet and the words.
pub(crate) fn start_scanning(target: JsValue, options: JsValue, kind: &str) -> Result<ScanHandle, JsValue> {
    thread_local! {
        static FOLLOWED: () = {
            let redraw = Closure::<dyn Fn()>::new(web::redraw).into_js_value();
            follow_page(redraw.unchecked_ref());
        };
        static DRESS: Function = {
            let make = "const sheet = new CSSStyleSheet(); sheet.replaceSync(argument); \
                        return (root) => { root.adoptedStyleSheets = [sheet]; };";
            run(make, &include_str!("../../pkg/style.css").into()).unwrap().unchecked_into()
        };
    }
    FOLLOWED.with(|()| {});
    let words = words_of(&field(&options, "tips"), &field(&options, "lang"));
    web::start_scanning(target, options, kind, DRESS.with(Function::clone), words)
}

/// Cleans up after itself.
pub(crate) struct Page {
    pub(crate) server: Server,
    pub(crate) target: Element,
    pub(crate) log: Array,
    pub(crate) heard: Array,
    pub(crate) handle: Option<ScanHandle>,
}

impl Page {
    /// A page whose server holds every request.
    pub(crate) fn new() -> Self {
        let target = document().create_element("div").unwrap();
        document().body().unwrap().append_child(&target).unwrap();
        Self { server: Server::new(), target, log: Array::new(), heard: Array::new(), handle: None }
    }

    /// A page whose server makes codes and answers polls with these statuses; the last one is repeated.
    pub(crate) fn with(statuses: &[i32]) -> Self {
        let page = Self::new();
        page.server.on("gene", 200, GENE);
        for status in statuses {
            page.server.on("check", 200, &check(*status));
        }
        page
    }

    /// Starts the widget. `extra` are further options, written as in an object.
    pub(crate) fn start(&mut self, extra: &str) {
        let extra = run(&format!("return {{ {extra} }}"), &self.log).unwrap();
        let options = self.server.options(&self.log, &extra);
        self.handle = Some(start_scanning(self.target.clone().into(), options, "qrcode").unwrap());
        if let Some(widget) = self.target.first_element_child() {
            listen(&widget, &self.heard);
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
        self.target.first_element_child().unwrap()
    }

    pub(crate) fn find(&self, selector: &str) -> Option<Element> {
        self.target.first_element_child()?.shadow_root()?.query_selector(selector).unwrap()
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

    pub(crate) async fn until_state(&self, state: &str) {
        until(state, || self.handle().state() == state).await;
    }

    /// Waits until the server holds a poll.
    pub(crate) async fn until_held(&self) {
        self.server.hold("check");
        let polls = self.server.requests("check");
        until("a held poll", || self.server.requests("check") > polls).await;
    }

    pub(crate) async fn until_told(&self, name: &str) {
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

pub(crate) fn document() -> Document {
    web_sys::window().unwrap().document().unwrap()
}

pub(crate) async fn until(what: &str, is_true: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_true() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("waited in vain for: {what}");
}

fn texts(array: &Array) -> Vec<String> {
    array.iter().map(|line| line.as_string().unwrap()).collect()
}
