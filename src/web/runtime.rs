//! Performs the effects of a session: one request, one timer, one view, and then the callbacks of the page.
//!
//! A page can drop its handle of a running widget, so [`RUNTIMES`] owns each widget until it is destroyed.
//!
//! Invariant: no `RefCell` is borrowed while code of the page runs. So a callback may call any method of its widget.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Math;
use wasm_bindgen::JsValue;
use web_sys::{AbortSignal, EventTarget};

use super::callbacks::Callbacks;
use super::credentials;
use super::fetch::{self, HttpSlot};
use super::frame_ancestors;
use super::globals::Globals;
use super::js_value::Js;
use super::listener::Listener;
use super::options;
use super::shell::Shell;
use super::view::View;
use scanlogin_protocol::wire::Scene;

use crate::client::reader::JsonValue as _;
use crate::client::request::Client;
use crate::client::response::HttpResponse;
use crate::error::Error;
use crate::format::Format;
use crate::options::Config;
use crate::session::{
    self, Code, Context, Event, Instant, Notification, Policy, Reply, Request, RequestEffect, RequestId, Session,
    TimerEffect,
};
use crate::view_model::ScanState;

/// The maximum delay of a browser timer, in milliseconds. For a longer one the timer fires early, and is set again.
const MAX_TIMEOUT: u64 = i32::MAX as u64;

/// How many polls of one page the server may hold at once. Over HTTP/1.1 a browser has six connections to a server, and
/// a held poll occupies one. Two connections stay free for other requests.
const MAX_HELD_POLLS: usize = 4;

thread_local! {
    /// The widgets of the page that are not destroyed.
    static RUNTIMES: RefCell<Vec<Rc<Runtime>>> = const { RefCell::new(Vec::new()) };
}

/// What a widget begins with.
enum First {
    /// It requests a code.
    Request,
    /// The response to the request of `js/early_code.js`.
    Received(Js),
    /// A code that the page shows itself.
    Code(Code),
}

/// One widget.
pub(super) struct Runtime {
    session: RefCell<Session<Js>>,
    client: Client,
    /// `None` for a widget without a view.
    format: Option<Format>,
    request: Cell<Option<HttpSlot>>,
    timer: Cell<Option<Timeout>>,
    view: RefCell<Option<Rc<View>>>,
    listeners: Cell<Vec<Listener>>,
    callbacks: RefCell<Callbacks>,
    /// Whether [`Runtime::deliver`] is running.
    is_delivering: Cell<bool>,
}

impl Runtime {
    /// Starts a widget that shows codes for `scene`. `received` is what `js/early_code.js` has received, or `undefined`.
    pub(super) fn start(shell: Shell, options: JsValue, scene: Scene, received: JsValue) -> Result<Rc<Self>, Error> {
        let first = if received.is_undefined() { First::Request } else { First::Received(Js(received)) };
        Self::start_with(Some(shell), options, scene, first)
    }

    /// Starts a widget without a view, which polls a code that the page shows itself.
    pub(super) fn poll(code: Code, options: JsValue) -> Result<Rc<Self>, Error> {
        Self::start_with(None, options, Scene::App, First::Code(code))
    }

