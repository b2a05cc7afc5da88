//! Scenarios on a virtual clock, and properties over random sequences of events.

use core::iter;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::view_model::{ConnectionProblem, Countdown};
use scanlogin_protocol::wire::{Person, Scene};
use scanlogin_qr::Drawing;

/// A host without a browser: it keeps what the session asked for, and checks the rules that always hold.
struct Host {
    session: Session<String>,
    now: Instant,
    in_flight: Option<(RequestId, Request)>,
    wake_at: Option<Instant>,
    view: Rc<ViewModel>,
    told: Vec<String>,
    sends: Vec<(Instant, Request)>,
}

impl Host {
    fn new(policy: Policy) -> Self {
        Self::with_seed(policy, 7)
    }

    fn with_seed(policy: Policy, seed: u32) -> Self {
        Self {
            session: Session::new(policy, PageState { is_visible: true, is_online: true, may_hold: true }, seed),
            now: Instant(50_000),
            in_flight: None,
            wake_at: None,
            view: ViewModel::new(ScanState::Loading).into(),
            told: Vec::new(),
            sends: Vec::new(),
        }
    }

    /// A host whose code is on the page and was polled once.
    fn waiting(policy: Policy) -> Self {
        let mut host = Self::new(policy);
        host.event(Event::Started);
        host.reply(Ok(Reply::Code(drawn("r1", 120))));
        host.reply(Ok(checked(StatusUpdate::Unused)));
        host.told.clear();
        host.sends.clear();
        host
    }

    fn event(&mut self, event: Event<String>) {
        if matches!(event, Event::Woke) {
            self.wake_at = None;
        }
        let effects = self.session.handle(self.now, event);
        if let Some(request) = effects.request {
            assert!(request.is_some() || self.in_flight.is_some(), "nothing to abort");
            self.sends.extend(request.iter().map(|(_, request)| (self.now, request.clone())));
            self.in_flight = request;
        }
        if let Some(wake_at) = effects.wake_at {
            self.wake_at = wake_at;
        }
        if let Some(view) = effects.render {
            self.view = view;
        }
        self.told.extend(iter::from_fn(|| self.session.next_notification()).map(|note| name(&note)));
    }

    fn reply(&mut self, reply: Result<Reply<String>, Error>) {
        let (id, _) = self.in_flight.take().expect("a request is out");
        self.event(Event::Replied(id, reply));
    }

    /// Lets time pass until the session wants to be woken.
    fn wake(&mut self) {
        self.now = self.now.max(self.wake_at.expect("a wake-up is set"));
        self.event(Event::Woke);
    }

    /// Lets time pass until the next request leaves.
    fn until_sent(&mut self) -> Request {
        for _ in 0..1_000 {
            match &self.in_flight {
                Some((_, request)) => return request.clone(),
                None => self.wake(),
            }
        }
        panic!("no request leaves");
    }

    fn state(&self) -> ScanState {
        self.session.state()
    }
}

fn name(note: &Notification<String>) -> String {
    match note {
        Notification::CodeLoaded { random, .. } => format!("onCodeLoaded {random}"),
        Notification::CodeShown { random, .. } => format!("onCodeShow {random}"),
        Notification::CodeLoadFailed(message) => format!("onCodeLoadFailed {message}"),
        Notification::PollingStarted => "onStart".to_owned(),
        Notification::Checked(raw) => format!("onResult {raw}"),
        Notification::Scanned(user) => format!("onScanned {user}"),
        Notification::Succeeded { user_info, ticket, .. } => format!("onSuccess {user_info} {ticket}"),
        Notification::Cancelled => "onCancel".to_owned(),
        Notification::Expired => "onExpired".to_owned(),
        Notification::MfaNeeded(_) => "onMfa".to_owned(),
        Notification::Failed { error, is_fatal } => {
            format!("onError {}{}", error.code.word(), if *is_fatal { " fatal" } else { "" })
        }
        Notification::Retried => "onRetry".to_owned(),
        Notification::CodeDestroyed { random } => format!("onCodeDestroyed {random}"),
    }
}

fn drawing() -> Rc<Picture> {
    let drawing = Drawing { side: 29, path: "M4 4h1v1h-1z".to_owned() };
    Rc::new(Picture::Drawn(Symbol { drawing, logo: None }))
}

