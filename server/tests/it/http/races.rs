//! Concurrent requests: exactly one succeeds, and the others get an error.

use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::support::test_server::{Server, disable_approver_limits, reason_counts, send_concurrently};
use crate::support::test_stores::SlowStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_100_concurrent_scans_by_different_users_succeeds() {
    let server = Server::with_config(disable_approver_limits);
    let code = server.gene().await;
    let scans = (0..100).map(|at| server.act("scanned", &code, &format!("user{at}"))).collect();
    assert_eq!(send_concurrently(scans).await, reason_counts([("ok", 1), ("already-scanned", 99)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_confirms_and_cancels_have_one_outcome() {
    for _ in 0..5 {
        let server = Server::with_config(disable_approver_limits);
        let code = server.gene().await;
        server.act("scanned", &code, "alice").await.success();
        let requests = (0..100).map(|at| server.act(["confirm", "cancel"][at % 2], &code, "alice")).collect();
        let reasons = send_concurrently(requests).await;
        // Confirm is idempotent; cancel is not.
        match server.status(&code).await {
            2 => assert_eq!(reasons, reason_counts([("ok", 50), ("already-ended", 50)])),
            3 => assert_eq!(reasons, reason_counts([("ok", 1), ("already-ended", 99)])),
            status => panic!("status {status}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_actions_on_the_same_revision_have_one_outcome() {
    // The delay makes all requests read the record before the first one writes it.
    let store = SqliteStore::in_memory().unwrap();
    let store = SlowStore { store, find_delay: Duration::from_secs(1), swap_delay: Duration::ZERO };
    let mut config = Config::demo().unwrap();
    disable_approver_limits(&mut config);
    let server = Server::with_store(config, Arc::new(store));
    let code = server.gene().await;
    let scans = (0..100).map(|at| server.act("scanned", &code, &format!("user{at}"))).collect();
    assert_eq!(send_concurrently(scans).await, reason_counts([("ok", 1), ("already-scanned", 99)]));

    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    let requests = (0..100).map(|at| server.act(["cancel", "confirm"][at % 2], &code, "alice")).collect();
    let reasons = send_concurrently(requests).await;
    match server.status(&code).await {
        2 => assert_eq!(reasons, reason_counts([("ok", 50), ("already-ended", 50)])),
        3 => assert_eq!(reasons, reason_counts([("ok", 1), ("already-ended", 99)])),
        status => panic!("status {status}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_50_concurrent_exchanges_succeeds() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    let exchanges = (0..50).map(|_| server.exchange(&ticket)).collect();
    assert_eq!(send_concurrently(exchanges).await, reason_counts([("ok", 1), ("ticket-used", 49)]));
    let second = server.ticket(&server.gene().await, "alice").await;
    assert_eq!(server.exchange(&second).await.success()["loginsCount"], 2, "the first ticket counted once");
}
