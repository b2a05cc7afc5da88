//! Listeners for events of the page.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

/// A listener. Dropping it removes it from its target.
#[derive(Debug)]
#[must_use = "a listener is removed when it is dropped"]
pub(super) struct Listener {
    target: EventTarget,
    event: &'static str,
    callback: Closure<dyn FnMut()>,
}

impl Listener {
    /// Calls `callback` on each `event` of `target`.
    pub(super) fn new(target: &EventTarget, event: &'static str, callback: Box<dyn FnMut()>) -> Self {
        let callback = Closure::wrap(callback);
        add(target, event, function(&callback));
        Self { target: target.clone(), event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        remove(&self.target, self.event, function(&self.callback));
    }
}

// An element can hide a method of the document: see `js/document.js`.
#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["EventTarget", "prototype", "addEventListener"], js_name = call)]
    fn add(target: &EventTarget, event: &str, callback: &Function);

    #[wasm_bindgen(js_namespace = ["EventTarget", "prototype", "removeEventListener"], js_name = call)]
    fn remove(target: &EventTarget, event: &str, callback: &Function);
}

fn function(callback: &Closure<dyn FnMut()>) -> &Function {
    callback.as_ref().unchecked_ref()
}
