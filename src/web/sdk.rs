//! The calls of `AuthenticationClient`: docs/protocol.md, "SDK compatible client". They have the API of authing-js-sdk,
//! for pages that used it or that draw codes themselves. `js/entry_point.js` makes the objects with these methods.
//!
//! Each promise resolves to the `data` of the response. It rejects with an `Error` that has `code`, `reason` and
//! `serverCode`.

use core::cell::Cell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{JSON, Promise};
use scanlogin_protocol::link::read_link;
use scanlogin_protocol::wire::{Scene, header};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

use super::callbacks::js_error;
use super::credentials;
use super::fetch::fetch;
use super::js_value::Js;
use super::options;
use super::runtime::{Runtime, random};
use super::scan_handle::ScanHandle;
use crate::client::reader::{JsonValue as _, wrong_option};
use crate::client::request::{Client, HttpRequest};
use crate::client::response::HttpResponse;
use crate::client::writer::{self, Field};
use crate::error::{Error, ErrorCode};
use crate::options::Config;
use crate::payload;
use crate::session::Request;

/// Checks the options of the constructor of `AuthenticationClient`.
///
/// # Errors
///
/// Throws an `Error` with `code: "invalid-option"` that names the option.
#[wasm_bindgen(js_name = checkOptions)]
pub fn check_options(options: JsValue) -> Result<(), JsValue> {
    let result = options::read(options).and_then(|options| {
        options::function(&options, "onError");
        Config::read(&options)
    });
    result.map(drop).map_err(|error| to_js(&error))
}

/// Polls a code that the page shows itself, and calls the callbacks of the page.
///
/// # Errors
///
/// Those of `startScanning`.
#[wasm_bindgen(js_name = startPolling)]
pub fn start_polling(random: &str, options: JsValue) -> Result<ScanHandle, JsValue> {
    ScanHandle::from_result(Runtime::poll(credentials::code(random, Runtime::now()), options))
}

/// Requests a code. `kind` is `qrcode`, `wxqrcode` or `wechatmpqrcode`.
#[wasm_bindgen(js_name = geneCode)]
pub fn gene_code(kind: &str, options: JsValue) -> Promise {
    let scene = scene(kind);
    send(Request::Gene(scene), scene, options)
}

/// Requests the status of a code.
#[wasm_bindgen(js_name = checkStatus)]
pub fn check_status(random: &str, options: JsValue) -> Promise {
    let poll_token = credentials::poll_token_of_code(random);
    send(Request::Check { random: random.into(), poll_token, hold: None }, Scene::App, options)
}

/// Exchanges a ticket for the user.
#[wasm_bindgen(js_name = exchangeUserInfo)]
pub fn exchange_user_info(ticket: &str, options: JsValue) -> Promise {
    let poll_token = credentials::poll_token_of_ticket(ticket);
    send(Request::Exchange { ticket: ticket.into(), poll_token }, Scene::App, options)
}

/// Marks a code as scanned by the user of `token`.
#[wasm_bindgen]
pub fn scanned(random: &str, token: &str, options: JsValue) -> Promise {
    act("/scanned", random, token, options)
}

/// Confirms the sign-in with a code as the user of `token`.
#[wasm_bindgen]
pub fn confirm(random: &str, token: &str, options: JsValue) -> Promise {
    act("/confirm", random, token, options)
}

/// Declines the sign-in with a code as the user of `token`.
#[wasm_bindgen]
pub fn cancel(random: &str, token: &str, options: JsValue) -> Promise {
    act("/cancel", random, token, options)
}

/// Parses the text of a QR code, or a link. `code_urls` is a list of the addresses of the approver: a link below any other
/// address is no sign-in code.
///
/// # Errors
///
/// Throws an `Error` with `code: "not-a-code"` when the text is not that of a sign-in code, or with `code: "invalid-option"`
/// when `code_urls` is something else.
#[wasm_bindgen(js_name = parseCode)]
pub fn parse_code(text: &str, code_urls: JsValue) -> Result<JsValue, JsValue> {
    let code_urls = Js(code_urls).texts();
    let code_urls = code_urls.ok_or_else(|| to_js(&wrong_option("codeUrl", "an address or a list of addresses")))?;
    let parsed = match read_link(text, &code_urls) {
        Some(link) => write(&writer::link(&link)),
        None => {
            let payload = JSON::parse(text).ok().and_then(|value| payload::read(Js(value)));
            payload.and_then(|payload| write(&writer::payload(&payload)))
        }
    };
    parsed.ok_or_else(|| to_js(&Error::new(ErrorCode::NotACode, "this is not the text of a sign-in code")))
}

