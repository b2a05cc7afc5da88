//! Single runs of a session.

use core::time::Duration;
use std::collections::BTreeSet;

use scanlogin_protocol::lifecycle::{self, CodeState, NumberChoice, RETENTION, SCANNED_GRACE};
use scanlogin_protocol::wire::{Scene, Status};

use super::host::{
    Host, authorised, authorised_with_token, checked, drawing, drawn_code, held_status, image_code, network_error,
    rate_limited, refused, scanned, unavailable,
};
use crate::error::Error;
use crate::session::policy::{EXPIRY_GRACE, IMAGE_TIMEOUT};
use crate::session::{Code, Event, Policy, Reply, Request, ScannedResult, StatusUpdate};
use crate::view_model::{Action, ConnectionProblem, Countdown, FailureCause, ScanState};

fn auto_exchange() -> Policy {
    Policy { auto_exchange: true, ..Policy::default() }
}

fn without_countdown() -> Policy {
    Policy { countdown: false, ..Policy::default() }
}

#[test]
fn successful_run_calls_back_in_the_documented_order_and_stops_the_timer() {
    let mut host = Host::loading(Policy::default());
    assert_eq!(host.in_flight.as_ref().unwrap().request, Request::Gene(Scene::App));
    assert_eq!(host.sent.len(), 1);
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    assert_eq!(host.state(), ScanState::Ready);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    host.wait_for_request();
    host.reply(Ok(checked(scanned())));
    assert_eq!(host.state(), ScanState::Scanned);
    assert_eq!(host.view.person.as_ref().unwrap().nickname.as_deref(), Some("Alice"));
    host.wait_for_request();
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
    assert_eq!(
        host.callbacks,
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
    assert_eq!(host.wake_at, None);
}

#[test]
fn poll_is_not_held_without_long_poll() {
    let mut host = Host::polling(Policy { long_poll: false, ..Policy::default() });
    assert_eq!(held_status(&host.wait_for_request()), None);
}

#[test]
fn polls_start_about_one_interval_apart_if_the_server_responds_at_once() {
    let mut host = Host::polling(Policy::default());
    for _ in 0..20 {
        host.wait_for_request();
        host.reply(Ok(checked(StatusUpdate::Unused)));
    }
    for pair in host.sent.windows(2) {
        let interval = pair[1].at.since(pair[0].at).as_millis();
        assert!((640..=960).contains(&interval), "{interval}");
    }
}

#[test]
fn on_scanned_is_called_once_if_the_status_repeats_or_goes_back() {
    let mut host = Host::polling(Policy::default());
    for update in [scanned(), scanned(), StatusUpdate::Unused, scanned()] {
        host.wait_for_request();
        host.reply(Ok(checked(update)));
    }
    assert_eq!(host.callbacks.iter().filter(|callback| callback.starts_with("onScanned")).count(), 1);
    assert_eq!(host.state(), ScanState::Scanned);
}

#[test]
fn state_is_unreachable_from_the_second_failed_poll_to_the_next_success() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Err(network_error()));
    assert_eq!(host.state(), ScanState::Ready);
    host.wait_for_request();
    host.reply(Err(network_error()));
    assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Unreachable));
    assert!(host.view.picture.is_some(), "the code can still be scanned");
    assert_eq!(held_status(&host.wait_for_request()), None, "a poll after a failure is not held");
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.state(), ScanState::Ready);
    assert_eq!(host.callbacks, ["onError network", "onError network", "onResult 0"]);
}

#[test]
fn request_without_response_is_aborted_after_10_s_and_retried() {
    let mut host = Host::polling_again(Policy { long_poll: false, ..without_countdown() });
    let sent_at = host.now;
    host.fire_timer();
    assert_eq!(host.now.since(sent_at), Duration::from_secs(10));
    assert_eq!(host.in_flight, None);
    assert_eq!(host.callbacks, ["onError timeout"]);
    host.wait_for_request();
}

#[test]
fn reply_to_an_aborted_request_is_ignored() {
    let mut host = Host::polling_again(without_countdown());
    let stale = host.in_flight.clone().unwrap().id;
    host.fire_timer();
    host.callbacks.clear();
    host.event(Event::Replied(stale, Ok(authorised())));
    assert!(host.callbacks.is_empty());
    assert_eq!(host.state(), ScanState::Ready);
}

