//! The calls of today's SDK, for pages that move from it or draw their own code (docs/protocol.md, "SDK compatible client"). The doors make the objects
//! of it: `new AuthenticationClient(…).qrcode.geneCode()` is `call("geneCode", "qrcode", …)`.

use js_sys::{Function, JSON};
use scanlogin_protocol::wire::{Scene, header};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::callbacks::js_error;
use super::http::fetch;
use super::memory;
use super::options;
use super::runtime::Runtime;
use super::value::Js;
use super::{ScanHandle, scanning};
use crate::error::{Error, ErrorCode};
use crate::fields::{Value as _, wrong_option};
use crate::options::Config;
use crate::payload;
use crate::reply::Answer;
use crate::request::HttpRequest;
use crate::session::{Code, Reply, Request};
use crate::writer::{self, Field};

/// Checks the options that the calls of a client have in common.
///
/// # Errors
///
/// Throws an `Error` with `code: "invalid-option"` that names the option.
#[wasm_bindgen(js_name = checkOptions)]
pub fn check_options(options: JsValue) -> Result<(), JsValue> {
    let read = options::read(options).and_then(|options| {
        options::function(&options, "onError");
        Config::read(&options)
    });
    read.map(drop).map_err(thrown)
}

/// Polls a code that the page shows by itself, and calls back as `startScanning` does.
///
/// # Errors
///
/// As `startScanning`.
#[wasm_bindgen(js_name = startPolling)]
pub fn start_polling(random: &str, options: JsValue) -> Result<ScanHandle, JsValue> {
    scanning(Runtime::poll(memory::code(random), options))
}

/// One call: `geneCode`, `checkStatus`, `exchangeUserInfo`, `scanned`, `confirm` or `cancel`. `kind` is that of the
/// codes: `qrcode`, `wxqrcode` or `wechatmpqrcode`. `id` is a code or a ticket, `token` that of the approver. `resolve` is
/// called with what the server answered, or `reject` with an `Error` that has `code`, `reason` and `serverCode`.
#[wasm_bindgen]
pub fn call(name: &str, kind: &str, options: JsValue, id: &str, token: &str, resolve: Function, reject: Function) {
    let settle = move |data: Result<Js, Error>| {
        // The functions of a promise don't fail.
        let _ = match data {
            Ok(data) => resolve.call1(&JsValue::UNDEFINED, &data.0),
            Err(error) => reject.call1(&JsValue::UNDEFINED, &thrown(error)),
        };
    };
    match Call::prepare(name, scene(kind), options, id, token) {
        Ok(Call { http, timeout, request }) => {
            let done = move |answer: Result<Answer<Js>, Error>| settle(answer.and_then(|answer| data(answer, request)));
            fetch(http, &AbortSignal::timeout_with_u32(timeout), Box::new(done));
        }
        Err(error) => settle(Err(error)),
    }
}

/// Reads the text of a QR code.
///
/// # Errors
///
/// Throws an `Error` with `code: "not-a-code"` when the text is not that of a sign-in code.
#[wasm_bindgen(js_name = parseCode)]
pub fn parse_code(text: &str) -> Result<JsValue, JsValue> {
    JSON::parse(text)
        .ok()
        .and_then(|value| payload::read(Js(value)))
        .and_then(|payload| writer::serialize_fields(&Serializer::json_compatible(), &writer::payload(&payload)).ok())
        .ok_or_else(|| thrown(Error::new(ErrorCode::NotACode, "this is not the text of a sign-in code")))
}

/// For which app codes of a kind are.
pub(super) fn scene(kind: &str) -> Scene {
    match kind {
        "wxqrcode" => Scene::WechatMiniProgram,
        "wechatmpqrcode" => Scene::WechatOfficialAccount,
        _ => Scene::App,
    }
}

/// A call that is ready to leave.
struct Call {
    http: HttpRequest,
    /// In milliseconds.
    timeout: u32,
    /// What it asks for, where its answer is worth remembering.
    request: Option<Request>,
}

impl Call {
    fn prepare(name: &str, scene: Scene, options: JsValue, id: &str, token: &str) -> Result<Self, Error> {
        let options = options::read(options)?;
        let config = Config::read(&options)?;
        let client = options::client(&options, &config, scene)?;
        let timeout = config.policy.timeout.as_millis() as u32;
        let Code { random, poll_token, .. } = memory::code(id);
        let request = match name {
            "geneCode" => Request::Gene(scene),
            "checkStatus" => Request::Check { random, poll_token, hold: None },
            "exchangeUserInfo" => Request::Exchange { ticket: random, poll_token },
            _ => {
                if !header::is_value(token) {
                    return Err(wrong_option("token", "the token of a user"));
                }
                let body = Js::to_text(&[("random", Some(Field::Text(id)))]);
                let http = client.call(&["/", name].concat(), body, Some(("authorization", token)));
                return Ok(Self { http, timeout, request: None });
            }
        };
        Ok(Self { http: client.http::<Js>(&request), timeout, request: Some(request) })
    }
}

fn data(answer: Answer<Js>, request: Option<Request>) -> Result<Js, Error> {
    if let Some(request) = request {
        // What a later call will need, for which the page gives no more than an id.
        let reply = answer.read(&request, None)?;
        memory::remember_ticket(&reply, &request);
        if let Reply::Code(code) = reply {
            memory::remember(code);
        }
    }
    answer.data()
}

fn thrown(error: Error) -> JsValue {
    js_error(&error, true)
}
