//! Draws a [`ViewModel`] into a shadow root.
//!
//! The elements are made once and then changed, so that a person's focus and a screen reader's place are kept. Text
//! goes in as text nodes only. Deliberately absent: knowing why anything is shown.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CssStyleSheet, Document, Element, HtmlElement, Node, ShadowRoot, ShadowRootInit, ShadowRootMode};

use super::value::Js;
use crate::options::Config;
use crate::qr::Drawing;
use crate::session::{Event, Picture};
use crate::text::Words;
use crate::view_model::{Action, ScanState, ViewModel};

const SVG: &str = "http://www.w3.org/2000/svg";

thread_local! {
    // One sheet for all widgets of a page.
    static STYLE: Option<CssStyleSheet> = style();
}

type Send = Rc<dyn Fn(Event<Js>)>;

/// The elements of one widget.
pub(super) struct View {
    document: Document,
    words: Words,
    send: Send,
    /// What was put into the page, and is removed from it.
    outermost: Element,
    root: ShadowRoot,
    frame: HtmlElement,
    code: Element,
    icon: Element,
    photo: Element,
    name: Element,
    headline: Element,
    hint: Element,
    button: HtmlElement,
    shown_picture: RefCell<Option<Picture>>,
    picture_listeners: RefCell<Vec<EventListener>>,
    action: Rc<Cell<Option<Action>>>,
    _listeners: [EventListener; 2],
}

