//! Many at once: exactly one wins, and the losers are told.

use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::support::common::{Server, counts, crowded, race};
use crate::support::test_stores::SlowStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_users_who_scan_one_code_one_has_it() {
    let server = Server::with(crowded);
    let code = server.gene().await;
    let scans = (0..100).map(|at| server.act("scanned", &code, &format!("user{at}"))).collect();
    assert_eq!(race(scans).await, counts([("ok", 1), ("already-scanned", 99)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_who_confirm_and_cancel_one_kind_wins() {
    for _ in 0..5 {
        let server = Server::with(crowded);
        let code = server.gene().await;
        server.act("scanned", &code, "alice").await.success();
        let calls = (0..100).map(|at| server.act(["confirm", "cancel"][at % 2], &code, "alice")).collect();
        let result = race(calls).await;
        // A confirm that comes again is a success again; a cancel is not.
        match server.status(&code).await {
            2 => assert_eq!(result, counts([("ok", 50), ("already-ended", 50)])),
            3 => assert_eq!(result, counts([("ok", 1), ("already-ended", 99)])),
            status => panic!("status {status}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_who_have_all_seen_the_code_open_are_told_that_one_was_faster() {
    // All of them have read before the first one writes.
    let store = SqliteStore::in_memory().unwrap();
    let store = SlowStore { store, after_find: Duration::from_secs(1), after_swap: Duration::ZERO };
    let mut config = Config::demo().unwrap();
    crowded(&mut config);
    let server = Server::of(config, Arc::new(store));
    let code = server.gene().await;
    let scans = (0..100).map(|at| server.act("scanned", &code, &format!("user{at}"))).collect();
    assert_eq!(race(scans).await, counts([("ok", 1), ("already-scanned", 99)]));

    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    let calls = (0..100).map(|at| server.act(["cancel", "confirm"][at % 2], &code, "alice")).collect();
    let result = race(calls).await;
    match server.status(&code).await {
        2 => assert_eq!(result, counts([("ok", 50), ("already-ended", 50)])),
        3 => assert_eq!(result, counts([("ok", 1), ("already-ended", 99)])),
        status => panic!("status {status}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ticket_that_is_brought_fifty_times_at_once_works_once() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    let exchanges = (0..50).map(|_| server.exchange(&ticket)).collect();
    assert_eq!(race(exchanges).await, counts([("ok", 1), ("ticket-used", 49)]));
    let second = server.ticket(&server.gene().await, "alice").await;
    assert_eq!(server.exchange(&second).await.success()["loginsCount"], 2, "and counted once");
}
