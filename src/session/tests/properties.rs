//! Properties of random runs.

use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::host::{
    Host, authorised, authorised_with_token, checked, drawing, drawn_code, image_code, network_error, rate_limited,
    refused, returned_code, scanned, unavailable,
};
use super::model::Model;
use crate::error::Error;
use crate::session::{Event, Policy, Reply, Request, RequestId, StatusUpdate};
use crate::view_model::{Action, FailureCause, ScanState};

/// A step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// The clock advances by this many milliseconds, and the timer does not fire.
    Wait(u64),
    FireTimer,
    Reply(Result<Reply<String>, Error>),
    StaleReply(Result<Reply<String>, Error>),
    Event(Event<String>),
    MayHold(bool),
    IsTaken(bool),
}

fn runs() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u64..40_000).prop_map(Step::Wait),
        8 => Just(Step::FireTimer),
        12 => select(replies()).prop_map(Step::Reply),
        2 => select(replies()).prop_map(Step::StaleReply),
        4 => select(events()).prop_map(Step::Event),
        1 => any::<bool>().prop_map(Step::MayHold),
        1 => any::<bool>().prop_map(Step::IsTaken),
    ];
    prop::collection::vec(step, 1..120)
}

fn policies() -> impl Strategy<Value = Policy> {
    (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0u32..3).prop_map(
        |(long_poll, reports_results, auto_exchange, refresh_on_cancel, countdown, auto_refresh)| Policy {
            long_poll,
            reports_results,
            auto_exchange,
            refresh_on_cancel,
            countdown,
            auto_refresh,
            ..Policy::default()
        },
    )
}

/// A reply that occurs several times is more likely.
fn replies() -> Vec<Result<Reply<String>, Error>> {
    vec![
        Ok(Reply::Code(drawn_code("a", 120))),
        Ok(Reply::Code(drawn_code("b", 5))),
        Ok(Reply::Code(returned_code("g"))),
        Ok(Reply::Code(image_code("c", None))),
        Ok(Reply::Code(image_code("d", Some(drawing())))),
        Ok(checked(StatusUpdate::Expired)),
        Ok(checked(StatusUpdate::Unused)),
        Ok(checked(StatusUpdate::Unused)),
        Ok(checked(StatusUpdate::Unused)),
        Ok(checked(scanned())),
        Ok(checked(scanned())),
        Ok(authorised()),
        Ok(authorised()),
        Ok(authorised_with_token()),
        Ok(checked(StatusUpdate::Cancelled)),
        Ok(checked(StatusUpdate::NeedsMfa(None))),
        Ok(checked(StatusUpdate::Failed(None))),
        Ok(checked(StatusUpdate::Unknown)),
        Ok(Reply::User("user".to_owned())),
        Err(network_error()),
        Err(unavailable(90)),
        Err(unavailable(900)),
        Err(rate_limited(None)),
        Err(refused(1001)),
        Err(refused(2241)),
    ]
}

fn events() -> Vec<Event<String>> {
    vec![
        Event::Started,
        Event::StartedWith(drawn_code("e", 120)),
        Event::StartedWithReply(Ok(Reply::Code(drawn_code("f", 120)))),
        Event::StartedWithReply(Ok(Reply::Code(returned_code("h")))),
        Event::ImageLoaded,
        Event::ImageFailed,
        Event::Clicked(Action::NewCode),
        Event::Clicked(Action::NewCode),
        Event::Clicked(Action::ScanAgain),
        Event::Clicked(Action::TryNow),
        Event::Refreshed,
        Event::VisibilityChanged { is_visible: false },
        Event::VisibilityChanged { is_visible: true },
        Event::ConnectionChanged { is_online: false },
        Event::ConnectionChanged { is_online: true },
        Event::TimerFired,
        Event::Left,
        Event::PageShown { is_visible: false },
        Event::PageShown { is_visible: true },
        Event::Stopped,
        Event::Destroyed,
    ]
}

/// The event of a step, after it has moved the clock. `None` if there is none.
fn event_of(host: &mut Host, step: Step) -> Option<Event<String>> {
    match step {
        Step::Wait(milliseconds) => {
            host.now = host.now + Duration::from_millis(milliseconds);
            None
        }
        Step::FireTimer => {
            host.now = host.now.max(host.wake_at?);
            Some(Event::TimerFired)
        }
        Step::Reply(reply) => Some(Event::Replied(host.in_flight.as_ref()?.id, reply)),
        Step::StaleReply(reply) => Some(Event::Replied(RequestId(u32::MAX), reply)),
        Step::Event(event) => Some(event),
        Step::MayHold(may_hold) => {
            host.may_hold = may_hold;
            None
        }
        Step::IsTaken(is_taken) => {
            host.is_taken = is_taken;
            None
        }
    }
}