impl View {
    /// Puts an empty widget into `target`, or into a box of its own in the middle of the window.
    pub(super) fn new(
        document: &Document,
        target: Option<Element>,
        config: Config,
        send: Send,
    ) -> Result<Self, JsValue> {
        let outermost = document.create_element("div")?;
        outermost.set_class_name("scanlogin");
        if target.is_none() {
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
        let frame: HtmlElement = element(&root, "section", "frame")?.unchecked_into();
        frame.set_attribute("lang", config.language.tag())?;
        // Focus comes here when the button that had it goes away.
        frame.set_tab_index(-1);
        let stage = element(&frame, "div", "stage")?;
        let code = element(&stage, "div", "code")?;
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
        let status = element(&frame, "div", "status")?;
        status.set_attribute("role", "status")?;
        let name = element(&status, "p", "name")?;
        let headline = element(&status, "p", "headline")?;
        let hint = element(&frame, "p", "hint")?;
        let button: HtmlElement = element(&frame, "button", "button")?.unchecked_into();
        button.set_attribute("type", "button")?;

        for (property, length) in [
            ("--width", config.size.width),
            ("--height", config.size.height),
            ("--box-width", config.container_size.width),
            ("--box-height", config.container_size.height),
        ] {
            frame.style().set_property(property, &[length.to_string().as_str(), "px"].concat())?;
        }

        let action = Rc::new(Cell::new(None));
        let listeners = [
            EventListener::new(&button, "click", {
                let (action, send) = (action.clone(), send.clone());
                move |_| {
                    if let Some(action) = action.get() {
                        send(Event::Clicked(action));
                    }
                }
            }),
            // A picture that can't be shown leaves the name to stand alone.
            EventListener::new(&photo, "error", {
                let photo = photo.clone();
                move |_| set_hidden(&photo, true)
            }),
        ];
        match target {
            Some(target) => target.append_child(&outermost)?,
            None => document.body().ok_or(JsValue::NULL)?.append_child(&outermost)?,
        };
        Ok(Self {
            document: document.clone(),
            words: config.words,
            send,
            outermost,
            root,
            frame,
            code,
            icon,
            photo,
            name,
            headline,
            hint,
            button,
            shown_picture: RefCell::default(),
            picture_listeners: RefCell::default(),
            action,
            _listeners: listeners,
        })
    }

    /// Shows `view`.
    pub(super) fn render(&self, view: &ViewModel) {
        set_attribute(&self.frame, "data-state", view.state.word());
        set_flag(&self.frame, "data-covered", !view.is_scannable());
        set_flag(&self.frame, "aria-busy", view.state == ScanState::Loading);
        self.render_picture(view.picture.as_ref());
        self.render_icon(view.state);
        self.render_person(view);
        set_text(&self.headline, self.words.headline(view.state));
        set_text(&self.hint, &self.words.hint(view));
        self.render_button(view.action());
    }

    /// What was put into the page.
    pub(super) fn element(&self) -> &Element {
        &self.outermost
    }

    /// Takes the widget out of the page.
    pub(super) fn remove(&self) {
        self.picture_listeners.replace(Vec::new());
        self.outermost.remove();
    }

    fn render_picture(&self, picture: Option<&Picture>) {
        if self.shown_picture.borrow().as_ref() == picture {
            return;
        }
        self.shown_picture.replace(picture.cloned());
        self.picture_listeners.replace(Vec::new());
        self.code.set_text_content(None);
        // A document that can't make an element can't show a widget at all.
        let _ = match picture {
            Some(Picture::Drawn(drawing)) => self.draw(drawing),
            Some(Picture::Image { url, .. }) => self.load(url),
            None => Ok(()),
        };
    }

    fn draw(&self, drawing: &Drawing) -> Result<(), JsValue> {
        let svg = self.document.create_element_ns(Some(SVG), "svg")?;
        let side = drawing.side.to_string();
        svg.set_attribute("viewBox", &["0 0 ", &side, " ", &side].concat())?;
        svg.set_attribute("shape-rendering", "crispEdges")?;
        svg.set_attribute("role", "img")?;
        svg.set_attribute("aria-label", &self.words.code_name)?;
        let path = self.document.create_element_ns(Some(SVG), "path")?;
        path.set_attribute("d", &drawing.path)?;
        svg.append_child(&path)?;
        self.code.append_child(&svg)?;
        Ok(())
    }

    fn load(&self, url: &str) -> Result<(), JsValue> {
        let image = self.document.create_element("img")?;
        image.set_attribute("alt", &self.words.code_name)?;
        let (loaded, failed) = (self.send.clone(), self.send.clone());
        self.picture_listeners.replace(vec![
            EventListener::new(&image, "load", move |_| loaded(Event::PictureShown)),
            EventListener::new(&image, "error", move |_| failed(Event::PictureFailed)),
        ]);
        image.set_attribute("src", url)?;
        self.code.append_child(&image)?;
        Ok(())
    }

    fn render_icon(&self, state: ScanState) {
        let d = icon_path(state);
        set_hidden(&self.icon, d.is_empty());
        if self.icon.first_element_child().and_then(|path| path.get_attribute("d")).as_deref() == Some(d) {
            return;
        }
        self.icon.set_text_content(None);
        if let Ok(path) = self.document.create_element_ns(Some(SVG), "path") {
            set_attribute(&path, "d", d);
            // As with the code: there is nothing to fall back to.
            let _ = self.icon.append_child(&path);
        }
    }

    fn render_person(&self, view: &ViewModel) {
        let photo = view.person.as_ref().and_then(|person| person.photo.as_deref()).unwrap_or_default();
        if self.photo.get_attribute("src").unwrap_or_default() != photo {
            set_attribute(&self.photo, "src", photo);
            set_hidden(&self.photo, false);
        }
        if photo.is_empty() {
            set_hidden(&self.photo, true);
        }
        set_flag(&self.frame, "data-photo", !photo.is_empty());
        let name = view.person.as_ref().and_then(|person| person.nickname.as_deref()).unwrap_or_default();
        set_text(&self.name, name);
    }

    fn render_button(&self, action: Option<Action>) {
        self.action.set(action);
        match action {
            Some(action) => set_text(&self.button, self.words.button(action)),
            None if self.root.active_element().as_ref() == Some(&self.button) => {
                // Focus that is lost starts a keyboard user at the top of the page again.
                let _ = self.frame.focus();
            }
            None => {}
        }
        set_hidden(&self.button, action.is_none());
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("View")
    }
}

fn style() -> Option<CssStyleSheet> {
    let sheet = CssStyleSheet::new().ok()?;
    sheet.replace_sync(include_str!("style.css")).ok()?;
    Some(sheet)
}

/// Strokes in a square of 24: what is going on, at a glance.
fn icon_path(state: ScanState) -> &'static str {
    match state {
        ScanState::Loading | ScanState::SigningIn => "M12 3a9 9 0 1 0 9 9",
        ScanState::Ready => "",
        ScanState::Scanned => {
            "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2M9.5 11l2 2 3.5-4"
        }
        ScanState::Confirmed => "M5 12.5l4.5 4.5L19 7.5",
        ScanState::Cancelled => "M6.5 6.5l11 11M17.5 6.5l-11 11",
        ScanState::Expired | ScanState::Stopped => "M12 7v5l3.5 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
        ScanState::Unreachable => "M3 9a14 14 0 0 1 18 0M6.5 13a8.5 8.5 0 0 1 11 0M12 18h.01M4 3l16 18",
        ScanState::NeedsMfa => "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6zM12 15v2",
        ScanState::Failed => "M12 7v6M12 17h.01M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0z",
        ScanState::Destroyed => "",
    }
}

// The setters below leave an unchanged page alone, so that nothing is announced twice. Their names are constants of
// ours, so that the document can't refuse them.

fn set_attribute(element: &Element, name: &str, value: &str) {
    if element.get_attribute(name).as_deref() != Some(value) {
        let _ = element.set_attribute(name, value);
    }
}

fn set_flag(element: &Element, name: &str, is_set: bool) {
    set_attribute(element, name, if is_set { "true" } else { "false" });
}

fn set_hidden(element: &Element, is_hidden: bool) {
    let _ = element.toggle_attribute_with_force("hidden", is_hidden);
}

fn set_text(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
    set_hidden(element, text.is_empty());
}
