//! Does what the session asks for: one request slot, one timer slot, one view, and the page's callbacks last.
//!
//! A widget lives in [`LIVE`] until it is destroyed, as a page may drop its handle. No `RefCell` is borrowed while foreign
//! code runs, so a callback may do anything, even destroy the widget it is told about. Deliberately absent: decisions.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::{Function, Math};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortSignal, Element, EventTarget};

use super::callbacks::Callbacks;
use super::framing;
use super::http::HttpSlot;
use super::memory;
use super::options;
use super::page::Page;
use super::value::Js;
use super::view::View;
use super::watch::Watch;
use super::words::Words;
use scanlogin_protocol::wire::Scene;

use crate::error::{Error, ErrorCode};
use crate::fields::wrong_option;
use crate::format::Format;
use crate::options::Config;
use crate::reply::Answer;
use crate::request::Client;
use crate::session::{self, Code, Event, HostEvent, Instant, Policy, Request, RequestId, Session};
use crate::view_model::ScanState;

/// The longest rest that a browser's timer can take, in milliseconds. The session is woken early and rests again.
const LONGEST_TIMEOUT: u64 = i32::MAX as u64;

/// How many polls of one page the server may hold at once. Over HTTP/1.1 a browser has six connections to a server, and a
/// held poll takes one for itself: this leaves two to the polls that are not held, and to the page.
const MOST_HELD: usize = 4;

thread_local! {
    static LIVE: RefCell<Vec<Rc<Runtime>>> = const { RefCell::new(Vec::new()) };
}

/// One widget.
pub(super) struct Runtime {
    session: RefCell<Session<Js>>,
    client: Client,
    format: Format,
    request: Cell<Option<HttpSlot>>,
    timer: Cell<Option<Timeout>>,
    view: RefCell<Option<Rc<View>>>,
    listeners: Cell<Vec<Watch>>,
    presence: Cell<Option<Watch>>,
    callbacks: RefCell<Callbacks>,
    is_telling: Cell<bool>,
}

impl Runtime {
    /// Starts a widget whose code is for `scene`.
    pub(super) fn start(options: JsValue, scene: Scene, show: Show<'_>) -> Result<Rc<Self>, Error> {
        Self::start_with(options, scene, show, Event::Started)
    }

    /// Polls a code that the page shows by itself.
    pub(super) fn poll(code: Code, options: JsValue) -> Result<Rc<Self>, Error> {
        Self::start_with(options, Scene::App, Show::Nowhere, Event::StartedWith(code))
    }

    fn start_with(options: JsValue, scene: Scene, show: Show<'_>, first: Event<Js>) -> Result<Rc<Self>, Error> {
        let options = options::read(options)?;
        let callbacks = Callbacks::read(&options);
        let abort = options::signal(&options, "signal");
        let mut config = Config::read(&options)?;
        config.policy.scene = scene;
        let client = options::client(&options, &config, scene)?;
        let target = match show {
            Show::In { target, dress, words } => Some((find(target)?, dress, words)),
            Show::Nowhere => {
                // Without a view nobody could click, and codes of ours would be seen by nobody.
                config.policy = Policy { auto_refresh: 0, refresh_on_cancel: false, ..config.policy };
                None
            }
        };

        framing::check(config.frame_ancestors.as_deref())?;

        let page = session::Page {
            is_visible: !Page::is_hidden(),
            is_online: Page::is_online(),
            // Each event says it anew.
            may_hold: false,
        };
        let session = Session::new(config.policy.clone(), page, (Math::random() * f64::from(u32::MAX)) as u32);
        let runtime = Rc::new(Self {
            session: RefCell::new(session),
            client,
            format: config.format.clone(),
            request: Cell::default(),
            timer: Cell::default(),
            view: RefCell::default(),
            listeners: Cell::default(),
            presence: Cell::default(),
            callbacks: RefCell::new(callbacks),
            is_telling: Cell::new(false),
        });
        if abort.as_ref().is_some_and(|abort| abort.aborted()) {
            runtime.destroy();
            return Ok(runtime);
        }

        if let Some((target, dress, words)) = target {
            runtime.show(target, config, dress, words)?;
        }
        runtime.listen(abort);
        LIVE.with_borrow_mut(|live| live.push(runtime.clone()));
        runtime.dispatch(first);
        Ok(runtime)
    }

