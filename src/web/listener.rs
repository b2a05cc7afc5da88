//! Listeners for events of the page.

use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
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
        // Adding a function as a listener does not fail.
        let _ = target.add_event_listener_with_callback(event, function(&callback));
        Self { target: target.clone(), event, callback }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.target.remove_event_listener_with_callback(self.event, function(&self.callback));
    }
}

fn function(callback: &Closure<dyn FnMut()>) -> &Function {
    callback.as_ref().unchecked_ref()
}
