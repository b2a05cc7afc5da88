//! Draws a [`ViewModel`] into a shadow root.
//!
//! Text goes in as text nodes only. Deliberately absent: knowing why anything is shown, and the elements themselves.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::JsValue;
use web_sys::{Element, HtmlElement};

use super::elements::{Elements, create, set_attribute, set_flag, set_hidden, set_text};
use super::page::Page;
use super::value::Js;
use super::watch::Watch;
use super::words::Words;
use scanlogin_qr::MIN_MODULE_PX;

use crate::number::decimal;
use crate::options::Config;
use crate::session::{Event, Picture, Symbol};
use crate::view_model::{Action, Countdown, ScanState, ViewModel};

/// How much of the place for a code may stay empty so that all its modules are equally wide, in percent: a third, since
/// modules of two pixels beside modules of three spoil the proportions by which a decoder finds a code's corners.
const SPARE_PERCENT: u64 = 34;

type Send = Rc<dyn Fn(Event<Js>)>;

/// What a person sees of one widget.
pub(super) struct View {
    words: Words,
    send: Send,
    elements: Elements,
    shown: RefCell<Rc<ViewModel>>,
    picture_watches: Cell<Vec<Watch>>,
    action: Rc<Cell<Option<Action>>>,
    _listeners: [Watch; 2],
}

impl View {
    /// Puts a widget without a code into `target`, or into a box of its own in the middle of the window.
    pub(super) fn new(
        target: Option<Element>,
        config: Config,
        dress: &Function,
        words: Words,
        send: Send,
    ) -> Result<Self, JsValue> {
        let elements = Elements::new(&config, dress, target.is_none())?;
        let action = Rc::new(Cell::new(None));
        let listeners = [
            Watch::event(&elements.button, "click", {
                let (action, send) = (action.clone(), send.clone());
                Box::new(move || {
                    if let Some(action) = action.get() {
                        send(Event::Clicked(action));
                    }
                })
            }),
            // A picture that can't be shown leaves the name to stand alone.
            Watch::event(&elements.photo, "error", {
                let (photo, frame) = (elements.photo.clone(), elements.frame.clone());
                Box::new(move || {
                    set_hidden(&photo, true);
                    set_flag(&frame, "data-photo", false);
                })
            }),
        ];
        match target {
            Some(target) => target.append_child(&elements.outermost)?,
            None => Page::document().body().ok_or(JsValue::NULL)?.append_child(&elements.outermost)?,
        };
        let view = Self {
            words,
            send,
            elements,
            shown: RefCell::new(Rc::new(ViewModel::new(ScanState::Loading))),
            picture_watches: Cell::default(),
            action,
            _listeners: listeners,
        };
        view.draw();
        Ok(view)
    }

    /// Shows `view`.
    pub(super) fn render(&self, view: Rc<ViewModel>) {
        let before = self.shown.replace(view.clone());
        if before.picture != view.picture {
            self.draw_picture(view.picture.as_deref());
        }
        self.draw();
    }

    /// Shows the same in another language.
    pub(super) fn set_language(&self, tag: &str) {
        self.words.speak(tag);
        self.draw();
    }

    /// Shows the same in the words that are said now.
    pub(super) fn draw(&self) {
        // Held apart: moving the focus runs code of the page, which may ask for another language at once.
        let view = self.shown.borrow().clone();
        let say = |word: Option<&str>| word.map(|word| self.words.say(word, 0)).unwrap_or_default();
        set_attribute(&self.elements.outermost, "data-state", view.state.word());
        set_attribute(&self.elements.frame, "data-state", view.state.word());
        set_attribute(&self.elements.frame, "lang", &self.words.language());
        set_flag(&self.elements.frame, "data-covered", !view.is_scannable());
        set_flag(&self.elements.frame, "aria-busy", view.state == ScanState::Loading);
        set_flag(&self.elements.code, "aria-hidden", !view.is_scannable());
        if let Some(picture) = self.elements.code.first_element_child() {
            set_attribute(&picture, "aria-label", &say(Some("codeName")));
        }
        self.draw_icon(view.state);
        self.draw_person(&view);
        set_text(&self.elements.headline, &say(view.headline()));
        set_text(&self.elements.hint, view.detail.as_deref().unwrap_or(&say(view.hint())));
        let countdown = view.countdown.map(Countdown::word);
        set_text(
            &self.elements.countdown,
            &countdown.map(|(word, seconds)| self.words.say(word, seconds)).unwrap_or_default(),
        );
        self.draw_button(view.action());
    }

    /// What was put into the page.
    pub(super) fn element(&self) -> &Element {
        &self.elements.outermost
    }

    /// Takes the widget out of the page.
    pub(super) fn remove(&self) {
        self.picture_watches.set(Vec::new());
        self.elements.outermost.remove();
    }

    fn draw_picture(&self, picture: Option<&Picture>) {
        self.picture_watches.set(Vec::new());
        self.elements.code.set_text_content(None);
        // A document that can't make an element can't show a widget at all.
        let _ = match picture {
            Some(Picture::Drawn(symbol)) => self.draw_symbol(symbol),
            Some(Picture::Image { url, .. }) => self.load(url),
            None => Ok(()),
        };
    }

