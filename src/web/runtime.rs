//! Does what the session asks for: one request slot, one timer slot, one view, and the page's callbacks last.
//!
//! A widget lives in [`RUNTIMES`] until it is destroyed, as a page may drop its handle. No `RefCell` is borrowed while foreign
//! code runs, so a callback may do anything, even destroy the widget it is told about. Deliberately absent: decisions.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Math;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, EventTarget};

use super::callbacks::Callbacks;
use super::credentials;
use super::fetch::HttpSlot;
use super::frame_ancestors;
use super::globals::Globals;
use super::js_value::Js;
use super::listener::Listener;
use super::options;
use super::shell::Shell;
use super::view::View;
use scanlogin_protocol::wire::Scene;

use crate::client::request::Client;
use crate::client::response::HttpResponse;
use crate::error::Error;
use crate::format::Format;
use crate::options::Config;
use crate::session::{self, Code, Event, Instant, Notification, Policy, Request, RequestId, Session};
use crate::view_model::ScanState;

/// The longest rest that a browser's timer can take, in milliseconds. The session is woken early and rests again.
const MAX_TIMEOUT: u64 = i32::MAX as u64;

/// How many polls of one page the server may hold at once. Over HTTP/1.1 a browser has six connections to a server, and a
/// held poll takes one for itself: this leaves two to the polls that are not held, and to the page.
const MAX_HELD_POLLS: usize = 4;

thread_local! {
    static RUNTIMES: RefCell<Vec<Rc<Runtime>>> = const { RefCell::new(Vec::new()) };
}

/// One widget.
pub(super) struct Runtime {
    session: RefCell<Session<Js>>,
    client: Client,
    /// `None` without a view.
    format: Option<Format>,
    request: Cell<Option<HttpSlot>>,
    timer: Cell<Option<Timeout>>,
    view: RefCell<Option<Rc<View>>>,
    listeners: Cell<Vec<Listener>>,
    callbacks: RefCell<Callbacks>,
    is_notifying: Cell<bool>,
}

impl Runtime {
    /// Starts a widget whose code is for `scene`.
    pub(super) fn start(shell: Shell, options: JsValue, scene: Scene) -> Result<Rc<Self>, Error> {
        Self::start_with(Some(shell), options, scene, Event::Started)
    }

    /// Polls a code that the page shows by itself.
    pub(super) fn poll(code: Code, options: JsValue) -> Result<Rc<Self>, Error> {
        Self::start_with(None, options, Scene::App, Event::StartedWith(code))
    }

    fn start_with(shell: Option<Shell>, options: JsValue, scene: Scene, first: Event<Js>) -> Result<Rc<Self>, Error> {
        let options = options::read(options)?;
        let callbacks = Callbacks::read(&options);
        let abort = options::signal(&options, "signal");
        let mut config = Config::read(&options)?;
        config.policy.scene = scene;
        let client = options::client(&options, &config, scene)?;
        if shell.is_none() {
            // Nobody could click, and nobody would see a new code.
            config.policy = Policy { auto_refresh: 0, refresh_on_cancel: false, ..config.policy };
        }
        frame_ancestors::check(config.frame_ancestors.as_deref())?;

        let page = session::PageState {
            is_visible: !Globals::is_hidden(),
            is_online: Globals::is_online(),
            // Each event says it anew.
            may_hold: false,
        };
        let session = Session::new(config.policy.clone(), page, (Math::random() * f64::from(u32::MAX)) as u32);
        let runtime = Rc::new(Self {
            session: RefCell::new(session),
            client,
            format: shell.as_ref().map(|shell| Format {
                width: shell.width().min(shell.height()),
                logo: config.logo.clone(),
                is_image: config.is_image,
            }),
            request: Cell::default(),
            timer: Cell::default(),
            view: RefCell::default(),
            listeners: Cell::default(),
            callbacks: RefCell::new(callbacks),
            is_notifying: Cell::new(false),
        });
        if abort.as_ref().is_some_and(|abort| abort.aborted()) {
            runtime.destroy();
            return Ok(runtime);
        }

        if let Some(shell) = shell {
            let view = View::new(shell, &config.colors, Rc::new(runtime.sender()));
            runtime.view.replace(Some(view));
        }
        runtime.listen(abort);
        RUNTIMES.with_borrow_mut(|live| live.push(runtime.clone()));
        runtime.dispatch(first);
        Ok(runtime)
    }

