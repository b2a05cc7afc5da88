//! When polls start, and how many a code needs.

use core::time::Duration;

use scanlogin_protocol::wire::{MAX_WAIT_SECONDS, Scene, Status};

use super::host::{Host, authorised, checked, drawn_code, held_status, network_error, scanned};
use crate::session::{Event, Instant, Policy, Reply, Request, StatusUpdate};
use crate::view_model::ScanState;

/// The least time between the starts of two polls that follow the interval.
const LEAST_INTERVAL: Duration = Duration::from_millis(640);

/// A host whose first poll is in flight.
fn first_poll(policy: Policy) -> Host {
    let mut host = Host::loading(policy);
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    host
}

/// A server with one code that nobody scans. A message takes 20 ms in each direction.
struct Server {
    /// The longest hold of a poll. Zero for a server that ignores `wait`.
    max_hold: Duration,
    expires_at: Instant,
}

impl Server {
    const LATENCY: Duration = Duration::from_millis(20);

    /// The time and the content of the response to the poll in flight.
    fn response(&self, host: &Host) -> Option<(Instant, StatusUpdate<String>)> {
        let sent = host.in_flight.as_ref()?;
        let Request::Check { hold, .. } = sent.request else { return None };
        let received_at = sent.at + Self::LATENCY;
        let held_for = hold.map_or(Duration::ZERO, |hold| hold.wait.min(self.max_hold));
        let answered_at = (received_at + held_for).min(self.expires_at.max(received_at));
        let status = if answered_at < self.expires_at { StatusUpdate::Unused } else { StatusUpdate::Expired };
        Some((answered_at + Self::LATENCY, status))
    }

    /// Runs the life of a code that nobody scans. Returns the host afterwards.
    fn run(max_hold: Duration, policy: Policy) -> Host {
        let mut host = Host::loading(policy);
        host.now = host.now + Self::LATENCY;
        let server = Self { max_hold, expires_at: host.now + Duration::from_secs(120) };
        host.now = host.now + Self::LATENCY;
        host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
        while host.state() != ScanState::Expired {
            match server.response(&host) {
                Some((at, status)) if host.wake_at.is_none_or(|wake_at| at <= wake_at) => {
                    host.now = at;
                    host.reply(Ok(checked(status)));
                }
                Some(_) | None => host.fire_timer(),
            }
        }
        host
    }
}

#[test]
fn unused_code_needs_at_most_6_requests_from_gene_to_its_expiry() {
    let host = Server::run(Duration::from_secs(MAX_WAIT_SECONDS.into()), Policy::default());
    let starts: Vec<_> = host.sent.iter().map(|sent| sent.at.since(host.sent[0].at)).collect();
    assert!(starts.len() <= 6, "{} requests: {starts:?}", starts.len());
}

#[test]
fn server_that_ignores_wait_is_polled_at_the_interval() {
    let host = Server::run(Duration::ZERO, Policy::default());
    for pair in host.sent[1..].windows(2) {
        let interval = pair[1].at.since(pair[0].at);
        assert!(interval >= LEAST_INTERVAL, "{interval:?}");
    }
}

#[test]
fn server_that_ignores_wait_gets_one_early_poll_for_each_news() {
    let mut host = first_poll(Policy::default());
    let (unused, scanned) = (StatusUpdate::Unused, scanned());
    // The status also goes back, as with a replica that is late.
    let updates = [&unused, &unused, &scanned, &scanned, &unused, &scanned, &unused, &scanned, &scanned];
    for update in updates.into_iter().cycle().take(60) {
        host.wait_for_request();
        host.now = host.now + Duration::from_millis(5);
        host.reply(Ok(checked(update.clone())));
    }
    let early = host.sent[1..].windows(2).filter(|pair| pair[1].at.since(pair[0].at) < LEAST_INTERVAL).count();
    assert_eq!(early, 1, "the scan");
}

