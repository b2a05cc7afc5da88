//! The handle of a widget, which a page holds: docs/protocol.md, "Scan handle".

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::callbacks::{Widget, js_error};
use super::runtime::Runtime;
use crate::error::Error;
use crate::view_model::ScanState;

/// The handle of a widget.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ScanHandle {
    runtime: Rc<Runtime>,
}

impl ScanHandle {
    /// Converts the result of starting a widget for JavaScript.
    pub(super) fn from_result(runtime: Result<Rc<Runtime>, Error>) -> Result<Self, JsValue> {
        runtime.map(|runtime| Self { runtime }).map_err(|error| js_error(&error, true))
    }
}

#[wasm_bindgen]
impl ScanHandle {
    /// The state: `loading`, `ready`, `scanned`, `signing-in`, `confirmed`, `cancelled`, `expired`, `unreachable`,
    /// `stopped`, `needs-mfa`, `failed` or `destroyed`.
    #[wasm_bindgen(getter)]
    pub fn state(&self) -> String {
        self.runtime.state().as_str().to_owned()
    }

    /// Changes the language of the messages. `lang` is a BCP 47 tag such as `ja-JP`. An empty one means the language of
    /// the page. The messages in the option `tips` stay.
    #[wasm_bindgen(js_name = setLanguage)]
    pub fn set_language(&self, lang: &JsValue) {
        // wasm-bindgen would read a value that is not a string as one.
        self.runtime.set_language(&lang.as_string().unwrap_or_default());
    }

    /// Ends the polling. The code stays in the page, with a button that requests a new one.
    #[wasm_bindgen(js_name = stopPolling)]
    pub fn stop_polling(&self) {
        self.runtime.stop();
    }

    /// Requests a new code. Does nothing during an exchange and after a success.
    #[wasm_bindgen]
    pub fn refresh(&self) {
        self.runtime.refresh();
    }

    /// Ends the widget and removes what `startScanning` added to the page. A second call does nothing.
    #[wasm_bindgen]
    pub fn destroy(&self) {
        self.runtime.destroy();
    }
}

// Not in `runtime.rs`, which would have to import this file: no two files import each other.
impl Widget for Rc<Runtime> {
    fn handle(&self) -> JsValue {
        ScanHandle { runtime: self.clone() }.into()
    }

    fn is_alive(&self) -> bool {
        self.state() != ScanState::Destroyed
    }
}
