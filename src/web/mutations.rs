//! Notices what changes in the page: that the widget leaves it, that its language is another, that there is more or less
//! room.

use js_sys::Array;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, MutationObserver, MutationObserverInit, Node, ResizeObserver, ShadowRoot};

use super::page::Page;

/// Watches until it is dropped.
#[derive(Debug)]
#[must_use = "nothing is watched any longer than this lives"]
pub(super) struct Watch {
    observer: MutationObserver,
    _callback: Closure<dyn Fn()>,
}

impl Watch {
    /// Calls `gone` when `element` is no longer in the page, so that nobody has to remember `destroy()`. One that is
    /// moved leaves and comes back within one task, and is never missed. `None` while it is not in the page yet.
    pub(super) fn presence(element: &Element, gone: impl Fn() + 'static) -> Option<Self> {
        if !element.is_connected() {
            return None;
        }
        let watch = Self::new({
            let element = element.clone();
            move || {
                if !element.is_connected() {
                    gone();
                }
            }
        })?;
        let children = MutationObserverInit::new();
        children.set_child_list(true);
        children.set_subtree(true);
        // A document does not see into its shadow roots, so each root on the way up is watched.
        let mut node: Node = element.clone().into();
        loop {
            let root = node.get_root_node();
            watch.observer.observe_with_options(&root, &children).ok()?;
            match root.dyn_into::<ShadowRoot>() {
                Ok(shadow) => node = shadow.host().into(),
                Err(_) => return Some(watch),
            }
        }
    }

    /// Calls `changed` with the language of the page when it is another.
    pub(super) fn page_language(changed: impl Fn(&str) + 'static) -> Option<Self> {
        let root = Page::document().document_element()?;
        let watch = Self::new(move || changed(&page_language()))?;
        let lang = MutationObserverInit::new();
        lang.set_attribute_filter(&Array::of1(&"lang".into()));
        watch.observer.observe_with_options(&root, &lang).ok()?;
        Some(watch)
    }

    fn new(call: impl Fn() + 'static) -> Option<Self> {
        let callback = Closure::<dyn Fn()>::new(call);
        let observer = MutationObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        Some(Self { observer, _callback: callback })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Watches the size of an element until it is dropped.
#[derive(Debug)]
#[must_use = "nothing is watched any longer than this lives"]
pub(super) struct SizeWatch {
    observer: ResizeObserver,
    _callback: Closure<dyn Fn()>,
}

impl SizeWatch {
    /// Calls `changed` soon, and whenever `element` has another size: shown after it was hidden, too.
    pub(super) fn new(element: &Element, changed: impl Fn() + 'static) -> Option<Self> {
        let callback = Closure::<dyn Fn()>::new(changed);
        let observer = ResizeObserver::new(callback.as_ref().unchecked_ref()).ok()?;
        observer.observe(element);
        Some(Self { observer, _callback: callback })
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// What the page says of its language: a BCP 47 tag, or nothing.
pub(super) fn page_language() -> String {
    Page::document().document_element().and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}