    /// Puts the widget into `target`, or into a box of its own.
    fn show(
        self: &Rc<Self>,
        target: Option<Element>,
        config: Config,
        dress: &Function,
        words: Words,
    ) -> Result<(), Error> {
        if let Some(target) = &target {
            Self::end_in(target);
        }
        let view = View::new(target, config, dress, words, Rc::new(self.sender()))
            .map_err(|_| Error::new(ErrorCode::InvalidOption, "the widget can't be put into `target`"))?;
        self.view.replace(Some(Rc::new(view)));
        Ok(())
    }

    /// Listens to what happens to the page.
    fn listen(self: &Rc<Self>, abort: Option<AbortSignal>) {
        let window = Page::window();
        let mut listeners = vec![
            self.on(&Page::document(), "visibilitychange", || Event::VisibilityChanged {
                is_visible: !Page::is_hidden(),
            }),
            self.on(&window, "online", || Event::ConnectionChanged { is_online: true }),
            self.on(&window, "offline", || Event::ConnectionChanged { is_online: false }),
        ];
        if let Some(abort) = abort {
            listeners.push(self.on(&abort, "abort", || Event::Destroyed));
        }
        self.listeners.set(listeners);
    }

    fn on(self: &Rc<Self>, target: &EventTarget, name: &'static str, event: fn() -> Event<Js>) -> Watch {
        let send = self.sender();
        Watch::event(target, name, Box::new(move || send(event())))
    }

    /// Ends the widget in `target`, if there is one: an element has room for one code.
    fn end_in(target: &Element) {
        let in_target = |runtime: &&Rc<Self>| {
            let view = runtime.view.borrow();
            view.as_ref().is_some_and(|view| view.element().parent_element().as_ref() == Some(target))
        };
        let old = LIVE.with_borrow(|live| live.iter().find(in_target).cloned());
        if let Some(old) = old {
            old.destroy();
        }
    }

    pub(super) fn state(&self) -> ScanState {
        self.session.borrow().state()
    }

    pub(super) fn stop(self: &Rc<Self>) {
        self.dispatch(Event::Stopped);
    }

    pub(super) fn refresh(self: &Rc<Self>) {
        self.dispatch(Event::Refreshed);
    }

    /// Shows the words of another language.
    pub(super) fn set_language(&self, tag: &str) {
        let view = self.view.borrow().clone();
        if let Some(view) = view {
            view.set_language(tag);
        }
    }

    /// Draws all widgets anew.
    pub(super) fn redraw() {
        let live = LIVE.with_borrow(Vec::clone);
        for runtime in live {
            let view = runtime.view.borrow().clone();
            if let Some(view) = view {
                view.draw();
            }
        }
    }

    pub(super) fn destroy(self: &Rc<Self>) {
        self.dispatch(Event::Destroyed);
    }

