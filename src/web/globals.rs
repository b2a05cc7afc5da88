//! The global objects of a page.
//!
//! web-sys reaches them through the objects that own them. Each of these would be an import of the wasm, and a value to
//! hold and to drop. There always is a document: `expectPage` in `js/loader.js` throws otherwise.

use wasm_bindgen::prelude::*;
use web_sys::{Document, Window};

#[wasm_bindgen]
extern "C" {
    /// The namespace of the functions below.
    pub(super) type Globals;

    #[wasm_bindgen(static_method_of = Globals, js_class = "globalThis", getter)]
    pub(super) fn window() -> Window;

    #[wasm_bindgen(static_method_of = Globals, js_class = "globalThis", getter)]
    pub(super) fn document() -> Document;

    /// The origin of the page, such as `https://www.example.com`. `null` for a page without one.
    #[wasm_bindgen(static_method_of = Globals, js_class = "location", getter)]
    pub(super) fn origin() -> String;

    /// Whether the browser has a network connection, as far as it knows.
    #[wasm_bindgen(static_method_of = Globals, js_class = "navigator", getter, js_name = onLine)]
    pub(super) fn is_online() -> bool;

    /// The time in milliseconds on a monotonic clock.
    #[wasm_bindgen(static_method_of = Globals, js_class = "performance")]
    pub(super) fn now() -> f64;
}

#[wasm_bindgen(module = "/js/document.js")]
extern "C" {
    #[wasm_bindgen(js_name = fromDocument)]
    fn from_document(name: &str) -> JsValue;
}

impl Globals {
    /// Whether the page is hidden, such as in a background tab.
    pub(super) fn is_hidden() -> bool {
        from_document("hidden").is_truthy()
    }
}