    fn draw_symbol(&self, symbol: &Symbol) -> Result<(), JsValue> {
        let side = symbol.drawing.side;
        let length = decimal(side.into());
        let view_box = ["0 0 ", &length, " ", &length].concat();
        let attributes = [("viewBox", view_box.as_str()), ("shape-rendering", "crispEdges"), ("role", "img")];
        let svg = create("svg", &attributes)?;
        svg.append_child(create("path", &[("d", &symbol.drawing.path)])?.as_ref())?;
        self.elements.code.append_child(&svg)?;
        let mut watches = Vec::new();
        if let Some(logo) = &symbol.logo {
            let attributes =
                [("class", "logo"), ("part", "logo"), ("alt", ""), ("referrerpolicy", "no-referrer"), ("src", logo)];
            let image = create("img", &attributes)?;
            // Without its logo a code is none the worse.
            let broken = image.clone();
            watches.push(Watch::event(&image, "error", Box::new(move || broken.remove())));
            self.elements.code.append_child(&image)?;
        }
        let least = decimal(u32::from(side) * MIN_MODULE_PX);
        self.elements.frame.style().set_property("--least", &least)?;
        let (stage, code) = (self.elements.stage.clone(), self.elements.code.clone());
        let fit = Rc::new(move || fit(&stage, &code, side));
        fit();
        // The window is resized by moving it to another screen and by zooming, too.
        let resized = fit.clone();
        watches.push(Watch::event(&Page::window(), "resize", Box::new(move || resized())));
        if let Some(size) = Watch::size(&self.elements.stage, Box::new(move || fit())) {
            watches.push(size);
        }
        self.picture_watches.set(watches);
        Ok(())
    }

    fn load(&self, url: &str) -> Result<(), JsValue> {
        let image = create("img", &[("role", "img")])?;
        let (loaded, failed) = (self.send.clone(), self.send.clone());
        self.picture_watches.set(vec![
            Watch::event(&image, "load", Box::new(move || loaded(Event::PictureShown))),
            Watch::event(&image, "error", Box::new(move || failed(Event::PictureFailed))),
        ]);
        image.set_attribute("src", url)?;
        self.elements.code.append_child(&image)?;
        Ok(())
    }

    fn draw_icon(&self, state: ScanState) {
        let d = icon_path(state);
        set_hidden(&self.elements.icon, d.is_empty());
        if self.elements.icon.first_element_child().and_then(|path| path.get_attribute("d")).as_deref() == Some(d) {
            return;
        }
        self.elements.icon.set_text_content(None);
        if let Ok(path) = create("path", &[("d", d)]) {
            // As with the code: there is nothing to fall back to.
            let _ = self.elements.icon.append_child(&path);
        }
    }

    fn draw_person(&self, view: &ViewModel) {
        let photo = view.person.as_ref().and_then(|person| person.photo.as_deref()).unwrap_or_default();
        if photo.is_empty() {
            // Our own name of an attribute can't be refused.
            let _ = self.elements.photo.remove_attribute("src");
            set_hidden(&self.elements.photo, true);
        } else if self.elements.photo.get_attribute("src").as_deref() != Some(photo) {
            set_attribute(&self.elements.photo, "src", photo);
            set_hidden(&self.elements.photo, false);
        }
        set_flag(&self.elements.frame, "data-photo", !self.elements.photo.has_attribute("hidden"));
        let name = view.person.as_ref().and_then(|person| person.nickname.as_deref()).unwrap_or_default();
        set_text(&self.elements.name, name);
    }

    fn draw_button(&self, action: Option<Action>) {
        self.action.set(action);
        match action {
            Some(action) => set_text(&self.elements.button, &self.words.say(action.word(), 0)),
            None if self.elements.root.active_element().as_ref() == Some(&self.elements.button) => {
                // Focus that is lost starts a keyboard user at the top of the page again.
                let _ = self.elements.frame.focus();
            }
            None => {}
        }
        set_hidden(&self.elements.button, action.is_none());
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("View")
    }
}

/// Makes every module the same whole number of the screen's pixels wide, where that does not cost too much of the place.
fn fit(stage: &Element, code: &HtmlElement, side: u16) {
    let thousandths = (Page::pixel_ratio() * 1000.0) as u64;
    let width = stage.client_width().min(stage.client_height()).max(0) as u64;
    let (side, pixels) = (u64::from(side), width * thousandths / 1000);
    if pixels == 0 {
        // Out of sight: it will be told when it comes into sight.
        return;
    }
    let even = pixels / side * side;
    let style = code.style();
    // The names and values are ours, so that they can't be refused.
    let _ = if even * 100 < pixels * (100 - SPARE_PERCENT) {
        style.remove_property("--side").map(drop)
    } else {
        // Written as a fraction: a number with a point would bring the code for writing one.
        let (dividend, divisor) = (decimal((even * 1000) as u32), decimal(thousandths as u32));
        style.set_property("--side", &["calc(", &dividend, "px / ", &divisor, ")"].concat())
    };
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
