//! The request slot: one request to the server, aborted when the slot is dropped.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use gloo_net::http::{Headers, Response};
use js_sys::{JSON, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, Request, RequestCredentials, RequestInit};

use super::holds::HoldPermit;
use super::value::Js;
use crate::error::{Error, ErrorCode};
use crate::qr::Format;
use crate::reply::Answer;
use crate::request::{Client, HttpRequest};
use crate::session;
use crate::session::Reply;

/// A request in flight. Dropping it aborts it.
#[derive(Debug)]
#[must_use = "a request is aborted when its slot is dropped"]
pub(super) struct HttpSlot {
    abort: AbortController,
    permit: Rc<RefCell<Option<HoldPermit>>>,
}

impl HttpSlot {
    /// Sends `request`; `done` is called with what came of it, later.
    pub(super) fn send(
        client: &Client,
        request: session::Request,
        format: Format,
        done: impl FnOnce(Result<Reply<Js>, Error>) + 'static,
    ) -> Option<Self> {
        // Only a browser from before 2018 has no `AbortController`, and it has no WebAssembly of today either.
        let abort = AbortController::new().ok()?;
        let is_held = matches!(request, session::Request::Check { hold: Some(_), .. });
        let permit = Rc::new(RefCell::new(is_held.then(HoldPermit::take)));
        let answer = fetch(client.http::<Js>(&request), &abort.signal());
        let landed = permit.clone();
        spawn_local(async move {
            let answer = answer.await;
            landed.take();
            done(answer.and_then(|answer| answer.read(&request, Some(&format))));
        });
        Some(Self { abort, permit })
    }
}

impl Drop for HttpSlot {
    fn drop(&mut self) {
        // Here and not when the page's `fetch` says so: it may be slow about it.
        self.permit.take();
        self.abort.abort();
    }
}

/// Sends a request, and waits for the answer.
pub(super) fn fetch(http: HttpRequest, abort: &AbortSignal) -> impl Future<Output = Result<Answer<Js>, Error>> + use<> {
    let built = build(http, abort);
    async move {
        let response = send(&built.map_err(failed)?).await?;
        let status = response.status();
        let retry_after = retry_after(&response);
        let text = response.text().await.map_err(|_| network("the answer broke off"))?;
        let body = JSON::parse(&text).ok().map(Js);
        Ok(Answer { status, retry_after, body })
    }
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
    response.headers().get("retry-after")?.parse().ok().map(Duration::from_secs)
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn fetch_of_page(request: &Request) -> Result<JsValue, JsValue>;
}

/// Pages replace `fetch`, and not all do it well. gloo-net's own `send` panics when that fails with anything but an
/// `Error`, or answers with anything but a `Response`, and a panic would end all widgets of the page.
async fn send(request: &Request) -> Result<Response, Error> {
    let promise = Promise::resolve(&fetch_of_page(request).map_err(failed)?);
    let response = JsFuture::from(promise).await.map_err(failed)?;
    let response = response.dyn_into::<web_sys::Response>().map_err(|_| network("`fetch` gave no `Response`"))?;
    Ok(response.into())
}

fn failed(thrown: JsValue) -> Error {
    let words = thrown.dyn_ref::<js_sys::Error>().map(|error| error.message().into()).or(thrown.as_string());
    network(&words.unwrap_or_default())
}

fn network(words: &str) -> Error {
    Error::temporary(ErrorCode::Network, ["the server can't be reached: ", words].concat())
}
