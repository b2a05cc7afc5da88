//! The browser around the session: what JavaScript calls, and the slots that do what the session asks for.
//!
//! Nothing here decides anything. Deliberately absent: loading the wasm, and the types of all this, which
//! stand in `pkg/`.

mod callbacks;
mod credentials;
mod fetch;
mod frame_ancestors;
mod globals;
mod js_value;
mod listener;
mod options;
mod runtime;
mod sdk;
mod shell;
mod view;

use std::rc::Rc;

use rlsf::SmallGlobalTlsf;
use wasm_bindgen::prelude::*;

pub use sdk::{
    cancel, check_options, check_status, confirm, exchange_user_info, gene_code, parse_code, scanned, start_polling,
};
pub use shell::Shell;

use crate::error::Error;
use runtime::Runtime;

/// Smaller than that of the standard library. It frees what is freed, too: a page may start many widgets.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// Shows a code in `target` and calls back when a person has signed in with it.
///
/// `target` is an element or the id of one. If the page has no element with this id, the code is shown in the middle of the
/// window. The options are those of docs/protocol.md, "Options".
///
/// # Errors
///
/// Throws an `Error` with `code: "invalid-option"` that names the option which has the wrong type or is out of range.
#[wasm_bindgen(js_name = startScanning)]
pub fn start_scanning(target: &JsValue, options: JsValue) -> Result<ScanHandle, JsValue> {
    start(shell::open(target, &options)?, options, "qrcode")
}

/// Shows a code in `shell`. `kind` is `qrcode`, `wxqrcode` or `wechatmpqrcode`.
///
/// The entry points of the npm package call this: they open the shell before the wasm is loaded.
///
/// # Errors
///
/// As [`start_scanning`].
#[wasm_bindgen(js_name = startInShell)]
pub fn start(shell: Shell, options: JsValue, kind: &str) -> Result<ScanHandle, JsValue> {
    scanning(Runtime::start(shell, options, sdk::scene(kind)))
}

fn scanning(runtime: Result<Rc<Runtime>, Error>) -> Result<ScanHandle, JsValue> {
    runtime.map(|runtime| ScanHandle { runtime }).map_err(|error| callbacks::js_error(&error, true))
}

/// What a page holds of a running widget.
#[wasm_bindgen]
#[derive(Debug)]
pub struct ScanHandle {
    runtime: Rc<Runtime>,
}

#[wasm_bindgen]
impl ScanHandle {
    /// What is going on: `loading`, `ready`, `scanned`, `signing-in`, `confirmed`, `cancelled`, `expired`,
    /// `unreachable`, `stopped`, `needs-mfa`, `failed` or `destroyed`.
    #[wasm_bindgen(getter)]
    pub fn state(&self) -> String {
        self.runtime.state().word().to_owned()
    }

    /// Shows the words of another language: a BCP 47 tag such as `ja-JP`; an empty one is that of the page. The page's own
    /// words, its `tips`, stay.
    #[wasm_bindgen(js_name = setLanguage)]
    pub fn set_language(&self, lang: &str) {
        self.runtime.set_language(lang);
    }

    /// Polls no more. The code stays, with a button for a new one.
    #[wasm_bindgen(js_name = stopPolling)]
    pub fn stop_polling(&self) {
        self.runtime.stop();
    }

    /// Asks for a new code. After a success it does nothing.
    #[wasm_bindgen]
    pub fn refresh(&self) {
        self.runtime.refresh();
    }

    /// Stops everything and removes what `startScanning` put into the page. A second call does nothing.
    #[wasm_bindgen]
    pub fn destroy(&self) {
        self.runtime.destroy();
    }
}
