//! The return on the same device, and number matching.

use core::time::Duration;
use std::rc::Rc;

use super::host::{Host, authorised, checked, drawn_code, network_error, refused, returned_code, scanned, unavailable};
use crate::session::{Code, Event, Link, Policy, Reply, Request, StatusUpdate};
use crate::view_model::{Action, ConnectionProblem, ScanState};

/// A widget that starts with a code that the user has confirmed on this device.
fn returned(policy: Policy) -> Host {
    let mut host = Host::new(policy);
    host.event(Event::StartedWithReply(Ok(Reply::Code(returned_code("r1")))));
    host.sent.clear();
    host
}

fn complete() -> Request {
    Request::Complete { random: "r1".into(), response_code: "response".into(), poll_token: Some("t".into()) }
}

#[test]
fn return_asks_for_the_ticket_and_shows_no_code() {
    let mut host = Host::new(Policy::default());
    host.event(Event::StartedWithReply(Ok(Reply::Code(returned_code("r1")))));
    assert_eq!(host.in_flight.as_ref().map(|sent| sent.request.clone()), Some(complete()));
    assert_eq!((host.state(), host.view.countdown, host.view.picture.is_none()), (ScanState::SigningIn, None, true));
    host.reply(Ok(authorised()));
    assert_eq!(host.callbacks, ["onCodeLoaded r1", "onStart", "onResult 2", "onSuccess alice ticket"]);
    assert_eq!((host.state(), host.wake_at), (ScanState::Confirmed, None));
}

#[test]
fn return_exchanges_the_ticket_if_the_page_wants_it() {
    let mut host = returned(Policy { auto_exchange: true, ..Policy::default() });
    host.reply(Ok(authorised()));
    let exchange = Request::Exchange { ticket: "ticket".into(), poll_token: Some("t".into()) };
    assert_eq!(host.wait_for_request(), exchange);
    host.reply(Ok(Reply::User("user".to_owned())));
    assert_eq!(host.callbacks.last().unwrap(), "onSuccess user ticket");
}

#[test]
fn failed_return_is_tried_again_with_pauses_until_the_server_answers() {
    let mut host = returned(Policy::default());
    let mut last = host.now;
    for error in [network_error(), network_error(), unavailable(7), network_error()] {
        host.reply(Err(error));
        assert_eq!(host.wait_for_request(), complete());
        assert!(host.now.since(last) >= Duration::from_millis(800), "{:?}", host.now.since(last));
        last = host.now;
    }
    assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Unreachable));
    assert_eq!(host.view.action(), Some(Action::TryNow));
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
    assert_eq!(host.callbacks.iter().filter(|line| line.starts_with("onSuccess")).count(), 1);
}

#[test]
fn return_is_tried_at_once_when_the_page_is_visible_or_online_again() {
    for event in [Event::VisibilityChanged { is_visible: true }, Event::ConnectionChanged { is_online: true }] {
        let mut host = returned(Policy::default());
        host.reply(Err(network_error()));
        host.event(event);
        assert_eq!(host.in_flight.as_ref().map(|sent| (sent.request.clone(), sent.at)), Some((complete(), host.now)));
    }
}

#[test]
fn refused_return_expires_the_code_and_never_signs_in() {
    for code in [1001, 500, 2241] {
        let mut host = returned(Policy::default());
        host.reply(Err(refused(code)));
        assert_eq!((host.state(), host.view.action()), (ScanState::Expired, Some(Action::NewCode)), "{code}");
        assert_eq!(host.callbacks[2..], ["onError refused", "onExpired"], "{code}");
        assert!(host.in_flight.is_none());
    }
    // The page may ask for a new code by itself.
    let mut host = returned(Policy { auto_refresh: 1, ..Policy::default() });
    host.now = host.now + Duration::from_secs(1);
    host.reply(Err(refused(1001)));
    assert!(matches!(host.wait_for_request(), Request::Gene(_)));
}

#[test]
fn return_is_never_held() {
    let host = returned(Policy::default());
    assert!(!host.session.is_held());
    assert_eq!(host.wake_at.unwrap().since(host.now), Duration::from_secs(10), "the timeout of a usual request");
}

#[test]
fn widget_whose_sign_in_another_page_has_taken_stops_without_success() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(scanned())));
    host.is_taken = true;
    // The page was frozen meanwhile.
    host.event(Event::VisibilityChanged { is_visible: true });
    assert_eq!(host.state(), ScanState::Scanned, "until the server says that the other page has signed in");
    host.reply(Ok(authorised()));
    assert_eq!((host.state(), host.view.action()), (ScanState::Stopped, Some(Action::NewCode)));
    assert!(!host.callbacks.iter().any(|line| line.starts_with("onSuccess")));
    // A new code has nothing to do with it.
    host.is_taken = false;
    host.event(Event::Clicked(Action::NewCode));
    host.reply(Ok(Reply::Code(drawn_code("r2", 120))));
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn code_with_a_link_is_named_as_the_other_way() {
    let link = Rc::new(Link { address: "https://pass.test/s#r1.return".into(), response: "{}".into() });
    let mut host = Host::loading(Policy::default());
    host.reply(Ok(Reply::Code(Code { link: Some(link.clone()), ..drawn_code("r1", 120) })));
    assert_eq!((host.view.headline(), &host.view.link), (Some("otherDevice"), &Some(link)));
    host.reply(Ok(checked(scanned())));
    assert_eq!(host.view.headline(), Some("scanned"));
}

#[test]
fn number_is_shown_from_the_scan_on_until_the_owner_has_decided() {
    let with_number = |number: &str| StatusUpdate::Scanned { number: Some(number.into()) };
    for (end, state) in [
        (authorised(), ScanState::Confirmed),
        (checked(StatusUpdate::Cancelled), ScanState::Cancelled),
        (checked(StatusUpdate::Expired), ScanState::Expired),
    ] {
        let mut host = Host::polling_again(Policy::default());
        assert_eq!(host.view.number, None);
        host.reply(Ok(checked(with_number("07"))));
        assert_eq!((host.view.number.as_deref(), host.view.hint()), (Some("07"), Some("number")));
        host.wait_for_request();
        // The number of a code does not change.
        host.reply(Ok(checked(with_number("99"))));
        assert_eq!(host.view.number.as_deref(), Some("07"));
        host.wait_for_request();
        host.reply(Err(network_error()));
        host.wait_for_request();
        host.reply(Err(network_error()));
        assert_eq!(host.view.number.as_deref(), Some("07"), "while the server can't be reached");
        host.wait_for_request();
        host.reply(Ok(end));
        assert_eq!((host.state(), &host.view.number), (state, &None));
    }
}
