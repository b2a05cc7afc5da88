//! The system clock is set back or forward while the server runs.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use jiff::SignedDuration;
use scanlogin_server::Config;
use scanlogin_server::clock::Clock;
use scanlogin_server::store::sqlite::SqliteStore;
use tokio::time::Instant;

use crate::support::test_server::{Server, advance_clock, start_time};
use crate::support::timeout::yield_until;

const HOUR: i64 = 3_600;

/// A server whose clock a test can set. It runs with the clock of tokio.
struct ServerWithClock {
    server: Server,
    /// How far the clock is set forward, in seconds.
    offset: Arc<AtomicI64>,
}

impl ServerWithClock {
    fn new() -> Self {
        let offset = Arc::<AtomicI64>::default();
        let (steps, base) = (Arc::clone(&offset), Clock::starting_at(start_time()));
        let clock = Clock::new(move || base.now() + SignedDuration::from_secs(steps.load(Ordering::Relaxed)));
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        Self { server: Server::with_clock(Config::demo().unwrap(), store, clock), offset }
    }

    fn set(&self, offset: i64) {
        self.offset.store(offset, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn clock_set_back_revives_no_expired_code() {
    for back in [2, 60, 119, HOUR - 1] {
        let clock = ServerWithClock::new();
        let server = &clock.server;
        let code = server.gene().await;
        advance_clock(121).await;
        assert_eq!(server.status(&code).await, -1);
        clock.set(-back);
        assert_eq!(server.status(&code).await, -1, "set back by {back} s");
        server.act("scanned", &code, "alice").await.assert_error(500, "expired");
    }
}

#[tokio::test(start_paused = true)]
async fn clock_set_back_keeps_an_expired_ticket_expired() {
    let clock = ServerWithClock::new();
    let ticket = clock.server.ticket(&clock.server.gene().await, "alice").await;
    advance_clock(301).await;
    clock.server.exchange(&ticket).await.assert_error(2231, "ticket-expired");
    clock.set(-60);
    clock.server.exchange(&ticket).await.assert_error(2231, "ticket-expired");
}

#[tokio::test(start_paused = true)]
async fn new_codes_live_and_expire_after_the_clock_was_set_back() {
    let clock = ServerWithClock::new();
    let server = &clock.server;
    server.gene().await;
    clock.set(-60);
    let code = server.gene().await;
    advance_clock(119).await;
    assert_eq!(server.status(&code).await, 0);
    // The clock of lifetimes runs at half speed until the other clock has caught up, after 120 s.
    advance_clock(62).await;
    assert_eq!(server.status(&code).await, -1);
}

#[tokio::test(start_paused = true)]
async fn codes_and_tickets_from_the_future_are_unknown() {
    let clock = ServerWithClock::new();
    let server = &clock.server;
    let (code, other) = (server.gene().await, server.gene().await);
    let ticket = server.ticket(&other, "alice").await;
    clock.set(-2 * HOUR);
    server.check(&code).await.assert_error(2241, "unknown-code");
    server.act("scanned", &code, "alice").await.assert_error(2241, "unknown-code");
    server.exchange(&ticket).await.assert_error(2231, "unknown-ticket");
    assert_eq!(server.status(&server.gene().await).await, 0, "a new code works");
}

#[tokio::test(start_paused = true)]
async fn code_of_a_server_whose_clock_is_fast_by_less_than_a_minute_is_accepted() {
    let (fast, slow) = (Clock::starting_at(start_time() + SignedDuration::from_secs(59)), start_time());
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let server = |clock| Server::with_clock(Config::demo().unwrap(), Arc::clone(&store) as _, clock);
    let code = server(fast).gene().await;
    assert_eq!(server(Clock::starting_at(slow)).status(&code).await, 0);
}

#[tokio::test(start_paused = true)]
async fn poll_ends_within_two_seconds_after_the_clock_is_set_forward() {
    let clock = ServerWithClock::new();
    let state = Arc::clone(&clock.server.state);
    let watch = tokio::spawn(async move { state.codes.watch_clock().await });
    let code = clock.server.gene().await;
    let request = clock.server.check_with(&code, "&wait=30&status=0");
    let poll = tokio::spawn(async move { request.await.success()["status"].as_i64().unwrap() });
    yield_until("a waiting poll", || !clock.server.state.codes.notifier.is_empty()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!poll.is_finished());
    let begin = Instant::now();
    clock.set(200);
    assert_eq!(poll.await.unwrap(), -1);
    assert!(begin.elapsed() <= Duration::from_secs(2), "{:?}", begin.elapsed());
    watch.abort();
}