fn drawn(random: &str, seconds: u64) -> Code {
    let picture = Some(drawing());
    let lifetime = Duration::from_secs(seconds);
    Code { random: random.into(), url: "u".into(), lifetime, poll_token: Some("t".into()), picture }
}

fn image(random: &str, fallback: Option<Rc<Picture>>) -> Code {
    let picture = Some(Rc::new(Picture::Image { url: "u".into(), fallback }));
    Code { picture, ..drawn(random, 120) }
}

fn checked(update: StatusUpdate<String>) -> Reply<String> {
    let raw = match &update {
        StatusUpdate::Unknown => "?",
        StatusUpdate::Expired => "-1",
        StatusUpdate::Unused => "0",
        StatusUpdate::Scanned => "1",
        StatusUpdate::Authorised { .. } => "2",
        StatusUpdate::Cancelled => "3",
        StatusUpdate::NeedsMfa(_) => "4",
        StatusUpdate::Failed(_) => "5",
    };
    let person = Person { nickname: Some("Alice".to_owned()), photo: None }.into();
    Reply::Checked(CheckResponse {
        update,
        person,
        user_info: "alice".to_owned(),
        has_token: false,
        raw: raw.to_owned(),
    })
}

fn authorised() -> Reply<String> {
    checked(StatusUpdate::Authorised { ticket: "ticket".into() })
}

fn offline() -> Error {
    Error::temporary(ErrorCode::Network, "offline")
}

/// The same error of a server that wants to be left alone for so many seconds.
fn patient(seconds: u64, mut error: Error) -> Error {
    error.retry_after = Some(Duration::from_secs(seconds));
    error
}

fn refused(server_code: i32) -> Error {
    let mut error = Error::new(ErrorCode::Refused, "no");
    error.server_code = Some(server_code);
    error
}

fn hold(request: &Request) -> Option<scanlogin_protocol::wire::Status> {
    match request {
        Request::Check { hold, .. } => *hold,
        Request::Gene(_) | Request::Exchange { .. } => None,
    }
}

#[test]
fn a_good_run_calls_back_in_the_order_of_the_contract() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    assert_eq!(host.sends, [(host.now, Request::Gene(Scene::App))]);
    host.reply(Ok(Reply::Code(drawn("r1", 120))));
    assert_eq!(host.state(), ScanState::Ready);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Scanned)));
    assert_eq!(host.state(), ScanState::Scanned);
    assert_eq!(host.view.person.as_ref().unwrap().nickname.as_deref(), Some("Alice"));
    host.until_sent();
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
    assert_eq!(
        host.told,
        [
            "onCodeLoaded r1",
            "onCodeShow r1",
            "onStart",
            "onResult 0",
            "onResult 1",
            "onScanned alice",
            "onResult 2",
            "onSuccess alice ticket"
        ]
    );
    assert_eq!(host.wake_at, None, "an ended session sleeps");
}

#[test]
fn the_first_poll_asks_at_once_and_later_ones_are_held_at_the_known_status() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Ok(Reply::Code(drawn("r1", 120))));
    assert_eq!(hold(&host.sends[1].1), None);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(hold(&host.until_sent()), Some(scanlogin_protocol::wire::Status::Unused));
    host.reply(Ok(checked(StatusUpdate::Scanned)));
    assert_eq!(hold(&host.until_sent()), Some(scanlogin_protocol::wire::Status::Scanned));
}

#[test]
fn without_long_poll_nothing_is_held() {
    let mut host = Host::waiting(Policy { long_poll: false, ..Policy::default() });
    assert_eq!(hold(&host.until_sent()), None);
}

#[test]
fn a_server_that_answers_at_once_is_polled_about_every_interval() {
    let mut host = Host::waiting(Policy::default());
    for _ in 0..20 {
        host.until_sent();
        host.reply(Ok(checked(StatusUpdate::Unused)));
    }
    for pair in host.sends.windows(2) {
        let rest = pair[1].0.since(pair[0].0).as_millis();
        assert!((640..=960).contains(&rest), "{rest}");
    }
}

