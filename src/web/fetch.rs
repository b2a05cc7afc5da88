//! Sends HTTP requests with the `fetch` function of the page.

use core::time::Duration;

use gloo_net::http::{Headers, Response};
use js_sys::{Array, Date, JSON, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, Request, RequestCache, RequestCredentials, RequestInit, RequestRedirect};

use super::globals::Globals;
use super::js_value::{Js, property};
use crate::client::reader::JsonValue as _;
use crate::client::request::HttpRequest;
use crate::client::response::HttpResponse;
use crate::error::{Error, ErrorCode};

/// Gets the response to a request, or the error of a request without a response. It is called once, and never before
/// the function that sends the request has returned.
pub(super) type OnResponse = Box<dyn FnOnce(Result<HttpResponse<Js>, Error>)>;

/// A request in flight. Dropping it aborts the request.
#[must_use = "a request is aborted when its slot is dropped"]
pub(super) struct HttpSlot {
    abort: AbortController,
}

impl HttpSlot {
    /// Sends a request. `None` for a browser without `AbortController`, which no supported browser is.
    pub(super) fn send(http: HttpRequest, on_response: OnResponse) -> Option<Self> {
        let abort = AbortController::new().ok()?;
        fetch(http, &abort.signal(), on_response);
        Some(Self { abort })
    }
}