#[test]
fn poll_after_news_starts_at_once_if_the_server_is_to_hold_it() {
    let mut host = first_poll(Policy::default());
    assert_eq!(held_status(&host.in_flight.as_ref().unwrap().request), Some(Status::Unused));
    host.now = host.now + Duration::from_millis(100);
    host.reply(Ok(checked(scanned())));
    let sent = host.in_flight.clone().unwrap();
    assert_eq!((held_status(&sent.request), sent.at), (Some(Status::Scanned), host.now));
    host.now = host.now + Duration::from_millis(100);
    host.reply(Ok(authorised()));
    assert_eq!(host.state(), ScanState::Confirmed);
}

#[test]
fn poll_after_one_without_hold_starts_at_once_if_the_server_is_to_hold_it() {
    let mut host = first_poll(Policy::default());
    host.reply(Err(network_error()));
    assert_eq!(held_status(&host.wait_for_request()), None);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    assert_eq!(host.in_flight.as_ref().map(|sent| sent.at), Some(host.now));
    assert_eq!(held_status(&host.wait_for_request()), Some(Status::Unused));
}

#[test]
fn poll_after_news_waits_for_the_interval_if_the_server_is_not_to_hold_it() {
    for (policy, may_hold) in [(Policy { long_poll: false, ..Policy::default() }, true), (Policy::default(), false)] {
        let mut host = Host::loading(policy);
        host.may_hold = may_hold;
        host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
        for update in [StatusUpdate::Unused, scanned()] {
            assert_eq!(held_status(&host.wait_for_request()), None);
            let sent_at = host.now;
            host.reply(Ok(checked(update)));
            host.wait_for_request();
            assert!(host.now.since(sent_at) >= LEAST_INTERVAL);
        }
    }
}

#[test]
fn hidden_page_does_not_hold_its_first_poll() {
    let mut host = Host::loading(Policy::default());
    host.event(Event::VisibilityChanged { is_visible: false });
    host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
    assert_eq!(held_status(&host.wait_for_request()), None);
}

#[test]
fn first_poll_is_not_held_if_the_page_has_on_result_and_the_second_starts_at_once() {
    let mut host = first_poll(Policy { reports_results: true, ..Policy::default() });
    assert_eq!(held_status(&host.in_flight.as_ref().unwrap().request), None);
    host.reply(Ok(checked(StatusUpdate::Unused)));
    let sent = host.in_flight.clone().unwrap();
    assert_eq!((held_status(&sent.request), sent.at), (Some(Status::Unused), host.now));
}

#[test]
fn codes_that_end_at_once_are_replaced_once_an_interval() {
    for (policy, end) in [
        (Policy { refresh_on_cancel: true, ..Policy::default() }, StatusUpdate::Cancelled),
        (Policy { auto_refresh: 100, ..Policy::default() }, StatusUpdate::Expired),
    ] {
        let mut host = Host::loading(policy);
        let start = host.now;
        for _ in 0..10 {
            assert_eq!(host.wait_for_request(), Request::Gene(Scene::App));
            host.reply(Ok(Reply::Code(drawn_code("r1", 120))));
            host.reply(Ok(checked(end.clone())));
        }
        assert!(host.now.since(start) >= Duration::from_millis(9 * 800), "{end:?}: {:?}", host.now.since(start));
    }
}

#[test]
fn restored_page_asks_at_once_and_only_once() {
    let visible = Event::VisibilityChanged { is_visible: true };
    let shown = |is_visible| Event::PageShown { is_visible };
    for events in [vec![shown(true)], vec![visible.clone(), shown(true)], vec![shown(false), visible]] {
        let mut host = Host::polling_again(Policy::default());
        host.event(Event::Left);
        host.sent.clear();
        for event in &events {
            host.event(event.clone());
        }
        let sent: Vec<Instant> = host.sent.iter().map(|sent| sent.at).collect();
        assert_eq!(sent, [host.now], "{events:?}");
        host.reply(Ok(authorised()));
        assert_eq!(host.callbacks, ["onResult 2", "onSuccess alice ticket"]);
    }
}

#[test]
fn page_that_is_loaded_keeps_its_poll() {
    let mut host = Host::polling_again(Policy::default());
    let sent = host.sent.clone();
    host.event(Event::PageShown { is_visible: true });
    assert_eq!((host.in_flight.as_ref(), &host.sent), (sent.last(), &sent));
}
