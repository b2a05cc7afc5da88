//! The elements of one widget: made once and then changed, so that a person's focus and a screen reader's place are kept.
//!
//! Deliberately absent: what they show, which is the work of the view, and their look, which is `pkg/style.css`.

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, Node, ShadowRoot, ShadowRootInit, ShadowRootMode};

use super::page::Page;
use crate::number::decimal;
use crate::options::Config;

const SVG: &str = "http://www.w3.org/2000/svg";

const HTML: &str = "http://www.w3.org/1999/xhtml";

type Attributes<'a> = &'a [(&'a str, &'a str)];

/// What the widget is made of, in the order of the page: the part that it stands in, its tag, its own part, and its
/// attributes.
const PARTS: [(&str, &str, &str, Attributes<'_>); 13] = [
    // Focus comes here when the button that had it goes away.
    ("", "div", "frame", &[("role", "group"), ("aria-labelledby", "headline"), ("tabindex", "-1")]),
    ("frame", "div", "stage", &[]),
    ("stage", "div", "code", &[]),
    ("stage", "div", "cover", &[]),
    // Undressed it would fill the page without a width.
    ("cover", "svg", "icon", &[("viewBox", "0 0 24 24"), ("width", "24"), ("aria-hidden", "true")]),
    ("cover", "img", "photo", &[("alt", ""), ("referrerpolicy", "no-referrer")]),
    ("frame", "div", "text", &[]),
    // What changes with the state is announced as one; the countdown, which changes by the second, is not.
    ("text", "div", "status", &[("role", "status"), ("aria-atomic", "true")]),
    // Names and the page's words bring their own direction, whatever the page's is.
    ("status", "p", "name", &[("dir", "auto")]),
    ("status", "p", "headline", &[("dir", "auto"), ("id", "headline")]),
    ("status", "p", "hint", &[("dir", "auto")]),
    ("text", "p", "countdown", &[("dir", "auto"), ("role", "timer")]),
    ("text", "button", "button", &[("dir", "auto"), ("type", "button")]),
];

/// Each has the name of its part.
pub(super) struct Elements {
    /// What is put into the page.
    pub(super) outermost: Element,
    pub(super) root: ShadowRoot,
    pub(super) frame: HtmlElement,
    pub(super) stage: Element,
    pub(super) code: HtmlElement,
    pub(super) icon: Element,
    pub(super) photo: Element,
    pub(super) name: Element,
    pub(super) headline: Element,
    pub(super) hint: Element,
    pub(super) countdown: Element,
    pub(super) button: HtmlElement,
}

impl Elements {
    /// Makes them, with the look that `dress` gives, but puts them nowhere yet. What floats has no place of its own in the
    /// page.
    pub(super) fn new(config: &Config, dress: &Function, is_floating: bool) -> Result<Self, JsValue> {
        let outermost = create("div", &[("class", "scanlogin")])?;
        if is_floating {
            outermost.set_attribute("data-floating", "")?;
        }
        let root = outermost.attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open))?;
        dress.call1(&JsValue::UNDEFINED, &root)?;

        let mut parts: Vec<Element> = Vec::new();
        for (parent, tag, part, attributes) in PARTS {
            let element = create(tag, attributes)?;
            element.set_attribute("class", part)?;
            element.set_attribute("part", part)?;
            let parent = parts.iter().find(|other| other.get_attribute("part").as_deref() == Some(parent));
            parent.map_or(root.as_ref(), AsRef::<Node>::as_ref).append_child(&element)?;
            parts.push(element);
        }
        let parts = <[Element; PARTS.len()]>::try_from(parts).map_err(|_| JsValue::NULL)?;
        let [frame, stage, code, _, icon, photo, _, _, name, headline, hint, countdown, button] = parts;
        let [frame, code, button] = [frame, code, button].map(JsCast::unchecked_into::<HtmlElement>);

        set_attribute(&outermost, "data-theme", config.theme.word());
        let (size, container) = (config.size, config.container_size);
        for (property, value) in [
            ("--width", &decimal(size.width)),
            ("--height", &decimal(size.height)),
            ("--box-width", &decimal(container.width)),
            ("--box-height", &decimal(container.height)),
            ("--dark", &config.colors.dark),
            ("--light", &config.colors.light),
        ] {
            frame.style().set_property(property, value)?;
        }
        Ok(Self { outermost, root, frame, stage, code, icon, photo, name, headline, hint, countdown, button })
    }
}

/// Makes an element of HTML or SVG.
pub(super) fn create(tag: &str, attributes: Attributes<'_>) -> Result<Element, JsValue> {
    let namespace = if matches!(tag, "svg" | "path") { SVG } else { HTML };
    let element = Page::document().create_element_ns(Some(namespace), tag)?;
    for (name, value) in attributes {
        element.set_attribute(name, value)?;
    }
    Ok(element)
}

// The setters below leave an unchanged page alone, so that nothing is announced twice. Their names are constants of
// ours, so that the document can't refuse them.

pub(super) fn set_attribute(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        let _ = element.set_attribute(name, value);
    }
}

pub(super) fn set_flag(element: &Element, name: &str, is_set: bool) {
    set_attribute(element, name, if is_set { "true" } else { "false" });
}

pub(super) fn set_hidden(element: &Element, is_hidden: bool) {
    let _ = element.toggle_attribute_with_force("hidden", is_hidden);
}

pub(super) fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
    set_hidden(element, text.is_empty());
}