impl Drop for HttpSlot {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Sends a request, after the code of the page that is running now.
///
/// It waits for promises with callbacks. Futures would add 1.7 KB of tasks, wakers and state machines to the wasm.
pub(super) fn fetch(http: HttpRequest, abort: &AbortSignal, on_response: OnResponse) {
    let extra = extra_options(&http);
    let request = build(http, abort);
    let on_fetched = move |response: JsResult| match response.map_err(fetch_error).and_then(expect_response) {
        Ok(response) => {
            let text = response.text().map(JsValue::from);
            when_settled(text, Box::new(move |text| on_response(read(&response.into(), text))));
        }
        Err(error) => on_response(Err(error)),
    };
    let on_built = move |request: JsResult| {
        let response = request.and_then(|request| page_fetch(&request, &extra));
        when_settled(response, Box::new(on_fetched));
    };
    when_settled(request.map(JsValue::from), Box::new(on_built));
}

/// A JavaScript value, or what was thrown instead.
type JsResult = Result<JsValue, JsValue>;

/// Calls `callback` after the code of the page that is running now.
pub(super) fn after_running_code(callback: impl FnOnce() + 'static) {
    when_settled(Ok(JsValue::UNDEFINED), Box::new(move |_| callback()));
}

/// Calls `callback` once, later, with `value`, or with the outcome of `value` if it is a promise.
fn when_settled(value: JsResult, callback: Box<dyn FnOnce(JsResult)>) {
    let promise = value.unwrap_or_else(|thrown| Promise::reject(&thrown).into());
    // With `allSettled`, one callback gets both outcomes. Of two callbacks for `then`, one would not be called, and it
    // would never be freed.
    let on_settled = Closure::once_into_js(move |outcomes: Array| {
        let outcome = Js(outcomes.get(0));
        let field = |name| outcome.field(name).map(|value| value.0);
        callback(field("reason").map_or_else(|| Ok(field("value").unwrap_or_default()), Err));
    });
    all_settled(&Array::of1(&promise)).then(&on_settled);
}

fn read(response: &Response, text: JsResult) -> Result<HttpResponse<Js>, Error> {
    let text = text.map_err(|_| network_error("the response is incomplete"))?;
    // The text is not copied into the memory of the wasm and back.
    let body = parse_json(&text).ok().map(Js);
    Ok(HttpResponse { status: response.status(), retry_after: retry_after(response), body })
}

/// Reads what `requestCode` of `js/early_code.js` has received: the response and its text, or what `fetch` has thrown, or
/// nothing in time.
pub(super) fn read_received(received: &Js) -> Result<HttpResponse<Js>, Error> {
    match (received.field("response"), received.field("thrown")) {
        (Some(Js(response)), _) => {
            let text = received.field("text").map(|text| text.0).ok_or(JsValue::UNDEFINED);
            read(&expect_response(response)?.into(), text)
        }
        (None, Some(Js(thrown))) => Err(fetch_error(thrown)),
        (None, None) => Err(Error::temporary(ErrorCode::Timeout, "the server did not respond in time")),
    }
}

fn build(http: HttpRequest, abort: &AbortSignal) -> Result<Request, JsValue> {
    let headers = Headers::new();
    for (name, value) in &http.headers {
        headers.set(name, value);
    }
    let options = RequestInit::new();
    options.set_credentials(RequestCredentials::Include);
    options.set_cache(RequestCache::NoStore);
    // A redirect could take the poll token to another origin.
    options.set_redirect(RequestRedirect::Error);
    options.set_headers(&headers.into_raw());
    options.set_signal(Some(abort));
    if let Some(body) = http.body {
        options.set_method("POST");
        options.set_body(&body.into());
    }
    // A path would be resolved against `<base href>`.
    let url = if http.url.starts_with('/') { [&Globals::origin(), http.url.as_str()].concat() } else { http.url };
    Request::new_with_str_and_init(&url, &options)
}

/// The options of a request that Firefox takes from a call of `fetch` only: it forgets `keepalive` of a [`Request`] (tried
/// with 153).
fn extra_options(http: &HttpRequest) -> Object {
    let options = Object::new();
    if http.body.is_none() && property(&Globals::window().into(), "mozInnerScreenX").is_some() {
        // Firefox, the only browser with this property, discards a page that is left while a poll is in flight. It has
        // decided before `pagehide` and `beforeunload`, so that aborting the poll is too late. It ignores requests that
        // may outlive their page. `Event::Left` aborts them.
        let _ = Reflect::set(&options, &"keepalive".into(), &true.into());
    }
    options
}

/// Reads `Retry-After`: a number of seconds, or a date. `None` if it is absent or something else.
fn retry_after(response: &Response) -> Option<Duration> {
    let headers = response.headers();
    let text = headers.get("retry-after")?;
    let seconds = JSON::parse(&text).ok().and_then(|number| number.as_f64()).unwrap_or_else(|| {
        // The clock of the machine may be wrong, so that the date of the response counts where a page may read it.
        let now = headers.get("date").map_or_else(Date::now, |date| Date::parse(&date));
        ((Date::parse(&text) - now) / 1000.0).ceil()
    });
    // A date in the past is a negative number, which becomes zero.
    (!seconds.is_nan()).then(|| Duration::from_secs(seconds as u64))
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn page_fetch(request: &JsValue, options: &Object) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = JSON, js_name = parse)]
    fn parse_json(text: &JsValue) -> Result<JsValue, JsValue>;

    type AllSettled;

    #[wasm_bindgen(js_namespace = Promise, js_name = allSettled)]
    fn all_settled(promises: &Array) -> AllSettled;

    #[wasm_bindgen(method)]
    fn then(this: &AllSettled, on_settled: &JsValue);
}

/// Checks the result of `fetch`, because a page can replace `fetch` by a function that does not follow the standard.
///
/// `send` of gloo-net panics when `fetch` rejects with anything but an `Error`, or resolves to anything but a
/// `Response`. A panic would end all widgets of the page.
fn expect_response(value: JsValue) -> Result<web_sys::Response, Error> {
    value.dyn_into().map_err(|_| network_error("`fetch` did not return a `Response`"))
}

fn fetch_error(thrown: JsValue) -> Error {
    // A page can throw an `Error` whose message is not text.
    let reason = property(&thrown, "message").unwrap_or(thrown).as_string();
    network_error(&reason.unwrap_or_default())
}

fn network_error(reason: &str) -> Error {
    Error::temporary(ErrorCode::Network, ["the request failed: ", reason].concat())
}