#[test]
fn a_scan_is_told_once_even_when_the_server_repeats_itself_or_falls_back() {
    let mut host = Host::waiting(Policy::default());
    for update in [StatusUpdate::Scanned, StatusUpdate::Scanned, StatusUpdate::Unused, StatusUpdate::Scanned] {
        host.until_sent();
        host.reply(Ok(checked(update)));
    }
    assert_eq!(host.told.iter().filter(|told| told.starts_with("onScanned")).count(), 1);
    assert_eq!(host.state(), ScanState::Scanned);
}

#[test]
fn a_hiccup_goes_unseen_and_a_longer_failure_is_shown_until_the_first_success() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Err(offline()));
    assert_eq!(host.state(), ScanState::Ready);
    host.until_sent();
    host.reply(Err(offline()));
    assert_eq!(host.state(), ScanState::Unreachable);
    assert!(host.view.picture.is_some(), "the code can still be scanned");
    assert_eq!(hold(&host.until_sent()), None, "a request after a failure is not held");
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.state(), ScanState::Ready);
    assert_eq!(host.told, ["onError network", "onError network", "onResult 0"]);
}

#[test]
fn a_request_that_takes_too_long_is_aborted_and_tried_again() {
    let mut host = Host::waiting(Policy { long_poll: false, countdown: false, ..Policy::default() });
    host.until_sent();
    let started = host.now;
    host.wake();
    assert_eq!(host.now.since(started), Duration::from_secs(10));
    assert_eq!(host.in_flight, None);
    assert_eq!(host.told, ["onError timeout"]);
    host.until_sent();
}

#[test]
fn the_reply_to_a_request_that_was_given_up_is_dropped() {
    let mut host = Host::waiting(Policy { countdown: false, ..Policy::default() });
    host.until_sent();
    let (stale, _) = host.in_flight.clone().unwrap();
    host.wake();
    host.told.clear();
    host.event(Event::Replied(stale, Ok(authorised())));
    assert!(host.told.is_empty());
    assert_eq!(host.state(), ScanState::Ready);
}

#[test]
fn a_code_ends_at_its_deadline_even_when_the_server_can_not_be_reached() {
    let mut host = Host::waiting(Policy::default());
    let shown_at = host.now;
    while host.state() != ScanState::Expired {
        if host.in_flight.is_some() {
            host.reply(Err(offline()));
        } else {
            host.wake();
        }
    }
    assert_eq!(host.now.since(shown_at), Duration::from_secs(122));
    assert_eq!(host.told.last().map(String::as_str), Some("onExpired"));
    assert_eq!((host.wake_at, &host.in_flight), (None, &None));
}

#[test]
fn a_request_in_flight_is_aborted_when_the_code_expires() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.now = host.now + Duration::from_secs(500);
    host.event(Event::Woke);
    assert_eq!((host.state(), &host.in_flight), (ScanState::Expired, &None));
}

#[test]
fn a_code_scanned_in_time_may_be_confirmed_for_a_minute_more() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Scanned)));
    host.now = host.now + Duration::from_secs(150);
    host.event(Event::Woke);
    assert_eq!(host.state(), ScanState::Scanned);
    host.now = host.now + Duration::from_secs(40);
    host.event(Event::Woke);
    assert_eq!(host.state(), ScanState::Expired);
}

#[test]
fn the_countdown_moves_once_a_second_and_stands_still_unseen() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    assert_eq!(host.view.countdown, Some(Countdown::ExpiresIn(120)));
    host.wake();
    assert_eq!(host.view.countdown, Some(Countdown::ExpiresIn(119)));
    let before = host.now;
    host.wake();
    assert_eq!(
        (host.view.countdown, host.now.since(before)),
        (Some(Countdown::ExpiresIn(118)), Duration::from_secs(1))
    );
    host.event(Event::VisibilityChanged { is_visible: false });
    assert!(host.wake_at.unwrap().since(host.now) > Duration::from_secs(10));
}

#[test]
fn a_page_that_is_seen_again_asks_at_once() {
    let mut host = Host::waiting(Policy::default());
    host.event(Event::VisibilityChanged { is_visible: false });
    assert_eq!(hold(&host.until_sent()), None, "a hidden page leaves the connections to others");
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert!(host.wake_at.unwrap().since(host.now) >= Duration::from_secs(8), "a hidden page is slow");
    host.event(Event::VisibilityChanged { is_visible: true });
    assert!(hold(&host.until_sent()).is_some());
}

