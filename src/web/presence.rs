//! Notices when the widget leaves the page, so that nobody has to remember `destroy()`.
//!
//! A widget that is moved leaves and comes back within one task, and is never noticed.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, MutationObserver, MutationObserverInit, Node, ShadowRoot};

/// Watches over one element until it is dropped.
#[derive(Debug)]
#[must_use = "an element is watched as long as this lives"]
pub(super) struct Presence {
    observer: MutationObserver,
    _callback: Closure<dyn Fn()>,
}

impl Presence {
    /// Calls `gone` when `element` is no longer in the page. `None` while it is not there yet.
    pub(super) fn watch(element: &Element, gone: impl Fn() + 'static) -> Option<Self> {
        if !element.is_connected() {
            return None;
        }
        let callback = Closure::<dyn Fn()>::new({
            let element = element.clone();
            move || {
                if !element.is_connected() {
                    gone();
                }
            }
        });
        let observer = MutationObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        let children = MutationObserverInit::new();
        children.set_child_list(true);
        children.set_subtree(true);
        // A document does not see into its shadow roots, so each root on the way up is watched.
        let mut node: Node = element.clone().into();
        loop {
            let root = node.get_root_node();
            observer.observe_with_options(&root, &children).ok()?;
            match root.dyn_into::<ShadowRoot>() {
                Ok(shadow) => node = shadow.host().into(),
                Err(_) => break,
            }
        }
        Some(Self { observer, _callback: callback })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
