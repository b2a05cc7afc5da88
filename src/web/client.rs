//! The client with the methods of today's SDK, for pages that move from it or draw their own code (CONTRACT §4).
//!
//! Deliberately absent: a state of its own but what belongs to the last codes, so that `checkStatus(random)` and
//! `startPolling(random)` need nothing but the id, as they always did.

use core::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use js_sys::{Function, JSON, Object, Promise, Reflect};
use serde::Serialize as _;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::AbortSignal;

use super::callbacks::js_error;
use super::http::fetch;
use super::options;
use super::runtime::Runtime;
use super::value::Js;
use super::{ScanHandle, scanning, tickets};
use crate::error::{Error, ErrorCode};
use crate::fields::{Value as _, wrong_option};
use crate::lifecycle::MAX_CODE_LIFETIME;
use crate::options::Config;
use crate::payload::Payload;
use crate::protocol::{ApproverRequest, Scene, header};
use crate::request::{Client, HttpRequest};
use crate::session::{Checked, Code, News, Reply, Request};

/// How many codes are remembered: a page that draws its own shows one or two.
const REMEMBERED: usize = 8;

/// `new AuthenticationClient(options)`.
#[wasm_bindgen]
#[derive(Debug)]
pub struct AuthenticationClient {
    options: JsValue,
    codes: Rc<RefCell<VecDeque<Code>>>,
}

#[wasm_bindgen]
impl AuthenticationClient {
    /// Keeps the options that all calls have in common.
    ///
    /// # Errors
    ///
    /// Throws an `Error` with `code: "invalid-option"` that names the option.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Self, JsValue> {
        let read = options::read(options.clone()).and_then(|options| {
            options::function(&options, "onError");
            Config::read(&options, "")
        });
        read.map(|_| Self { options, codes: Rc::default() }).map_err(|error| js_error(&error, true).into())
    }

    /// Codes for the company's own app.
    #[wasm_bindgen(getter)]
    pub fn qrcode(&self) -> QrCodeClient {
        self.of(Scene::App)
    }

    /// Codes for a WeChat mini program.
    #[wasm_bindgen(getter)]
    pub fn wxqrcode(&self) -> QrCodeClient {
        self.of(Scene::WechatMiniProgram)
    }

    /// Codes for a WeChat official account.
    #[wasm_bindgen(getter)]
    pub fn wechatmpqrcode(&self) -> QrCodeClient {
        self.of(Scene::WechatOfficialAccount)
    }

    fn of(&self, scene: Scene) -> QrCodeClient {
        QrCodeClient { options: self.options.clone(), codes: self.codes.clone(), scene }
    }
}

/// What a page does with codes of one kind. Each promise brings what the server answered, or fails with an `Error` that
/// has `code`, `reason` and `serverCode`.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct QrCodeClient {
    options: JsValue,
    codes: Rc<RefCell<VecDeque<Code>>>,
    scene: Scene,
}

#[wasm_bindgen]
impl QrCodeClient {
    /// As the function `startScanning`, with the client's options filled in.
    ///
    /// # Errors
    ///
    /// As the function.
    #[wasm_bindgen(js_name = startScanning)]
    pub fn start_scanning(&self, target: JsValue, options: JsValue) -> Result<ScanHandle, JsValue> {
        scanning(self.with(&options).and_then(|options| Runtime::start(&target, options, self.scene)))
    }

    /// Asks for a code.
    #[wasm_bindgen(js_name = geneCode)]
    pub fn gene_code(&self, options: JsValue) -> Promise {
        self.request(&options, Request::Gene(self.scene))
    }

    /// Asks once what has become of a code.
    #[wasm_bindgen(js_name = checkStatus)]
    pub fn check_status(&self, random: &str) -> Promise {
        let Code { random, poll_token, .. } = self.code(random);
        self.request(&JsValue::UNDEFINED, Request::Check { random, poll_token, hold: None })
    }

    /// Exchanges a ticket for the user, where the server allows that to browsers.
    #[wasm_bindgen(js_name = exchangeUserInfo)]
    pub fn exchange_user_info(&self, ticket: &str) -> Promise {
        let poll_token = tickets::poll_token(ticket).map(Rc::from);
        self.request(&JsValue::UNDEFINED, Request::Exchange { ticket: ticket.into(), poll_token })
    }

    /// Polls a code that the page shows by itself, and calls back as `startScanning` does.
    ///
    /// # Errors
    ///
    /// As `startScanning`.
    #[wasm_bindgen(js_name = startPolling)]
    pub fn start_polling(&self, random: &str, options: JsValue) -> Result<ScanHandle, JsValue> {
        scanning(self.with(&options).and_then(|options| Runtime::poll(self.code(random), options)))
    }

    /// Ends what `startPolling` began; a widget's code stays, with a button for a new one.
    #[wasm_bindgen(js_name = stopPolling)]
    pub fn stop_polling(&self, handle: &ScanHandle) {
        handle.stop_polling();
    }

