//! The part of the widget that runs in a browser: the functions that JavaScript calls, and the effects of the session.
//!
//! It decides nothing; `session` does. The entry points in `js/` load the wasm, and `js/index.d.ts` has the types.

mod callbacks;
mod credentials;
mod fetch;
mod frame_ancestors;
mod globals;
mod js_value;
mod listener;
mod options;
mod runtime;
mod scan_handle;
mod sdk;
mod shell;
mod view;

use rlsf::SmallGlobalTlsf;
use wasm_bindgen::prelude::*;

pub use scan_handle::ScanHandle;
pub use sdk::{
    cancel, check_options, check_status, confirm, exchange_user_info, gene_code, parse_code, scanned, start_polling,
};
pub use shell::Shell;

use runtime::Runtime;

/// Smaller than the allocator of the standard library, by 1.6 KB of wasm. It reuses freed memory, because a page may
/// start many widgets.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// Shows a code in `target`, polls it, and calls the callbacks of the page.
///
/// `target` is an element or the id of one. If the page has no element with this id, the code is shown in the middle of
/// the window. The options are those of docs/protocol.md, "Options".
///
/// # Errors
///
/// Throws an `Error` with `code: "invalid-option"` that names the option with a wrong type or out of range, or with
/// `code: "framed"`.
#[wasm_bindgen(js_name = startScanning)]
pub fn start_scanning(target: &JsValue, options: JsValue) -> Result<ScanHandle, JsValue> {
    start(shell::open(target, &options)?, options, "qrcode", JsValue::UNDEFINED)
}

/// Shows a code in `shell`. `kind` is `qrcode`, `wxqrcode` or `wechatmpqrcode`. `received` is the response of `gene` that
/// `js/early_code.js` has received, or `undefined`: then this function requests a code.
///
/// The entry points of the npm package call this function: they open the shell and request the code before the wasm is
/// loaded.
///
/// # Errors
///
/// Those of [`start_scanning`].
#[wasm_bindgen(js_name = startInShell)]
pub fn start(shell: Shell, options: JsValue, kind: &str, received: JsValue) -> Result<ScanHandle, JsValue> {
    shell::add_messages();
    ScanHandle::from_result(Runtime::start(shell, options, sdk::scene(kind), received))
}