#[test]
fn a_page_that_is_online_again_asks_at_once_but_not_before_retry_after() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Err(offline()));
    host.event(Event::ConnectionChanged { is_online: true });
    assert!(host.in_flight.is_some());
    host.reply(Err(patient(30, offline())));
    let refused_at = host.now;
    host.event(Event::ConnectionChanged { is_online: true });
    host.event(Event::Clicked(Action::TryNow));
    assert_eq!(host.in_flight, None);
    host.until_sent();
    assert_eq!(host.now.since(refused_at), Duration::from_secs(30));
}

#[test]
fn a_server_that_wants_patience_is_left_alone_and_a_person_sees_for_how_long() {
    let busy = |seconds| patient(seconds, Error::temporary(ErrorCode::RateLimited, "slow down"));
    let mut host = Host::waiting(Policy { countdown: false, ..Policy::default() });
    host.until_sent();
    host.reply(Err(busy(30)));
    assert_eq!((host.state(), host.view.trouble), (ScanState::Unreachable, ConnectionProblem::Busy));
    assert_eq!((host.view.countdown, host.view.action()), (Some(Countdown::RetryIn(30)), None));
    assert!(host.view.picture.is_some(), "the code can still be scanned");
    host.wake();
    assert_eq!(host.view.countdown, Some(Countdown::RetryIn(29)));
    host.until_sent();
    assert_eq!((host.view.trouble, host.view.countdown), (ConnectionProblem::Busy, None));
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.state(), ScanState::Ready);

    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Err(busy(5)));
    assert_eq!((host.view.trouble, host.view.countdown), (ConnectionProblem::Busy, Some(Countdown::RetryIn(5))));
}

#[test]
fn a_server_that_asks_for_more_patience_than_anybody_has_leaves_a_button() {
    let away = |seconds| patient(seconds, offline());
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Err(away(u64::MAX)));
    assert_eq!((host.state(), host.view.action()), (ScanState::Failed, Some(Action::NewCode)));

    let mut host = Host::waiting(Policy { auto_exchange: true, ..Policy::default() });
    host.until_sent();
    host.reply(Ok(authorised()));
    host.reply(Err(away(3_600)));
    assert_eq!((host.state(), host.view.action()), (ScanState::Failed, Some(Action::NewCode)));

    // A code ends by itself before anybody is tired of it.
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Err(away(u64::MAX)));
    assert_eq!(host.view.trouble, ConnectionProblem::Busy);
    while host.state() == ScanState::Unreachable {
        host.wake();
    }
    assert_eq!((host.state(), host.view.action()), (ScanState::Expired, Some(Action::NewCode)));
}

#[test]
fn trouble_with_an_exchange_is_shown_and_its_button_helps() {
    let mut host = Host::waiting(Policy { auto_exchange: true, ..Policy::default() });
    host.until_sent();
    host.reply(Ok(authorised()));
    host.reply(Err(offline()));
    assert_eq!(host.state(), ScanState::SigningIn, "one failure is a hiccup");
    host.until_sent();
    host.reply(Err(offline()));
    assert_eq!((host.state(), host.view.action()), (ScanState::Unreachable, Some(Action::TryNow)));
    assert!(!host.view.is_scannable(), "the code has done its work");
    host.event(Event::Clicked(Action::TryNow));
    assert!(host.in_flight.is_some());
    host.reply(Ok(Reply::User("the whole user".to_owned())));
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn a_poll_that_could_not_be_held_is_given_up_like_any_other() {
    let mut host = Host::waiting(Policy { countdown: false, ..Policy::default() });
    host.session.allow_holding(false);
    assert_eq!(hold(&host.until_sent()), None);
    let started = host.now;
    host.wake();
    assert_eq!(
        (host.now.since(started), host.told.as_slice()),
        (Duration::from_secs(10), &["onError timeout".to_owned()][..])
    );
}

#[test]
fn a_page_without_a_network_says_so_at_once_and_goes_on_by_itself() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.event(Event::ConnectionChanged { is_online: false });
    assert_eq!((host.state(), host.view.trouble), (ScanState::Unreachable, ConnectionProblem::Offline));
    assert_eq!((host.view.countdown, host.view.action()), (None, None));
    host.reply(Err(offline()));
    host.event(Event::ConnectionChanged { is_online: true });
    assert_eq!(host.state(), ScanState::Ready, "one failure is a hiccup");
    assert!(host.in_flight.is_some(), "it is asked at once");
}