    fn start_with(shell: Option<Shell>, options: JsValue, scene: Scene, first: First) -> Result<Rc<Self>, Error> {
        let options = options::read(options)?;
        let callbacks = Callbacks::read(&options);
        let abort = options::signal(&options, "signal");
        let mut config = Config::read(&options)?;
        config.policy.scene = scene;
        config.policy.reports_results = callbacks.has("onResult");
        let return_url = shell.as_ref().and_then(|_| options::return_url(&config, scene));
        let client = options::client(&options, &config, scene, return_url)?;
        if shell.is_none() {
            // A new code would not be shown.
            config.policy = Policy { auto_refresh: 0, refresh_on_cancel: false, ..config.policy };
        }
        frame_ancestors::check(config.frame_ancestors.as_deref())?;

        let page = session::PageState { is_visible: !Globals::is_hidden(), is_online: Globals::is_online() };
        let session = Session::new(config.policy.clone(), page, random());
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
            is_delivering: Cell::new(false),
        });
        if abort.as_ref().is_some_and(|abort| abort.aborted()) {
            runtime.destroy();
            return Ok(runtime);
        }

        if let Some(shell) = shell {
            let view = View::new(shell, &config.colors, Rc::new(runtime.dispatcher()));
            runtime.view.replace(Some(view));
        }
        // The view ends another widget in its element, whose callback may abort this one.
        if abort.as_ref().is_some_and(|abort| abort.aborted()) {
            runtime.destroy();
            return Ok(runtime);
        }
        runtime.listen(abort);
        RUNTIMES.with_borrow_mut(|runtimes| runtimes.push(runtime.clone()));
        // A callback may call the handle, which the caller of this function does not have yet.
        runtime.is_delivering.set(true);
        runtime.dispatch(match first {
            First::Request => Event::Started,
            First::Received(received) => {
                let received_at = Instant(received.field("at").and_then(|at| at.number()).unwrap_or_default() as u64);
                let mut reply = runtime.read(fetch::read_received(&received), &Request::Gene(scene), received_at);
                if let (Ok(Reply::Code(code)), Some(response_code)) = (&mut reply, received.field("responseCode")) {
                    // `js/same_device.js` has taken a response for which the approver returned.
                    code.response_code = response_code.text().map(Into::into);
                    (code.picture, code.link) = (None, None);
                }
                Event::StartedWithReply(reply)
            }
            First::Code(code) => Event::StartedWith(code),
        });
        let view = runtime.view.borrow().clone();
        if let Some(view) = view {
            view.draw_first();
        }
        runtime.is_delivering.set(false);
        let starting = runtime.clone();
        fetch::after_running_code(move || starting.deliver());
        Ok(runtime)
    }

    /// Listens to events of the page and to the abort signal.
    fn listen(self: &Rc<Self>, abort: Option<AbortSignal>) {
        let window = Globals::window();
        let mut listeners = vec![
            // The event bubbles. Markup can hide a method of the document, but none of the window.
            self.on(&window, "visibilitychange", || Event::VisibilityChanged { is_visible: !Globals::is_hidden() }),
            // A browser may restore a page from its back/forward cache without `visibilitychange`.
            self.on(&window, "pageshow", || Event::PageShown { is_visible: !Globals::is_hidden() }),
            self.on(&window, "online", || Event::ConnectionChanged { is_online: true }),
            self.on(&window, "pagehide", || Event::Left),
            self.on(&window, "offline", || Event::ConnectionChanged { is_online: false }),
        ];
        if let Some(abort) = abort {
            listeners.push(self.on(&abort, "abort", || Event::Destroyed));
        }
        self.listeners.set(listeners);
    }

    fn on(self: &Rc<Self>, target: &EventTarget, name: &'static str, event: fn() -> Event<Js>) -> Listener {
        let dispatch = self.dispatcher();
        Listener::new(target, name, Box::new(move || dispatch(event())))
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

    /// Changes the language of the messages. `tag` is a BCP 47 tag, or empty for the language of the page.
    pub(super) fn set_language(&self, tag: &str) {
        let view = self.view.borrow().clone();
        if let Some(view) = view {
            view.set_language(tag);
        }
    }

    pub(super) fn destroy(self: &Rc<Self>) {
        self.dispatch(Event::Destroyed);
    }

    /// Returns a function that dispatches events. It does not keep the widget alive, and does nothing after its end.
    fn dispatcher(self: &Rc<Self>) -> impl Fn(Event<Js>) + 'static {
        let this = Rc::downgrade(self);
        move |event| {
            if let Some(this) = this.upgrade() {
                this.dispatch(event);
            }
        }
    }

    fn dispatch(self: &Rc<Self>, event: Event<Js>) {
        let view = self.view.borrow().clone();
        let event = if view.as_ref().is_some_and(|view| view.has_left()) { Event::Destroyed } else { event };
        let is_taken = view.is_some_and(|view| view.is_taken());
        let context = Context { now: Self::now(), may_hold: self.may_hold(), is_taken };
        let effects = self.session.borrow_mut().handle(context, event);
        if self.state() == ScanState::Destroyed {
            return self.tear_down();
        }
        match effects.request {
            RequestEffect::Keep => {}
            RequestEffect::Abort => self.request.set(None),
            RequestEffect::Send(id, request) => self.send(id, request),
        }
        match effects.timer {
            TimerEffect::Keep => {}
            TimerEffect::Clear => self.timer.set(None),
            TimerEffect::Set(at) => self.timer.set(Some(self.timeout(at))),
        }
        if let Some(model) = effects.render {
            let view = self.view.borrow().clone();
            if let Some(view) = view {
                view.render(model);
            }
        }
        self.deliver();
    }

    /// Whether a connection is left for another held poll. There is no queue: a widget that gets no connection polls at
    /// its interval, and asks again for its next poll.
    fn may_hold(self: &Rc<Self>) -> bool {
        let mut held = 0;
        RUNTIMES.with_borrow(|runtimes| {
            for other in runtimes {
                held += usize::from(!Rc::ptr_eq(self, other) && other.session.borrow().is_held());
            }
        });
        held < MAX_HELD_POLLS
    }

    fn send(self: &Rc<Self>, id: RequestId, request: Request) {
        // Aborts the previous request before the new one is sent.
        self.request.set(None);
        let this = Rc::downgrade(self);
        let language = self.view.borrow().as_ref().map(|view| view.language());
        let http = self.client.http::<Js>(&request, language.as_deref(), random());
        let on_response = move |response| {
            if let Some(this) = this.upgrade() {
                this.on_response(id, &request, response);
            }
        };
        self.request.set(HttpSlot::send(http, Box::new(on_response)));
    }

    fn on_response(self: &Rc<Self>, id: RequestId, request: &Request, response: Result<HttpResponse<Js>, Error>) {
        let reply = self.read(response, request, Self::now());
        self.dispatch(Event::Replied(id, reply));
    }

    /// Reads a response that was received at `received_at`, and remembers the code or the ticket in it.
    fn read(
        &self,
        response: Result<HttpResponse<Js>, Error>,
        request: &Request,
        received_at: Instant,
    ) -> Result<Reply<Js>, Error> {
        let mut reply = response?.read(request, self.format.as_ref())?;
        let now = Self::now();
        if let Reply::Code(code) = &mut reply {
            code.lifetime = code.lifetime.saturating_sub(now.since(received_at));
        }
        credentials::remember(&reply, request, now);
        Ok(reply)
    }

    /// Delivers the notifications of the session in order. A notification that a callback causes is delivered after the
    /// queued ones, by the call of this method that is already running.
    fn deliver(self: &Rc<Self>) {
        if self.is_delivering.replace(true) {
            return;
        }
        // One by one, so that the others are still in the session when a callback destroys the widget.
        while let Some(notification) = self.next_notification() {
            let callbacks = self.callbacks.borrow().clone();
            callbacks.notify(notification, self);
        }
        self.is_delivering.set(false);
    }

    fn next_notification(&self) -> Option<Notification<Js>> {
        self.session.borrow_mut().next_notification()
    }

    /// Ends the widget: frees all that it holds, and delivers `onCodeDestroyed`.
    fn tear_down(self: &Rc<Self>) {
        self.request.set(None);
        self.timer.set(None);
        self.listeners.set(Vec::new());
        let view = self.view.replace(None);
        if let Some(view) = view {
            view.remove();
        }
        // A callback often refers to the handle, which keeps this runtime alive. The garbage collector of the browser
        // does not free such a cycle through the wasm.
        let callbacks = self.callbacks.take();
        while let Some(notification) = self.next_notification() {
            if let Notification::CodeDestroyed { .. } = notification {
                callbacks.notify(notification, self);
            }
        }
        RUNTIMES.with_borrow_mut(|runtimes| {
            if let Some(index) = runtimes.iter().position(|other| Rc::ptr_eq(other, self)) {
                runtimes.swap_remove(index);
            }
        });
    }

    fn timeout(self: &Rc<Self>, at: Instant) -> Timeout {
        let dispatch = self.dispatcher();
        // One millisecond more, because a timer that fires too early would have to be set again.
        let delay = (at.since(Self::now()).as_millis() as u64).saturating_add(1).min(MAX_TIMEOUT);
        Timeout::new(delay as u32, move || dispatch(Event::TimerFired))
    }

    /// The present time on the clock of the page.
    pub(super) fn now() -> Instant {
        Instant(Globals::now() as u64)
    }
}

/// A random number.
pub(super) fn random() -> u32 {
    (Math::random() * f64::from(u32::MAX)) as u32
}

impl fmt::Debug for Runtime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.state().as_str())
    }
}
