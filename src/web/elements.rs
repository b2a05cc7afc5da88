//! The elements of one widget: made once and then changed, so that a person's focus and a screen reader's place are kept.
//!
//! Deliberately absent: what they show, which is the work of the view.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CssStyleSheet, Document, Element, HtmlElement, Node, ShadowRoot, ShadowRootInit, ShadowRootMode};

use crate::options::Config;

/// The namespace of what is drawn.
pub(super) const SVG: &str = "http://www.w3.org/2000/svg";

thread_local! {
    // One sheet for all widgets of a page.
    static STYLE: Option<CssStyleSheet> = style();
}

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
    /// Makes them, but puts them nowhere yet. What floats has no place of its own in the page.
    pub(super) fn new(document: &Document, config: &Config, is_floating: bool) -> Result<Self, JsValue> {
        let outermost = document.create_element("div")?;
        outermost.set_class_name("scanlogin");
        if is_floating {
            outermost.set_attribute("data-floating", "")?;
        }
        let root = outermost.attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open))?;
        STYLE.with(|style| {
            if let Some(style) = style {
                root.set_adopted_style_sheets(&js_sys::Array::of1(style));
            }
        });

        let element = |parent: &Node, tag: &str, part: &str| -> Result<Element, JsValue> {
            let element = document.create_element(tag)?;
            element.set_class_name(part);
            element.set_attribute("part", part)?;
            parent.append_child(&element)?;
            Ok(element)
        };
        let line = |parent: &Node, part: &str| -> Result<Element, JsValue> {
            let line = element(parent, "p", part)?;
            // Names and the page's words bring their own direction, whatever the page's is.
            line.set_attribute("dir", "auto")?;
            Ok(line)
        };
        let frame: HtmlElement = element(&root, "div", "frame")?.unchecked_into();
        frame.set_attribute("role", "group")?;
        frame.set_attribute("aria-labelledby", "headline")?;
        // Focus comes here when the button that had it goes away.
        frame.set_tab_index(-1);
        let stage = element(&frame, "div", "stage")?;
        let code: HtmlElement = element(&stage, "div", "code")?.unchecked_into();
        let cover = element(&stage, "div", "cover")?;
        let icon = document.create_element_ns(Some(SVG), "svg")?;
        icon.set_attribute("class", "icon")?;
        icon.set_attribute("part", "icon")?;
        icon.set_attribute("viewBox", "0 0 24 24")?;
        icon.set_attribute("aria-hidden", "true")?;
        cover.append_child(&icon)?;
        let photo = element(&cover, "img", "photo")?;
        photo.set_attribute("alt", "")?;
        photo.set_attribute("referrerpolicy", "no-referrer")?;
        let text = element(&frame, "div", "text")?;
        // What changes with the state is announced as one; the countdown, which changes by the second, is not.
        let status = element(&text, "div", "status")?;
        status.set_attribute("role", "status")?;
        status.set_attribute("aria-atomic", "true")?;
        let name = line(&status, "name")?;
        let headline = line(&status, "headline")?;
        headline.set_id("headline");
        let hint = line(&status, "hint")?;
        let countdown = line(&text, "countdown")?;
        countdown.set_attribute("role", "timer")?;
        let button: HtmlElement = element(&text, "button", "button")?.unchecked_into();
        button.set_attribute("type", "button")?;
        button.set_attribute("dir", "auto")?;

        set_attribute(&outermost, "data-theme", config.theme.word());
        let (size, container) = (config.size, config.container_size);
        for (property, length) in [
            ("--width", size.width),
            ("--height", size.height),
            ("--box-width", container.width),
            ("--box-height", container.height),
        ] {
            frame.style().set_property(property, &[length.to_string().as_str(), "px"].concat())?;
        }
        let ratio = [size.width.to_string(), size.height.to_string()].join(" / ");
        frame.style().set_property("--ratio", &ratio)?;
        for (property, color) in [("--dark", &config.colors.dark), ("--light", &config.colors.light)] {
            frame.style().set_property(property, color)?;
        }
        Ok(Self { outermost, root, frame, stage, code, icon, photo, name, headline, hint, countdown, button })
    }
}

fn style() -> Option<CssStyleSheet> {
    let sheet = CssStyleSheet::new().ok()?;
    sheet.replace_sync(include_str!("style.css")).ok()?;
    Some(sheet)
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