/// Writes an object with these fields.
fn write(fields: &[(&str, Option<Field<'_, Js>>)]) -> Option<JsValue> {
    writer::serialize_fields(&Serializer::json_compatible(), fields).ok()
}

/// The scene for codes of `kind`: `qrcode`, `wxqrcode` or `wechatmpqrcode`.
pub(super) fn scene(kind: &str) -> Scene {
    match kind {
        "wxqrcode" => Scene::WechatMiniProgram,
        "wechatmpqrcode" => Scene::WechatOfficialAccount,
        _ => Scene::App,
    }
}

/// A request and its timeout in milliseconds, or the error of an invalid option.
type PreparedRequest = Result<(HttpRequest, u32), Error>;

/// Sends a request of the protocol, and remembers the code or the ticket in its response.
fn send(request: Request, scene: Scene, options: JsValue) -> Promise {
    let prepared =
        client(options, scene).map(|(client, timeout)| (client.http::<Js>(&request, None, random()), timeout));
    promise(prepared, move |response| {
        let reply = response.read(&request, None)?;
        credentials::remember(&reply, &request, Runtime::now());
        response.data()
    })
}

/// Sends an action of an approver. `path` is that of the call, such as `/confirm`.
fn act(path: &str, random: &str, token: &str, options: JsValue) -> Promise {
    let prepared = client(options, Scene::App).and_then(|(client, timeout)| {
        if !header::is_value(token) {
            let message = "`token` must be text of printable ASCII characters";
            return Err(Error::new(ErrorCode::InvalidOption, message));
        }
        let body = Js::to_text(&[("random", Some(Field::Text(random)))]);
        Ok((client.call(path, body, Some(("authorization", token)), None), timeout))
    });
    promise(prepared, |response| response.data())
}

/// Makes a client for codes of `scene`. Also returns the timeout of its requests in milliseconds.
fn client(options: JsValue, scene: Scene) -> Result<(Client, u32), Error> {
    let options = options::read(options)?;
    let config = Config::read(&options)?;
    let client = options::client(&options, &config, scene, None)?;
    Ok((client, config.policy.timeout.as_millis() as u32))
}

/// Sends a request. Returns a promise of the result of `read`.
fn promise(prepared: PreparedRequest, read: impl FnOnce(HttpResponse<Js>) -> Result<Js, Error> + 'static) -> Promise {
    // `Promise::new` takes a function that can be called more than once. It is called once, before `new` returns.
    let mut parameters = Some((prepared, read));
    Promise::new(&mut |resolve, reject| {
        let Some((prepared, read)) = parameters.take() else { return };
        let settle = move |data: Result<Js, Error>| {
            // The functions that settle a promise do not throw.
            let _ = match data {
                Ok(Js(data)) => resolve.call1(&JsValue::UNDEFINED, &data),
                Err(error) => reject.call1(&JsValue::UNDEFINED, &to_js(&error)),
            };
        };
        match prepared {
            Ok((http, timeout)) => {
                // `AbortSignal.timeout` is missing in the oldest supported browsers, `AbortController` is not.
                let Ok(controller) = AbortController::new() else { return };
                let (signal, has_timed_out) = (controller.signal(), Rc::new(Cell::new(false)));
                let timer = Timeout::new(timeout, {
                    let has_timed_out = has_timed_out.clone();
                    move || {
                        has_timed_out.set(true);
                        controller.abort();
                    }
                });
                let on_response = move |mut response: Result<HttpResponse<Js>, Error>| {
                    drop(timer);
                    if has_timed_out.get() {
                        response = Err(Error::temporary(ErrorCode::Timeout, "the server did not respond in time"));
                    }
                    settle(response.and_then(read));
                };
                fetch(http, &signal, Box::new(on_response));
            }
            Err(error) => settle(Err(error)),
        }
    })
}

fn to_js(error: &Error) -> JsValue {
    js_error(error, true)
}