#[test]
fn an_answer_proves_a_network_that_the_browser_denies() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.event(Event::ConnectionChanged { is_online: false });
    host.reply(Ok(checked(StatusUpdate::Scanned)));
    assert_eq!(host.state(), ScanState::Scanned);
}

#[test]
fn a_server_that_is_away_for_half_a_minute_still_gives_a_code() {
    let mut host = Host::new(Policy::default());
    let started = host.now;
    host.event(Event::Started);
    while host.now.since(started) < Duration::from_secs(30) {
        host.reply(Err(offline()));
        assert_eq!(host.state(), ScanState::Unreachable);
        host.until_sent();
    }
    host.reply(Ok(Reply::Code(drawn("r1", 120))));
    assert_eq!(host.state(), ScanState::Ready);
}

#[test]
fn a_server_that_stays_away_ends_in_a_button_that_starts_anew() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    while host.state() != ScanState::Failed {
        host.until_sent();
        host.reply(Err(offline()));
    }
    assert_eq!(host.told[7..], ["onCodeLoadFailed offline", "onError network fatal"]);
    assert_eq!(host.view.action(), Some(Action::NewCode));
    host.event(Event::Clicked(Action::NewCode));
    host.reply(Ok(Reply::Code(drawn("r1", 120))));
    assert_eq!(host.told[9..], ["onRetry", "onCodeLoaded r1", "onCodeShow r1", "onStart"]);
}

#[test]
fn a_refused_code_fails_at_once_with_the_servers_words() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Err(refused(1001)));
    assert_eq!((host.state(), host.view.detail.as_deref()), (ScanState::Failed, Some("no")));
    assert_eq!(host.told, ["onCodeLoadFailed no", "onError refused fatal"]);
}

#[test]
fn a_refused_poll_ends_the_session_and_a_forgotten_code_is_an_expired_one() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Err(refused(1001)));
    assert_eq!((host.state(), host.told.as_slice()), (ScanState::Failed, &["onError refused fatal".to_owned()][..]));

    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Err(refused(2241)));
    assert_eq!(host.told, ["onError refused", "onExpired"]);
    assert_eq!(host.state(), ScanState::Expired);
}

#[test]
fn an_expired_code_is_replaced_by_a_click() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Expired)));
    assert_eq!(host.view.action(), Some(Action::NewCode));
    host.event(Event::Clicked(Action::NewCode));
    host.reply(Ok(Reply::Code(drawn("r2", 120))));
    host.reply(Ok(authorised()));
    assert_eq!(
        host.told,
        [
            "onResult -1",
            "onExpired",
            "onRetry",
            "onCodeDestroyed r1",
            "onCodeLoaded r2",
            "onCodeShow r2",
            "onStart",
            "onResult 2",
            "onSuccess alice ticket"
        ]
    );
}

#[test]
fn expired_codes_are_replaced_as_often_as_asked_but_only_in_sight() {
    let mut host = Host::waiting(Policy { auto_refresh: 2, ..Policy::default() });
    host.until_sent();
    host.event(Event::VisibilityChanged { is_visible: false });
    host.reply(Ok(checked(StatusUpdate::Expired)));
    assert_eq!(host.state(), ScanState::Expired);
    host.event(Event::VisibilityChanged { is_visible: true });
    assert_eq!(host.state(), ScanState::Loading);
    for expected in [ScanState::Loading, ScanState::Expired] {
        host.reply(Ok(Reply::Code(drawn("r2", 120))));
        host.reply(Ok(checked(StatusUpdate::Expired)));
        assert_eq!(host.state(), expected);
    }
    assert!(!host.told.contains(&"onRetry".to_owned()), "nobody clicked");
}

