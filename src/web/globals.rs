//! What a page has once.
//!
//! web-sys reaches the same by way of the objects that it belongs to: each of them would be an import of its own, and a
//! value to be held and dropped. Deliberately absent: a page without a document, which the doors refuse.

use wasm_bindgen::prelude::*;
use web_sys::{Document, Window};

#[wasm_bindgen]
extern "C" {
    /// Holds the functions together.
    pub(super) type Globals;

    #[wasm_bindgen(static_method_of = Globals, js_class = "globalThis", getter)]
    pub(super) fn window() -> Window;

    #[wasm_bindgen(static_method_of = Globals, js_class = "globalThis", getter)]
    pub(super) fn document() -> Document;

    #[wasm_bindgen(static_method_of = Globals, js_class = "location", getter)]
    pub(super) fn origin() -> String;

    #[wasm_bindgen(static_method_of = Globals, js_class = "document", getter, js_name = hidden)]
    pub(super) fn is_hidden() -> bool;

    #[wasm_bindgen(static_method_of = Globals, js_class = "navigator", getter, js_name = onLine)]
    pub(super) fn is_online() -> bool;

    /// Milliseconds on a clock that nobody sets.
    #[wasm_bindgen(static_method_of = Globals, js_class = "performance")]
    pub(super) fn now() -> f64;
}
