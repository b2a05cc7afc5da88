//! The request slot: one request to the server, aborted when the slot is dropped.

use core::time::Duration;

use gloo_net::http::{Headers, Response};
use js_sys::{Array, JSON, Promise};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, Request, RequestCredentials, RequestInit};

use super::js_value::Js;
use crate::client::reader::JsonValue as _;
use crate::client::request::HttpRequest;
use crate::client::response::HttpResponse;
use crate::error::{Error, ErrorCode};

/// What becomes of an answer, or of the lack of one.
pub(super) type Done = Box<dyn FnOnce(Result<HttpResponse<Js>, Error>)>;

/// A request in flight. Dropping it aborts it.
#[must_use = "a request is aborted when its slot is dropped"]
pub(super) struct HttpSlot {
    abort: AbortController,
}

impl HttpSlot {
    /// Sends a request; `done` is called with the answer, later.
    pub(super) fn send(http: HttpRequest, done: Done) -> Option<Self> {
        // Only a browser from before 2018 has no `AbortController`, and it has no WebAssembly of today either.
        let abort = AbortController::new().ok()?;
        fetch(http, &abort.signal(), done);
        Some(Self { abort })
    }
}

impl Drop for HttpSlot {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Sends a request, after the page's own code that is running; `done` is called with the answer, later.
///
/// Without futures: their tasks, wakers and state machines were a twentieth of the wasm.
pub(super) fn fetch(http: HttpRequest, abort: &AbortSignal, done: Done) {
    let request = build(http, abort);
    let answered = move |response: Settlement| match response.map_err(failed).and_then(expect_response) {
        Ok(response) => {
            let text = response.text().map(JsValue::from);
            settle(text, Box::new(move |text| done(read(&response.into(), text))));
        }
        Err(error) => done(Err(error)),
    };
    let sent = move |request: Settlement| {
        let response = request.and_then(|request| fetch_of_page(&request));
        settle(response, Box::new(answered));
    };
    settle(request.map(JsValue::from), Box::new(sent));
}

/// What becomes of a promise: its value, or why it failed.
type Settlement = Result<JsValue, JsValue>;

/// Calls `done` once, later, with what becomes of `value`, which may be a promise.
fn settle(value: Settlement, done: Box<dyn FnOnce(Settlement)>) {
    let promise = value.unwrap_or_else(|thrown| Promise::reject(&thrown).into());
    // Of two callbacks, for the good and for the bad, one would never be called, and so never be freed.
    let done = Closure::once_into_js(move |outcomes: Array| {
        let outcome = Js(outcomes.get(0));
        let field = |name| outcome.field(name).map(|value| value.0);
        done(field("reason").map_or_else(|| Ok(field("value").unwrap_or_default()), Err));
    });
    all_settled(&Array::of1(&promise)).then(&done);
}

fn read(response: &Response, text: Settlement) -> Result<HttpResponse<Js>, Error> {
    let text = text.map_err(|_| network("the answer broke off"))?.as_string().unwrap_or_default();
    let body = JSON::parse(&text).ok().map(Js);
    Ok(HttpResponse { status: response.status(), retry_after: retry_after(response), body })
}

fn build(http: HttpRequest, abort: &AbortSignal) -> Result<Request, JsValue> {
    let headers = Headers::new();
    for (name, value) in &http.headers {
        headers.set(name, value);
    }
    let options = RequestInit::new();
    options.set_credentials(RequestCredentials::Include);
    options.set_headers(&headers.into_raw());
    options.set_signal(Some(abort));
    if let Some(body) = http.body {
        options.set_method("POST");
        options.set_body(&body.into());
    }
    Request::new_with_str_and_init(&http.url, &options)
}

fn retry_after(response: &Response) -> Option<Duration> {
    // Seconds alone: a date is no JSON.
    let seconds = JSON::parse(&response.headers().get("retry-after")?).ok()?.as_f64()?;
    Some(Duration::from_secs(seconds as u64))
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch_of_page(request: &JsValue) -> Result<JsValue, JsValue>;

    type Settled;

    #[wasm_bindgen(js_namespace = Promise, js_name = allSettled)]
    fn all_settled(promises: &Array) -> Settled;

    #[wasm_bindgen(method)]
    fn then(this: &Settled, done: &JsValue);
}

/// Pages replace `fetch`, and not all do it well. gloo-net's own `send` panics when that fails with anything but an
/// `Error`, or answers with anything but a `Response`, and a panic would end all widgets of the page.
fn expect_response(value: JsValue) -> Result<web_sys::Response, Error> {
    value.dyn_into().map_err(|_| network("`fetch` gave no `Response`"))
}

fn failed(thrown: JsValue) -> Error {
    let words = thrown.dyn_ref::<js_sys::Error>().map(|error| error.message().into()).or(thrown.as_string());
    network(&words.unwrap_or_default())
}

fn network(words: &str) -> Error {
    Error::temporary(ErrorCode::Network, ["the server can't be reached: ", words].concat())
}