#[test]
fn code_of_120_s_ends_when_the_server_has_forgotten_it_if_all_polls_fail() {
    let mut host = Host::polling(Policy::default());
    let received_at = host.now;
    while host.state() != ScanState::Expired {
        if host.in_flight.is_some() {
            host.reply(Err(network_error()));
        } else {
            host.fire_timer();
        }
    }
    assert_eq!(host.now.since(received_at), Duration::from_secs(120) + SCANNED_GRACE + RETENTION);
    assert_eq!(host.callbacks.last().map(String::as_str), Some("onExpired"));
    assert_eq!((host.wake_at, &host.in_flight), (None, &None));
}

#[test]
fn expiry_aborts_the_request_in_flight() {
    let mut host = Host::polling_again(Policy::default());
    host.fire_timer_after(500);
    assert_eq!((host.state(), &host.in_flight), (ScanState::Expired, &None));
}

#[test]
fn scanned_code_expires_60_s_later() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(scanned())));
    host.fire_timer_after(150);
    assert_eq!(host.state(), ScanState::Scanned);
    host.fire_timer_after(40);
    host.reply(Ok(checked(scanned())));
    assert_eq!(host.state(), ScanState::Expired);
}

#[test]
fn countdown_sets_no_timer_and_is_not_shown_in_a_hidden_page() {
    let mut host = Host::loading(Policy::default());
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    let countdown = Some(Countdown::ExpiresAt((host.now + Duration::from_secs(120)).0));
    assert_eq!(host.view.countdown, countdown);
    assert_eq!(host.wake_at.unwrap().since(host.now), Duration::from_secs(28), "the timeout of the poll");
    host.event(Event::VisibilityChanged { is_visible: false });
    assert_eq!(host.view.countdown, None);
    host.event(Event::VisibilityChanged { is_visible: true });
    assert_eq!(host.view.countdown, countdown);
}

#[test]
fn hidden_page_polls_every_8_s_or_more_without_hold_and_at_once_when_visible_again() {
    let mut host = Host::polling(Policy::default());
    host.event(Event::VisibilityChanged { is_visible: false });
    assert_eq!(held_status(&host.wait_for_request()), None);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert!(host.wake_at.unwrap().since(host.now) >= Duration::from_secs(8));
    host.event(Event::VisibilityChanged { is_visible: true });
    assert!(host.in_flight.is_some());
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert!(held_status(&host.wait_for_request()).is_some());
}

#[test]
fn going_online_and_try_now_send_at_once_but_not_before_retry_after() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Err(network_error()));
    host.event(Event::ConnectionChanged { is_online: true });
    assert!(host.in_flight.is_some());
    host.reply(Err(unavailable(30)));
    let failed_at = host.now;
    host.event(Event::ConnectionChanged { is_online: true });
    host.event(Event::Clicked(Action::TryNow));
    assert_eq!(host.in_flight, None);
    host.wait_for_request();
    assert_eq!(host.now.since(failed_at), Duration::from_secs(30));
}

#[test]
fn busy_server_is_shown_with_a_countdown_and_without_a_button() {
    let busy = |seconds| rate_limited(Some(seconds));
    let is_busy = ScanState::Unreachable(ConnectionProblem::Busy);
    let mut host = Host::polling_again(without_countdown());
    host.reply(Err(busy(30)));
    assert_eq!(host.state(), is_busy);
    let countdown = Some(Countdown::RetryAt((host.now + Duration::from_secs(30)).0));
    assert_eq!((host.view.countdown, host.view.action()), (countdown, None));
    assert!(host.view.picture.is_some(), "the code can still be scanned");
    host.wait_for_request();
    assert_eq!((host.state(), host.view.countdown), (is_busy, None));
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.state(), ScanState::Ready);

    let mut host = Host::loading(Policy::default());
    host.reply(Err(busy(5)));
    let countdown = Some(Countdown::RetryAt((host.now + Duration::from_secs(5)).0));
    assert_eq!((host.state(), host.view.countdown), (is_busy, countdown));
}

