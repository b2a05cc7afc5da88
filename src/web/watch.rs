//! Notices what happens in the page: an event, that the widget leaves it, that there is more or less room. Deliberately
//! absent: its language, which the doors follow.

use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, EventTarget, MutationObserver, MutationObserverInit, Node, ResizeObserver, ShadowRoot};

/// Watches until it is dropped.
#[derive(Debug)]
#[must_use = "nothing is watched any longer than this lives"]
pub(super) struct Watch {
    by: Observer,
    callback: Callback,
}

/// One type for whatever is watched, as each would bring code of its own into the wasm.
type Callback = Closure<dyn FnMut()>;

#[derive(Debug)]
enum Observer {
    Event(EventTarget, &'static str),
    Changes(MutationObserver),
    Size(ResizeObserver),
}

impl Watch {
    /// Calls `happened` at each `event` of `target`.
    pub(super) fn event(target: &EventTarget, event: &'static str, happened: Box<dyn FnMut()>) -> Self {
        let callback = Callback::wrap(happened);
        // A listener that is a function is never refused.
        let _ = target.add_event_listener_with_callback(event, function(&callback));
        Self { by: Observer::Event(target.clone(), event), callback }
    }

    /// Calls `gone` when `element` is no longer in the page, so that nobody has to remember `destroy()`. One that is
    /// moved leaves and comes back within one task, and is never missed. `None` while it is not in the page yet.
    pub(super) fn presence(element: &Element, gone: impl Fn() + 'static) -> Option<Self> {
        if !element.is_connected() {
            return None;
        }
        let watched = element.clone();
        let callback = Callback::new(move || {
            if !watched.is_connected() {
                gone();
            }
        });
        let observer = MutationObserver::new(function(&callback)).ok()?;
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
                Err(_) => return Some(Self { by: Observer::Changes(observer), callback }),
            }
        }
    }

    /// Calls `changed` soon, and whenever `element` has another size: shown after it was hidden, too.
    pub(super) fn size(element: &Element, changed: Box<dyn FnMut()>) -> Option<Self> {
        let callback = Callback::wrap(changed);
        let observer = ResizeObserver::new(function(&callback)).ok()?;
        observer.observe(element);
        Some(Self { by: Observer::Size(observer), callback })
    }
}

fn function(callback: &Callback) -> &Function {
    callback.as_ref().unchecked_ref()
}

impl Drop for Watch {
    fn drop(&mut self) {
        match &self.by {
            // What was added can be removed.
            Observer::Event(target, event) => {
                let _ = target.remove_event_listener_with_callback(event, function(&self.callback));
            }
            Observer::Changes(observer) => observer.disconnect(),
            Observer::Size(observer) => observer.disconnect(),
        }
    }
}