#[test]
fn a_cancelled_code_waits_for_a_click_or_is_replaced_at_once() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Cancelled)));
    assert_eq!((host.state(), &host.in_flight), (ScanState::Cancelled, &None));

    let mut host = Host::waiting(Policy { refresh_on_cancel: true, ..Policy::default() });
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Cancelled)));
    assert_eq!(host.told, ["onResult 3", "onCancel", "onCodeDestroyed r1"]);
    assert_eq!(host.in_flight.as_ref().unwrap().1, Request::Gene(Scene::App));
}

#[test]
fn the_wrong_person_is_got_rid_of_by_scanning_again() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::Scanned)));
    assert_eq!(host.view.action(), Some(Action::ScanAgain));
    host.event(Event::Clicked(Action::ScanAgain));
    assert_eq!(host.told[2..], ["onRetry", "onCodeDestroyed r1"]);
    assert_eq!(host.state(), ScanState::Loading);
}

#[test]
fn an_exchange_comes_before_the_success_and_its_failure_is_never_lost() {
    let policy = Policy { auto_exchange: true, ..Policy::default() };
    let mut host = Host::waiting(policy.clone());
    host.until_sent();
    host.reply(Ok(authorised()));
    assert_eq!((host.state(), host.told.as_slice()), (ScanState::SigningIn, &["onResult 2".to_owned()][..]));
    host.reply(Err(offline()));
    host.until_sent();
    host.reply(Ok(Reply::User("the whole user".to_owned())));
    assert_eq!(host.told[1..], ["onError network", "onSuccess the whole user ticket"]);

    let mut host = Host::waiting(policy.clone());
    host.until_sent();
    let Reply::Checked(whole) = authorised() else { panic!() };
    host.reply(Ok(Reply::Checked(CheckResponse { has_token: true, ..whole })));
    assert_eq!(host.told, ["onResult 2", "onSuccess alice ticket"], "there is nothing left to exchange");

    let mut host = Host::waiting(policy);
    host.until_sent();
    host.reply(Ok(authorised()));
    host.reply(Err(refused(1001)));
    assert_eq!(
        (host.state(), host.told.last().map(String::as_str)),
        (ScanState::Failed, Some("onError refused fatal"))
    );
}

#[test]
fn a_second_factor_and_a_failure_end_the_session() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.reply(Ok(checked(StatusUpdate::NeedsMfa(None))));
    assert_eq!(
        (host.state(), host.told.as_slice()),
        (ScanState::NeedsMfa, &["onResult 4".to_owned(), "onMfa".to_owned()][..])
    );

    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    let outcome = ScannedResult { code: None, message: Some("blocked".to_owned()), data: None, raw: String::new() };
    host.reply(Ok(checked(StatusUpdate::Failed(Some(outcome)))));
    assert_eq!((host.state(), host.view.detail.as_deref()), (ScanState::Failed, Some("blocked")));
    assert_eq!(host.told, ["onResult 5", "onError sign-in-failed fatal"]);
}

#[test]
fn an_image_is_polled_once_it_shows_and_replaced_by_a_drawing_when_it_does_not() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Ok(Reply::Code(image("r1", None))));
    assert_eq!((host.told.as_slice(), &host.in_flight), (&["onCodeLoaded r1".to_owned()][..], &None));
    host.event(Event::PictureShown);
    assert_eq!(host.told[1..], ["onCodeShow r1", "onStart"]);

    for event in [Event::PictureFailed, Event::Woke] {
        let mut host = Host::new(Policy::default());
        host.event(Event::Started);
        host.reply(Ok(Reply::Code(image("r1", Some(drawing())))));
        host.now = host.now + PICTURE_TIMEOUT;
        host.event(event);
        assert_eq!(host.view.picture, Some(drawing()));
        assert_eq!(host.state(), ScanState::Ready);
    }
}

#[test]
fn an_image_that_can_not_be_shown_or_drawn_fails_aloud() {
    let mut host = Host::new(Policy::default());
    host.event(Event::Started);
    host.reply(Ok(Reply::Code(image("r1", None))));
    host.event(Event::PictureFailed);
    assert_eq!(
        host.told[1..],
        ["onCodeLoadFailed the image of the code can't be shown", "onError code-image-failed fatal"]
    );
    assert_eq!(host.view.action(), Some(Action::NewCode));
}