#[test]
fn retry_after_above_120_s_fails_a_gene_and_an_exchange_but_not_a_poll() {
    let mut host = Host::loading(Policy::default());
    host.reply(Err(unavailable(u64::MAX)));
    assert_eq!(
        (host.state(), host.view.action()),
        (ScanState::Failed(FailureCause::NoConnection), Some(Action::NewCode))
    );

    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    host.reply(Err(unavailable(3_600)));
    assert_eq!(
        (host.state(), host.view.action()),
        (ScanState::Failed(FailureCause::NoConnection), Some(Action::NewCode))
    );

    let mut host = Host::polling_again(Policy::default());
    host.reply(Err(unavailable(3_600)));
    assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Busy));
    host.wait_for_request();
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn second_failed_exchange_shows_a_button_that_retries_at_once() {
    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    host.reply(Err(network_error()));
    assert_eq!(host.state(), ScanState::SigningIn);
    host.wait_for_request();
    host.reply(Err(network_error()));
    assert_eq!(
        (host.state(), host.view.action()),
        (ScanState::Unreachable(ConnectionProblem::Unreachable), Some(Action::TryNow))
    );
    assert!(!host.view.is_scannable(), "the code is used");
    host.event(Event::Clicked(Action::TryNow));
    assert!(host.in_flight.is_some());
    host.reply(Ok(Reply::User("the whole user".to_owned())));
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn poll_that_may_not_be_held_times_out_after_10_s() {
    let mut host = Host::polling(without_countdown());
    host.may_hold = false;
    assert_eq!(held_status(&host.wait_for_request()), None);
    let sent_at = host.now;
    host.fire_timer();
    assert_eq!(host.now.since(sent_at), Duration::from_secs(10));
    assert_eq!(host.callbacks, ["onError timeout"]);
}

#[test]
fn may_hold_of_the_event_that_sends_the_poll_decides() {
    for (may_hold, expected) in [(false, None), (true, Some(Status::Unused))] {
        let mut host = Host::loading(Policy::default());
        host.may_hold = may_hold;
        host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
        assert_eq!(held_status(&host.wait_for_request()), expected);
        assert_eq!(host.session.is_held(), may_hold);
        host.may_hold = !may_hold;
        host.reply(Ok(checked(StatusUpdate::Unused)));
        host.wait_for_request();
        assert_eq!(host.session.is_held(), !may_hold);
    }
}

#[test]
fn offline_is_shown_without_a_button_and_polling_resumes_when_online() {
    let mut host = Host::polling_again(Policy::default());
    host.event(Event::ConnectionChanged { is_online: false });
    assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Offline));
    assert_eq!((host.view.countdown, host.view.action()), (None, None));
    host.reply(Err(network_error()));
    host.event(Event::ConnectionChanged { is_online: true });
    assert_eq!(host.state(), ScanState::Ready, "one failure is below the threshold");
    assert!(host.in_flight.is_some(), "the poll is sent at once");
}

#[test]
fn response_proves_a_connection_although_the_browser_reports_offline() {
    let mut host = Host::polling_again(Policy::default());
    host.event(Event::ConnectionChanged { is_online: false });
    host.reply(Ok(checked(scanned())));
    assert_eq!(host.state(), ScanState::Scanned);
}

#[test]
fn gene_is_retried_for_30_s() {
    let mut host = Host::new(Policy::default());
    let started_at = host.now;
    host.event(Event::Started);
    while host.now.since(started_at) < Duration::from_secs(30) {
        host.reply(Err(network_error()));
        assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Unreachable));
        host.wait_for_request();
    }
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    assert_eq!(host.state(), ScanState::Ready);
}

#[test]
fn gene_fails_after_8_attempts_and_a_click_starts_again() {
    let mut host = Host::loading(Policy::default());
    while host.state() != ScanState::Failed(FailureCause::NoConnection) {
        host.wait_for_request();
        host.reply(Err(network_error()));
    }
    assert_eq!(host.callbacks[7..], ["onCodeLoadFailed offline", "onError network fatal"]);
    assert_eq!(host.view.action(), Some(Action::NewCode));
    host.event(Event::Clicked(Action::NewCode));
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    assert_eq!(host.callbacks[9..], ["onRetry", "onCodeLoaded r1", "onCodeShow r1", "onStart"]);
}

