//! Draws a [`ViewModel`] into the [`Shell`].

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use scanlogin_qr::contrast::Colors;

use super::js_value::Js;
use super::shell::Shell;
use crate::session::Event;
use crate::view_model::{Action, Countdown, Picture, ScanState, ViewModel};

/// Dispatches an event to the session.
type Dispatch = Rc<dyn Fn(Event<Js>)>;

/// One type for all handlers, because each type of closure adds code to the wasm.
type Handler = Closure<dyn FnMut()>;

/// The view of one widget.
pub(super) struct View {
    shell: Shell,
    dispatch: Dispatch,
    shown: RefCell<Rc<ViewModel>>,
    /// What a click on the button does. `None` when there is no button.
    action: Rc<Cell<Option<Action>>>,
    /// The handlers of the shell, which are valid as long as they are here.
    handlers: Cell<Vec<Handler>>,
    /// The handlers of the image that is shown.
    image_handlers: Cell<Vec<Handler>>,
}

impl View {
    /// Puts `shell` into the page, if it is not there yet. [`render`](Self::render) or [`draw_first`](Self::draw_first)
    /// draws into it.
    pub(super) fn new(shell: Shell, colors: &Colors, dispatch: Dispatch) -> Rc<Self> {
        shell.set_colors(&colors.dark, &colors.light);
        let view = Rc::new(Self {
            shell,
            dispatch: dispatch.clone(),
            shown: RefCell::new(Rc::new(ViewModel::new(ScanState::Loading))),
            action: Rc::new(Cell::new(None)),
            handlers: Cell::default(),
            image_handlers: Cell::default(),
        });
        let (action, this, ended) = (view.action.clone(), Rc::downgrade(&view), dispatch.clone());
        let handlers = vec![
            Handler::new(move || {
                if let Some(action) = action.get() {
                    dispatch(Event::Clicked(action));
                }
            }),
            Handler::new(move || {
                if let Some(view) = this.upgrade() {
                    view.draw();
                }
            }),
            Handler::new(move || ended(Event::Destroyed)),
        ];
        if let [clicked, language_changed, ended] = handlers.as_slice() {
            view.shell.adopt(function(clicked), function(language_changed), function(ended));
        }
        view.handlers.set(handlers);
        view
    }

    /// Shows `model`.
    pub(super) fn render(&self, model: Rc<ViewModel>) {
        let previous = self.shown.replace(model.clone());
        if previous.picture != model.picture {
            self.draw_picture(model.picture.as_deref());
        }
        self.draw();
    }

    /// Draws the first state. The shell may show a code that `js/pending.js` drew: it is removed unless it has become
    /// the code of this widget.
    pub(super) fn draw_first(&self) {
        if self.shown.borrow().picture.is_none() {
            self.shell.hide_code();
        }
        self.draw();
    }

    /// Changes the language of the messages. `tag` is a BCP 47 tag, or empty for the language of the page.
    pub(super) fn set_language(&self, tag: &str) {
        self.shell.set_language(tag);
    }

    /// The BCP 47 tag of the messages.
    pub(super) fn language(&self) -> String {
        self.shell.language()
    }

    /// Whether the widget was in the page, has left it, and has stayed away for a task.
    pub(super) fn has_left(&self) -> bool {
        self.shell.has_left()
    }

    /// Whether the browser has kept the response of the code for a return to this device, and another page has taken it.
    pub(super) fn is_taken(&self) -> bool {
        self.shell.is_taken()
    }

    /// Removes the widget from the page.
    pub(super) fn remove(&self) {
        self.shell.remove();
        self.handlers.take();
        self.image_handlers.take();
    }

    fn draw(&self) {
        // The borrow ends here: moving the focus runs code of the page, which can call the widget.
        let model = self.shown.borrow().clone();
        let message = |name: Option<&str>| name.map(|name| self.shell.message(name, 0)).unwrap_or_default();
        self.action.set(model.action());
        match &model.link {
            Some(link) => self.shell.show_link(&link.address, &link.response),
            None => self.shell.show_link("", ""),
        }
        self.shell.show_number(model.number.as_deref().unwrap_or_default());
        self.shell.show(
            model.state.as_str(),
            model.is_scannable(),
            &message(model.headline()),
            &message(model.hint()),
            &message(model.action().map(Action::message)),
        );
        let (name, end) = model.countdown.map(Countdown::message).unwrap_or_default();
        self.shell.show_countdown(name, end as f64);
        let person = model.person.as_deref();
        self.shell.show_person(
            person.and_then(|person| person.nickname.as_deref()).unwrap_or_default(),
            person.and_then(|person| person.photo.as_deref()).unwrap_or_default(),
        );
    }

    fn draw_picture(&self, picture: Option<&Picture>) {
        match picture {
            Some(Picture::Drawn(symbol)) => {
                self.shell.draw_code(symbol.modules.to_bits(), symbol.logo.as_deref().unwrap_or_default());
            }
            Some(Picture::Image { url, .. }) => {
                let (loaded, failed) = (self.dispatch.clone(), self.dispatch.clone());
                let handlers = vec![
                    Handler::new(move || loaded(Event::ImageLoaded)),
                    Handler::new(move || failed(Event::ImageFailed)),
                ];
                if let [loaded, failed] = handlers.as_slice() {
                    self.shell.show_image(url, function(loaded), function(failed));
                }
                self.image_handlers.set(handlers);
            }
            None => self.shell.hide_code(),
        }
    }
}

impl fmt::Debug for View {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("View")
    }
}

fn function(handler: &Handler) -> &Function {
    handler.as_ref().unchecked_ref()
}