#[test]
fn destroying_tells_of_the_code_and_stops_everything() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.event(Event::Destroyed);
    assert_eq!(host.told, ["onCodeDestroyed r1"]);
    assert_eq!((host.state(), &host.in_flight, host.wake_at), (ScanState::Destroyed, &None, None));
}

#[test]
fn refreshing_replaces_any_code_but_an_authorised_one() {
    let mut host = Host::waiting(Policy::default());
    host.event(Event::Refreshed);
    assert_eq!((host.state(), host.told.as_slice()), (ScanState::Loading, &["onCodeDestroyed r1".to_owned()][..]));
    host.reply(Ok(Reply::Code(drawn("r2", 120))));
    host.reply(Ok(authorised()));
    host.event(Event::Refreshed);
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn a_code_that_the_page_shows_by_itself_is_polled_like_any_other() {
    let mut host = Host::new(Policy::default());
    host.event(Event::StartedWith(Code { picture: None, ..drawn("r1", 120) }));
    assert_eq!(host.told, ["onStart"]);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    host.until_sent();
    host.reply(Ok(authorised()));
    assert_eq!(host.told[1..], ["onResult 0", "onResult 2", "onSuccess alice ticket"]);
}

#[test]
fn polling_that_is_stopped_leaves_a_button_and_no_request() {
    let mut host = Host::waiting(Policy::default());
    host.until_sent();
    host.event(Event::Stopped);
    assert_eq!((host.state(), &host.in_flight, host.wake_at), (ScanState::Stopped, &None, None));
    assert!(host.told.is_empty());
    assert_eq!(host.view.action(), Some(Action::NewCode));
}

/// One thing that the world may do to a session.
#[derive(Debug, Clone)]
enum Move {
    Wait(u64),
    Wake,
    Reply(usize),
    StaleReply(usize),
    Event(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        2 => (0u64..40_000).prop_map(Move::Wait),
        4 => Just(Move::Wake),
        6 => (0usize..21).prop_map(Move::Reply),
        1 => (0usize..21).prop_map(Move::StaleReply),
        2 => (0usize..15).prop_map(Move::Event),
    ];
    prop::collection::vec(one, 1..120)
}

fn policies() -> impl Strategy<Value = Policy> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0u32..3).prop_map(
        |(long_poll, auto_exchange, refresh_on_cancel, countdown, auto_refresh)| Policy {
            long_poll,
            auto_exchange,
            refresh_on_cancel,
            countdown,
            auto_refresh,
            ..Policy::default()
        },
    )
}

fn any_reply(number: usize) -> Result<Reply<String>, Error> {
    Ok(match number {
        0 => Reply::Code(drawn("a", 120)),
        1 => Reply::Code(drawn("b", 5)),
        2 => Reply::Code(image("c", None)),
        3 => Reply::Code(image("d", Some(drawing()))),
        4 => checked(StatusUpdate::Expired),
        5..=7 => checked(StatusUpdate::Unused),
        8 | 9 => checked(StatusUpdate::Scanned),
        10 | 11 => authorised(),
        12 => checked(StatusUpdate::Cancelled),
        13 => checked(StatusUpdate::NeedsMfa(None)),
        14 => checked(StatusUpdate::Failed(None)),
        15 => checked(StatusUpdate::Unknown),
        16 => Reply::User("user".to_owned()),
        17 => return Err(offline()),
        18 => return Err(patient(90, offline())),
        19 => return Err(Error::temporary(ErrorCode::RateLimited, "slow down")),
        _ => return Err(refused(1001)),
    })
}