#[test]
fn refused_gene_fails_at_once_without_a_button() {
    let mut host = Host::loading(Policy::default());
    host.reply(Err(refused(1001)));
    assert_eq!((host.state(), host.view.action()), (ScanState::Failed(FailureCause::SiteProblem), None));
    assert_eq!(host.callbacks, ["onCodeLoadFailed no", "onError refused fatal"]);
}

#[test]
fn refused_poll_is_fatal_and_2241_expires_the_code() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Err(refused(1001)));
    assert_eq!(host.state(), ScanState::Failed(FailureCause::SiteProblem));
    assert_eq!(host.callbacks, ["onError refused fatal"]);

    let mut host = Host::polling_again(Policy::default());
    host.reply(Err(refused(2241)));
    assert_eq!(host.state(), ScanState::Expired);
    assert_eq!(host.callbacks, ["onError refused", "onExpired"]);
}

#[test]
fn click_replaces_an_expired_code() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(StatusUpdate::Expired)));
    assert_eq!(host.view.action(), Some(Action::NewCode));
    host.event(Event::Clicked(Action::NewCode));
    host.reply(Ok(Reply::Code(drawn_code("r2", 120))));
    host.reply(Ok(authorised()));
    assert_eq!(
        host.callbacks,
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
fn auto_refresh_replaces_as_many_codes_as_it_says_while_the_page_is_visible() {
    let mut host = Host::polling_again(Policy { auto_refresh: 2, ..Policy::default() });
    host.event(Event::VisibilityChanged { is_visible: false });
    host.reply(Ok(checked(StatusUpdate::Expired)));
    assert_eq!(host.state(), ScanState::Expired);
    host.event(Event::VisibilityChanged { is_visible: true });
    assert_eq!(host.state(), ScanState::Loading);
    for expected in [ScanState::Loading, ScanState::Expired] {
        host.wait_for_request();
        host.reply(Ok(Reply::Code(drawn_code("r2", 120))));
        host.reply(Ok(checked(StatusUpdate::Expired)));
        assert_eq!(host.state(), expected);
    }
    assert!(!host.callbacks.contains(&"onRetry".to_owned()), "onRetry is only for clicks");
}

#[test]
fn cancelled_code_is_replaced_only_with_refresh_on_cancel() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(StatusUpdate::Cancelled)));
    assert_eq!((host.state(), &host.in_flight), (ScanState::Cancelled, &None));

    let mut host = Host::polling_again(Policy { refresh_on_cancel: true, ..Policy::default() });
    host.reply(Ok(checked(StatusUpdate::Cancelled)));
    assert_eq!(host.callbacks, ["onResult 3", "onCancel", "onCodeDestroyed r1"]);
    assert_eq!(host.in_flight.unwrap().request, Request::Gene(Scene::App));
}

#[test]
fn scan_again_replaces_a_scanned_code() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(scanned())));
    assert_eq!(host.view.action(), Some(Action::ScanAgain));
    host.event(Event::Clicked(Action::ScanAgain));
    assert_eq!(host.callbacks[2..], ["onRetry", "onCodeDestroyed r1"]);
    assert_eq!(host.state(), ScanState::Loading);
}

#[test]
fn auto_exchange_precedes_on_success_and_reports_its_failures() {
    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::SigningIn);
    assert_eq!(host.callbacks, ["onResult 2"]);
    host.reply(Err(network_error()));
    host.wait_for_request();
    host.reply(Ok(Reply::User("the whole user".to_owned())));
    assert_eq!(host.callbacks[1..], ["onError network", "onSuccess the whole user ticket"]);

    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    host.reply(Err(refused(1001)));
    assert_eq!(
        (host.state(), host.callbacks.last().map(String::as_str)),
        (ScanState::Failed(FailureCause::SiteProblem), Some("onError refused fatal"))
    );
}

#[test]
fn user_with_a_token_is_not_exchanged() {
    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised_with_token()));
    assert_eq!(host.callbacks, ["onResult 2", "onSuccess alice ticket"]);
}

