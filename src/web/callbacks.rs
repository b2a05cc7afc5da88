//! Calls the callbacks of the page: docs/protocol.md, "Callbacks".

use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;

use super::js_value::Js;
use super::options::{self, Options};
use crate::client::reader::JsonValue as _;
use crate::error::Error;
use crate::session::Notification;

/// The names of all callbacks.
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

/// The widget whose callbacks are called.
pub(super) trait Widget {
    /// Returns a new handle of the widget, for `onStart`.
    fn handle(&self) -> JsValue;
    /// Whether the widget has not been destroyed.
    fn is_alive(&self) -> bool;
}

/// An object with the callbacks of a page. It is a copy, because the page can change its options later.
#[derive(Debug, Clone, Default)]
pub(super) struct Callbacks(JsValue);

impl Callbacks {
    /// Reads the callbacks of a page. `options` rejects one that is not a function.
    pub(super) fn read(options: &Options) -> Self {
        let callbacks = Object::new().into();
        for name in NAMES {
            set(&callbacks, name, options::function(options, name).into());
        }
        Self(callbacks)
    }

    /// Whether the page has the callback `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        Js(self.0.clone()).field(name).is_some()
    }

    /// Calls the callbacks for one notification of `widget`. A destroyed widget only calls `onCodeDestroyed`.
    pub(super) fn notify(&self, notification: Notification<Js>, widget: &impl Widget) {
        let is_code_destroyed = matches!(notification, Notification::CodeDestroyed { .. });
        let call = |name: &str, arguments: &[JsValue]| {
            if let Some(Js(callback)) = Js(self.0.clone()).field(name)
                // Checked for each callback: `onMfa` can destroy the widget before `onAuthFlow`.
                && (is_code_destroyed || widget.is_alive())
                && let Err(thrown) = callback
                    .unchecked_ref::<Function>()
                    .apply(&JsValue::UNDEFINED, &arguments.iter().collect::<Array>())
            {
                report(&thrown);
            }
        };
        match notification {
            Notification::CodeLoaded { random, url } => call("onCodeLoaded", &[text(&random), text(&url)]),
            Notification::CodeShown { random, url } => call("onCodeShow", &[text(&random), text(&url)]),
            Notification::CodeLoadFailed(message) => call("onCodeLoadFailed", &[text(&message)]),
            Notification::PollingStarted => call("onStart", &[widget.handle()]),
            Notification::Checked(raw) => call("onResult", &[raw.0]),
            Notification::Scanned(user_info) => call("onScanned", &[user_info.0]),
            Notification::Succeeded { user_info, ticket } => call("onSuccess", &[user_info.0, text(&ticket)]),
            Notification::Cancelled => call("onCancel", &[]),
            Notification::Expired => call("onExpired", &[]),
            Notification::MfaNeeded(result) => {
                let [code, message, data, raw] = match result {
                    Some(result) => [
                        result.code.into(),
                        result.message.into(),
                        result.data.map_or(JsValue::UNDEFINED, |data| data.0),
                        result.raw.0,
                    ],
                    None => [const { JsValue::UNDEFINED }; 4],
                };
                call("onMfa", &[code, message, data]);
                call("onAuthFlow", &[raw]);
            }
            Notification::Failed { error, is_fatal } => {
                call("onError", &[text(error.message()), js_error(&error, is_fatal)]);
            }
            Notification::Retried => call("onRetry", &[]),
            Notification::CodeDestroyed { random } => call("onCodeDestroyed", &[text(&random)]),
        }
    }
}

/// Makes the `Error` object that JavaScript gets: docs/protocol.md, "Error codes".
pub(super) fn js_error(error: &Error, is_fatal: bool) -> JsValue {
    let object = js_sys::Error::new(error.message()).into();
    set(&object, "name", "ScanLoginError".into());
    set(&object, "code", error.code().as_str().into());
    set(&object, "reason", error.reason().into());
    set(&object, "serverCode", error.server_code().into());
    set(&object, "fatal", is_fatal.into());
    object
}

fn set(object: &JsValue, name: &str, value: JsValue) {
    // Setting a property of a new object does not fail.
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

/// Reports an exception of a callback to the error handler of the page, or to the console of a browser without
/// `reportError`.
fn report(thrown: &JsValue) {
    if report_error(thrown).is_err() {
        web_sys::console::error_1(thrown);
    }
}
