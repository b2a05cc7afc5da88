//! From what the session tells to the callbacks of the page (CONTRACT §4).

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;

use super::options::Options;
use super::value::Js;
use crate::error::Error;
use crate::session::HostEvent;

/// The callbacks that the page gave.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    on_code_loaded: Option<Function>,
    on_code_show: Option<Function>,
    on_code_load_failed: Option<Function>,
    on_start: Option<Function>,
    on_result: Option<Function>,
    on_scanned: Option<Function>,
    on_success: Option<Function>,
    on_cancel: Option<Function>,
    on_expired: Option<Function>,
    on_mfa: Option<Function>,
    on_auth_flow: Option<Function>,
    on_error: Option<Function>,
    on_retry: Option<Function>,
    on_code_destroyed: Option<Function>,
}

impl Callbacks {
    pub(super) fn read(options: &Options) -> Result<Self, Error> {
        Ok(Self {
            on_code_loaded: options.function("onCodeLoaded")?,
            on_code_show: options.function("onCodeShow")?,
            on_code_load_failed: options.function("onCodeLoadFailed")?,
            on_start: options.function("onStart")?,
            on_result: options.function("onResult")?,
            on_scanned: options.function("onScanned")?,
            on_success: options.function("onSuccess")?,
            on_cancel: options.function("onCancel")?,
            on_expired: options.function("onExpired")?,
            on_mfa: options.function("onMfa")?,
            on_auth_flow: options.function("onAuthFlow")?,
            on_error: options.function("onError")?,
            on_retry: options.function("onRetry")?,
            on_code_destroyed: options.function("onCodeDestroyed")?,
        })
    }

    /// Calls the callbacks of one event; `handle` makes what `onStart` is given. `is_wanted` is asked before each call:
    /// the one before may have ended the widget.
    pub(super) fn tell(&self, event: HostEvent<Js>, handle: impl FnOnce() -> JsValue, is_wanted: impl Fn() -> bool) {
        let call = |callback: &Option<Function>, arguments: &[JsValue]| {
            if let Some(callback) = callback
                && is_wanted()
                && let Err(thrown) = callback.apply(&JsValue::UNDEFINED, &arguments.iter().collect::<Array>())
            {
                report(&thrown);
            }
        };
        match event {
            HostEvent::CodeLoaded { random, url } => call(&self.on_code_loaded, &[text(&random), text(&url)]),
            HostEvent::CodeShown { random, url } => call(&self.on_code_show, &[text(&random), text(&url)]),
            HostEvent::CodeLoadFailed(error) => call(&self.on_code_load_failed, &[text(&error.message)]),
            HostEvent::PollingStarted => call(&self.on_start, &[handle()]),
            HostEvent::Checked(raw) => call(&self.on_result, &[raw.0]),
            HostEvent::Scanned(user_info) => call(&self.on_scanned, &[user_info.0]),
            HostEvent::Succeeded { user_info, ticket, .. } => call(&self.on_success, &[user_info.0, text(&ticket)]),
            HostEvent::Cancelled => call(&self.on_cancel, &[]),
            HostEvent::Expired => call(&self.on_expired, &[]),
            HostEvent::MfaNeeded(outcome) => {
                let [code, message, data, raw] = match outcome {
                    Some(outcome) => [
                        outcome.code.into(),
                        outcome.message.into(),
                        outcome.data.map_or(JsValue::UNDEFINED, |data| data.0),
                        outcome.raw.0,
                    ],
                    None => [const { JsValue::UNDEFINED }; 4],
                };
                call(&self.on_mfa, &[code, message, data]);
                call(&self.on_auth_flow, &[raw]);
            }
            HostEvent::Failed { error, is_fatal } => {
                call(&self.on_error, &[text(&error.message), js_error(&error, is_fatal).into()]);
            }
            HostEvent::Retried => call(&self.on_retry, &[]),
            HostEvent::CodeDestroyed { random } => call(&self.on_code_destroyed, &[text(&random)]),
        }
    }
}

/// The `Error` object that JavaScript gets: `code`, `reason`, `serverCode` and `fatal` beside the message.
pub(super) fn js_error(error: &Error, is_fatal: bool) -> js_sys::Error {
    let object = js_sys::Error::new(&error.message);
    object.set_name("ScanLoginError");
    for (name, value) in [
        ("code", error.code.word().into()),
        ("reason", error.reason.as_deref().into()),
        ("serverCode", error.server_code.into()),
        ("fatal", is_fatal.into()),
    ] {
        // A fresh object takes any property.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
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