#[test]
fn second_factor_and_failed_sign_in_end_the_session() {
    let mut host = Host::polling_again(Policy::default());
    host.reply(Ok(checked(StatusUpdate::NeedsMfa(None))));
    assert_eq!(host.state(), ScanState::NeedsMfa);
    assert_eq!(host.callbacks, ["onResult 4", "onMfa"]);

    let mut host = Host::polling_again(Policy::default());
    let result = ScannedResult { code: None, message: Some("blocked".to_owned()), data: None, raw: String::new() };
    host.reply(Ok(checked(StatusUpdate::Failed(Some(result)))));
    assert_eq!(host.state(), ScanState::Failed(FailureCause::AccountRefused));
    assert_eq!(host.view.action(), Some(Action::NewCode), "another user may succeed");
    assert_eq!(host.callbacks, ["onResult 5", "onError sign-in-failed fatal"]);
}

#[test]
fn image_is_polled_when_loaded_and_replaced_by_the_drawing_when_it_fails_or_times_out() {
    let mut host = Host::loading(Policy::default());
    host.reply(Ok(Reply::Code(image_code("r1", None))));
    assert_eq!(host.callbacks, ["onCodeLoaded r1"]);
    assert_eq!(host.in_flight, None);
    host.event(Event::ImageLoaded);
    assert_eq!(host.callbacks[1..], ["onCodeShow r1", "onStart"]);

    for event in [Event::ImageFailed, Event::TimerFired] {
        let mut host = Host::loading(Policy::default());
        host.reply(Ok(Reply::Code(image_code("r1", Some(drawing())))));
        host.now = host.now + IMAGE_TIMEOUT;
        host.event(event);
        assert_eq!(host.view.picture, Some(drawing()));
        assert_eq!(host.state(), ScanState::Ready);
    }
}

#[test]
fn failed_image_without_a_drawing_is_fatal() {
    let mut host = Host::loading(Policy::default());
    host.reply(Ok(Reply::Code(image_code("r1", None))));
    host.event(Event::ImageFailed);
    assert_eq!(
        host.callbacks[1..],
        ["onCodeLoadFailed the image of the code can't be shown", "onError code-image-failed fatal"]
    );
    assert_eq!(host.view.action(), Some(Action::NewCode));
}

#[test]
fn destroyed_calls_on_code_destroyed_and_stops_request_and_timer() {
    let mut host = Host::polling_again(Policy::default());
    host.event(Event::Destroyed);
    assert_eq!(host.callbacks, ["onCodeDestroyed r1"]);
    assert_eq!((host.state(), &host.in_flight, host.wake_at), (ScanState::Destroyed, &None, None));
}