/// Handles `event`, and compares the session with the model.
fn handle(host: &mut Host, model: &mut Model, event: Event<String>) -> Result<(), TestCaseError> {
    let before = host.state();
    let (sent, called) = (host.sent.len(), host.callbacks.len());
    model.is_taken = host.is_taken;
    let callbacks = model.handle(host.now, &event, host.in_flight.as_ref());
    // Checks that an aborted request was in flight.
    host.event(event.clone());

    prop_assert_eq!(host.state(), model.state(), "state after {:?} in {:?}", event, before);
    prop_assert_eq!(&host.callbacks[called..], &callbacks, "callbacks of {:?} in {:?}", event, before);
    prop_assert_eq!(host.view.picture.is_some(), model.shows_code());
    prop_assert_eq!(host.view.person.is_some(), model.shows_person());
    prop_assert!(host.sent.len() <= sent + 1, "an event sends one request at most");
    for sent in &host.sent[sent..] {
        prop_assert_eq!(Some(sent.request.clone()), model.request(host.may_hold), "request in {:?}", host.state());
        prop_assert_eq!(Some(sent), host.in_flight.as_ref());
    }

    let is_ended = matches!(
        host.state(),
        ScanState::Confirmed
            | ScanState::NeedsMfa
            | ScanState::Cancelled
            | ScanState::Expired
            | ScanState::Stopped
            | ScanState::Failed(_)
            | ScanState::Destroyed
    );
    prop_assert_eq!(is_ended, host.wake_at.is_none(), "a timer unless the session has ended: {:?}", host.state());
    prop_assert!(!is_ended || host.in_flight.is_none(), "no request after the end");
    if before == ScanState::Destroyed {
        prop_assert_eq!((host.sent.len(), host.callbacks.len()), (sent, called), "nothing after the end");
    }
    let successes = host.callbacks.iter().filter(|callback| callback.starts_with("onSuccess")).count();
    prop_assert!(successes <= 1, "two successes");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn session_matches_the_reference_model(seed: u32, policy in policies(), run in runs()) {
        let mut host = Host::with_seed(policy.clone(), seed);
        let mut model = Model::new(policy);
        host.event(Event::Started);
        for step in run {
            let (sent, called) = (host.sent.len(), host.callbacks.len());
            let is_stale = matches!(step, Step::StaleReply(_));
            if let Some(event) = event_of(&mut host, step) {
                handle(&mut host, &mut model, event)?;
            }
            if is_stale {
                prop_assert_eq!((host.sent.len(), host.callbacks.len()), (sent, called), "a stale reply is ignored");
            }
            // An overdue timer event changes something or sets a later time: no busy loop.
            if host.wake_at.is_some_and(|wake_at| wake_at <= host.now) {
                handle(&mut host, &mut model, Event::TimerFired)?;
                prop_assert!(host.wake_at.is_none_or(|next| next > host.now), "busy loop: {:?}", host.state());
            }
        }
    }

    /// A reply to a request from before the session counts as one to the first request of the session.
    #[test]
    fn start_with_a_reply_equals_a_start_and_its_reply(seed: u32, policy in policies(), reply in select(replies())) {
        let mut answered = Host::with_seed(policy.clone(), seed);
        answered.event(Event::StartedWithReply(reply.clone()));
        let mut host = Host::with_seed(policy, seed);
        host.event(Event::Started);
        host.sent.clear();
        host.reply(reply);
        prop_assert_eq!((answered.state(), &answered.callbacks), (host.state(), &host.callbacks));
        prop_assert_eq!((&answered.sent, answered.wake_at, &answered.view), (&host.sent, host.wake_at, &host.view));
    }

    /// Clicks on the button and a working server lead to a code from every state that another code can help.
    #[test]
    fn every_state_leads_back_to_a_code(seed: u32, policy in policies(), run in runs()) {
        let mut host = Host::with_seed(policy, seed);
        host.event(Event::Started);
        for step in run {
            match event_of(&mut host, step) {
                Some(Event::Destroyed) | None => {}
                Some(event) => host.event(event),
            }
        }
        // While the server is busy, for 120 s at the latest, the timer fires once per second.
        for _ in 0..300 {
            match host.state() {
                ScanState::Ready | ScanState::Confirmed | ScanState::NeedsMfa => return Ok(()),
                // A new code would fail too.
                ScanState::Failed(FailureCause::SiteProblem) => return Ok(()),
                _ => {}
            }
            if let Some(action) = host.view.action() {
                host.event(Event::Clicked(action));
            }
            match host.in_flight.as_ref().map(|sent| &sent.request) {
                Some(Request::Gene(_)) => host.reply(Ok(Reply::Code(drawn_code("z", 120)))),
                Some(Request::Check { .. }) => host.reply(Ok(checked(StatusUpdate::Unused))),
                Some(Request::Complete { .. }) => host.reply(Ok(authorised())),
                Some(Request::Exchange { .. }) => host.reply(Ok(Reply::User("user".to_owned()))),
                None if host.wake_at.is_some() => host.fire_timer(),
                None => {}
            }
        }
        prop_assert!(false, "no code from {:?}", host.state());
    }
}
