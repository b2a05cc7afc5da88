//! Long polls: the response is sent when the status changes, or after the wait.

use core::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::http::metrics;
use crate::support::test_server::{API, Code, Server, advance_clock};
use crate::support::timeout::yield_until;

/// Starts a poll. Its task returns the status and the time until the response.
fn start_poll(server: &Server, code: &Code, query: &str) -> JoinHandle<(i64, Duration)> {
    let request = server.check_with(code, query);
    tokio::spawn(async move {
        let start = Instant::now();
        let status = request.await.success()["status"].as_i64().unwrap();
        (status, start.elapsed())
    })
}

/// Yields until a poll waits. The paused clock does not advance meanwhile.
async fn until_waiting(server: &Server) {
    yield_until("a waiting poll", || !server.state.codes.notifier.is_empty()).await;
}

/// Rounds to whole seconds.
fn seconds(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

#[tokio::test(start_paused = true)]
async fn scan_confirm_and_cancel_each_wake_the_poll() {
    let server = Server::new();
    for (steps, known, expected) in
        [(&["scanned"][..], 0, 1), (&["scanned", "confirm"], 1, 2), (&["scanned", "cancel"], 1, 3)]
    {
        let code = server.gene().await;
        let (last, previous) = steps.split_last().unwrap();
        for step in previous {
            server.act(step, &code, "alice").await.success();
        }
        let poll = start_poll(&server, &code, &format!("&wait=25&status={known}"));
        until_waiting(&server).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!poll.is_finished(), "the poll waits for the transition");
        server.act(last, &code, "alice").await.success();
        let (status, duration) = poll.await.unwrap();
        assert_eq!((status, seconds(duration)), (expected, 3), "{last}");
        assert!(server.state.codes.notifier.is_empty(), "no subscription is left");
    }
}

#[tokio::test(start_paused = true)]
async fn transition_wakes_all_polls_of_its_code_and_no_others() {
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    let polls = [start_poll(&server, &code, "&wait=20&status=0"), start_poll(&server, &code, "&wait=20&status=0")];
    let poll_of_other = start_poll(&server, &other, "&wait=20&status=0");
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.act("scanned", &code, "alice").await.success();
    for poll in polls {
        assert_eq!(poll.await.unwrap().0, 1);
    }
    let (status, duration) = poll_of_other.await.unwrap();
    assert_eq!((status, seconds(duration)), (0, 20));
}

#[tokio::test(start_paused = true)]
async fn poll_without_a_change_ends_after_its_wait() {
    let server = Server::new();
    for (query, expected) in [
        ("", 0),
        ("&status=0", 0),
        ("&wait=25", 0),
        ("&wait=25&status=1", 0),
        ("&wait=0&status=0", 0),
        ("&wait=25&status=0", 25),
        ("&wait=30&status=0", 30),
        ("&wait=4000000000&status=0", 30),
    ] {
        let code = server.gene().await;
        let (status, duration) = start_poll(&server, &code, query).await.unwrap();
        assert_eq!((status, seconds(duration)), (0, expected), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn poll_ends_at_the_moment_of_expiry() {
    let server = Server::new();
    let code = server.gene().await;
    advance_clock(110).await;
    let (status, duration) = start_poll(&server, &code, "&wait=25&status=0").await.unwrap();
    assert_eq!(status, -1);
    assert!((9_999..=10_010).contains(&duration.as_millis()), "{duration:?}");
}

#[tokio::test(start_paused = true)]
async fn scanned_code_expires_60_s_later_than_an_unused_one() {
    let server = Server::new();
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    advance_clock(170).await;
    let (status, duration) = start_poll(&server, &code, "&wait=25&status=1").await.unwrap();
    assert_eq!((status, seconds(duration)), (-1, 10));
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_waiting_polls_and_new_polls_return_at_once() {
    let server = Server::new();
    let code = server.gene().await;
    let poll = start_poll(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.state.stop();
    let (status, duration) = poll.await.unwrap();
    assert_eq!((status, seconds(duration)), (0, 2));
    let (_, duration) = start_poll(&server, &code, "&wait=25&status=0").await.unwrap();
    assert_eq!(seconds(duration), 0);
}

#[tokio::test(start_paused = true)]
async fn aborted_poll_leaves_no_subscription() {
    let server = Server::new();
    let code = server.gene().await;
    let poll = start_poll(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    assert!(server.state.codes.notifier.is_empty());
}

#[tokio::test(start_paused = true)]
async fn aborted_scan_request_still_wakes_the_poll() {
    let server = Server::with_slow_store(Duration::ZERO, Duration::from_secs(1));
    let code = server.gene().await;
    let poll = start_poll(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let scan = tokio::spawn(server.act("scanned", &code, "alice").into_future());
    tokio::time::sleep(Duration::from_millis(500)).await;
    scan.abort();
    assert!(scan.await.unwrap_err().is_cancelled());
    let (status, duration) = poll.await.unwrap();
    assert_eq!((status, seconds(duration)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn non_numeric_wait_and_status_are_refused_by_name() {
    let server = Server::new();
    let code = server.gene().await;
    for (name, value) in [
        ("wait", "soon"),
        ("wait", "-1"),
        ("wait", "2.5"),
        ("wait", ""),
        ("wait", "99999999999999999999"),
        ("status", "unused"),
        ("status", ""),
        ("status", "1.0"),
    ] {
        let response = server.check_with(&code, &format!("&{name}={value}")).await;
        response.assert_error(2231, "invalid-parameter");
        assert!(response.message().contains(name), "{name}={value}: {}", response.message());
    }
    let duplicate = server.get(&format!("{API}/check?random=a&random=b")).await;
    duplicate.assert_error(2231, "invalid-parameter");
    assert!(
        duplicate.message().starts_with("query: ") && !duplicate.message().contains("deserialize"),
        "{}",
        duplicate.message()
    );
}

#[tokio::test(start_paused = true)]
async fn held_poll_reads_the_store_twice_in_every_state() {
    let find = "scanlogin_store_operation_duration_seconds_count{operation=\"find\"}";
    for (steps, age, status) in [
        (&[][..], 0, 0),
        (&["scanned"], 0, 1),
        (&["scanned", "confirm"], 0, 2),
        (&["scanned", "cancel"], 0, 3),
        (&[], 121, -1),
        (&["scanned"], 181, -1),
    ] {
        let server = Server::new();
        let code = server.gene().await;
        for step in steps {
            server.act(step, &code, "alice").await.success();
        }
        advance_clock(age).await;
        let before = metrics::value(&server, find).await;
        let poll = start_poll(&server, &code, &format!("&wait=30&status={status}"));
        let (answer, duration) = poll.await.unwrap();
        assert_eq!((answer, seconds(duration)), (status, 30), "{steps:?}");
        let reads = metrics::value(&server, find).await - before;
        assert!((1.0..=2.0).contains(&reads), "{steps:?}, {age} s old: {reads} reads");
    }
}