#[test]
fn refreshed_replaces_a_code_that_is_not_authorised() {
    let mut host = Host::polling(Policy::default());
    host.event(Event::Refreshed);
    assert_eq!(host.state(), ScanState::Loading);
    assert_eq!(host.callbacks, ["onCodeDestroyed r1"]);
    host.reply(Ok(Reply::Code(drawn_code("r2", 120))));
    host.reply(Ok(authorised()));
    host.event(Event::Refreshed);
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn started_with_a_code_polls_it_without_callbacks_about_the_code() {
    let mut host = Host::new(Policy::default());
    host.event(Event::StartedWith(Code { picture: None, ..drawn_code("r1", 120) }));
    assert_eq!(host.callbacks, ["onStart"]);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    host.wait_for_request();
    host.reply(Ok(authorised()));
    assert_eq!(host.callbacks[1..], ["onResult 0", "onResult 2", "onSuccess alice ticket"]);
}

#[test]
fn stopped_aborts_the_poll_without_a_callback_and_shows_a_button() {
    let mut host = Host::polling_again(Policy::default());
    host.event(Event::Stopped);
    assert_eq!((host.state(), &host.in_flight, host.wake_at), (ScanState::Stopped, &None, None));
    assert!(host.callbacks.is_empty());
    assert_eq!(host.view.action(), Some(Action::NewCode));
}

/// The page was stopped for `seconds`, and wakes with `event`.
fn woken_after(seconds: u64, event: Event<String>, policy: Policy) -> Host {
    let mut host = Host::polling_again(policy);
    host.now = host.now + Duration::from_secs(seconds);
    host.event(event);
    host
}

#[test]
fn code_approved_during_a_gap_past_its_expiry_is_a_success() {
    for event in
        [Event::TimerFired, Event::VisibilityChanged { is_visible: true }, Event::ConnectionChanged { is_online: true }]
    {
        let mut host = woken_after(130, event.clone(), Policy { auto_refresh: 1, ..Policy::default() });
        assert_eq!((&host.callbacks, host.state()), (&vec![], ScanState::Loading), "{event:?}");
        assert!(!host.view.is_scannable() && host.view.picture.is_some(), "{event:?}");
        assert_eq!(held_status(&host.wait_for_request()), None, "{event:?}");
        host.reply(Ok(authorised()));
        assert_eq!(host.callbacks, ["onResult 2", "onSuccess alice ticket"], "{event:?}");
    }
}

#[test]
fn code_approved_while_the_page_was_offline_past_its_expiry_is_a_success() {
    let mut host = Host::polling_again(Policy { auto_refresh: 1, ..Policy::default() });
    let received_at = host.now;
    host.event(Event::ConnectionChanged { is_online: false });
    while host.now.since(received_at) < Duration::from_secs(125) {
        if host.in_flight.is_some() {
            host.reply(Err(network_error()));
        }
        host.fire_timer();
    }
    assert_eq!(host.state(), ScanState::Unreachable(ConnectionProblem::Offline));
    assert!(!host.view.is_scannable(), "the code has expired");
    host.event(Event::ConnectionChanged { is_online: true });
    host.reply(Ok(authorised()));
    assert_eq!(host.callbacks.last().map(String::as_str), Some("onSuccess alice ticket"));
}

#[test]
fn response_to_a_poll_from_before_the_expiry_does_not_expire_the_code() {
    let mut host = Host::polling_again(Policy::default());
    host.now = host.now + Duration::from_secs(130);
    // The browser received it before the machine slept.
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(held_status(&host.wait_for_request()), None, "an expired code is not waited for");
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.callbacks, ["onResult 0", "onResult 0", "onExpired"]);
}

#[test]
fn code_that_the_server_has_forgotten_expires_without_a_request() {
    let host = woken_after(3_600, Event::TimerFired, Policy::default());
    assert_eq!((host.state(), host.sent.len()), (ScanState::Expired, 1));
    assert_eq!(host.callbacks, ["onExpired"]);
}

/// How long after the expiry of an unused code the server can know of an approval, in whole seconds.
fn last_known_approval() -> Duration {
    let confirm = lifecycle::Action::Confirm(NumberChoice::NotAsked);
    let can_confirm =
        |expired_for: &Duration| CodeState::Scanned(()).apply(confirm, (), |()| true, Some(*expired_for)).is_ok();
    let last_confirm = (0..).map(Duration::from_secs).take_while(can_confirm).last().unwrap();
    last_confirm + RETENTION
}

#[test]
fn approval_is_found_for_as_long_as_the_server_can_know_of_it() {
    for is_scanned in [false, true] {
        let mut host = Host::polling(Policy::default());
        let expires_at = host.now + Duration::from_secs(120);
        host.wait_for_request();
        if is_scanned {
            host.reply(Ok(checked(scanned())));
            host.wait_for_request();
        }
        host.now = expires_at + last_known_approval();
        host.event(Event::TimerFired);
        assert_eq!(host.sent.last().map(|sent| sent.at), Some(host.now), "scanned: {is_scanned}");
        host.reply(Ok(authorised()));
        assert_eq!(host.state(), ScanState::Confirmed, "scanned: {is_scanned}");
    }
}

#[test]
fn online_visible_and_try_now_drop_the_poll_in_flight_and_ask_anew_without_hold() {
    for event in [
        Event::ConnectionChanged { is_online: true },
        Event::VisibilityChanged { is_visible: true },
        Event::Clicked(Action::TryNow),
    ] {
        let mut host = Host::polling_again(Policy::default());
        let dead = host.in_flight.clone().unwrap();
        assert!(held_status(&dead.request).is_some());
        host.now = host.now + Duration::from_secs(3);
        host.event(event.clone());
        let sent = host.in_flight.clone().unwrap();
        assert_ne!(sent.id, dead.id, "{event:?}");
        assert_eq!((held_status(&sent.request), sent.at), (None, host.now), "{event:?}");
        host.event(Event::Replied(dead.id, Ok(checked(StatusUpdate::Cancelled))));
        host.reply(Ok(checked(StatusUpdate::Unused)));
        assert_eq!(host.callbacks, ["onResult 0"], "{event:?}");
        assert!(held_status(&host.wait_for_request()).is_some(), "the connection works: {event:?}");
    }
}