    /// The approver has a code on the screen.
    #[wasm_bindgen]
    pub fn scanned(&self, random: String, token: &str) -> Promise {
        self.approve("/scanned", random, token)
    }

    /// The approver signs the page in.
    #[wasm_bindgen]
    pub fn confirm(&self, random: String, token: &str) -> Promise {
        self.approve("/confirm", random, token)
    }

    /// The approver declines.
    #[wasm_bindgen]
    pub fn cancel(&self, random: String, token: &str) -> Promise {
        self.approve("/cancel", random, token)
    }

    /// Reads the text of a QR code.
    ///
    /// # Errors
    ///
    /// Throws an `Error` with `code: "not-a-code"` when the text is not that of a sign-in code.
    #[wasm_bindgen(js_name = parseCode)]
    pub fn parse_code(&self, text: &str) -> Result<JsValue, JsValue> {
        JSON::parse(text)
            .ok()
            .and_then(|value| Payload::read(Js(value)))
            .and_then(|payload| payload.serialize(&Serializer::json_compatible()).ok())
            .ok_or_else(|| {
                js_error(&Error::new(ErrorCode::NotACode, "this is not the text of a sign-in code"), true).into()
            })
    }

    fn request(&self, options: &JsValue, request: Request) -> Promise {
        self.promise(self.client(options).map(|(client, timeout)| Call {
            http: client.http::<Js>(&request),
            timeout,
            request: Some(request),
        }))
    }

    fn approve(&self, call: &str, random: String, token: &str) -> Promise {
        self.promise(self.client(&JsValue::UNDEFINED).and_then(|(client, timeout)| {
            if !header::is_value(token) {
                return Err(wrong_option("token", "the token of a user"));
            }
            let body = Js::to_text(&ApproverRequest { random });
            Ok(Call { http: client.call(call, body, Some(("authorization", token))), timeout, request: None })
        }))
    }

    /// The client's options, and over them those of one call. `onError` of the client is for its promises.
    fn with(&self, over: &JsValue) -> Result<JsValue, Error> {
        options::read(over.clone())?;
        let merged = Object::new();
        Object::assign(&merged, self.options.unchecked_ref());
        // A fresh object gives up any property.
        let _ = Reflect::delete_property(&merged, &"onError".into());
        Object::assign(&merged, over.unchecked_ref());
        Ok(merged.into())
    }

    fn client(&self, over: &JsValue) -> Result<(Client, u32), Error> {
        let options = options::read(self.with(over)?)?;
        let config = Config::read(&options, "")?;
        let timeout = u32::try_from(config.policy.timeout.as_millis()).unwrap_or(u32::MAX);
        Ok((options::client(&options, &config, self.scene)?, timeout))
    }

    /// The code `random`, with what is known of it: all of one that this client asked for, otherwise its id.
    fn code(&self, random: &str) -> Code {
        let known = self.codes.borrow().iter().find(|code| &*code.random == random).cloned();
        let code = known.unwrap_or_else(|| Code {
            random: random.into(),
            url: "".into(),
            lifetime: MAX_CODE_LIFETIME,
            poll_token: None,
            picture: None,
        });
        Code { picture: None, ..code }
    }

    fn promise(&self, call: Result<Call, Error>) -> Promise {
        let this = self.clone();
        future_to_promise(async move {
            let error = match this.send(call).await {
                Ok(data) => return Ok(data.0),
                Err(error) => error,
            };
            let thrown = js_error(&error, true);
            if let Some(on_error) = this.on_error() {
                let code = error.server_code.map_or_else(|| error.code.word().into(), JsValue::from);
                // What it throws is its own: the promise fails all the same.
                let _ = on_error.call3(&JsValue::UNDEFINED, &code, &error.message.as_str().into(), &thrown);
            }
            Err(thrown.into())
        })
    }

    async fn send(&self, call: Result<Call, Error>) -> Result<Js, Error> {
        let Call { http, timeout, request } = call?;
        let answer = fetch(http, &AbortSignal::timeout_with_u32(timeout)).await?;
        if let Some(request) = request {
            self.remember(answer.read(&request, None)?, &request);
        }
        answer.data()
    }

    /// Keeps what a later call will need, which the page gives no more than an id for.
    fn remember(&self, reply: Reply<Js>, request: &Request) {
        match (reply, request) {
            (Reply::Code(code), _) => {
                let mut codes = self.codes.borrow_mut();
                codes.truncate(REMEMBERED - 1);
                codes.push_front(code);
            }
            (Reply::Checked(Checked { news: News::Authorised { ticket }, .. }), Request::Check { poll_token, .. }) => {
                tickets::remember(&ticket, poll_token.as_deref());
            }
            (Reply::Checked(_) | Reply::User(_), _) => {}
        }
    }

    fn on_error(&self) -> Option<Function> {
        options::function(&options::read(self.options.clone()).ok()?, "onError")
    }
}

/// A request that is ready to leave.
struct Call {
    http: HttpRequest,
    /// In milliseconds.
    timeout: u32,
    /// What it asks for, where its answer is worth remembering.
    request: Option<Request>,
}