fn any_event(number: usize) -> Event<String> {
    match number {
        0 => Event::Started,
        1 => Event::PictureShown,
        2 => Event::PictureFailed,
        3 | 4 => Event::Clicked(Action::NewCode),
        5 => Event::Clicked(Action::ScanAgain),
        6 => Event::Clicked(Action::TryNow),
        7 => Event::Refreshed,
        8 => Event::VisibilityChanged { is_visible: false },
        9 => Event::VisibilityChanged { is_visible: true },
        10 => Event::ConnectionChanged { is_online: true },
        11 => Event::Woke,
        12 => Event::Stopped,
        13 => Event::ConnectionChanged { is_online: false },
        _ => Event::Destroyed,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// What holds for every page, every person and every network.
    #[test]
    fn whatever_happens_the_promises_hold(seed: u32, policy in policies(), moves in moves()) {
        let mut host = Host::with_seed(policy, seed);
        host.event(Event::Started);
        for step in moves {
            let was_destroyed = host.state() == ScanState::Destroyed;
            let in_flight_before = host.in_flight.clone();
            let (sends, told) = (host.sends.len(), host.told.len());
            match step {
                Move::Wait(milliseconds) => host.now = host.now + Duration::from_millis(milliseconds),
                Move::Wake => {
                    if host.wake_at.is_some() {
                        host.wake();
                    }
                }
                Move::Reply(number) => {
                    if host.in_flight.is_some() {
                        host.reply(any_reply(number));
                    }
                }
                Move::StaleReply(number) => {
                    host.event(Event::Replied(RequestId(u32::MAX), any_reply(number)));
                    prop_assert_eq!((host.sends.len(), host.told.len()), (sends, told), "a stale reply is dropped");
                }
                Move::Event(number) => host.event(any_event(number)),
            }

            // `Host::event` checks that an abort has something to abort; a second request must have replaced the first.
            prop_assert!(host.sends.len() <= sends + 1, "two requests in one step");
            if host.sends.len() > sends && in_flight_before.is_some() {
                prop_assert_ne!(&host.in_flight, &in_flight_before);
            }
            if was_destroyed {
                prop_assert_eq!((host.sends.len(), host.told.len()), (sends, told), "nothing after destroy");
            }
            let successes = host.told.iter().filter(|told| told.starts_with("onSuccess")).count();
            prop_assert!(successes <= 1, "two successes");

            let is_ended = matches!(
                host.state(),
                ScanState::Confirmed
                    | ScanState::NeedsMfa
                    | ScanState::Cancelled
                    | ScanState::Expired
                    | ScanState::Stopped
                    | ScanState::Failed
                    | ScanState::Destroyed
            );
            prop_assert_eq!(is_ended, host.wake_at.is_none(), "an ended state, or a next wake-up: {:?}", host.state());
            prop_assert!(!is_ended || host.in_flight.is_none(), "an ended state has no request");

            // Waking changes something or sets a later time: no busy loop.
            if let Some(wake_at) = host.wake_at
                && wake_at <= host.now
            {
                host.event(Event::Woke);
                prop_assert!(host.wake_at.is_none_or(|next| next > host.now), "woken in vain: {:?}", host.state());
            }
        }
    }

    /// A person who keeps clicking and a server that is well in the end: there is always a way to a code.
    #[test]
    fn there_is_always_a_way_back_to_a_code(seed: u32, policy in policies(), moves in moves()) {
        let mut host = Host::with_seed(policy, seed);
        host.event(Event::Started);
        for step in moves {
            match step {
                Move::Wait(milliseconds) => host.now = host.now + Duration::from_millis(milliseconds),
                Move::Wake | Move::StaleReply(_) => {
                    if host.wake_at.is_some() {
                        host.wake();
                    }
                }
                Move::Reply(number) => {
                    if host.in_flight.is_some() {
                        host.reply(any_reply(number));
                    }
                }
                Move::Event(number) => {
                    if number < 14 {
                        host.event(any_event(number));
                    }
                }
            }
        }
        for _ in 0..100 {
            match host.state() {
                ScanState::Ready | ScanState::Confirmed | ScanState::NeedsMfa => return Ok(()),
                _ => {}
            }
            if let Some(action) = host.view.action() {
                host.event(Event::Clicked(action));
            }
            match host.in_flight.as_ref().map(|(_, request)| request.clone()) {
                Some(Request::Gene(_)) => host.reply(Ok(Reply::Code(drawn("z", 120)))),
                Some(Request::Check { .. }) => host.reply(Ok(checked(StatusUpdate::Unused))),
                Some(Request::Exchange { .. }) => host.reply(Ok(Reply::User("user".to_owned()))),
                None if host.wake_at.is_some() => host.wake(),
                None => {}
            }
        }
        prop_assert!(false, "stuck in {:?}", host.state());
    }
}