#[test]
fn exchange_in_flight_is_not_sent_twice_when_the_page_becomes_visible_or_online() {
    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    let exchange = host.in_flight.clone();
    host.event(Event::VisibilityChanged { is_visible: true });
    host.event(Event::ConnectionChanged { is_online: true });
    assert_eq!(host.in_flight, exchange, "a ticket works once");
}

#[test]
fn held_poll_is_given_up_3_s_after_its_wait_and_followed_by_one_without_hold() {
    let mut host = Host::polling_again(without_countdown());
    let sent_at = host.now;
    host.fire_timer();
    assert_eq!(host.now.since(sent_at), Duration::from_secs(28));
    assert_eq!(host.callbacks, [""; 0], "the server may have been silent with reason");
    assert_eq!(held_status(&host.wait_for_request()), None);
    host.reply(Err(network_error()));
    assert_eq!(host.callbacks, ["onError network"]);
}

/// How long the server may hold the next held poll, which is then in flight. Polls before it succeed.
fn next_wait(host: &mut Host) -> Duration {
    for _ in 0..3 {
        if let Request::Check { hold: Some(hold), .. } = host.wait_for_request() {
            return hold.wait;
        }
        host.reply(Ok(checked(StatusUpdate::Unused)));
    }
    panic!("no poll is held");
}

/// The next held poll fails after `milliseconds`.
fn cut_after(host: &mut Host, milliseconds: u64, error: Error) {
    next_wait(host);
    host.now = host.now + Duration::from_millis(milliseconds);
    host.reply(Err(error));
}

#[test]
fn second_cut_in_a_row_shortens_the_next_waits_and_no_cut_is_a_failure() {
    for (error, seconds, wait) in [
        (network_error(), 5, 4),
        (network_error(), 10, 9),
        (Error::from_response(504, None, None), 5, 4),
        (Error::from_response(502, None, None), 10, 9),
    ] {
        let mut host = Host::polling_again(without_countdown());
        for expected in [25, wait] {
            cut_after(&mut host, seconds * 1_000 + 120, error.clone());
            assert_eq!(host.state(), ScanState::Ready, "{error:?}");
            assert_eq!(held_status(&host.wait_for_request()), None, "{error:?}");
            assert_eq!(next_wait(&mut host), Duration::from_secs(expected), "{error:?}");
        }
        for _ in 0..2 {
            host.now = host.now + Duration::from_secs(wait);
            host.reply(Ok(checked(StatusUpdate::Unused)));
            assert_eq!(next_wait(&mut host), Duration::from_secs(wait), "{error:?}");
        }
        assert!(host.callbacks.iter().all(|callback| callback == "onResult 0"), "{error:?}: {:?}", host.callbacks);
    }
}

#[test]
fn poll_that_is_held_for_its_whole_wait_resets_the_count_of_cuts() {
    for (held_for, expected) in [(24_900, 1), (25_000, 25)] {
        let mut host = Host::polling_again(without_countdown());
        cut_after(&mut host, 2_000, network_error());
        next_wait(&mut host);
        host.now = host.now + Duration::from_millis(held_for);
        host.reply(Ok(checked(StatusUpdate::Unused)));
        cut_after(&mut host, 2_000, network_error());
        assert_eq!(next_wait(&mut host), Duration::from_secs(expected), "held for {held_for} ms");
    }
}

#[test]
fn poll_after_a_cut_starts_about_1_s_later_and_not_at_the_same_time_in_all_pages() {
    let delays: BTreeSet<_> = (0..50)
        .map(|seed| {
            let mut host = Host::with_seed(without_countdown(), seed);
            host.event(Event::StartedWith(drawn_code("r1", 120)));
            cut_after(&mut host, 5_000, network_error());
            let cut_at = host.now;
            host.wait_for_request();
            host.now.since(cut_at).as_millis()
        })
        .collect();
    assert!(delays.iter().all(|delay| (800..=1_200).contains(delay)), "{delays:?}");
    assert!(delays.len() > 20, "{delays:?}");
}