    /// A way for events to come in as long as the widget lives.
    fn sender(self: &Rc<Self>) -> impl Fn(Event<Js>) + 'static {
        let this = Rc::downgrade(self);
        move |event| {
            if let Some(this) = this.upgrade() {
                this.dispatch(event);
            }
        }
    }

    fn dispatch(self: &Rc<Self>, event: Event<Js>) {
        let event = if self.has_left_the_page() { Event::Destroyed } else { event };
        let effects = {
            let may_hold = self.may_hold();
            let mut session = self.session.borrow_mut();
            session.allow_holding(may_hold);
            session.handle(Self::now(), event)
        };
        if self.state() == ScanState::Destroyed {
            return self.clear_away();
        }
        if let Some(request) = effects.request {
            // The old request is aborted before the new one leaves.
            self.request.set(None);
            if let Some((id, request)) = request {
                let this = Rc::downgrade(self);
                let http = self.client.http::<Js>(&request);
                let answered = move |answer| {
                    if let Some(this) = this.upgrade() {
                        this.answered(id, &request, answer);
                    }
                };
                self.request.set(HttpSlot::send(http, Box::new(answered)));
            }
        }
        if let Some(at) = effects.wake_at {
            self.timer.set(at.map(|at| self.timeout(at)));
        }
        if let Some(model) = effects.render {
            let view = self.view.borrow().clone();
            if let Some(view) = view {
                view.render(model);
            }
        }
        self.tell();
    }

    /// Whether a connection is left for a poll that the server holds. There is no queue: who gets none polls at its
    /// interval, and asks again next time.
    fn may_hold(self: &Rc<Self>) -> bool {
        let mut held = 0;
        LIVE.with_borrow(|live| {
            for other in live {
                held += usize::from(!Rc::ptr_eq(self, other) && other.session.borrow().is_held());
            }
        });
        held < MOST_HELD
    }

    fn answered(self: &Rc<Self>, id: RequestId, request: &Request, answer: Result<Answer<Js>, Error>) {
        let reply = answer.and_then(|answer| answer.read(request, Some(&self.format)));
        if let Ok(reply) = &reply {
            memory::remember_ticket(reply, request);
        }
        self.dispatch(Event::Replied(id, reply));
    }

    /// Delivers in order. What a callback causes is delivered after what it was told, by the call that is under way.
    fn tell(self: &Rc<Self>) {
        if self.is_telling.replace(true) {
            return;
        }
        // One by one: of those that are still to be told, `clear_away` has to know.
        while let Some(note) = self.next_note() {
            let callbacks = self.callbacks.borrow().clone();
            callbacks.tell(note, self);
        }
        self.is_telling.set(false);
    }

    fn next_note(&self) -> Option<HostEvent<Js>> {
        self.session.borrow_mut().next_note()
    }

    fn clear_away(self: &Rc<Self>) {
        self.request.set(None);
        self.timer.set(None);
        self.listeners.set(Vec::new());
        self.presence.set(None);
        let view = self.view.replace(None);
        if let Some(view) = view {
            view.remove();
        }
        // A callback often knows the handle that keeps this alive: no collector of garbage sees through that circle.
        let callbacks = self.callbacks.take();
        // All that is told from now on is which codes are gone.
        while let Some(note) = self.next_note() {
            if let HostEvent::CodeDestroyed { .. } = note {
                callbacks.tell(note, self);
            }
        }
        LIVE.with_borrow_mut(|live| {
            if let Some(at) = live.iter().position(|other| Rc::ptr_eq(other, self)) {
                live.swap_remove(at);
            }
        });
    }

    /// Looks after a widget that was put into an element which came into the page only later, too.
    fn has_left_the_page(self: &Rc<Self>) -> bool {
        let view = self.view.borrow().clone();
        let Some(view) = view else { return false };
        let watch = self.presence.take();
        let has_left = watch.is_some() && !view.element().is_connected();
        let gone = self.sender();
        self.presence.set(watch.or_else(|| Watch::presence(view.element(), move || gone(Event::Destroyed))));
        has_left
    }

    fn timeout(self: &Rc<Self>, at: Instant) -> Timeout {
        let send = self.sender();
        // Rounded up by one: a timer that fires a little early would only be set again.
        let rest = (at.since(Self::now()).as_millis() as u64).saturating_add(1).min(LONGEST_TIMEOUT);
        Timeout::new(rest as u32, move || send(Event::Woke))
    }

    fn now() -> Instant {
        Instant(Page::now() as u64)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.state().word())
    }
}

/// Where a code is shown.
pub(super) enum Show<'a> {
    /// In an element, or in a box of its own, with a look and words.
    In { target: &'a JsValue, dress: &'a Function, words: Words },
    /// By the page itself.
    Nowhere,
}

/// Where the widget goes. `None` is a box of its own.
fn find(target: &JsValue) -> Result<Option<Element>, Error> {
    if let Some(element) = target.dyn_ref::<Element>() {
        return Ok(Some(element.clone()));
    }
    let id = target.as_string().ok_or_else(|| wrong_option("target", "an element or the id of one"))?;
    let element = Page::document().get_element_by_id(&id);
    if element.is_none() {
        let message =
            ["scanlogin: the page has no element with the id \"", &id, "\"; the code is shown in a box of its own"];
        web_sys::console::warn_1(&message.concat().into());
    }
    Ok(element)
}