    /// Listens to what happens to the page.
    fn listen(self: &Rc<Self>, abort: Option<AbortSignal>) {
        let window = Globals::window();
        let mut listeners = vec![
            self.on(&Globals::document(), "visibilitychange", || Event::VisibilityChanged {
                is_visible: !Globals::is_hidden(),
            }),
            self.on(&window, "online", || Event::ConnectionChanged { is_online: true }),
            self.on(&window, "offline", || Event::ConnectionChanged { is_online: false }),
        ];
        if let Some(abort) = abort {
            listeners.push(self.on(&abort, "abort", || Event::Destroyed));
        }
        self.listeners.set(listeners);
    }

    fn on(self: &Rc<Self>, target: &EventTarget, name: &'static str, event: fn() -> Event<Js>) -> Listener {
        let send = self.sender();
        Listener::new(target, name, Box::new(move || send(event())))
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
        let has_left = self.view.borrow().as_ref().is_some_and(|view| view.has_left());
        let event = if has_left { Event::Destroyed } else { event };
        let effects = {
            let may_hold = self.may_hold();
            let mut session = self.session.borrow_mut();
            session.allow_holding(may_hold);
            session.handle(Self::now(), event)
        };
        if self.state() == ScanState::Destroyed {
            return self.tear_down();
        }
        if let Some(request) = effects.request {
            // The old request is aborted before the new one leaves.
            self.request.set(None);
            if let Some((id, request)) = request {
                let this = Rc::downgrade(self);
                let language = self.view.borrow().as_ref().map(|view| view.language());
                let http = self.client.http::<Js>(&request, language.as_deref());
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
        RUNTIMES.with_borrow(|live| {
            for other in live {
                held += usize::from(!Rc::ptr_eq(self, other) && other.session.borrow().is_held());
            }
        });
        held < MAX_HELD_POLLS
    }

    fn answered(self: &Rc<Self>, id: RequestId, request: &Request, answer: Result<HttpResponse<Js>, Error>) {
        let reply = answer.and_then(|answer| answer.read(request, self.format.as_ref()));
        if let Ok(reply) = &reply {
            credentials::remember(reply, request, Self::now());
        }
        self.dispatch(Event::Replied(id, reply));
    }

    /// Delivers in order. What a callback causes is delivered after what it was told, by the call that is under way.
    fn tell(self: &Rc<Self>) {
        if self.is_notifying.replace(true) {
            return;
        }
        // One by one: of those that are still to be told, `tear_down` has to know.
        while let Some(note) = self.next_notification() {
            let callbacks = self.callbacks.borrow().clone();
            callbacks.tell(note, self);
        }
        self.is_notifying.set(false);
    }

    fn next_notification(&self) -> Option<Notification<Js>> {
        self.session.borrow_mut().next_notification()
    }

    fn tear_down(self: &Rc<Self>) {
        self.request.set(None);
        self.timer.set(None);
        self.listeners.set(Vec::new());
        let view = self.view.replace(None);
        if let Some(view) = view {
            view.remove();
        }
        // A callback often knows the handle that keeps this alive: no collector of garbage sees through that circle.
        let callbacks = self.callbacks.take();
        // All that is told from now on is which codes are gone.
        while let Some(note) = self.next_notification() {
            if let Notification::CodeDestroyed { .. } = note {
                callbacks.tell(note, self);
            }
        }
        RUNTIMES.with_borrow_mut(|live| {
            if let Some(at) = live.iter().position(|other| Rc::ptr_eq(other, self)) {
                live.swap_remove(at);
            }
        });
    }

    fn timeout(self: &Rc<Self>, at: Instant) -> Timeout {
        let send = self.sender();
        // Rounded up by one: a timer that fires a little early would only be set again.
        let rest = (at.since(Self::now()).as_millis() as u64).saturating_add(1).min(MAX_TIMEOUT);
        Timeout::new(rest as u32, move || send(Event::Woke))
    }

    pub(super) fn now() -> Instant {
        Instant(Globals::now() as u64)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.state().word())
    }
}