#[test]
fn page_that_is_online_again_after_a_cut_asks_at_once() {
    let mut host = Host::polling_again(without_countdown());
    cut_after(&mut host, 5_000, network_error());
    assert_eq!(host.in_flight, None);
    host.event(Event::ConnectionChanged { is_online: true });
    assert_eq!(host.in_flight.map(|sent| sent.at), Some(host.now));
}

#[test]
fn held_poll_that_fails_within_2_s_or_with_retry_after_is_a_failure() {
    for (error, milliseconds) in [(network_error(), 1_900), (unavailable(1), 5_000), (rate_limited(None), 5_000)] {
        let mut host = Host::polling_again(Policy::default());
        host.now = host.now + Duration::from_millis(milliseconds);
        host.reply(Err(error.clone()));
        assert_eq!((host.callbacks.len(), &host.in_flight), (1, &None), "{error:?}");
    }
}

#[test]
fn retry_after_of_a_poll_counts_as_120_s_at_most() {
    let mut host = Host::polling_again(without_countdown());
    host.reply(Err(unavailable(u64::MAX)));
    assert_eq!(host.view.countdown, Some(Countdown::RetryAt((host.now + Duration::from_secs(120)).0)));
}

#[test]
fn page_that_is_left_drops_its_poll_and_asks_at_once_when_it_is_visible_again() {
    let mut host = Host::polling_again(Policy::default());
    host.event(Event::Left);
    assert_eq!((&host.in_flight, host.state()), (&None, ScanState::Ready));
    host.event(Event::VisibilityChanged { is_visible: false });
    host.now = host.now + Duration::from_secs(130);
    host.event(Event::VisibilityChanged { is_visible: true });
    host.reply(Ok(authorised()));
    assert_eq!(host.callbacks, ["onResult 2", "onSuccess alice ticket"]);

    let mut host = Host::polling_again(auto_exchange());
    host.reply(Ok(authorised()));
    host.event(Event::Left);
    assert!(host.in_flight.is_some(), "the ticket of an exchange works once");
}

#[test]
fn person_can_get_a_new_code_if_the_server_is_busy_or_unreachable_past_the_expiry() {
    for (error, problem) in
        [(rate_limited(Some(120)), ConnectionProblem::Busy), (network_error(), ConnectionProblem::Unreachable)]
    {
        let mut host = Host::polling(Policy::default());
        let expires_at = host.now + Duration::from_secs(120);
        while host.now < expires_at + Duration::from_secs(60) {
            if host.in_flight.is_some() {
                host.reply(Err(error.clone()));
            }
            let is_past_end = host.now >= expires_at + EXPIRY_GRACE;
            if is_past_end {
                let hint = (host.state(), host.view.hint());
                assert_eq!(hint, (ScanState::Unreachable(problem), Some("expired")));
            }
            assert_eq!(host.view.action() == Some(Action::NewCode), is_past_end, "{problem:?} at {:?}", host.now);
            host.fire_timer();
        }
        host.event(Event::Clicked(Action::NewCode));
        assert_eq!(host.callbacks[host.callbacks.len() - 2..], ["onRetry", "onCodeDestroyed r1"]);
        host.reply(Ok(Reply::Code(drawn_code("r2", 120))));
        assert_eq!(host.state(), ScanState::Ready, "{problem:?}");
    }
}

#[test]
fn approval_that_is_found_past_the_expiry_before_a_click_wins() {
    let mut host = Host::polling(without_countdown());
    let end = host.now + Duration::from_secs(120) + EXPIRY_GRACE;
    host.wait_for_request();
    host.reply(Err(rate_limited(Some(120))));
    while host.sent.last().is_none_or(|sent| sent.at < end) {
        host.fire_timer();
    }
    host.reply(Err(rate_limited(Some(30))));
    host.wait_for_request();
    assert_eq!(host.view.action(), Some(Action::NewCode));
    host.reply(Ok(authorised()));
    host.event(Event::Clicked(Action::NewCode));
    assert_eq!(host.state(), ScanState::Confirmed);
}
