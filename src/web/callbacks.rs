//! From what the session tells to the callbacks of the page (docs/protocol.md, "Callbacks").

use std::rc::Rc;

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;

use super::ScanHandle;
use super::js_value::Js;
use super::options::{self, Options};
use super::runtime::Runtime;
use crate::client::reader::JsonValue as _;
use crate::error::Error;
use crate::session::Notification;
use crate::view_model::ScanState;

/// All callbacks there are.
const NAMES: [&str; 14] = [
    "onCodeLoaded",
    "onCodeShow",
    "onCodeLoadFailed",
    "onStart",
    "onResult",
    "onScanned",
    "onSuccess",
    "onCancel",
    "onExpired",
    "onMfa",
    "onAuthFlow",
    "onError",
    "onRetry",
    "onCodeDestroyed",
];

/// An object with the callbacks that the page gave: the page may change its own.
#[derive(Debug, Clone, Default)]
pub(super) struct Callbacks(JsValue);

impl Callbacks {
    pub(super) fn read(options: &Options) -> Self {
        let callbacks = Object::new().into();
        for name in NAMES {
            set(&callbacks, name, options::function(options, name).into());
        }
        Self(callbacks)
    }

    /// Calls the callbacks of one event of `runtime`.
    pub(super) fn tell(&self, event: Notification<Js>, runtime: &Rc<Runtime>) {
        let is_last_word = matches!(event, Notification::CodeDestroyed { .. });
        let call = |name: &str, arguments: &[JsValue]| {
            if let Some(Js(callback)) = Js(self.0.clone()).field(name)
                // The call before may have ended the widget.
                && (is_last_word || runtime.state() != ScanState::Destroyed)
                && let Err(thrown) = callback
                    .unchecked_ref::<Function>()
                    .apply(&JsValue::UNDEFINED, &arguments.iter().collect::<Array>())
            {
                report(&thrown);
            }
        };
        match event {
            Notification::CodeLoaded { random, url } => call("onCodeLoaded", &[text(&random), text(&url)]),
            Notification::CodeShown { random, url } => call("onCodeShow", &[text(&random), text(&url)]),
            Notification::CodeLoadFailed(message) => call("onCodeLoadFailed", &[text(&message)]),
            Notification::PollingStarted => call("onStart", &[ScanHandle { runtime: runtime.clone() }.into()]),
            Notification::Checked(raw) => call("onResult", &[raw.0]),
            Notification::Scanned(user_info) => call("onScanned", &[user_info.0]),
            Notification::Succeeded { user_info, ticket } => call("onSuccess", &[user_info.0, text(&ticket)]),
            Notification::Cancelled => call("onCancel", &[]),
            Notification::Expired => call("onExpired", &[]),
            Notification::MfaNeeded(outcome) => {
                let [code, message, data, raw] = match outcome {
                    Some(outcome) => [
                        outcome.code.into(),
                        outcome.message.into(),
                        outcome.data.map_or(JsValue::UNDEFINED, |data| data.0),
                        outcome.raw.0,
                    ],
                    None => [const { JsValue::UNDEFINED }; 4],
                };
                call("onMfa", &[code, message, data]);
                call("onAuthFlow", &[raw]);
            }
            Notification::Failed { error, is_fatal } => {
                call("onError", &[text(&error.message), js_error(&error, is_fatal)]);
            }
            Notification::Retried => call("onRetry", &[]),
            Notification::CodeDestroyed { random } => call("onCodeDestroyed", &[text(&random)]),
        }
    }
}

/// The `Error` object that JavaScript gets: `code`, `reason`, `serverCode` and `fatal` beside the message.
pub(super) fn js_error(error: &Error, is_fatal: bool) -> JsValue {
    let object = js_sys::Error::new(&error.message).into();
    set(&object, "name", "ScanLoginError".into());
    set(&object, "code", error.code.word().into());
    set(&object, "reason", error.reason.as_deref().into());
    set(&object, "serverCode", error.server_code.into());
    set(&object, "fatal", is_fatal.into());
    object
}

fn set(object: &JsValue, name: &str, value: JsValue) {
    // A fresh object takes any property.
    let _ = Reflect::set(object, &name.into(), &value);
}

fn text(text: &str) -> JsValue {
    JsValue::from_str(text)
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = reportError)]
    fn report_error(error: &JsValue) -> Result<(), JsValue>;
}

/// What a callback throws is the page's: its error handler gets it, as if the browser had called.
fn report(thrown: &JsValue) {
    if report_error(thrown).is_err() {
        web_sys::console::error_1(thrown);
    }
}
