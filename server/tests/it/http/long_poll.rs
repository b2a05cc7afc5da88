//! A poll that waits is answered at the moment of news, and not before.

use core::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::support::common::{API, Code, Server, pass};

/// A poll that waits for news from status 0, and how long it took.
fn wait(server: &Server, code: &Code, query: &str) -> JoinHandle<(i64, Duration)> {
    let call = server.check_with(code, query);
    tokio::spawn(async move {
        let begin = Instant::now();
        let status = call.await.success()["status"].as_i64().unwrap();
        (status, begin.elapsed())
    })
}

/// Lets everything run that can until somebody waits for news, and holds the clock meanwhile.
async fn until_waiting(server: &Server) {
    while server.state.codes.waiters.is_empty() {
        tokio::task::yield_now().await;
    }
}

fn seconds(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_scan_a_confirm_and_a_cancel_each_wake_the_poll() {
    let server = Server::new();
    for (steps, known, expected) in
        [(&["scanned"][..], 0, 1), (&["scanned", "confirm"], 1, 2), (&["scanned", "cancel"], 1, 3)]
    {
        let code = server.gene().await;
        let (last, before) = steps.split_last().unwrap();
        for step in before {
            server.act(step, &code, "alice").await.success();
        }
        let poll = wait(&server, &code, &format!("&wait=25&status={known}"));
        until_waiting(&server).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!poll.is_finished(), "nothing has happened yet");
        server.act(last, &code, "alice").await.success();
        let (status, took) = poll.await.unwrap();
        assert_eq!((status, seconds(took)), (expected, 3), "{last}");
        assert!(server.state.codes.waiters.is_empty(), "nobody is left behind");
    }
}

#[tokio::test(start_paused = true)]
async fn all_polls_of_a_code_are_woken_and_those_of_others_are_not() {
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    let polls = [wait(&server, &code, "&wait=20&status=0"), wait(&server, &code, "&wait=20&status=0")];
    let elsewhere = wait(&server, &other, "&wait=20&status=0");
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.act("scanned", &code, "alice").await.success();
    for poll in polls {
        assert_eq!(poll.await.unwrap().0, 1);
    }
    let (status, took) = elsewhere.await.unwrap();
    assert_eq!((status, seconds(took)), (0, 20));
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_meets_no_news_ends_after_its_wait() {
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
        let (status, took) = wait(&server, &code, query).await.unwrap();
        assert_eq!((status, seconds(took)), (0, expected), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_answered_at_the_moment_of_expiry() {
    let server = Server::new();
    let code = server.gene().await;
    pass(110).await;
    let (status, took) = wait(&server, &code, "&wait=25&status=0").await.unwrap();
    assert_eq!(status, -1);
    assert!((9_999..=10_010).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_scanned_code_expires_a_minute_later() {
    let server = Server::new();
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    pass(170).await;
    let (status, took) = wait(&server, &code, "&wait=25&status=1").await.unwrap();
    assert_eq!((status, seconds(took)), (-1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_answers_the_polls_that_wait_and_keeps_no_new_ones() {
    let server = Server::new();
    let code = server.gene().await;
    let poll = wait(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.state.stop();
    let (status, took) = poll.await.unwrap();
    assert_eq!((status, seconds(took)), (0, 2));
    let (_, took) = wait(&server, &code, "&wait=25&status=0").await.unwrap();
    assert_eq!(seconds(took), 0);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_goes_away_leaves_nothing_behind() {
    let server = Server::new();
    let code = server.gene().await;
    let poll = wait(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    assert!(server.state.codes.waiters.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_phone_that_hangs_up_half_way_does_not_keep_the_page_from_its_news() {
    let server = Server::slow(Duration::ZERO, Duration::from_secs(1));
    let code = server.gene().await;
    let poll = wait(&server, &code, "&wait=25&status=0");
    until_waiting(&server).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let phone = tokio::spawn(server.act("scanned", &code, "alice").into_future());
    tokio::time::sleep(Duration::from_millis(500)).await;
    phone.abort();
    assert!(phone.await.unwrap_err().is_cancelled());
    let (status, took) = poll.await.unwrap();
    assert_eq!((status, seconds(took)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_wait_or_a_status_that_is_no_number_is_refused_by_name() {
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
        let reply = server.check_with(&code, &format!("&{name}={value}")).await;
        reply.is_refused(2231, "invalid-parameter");
        assert!(reply.message().contains(name), "{name}={value}: {}", reply.message());
    }
    let twice = server.get(&format!("{API}/check?random=a&random=b")).await;
    twice.is_refused(2231, "invalid-parameter");
}
