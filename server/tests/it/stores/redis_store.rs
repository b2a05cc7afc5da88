//! Features of the Redis store that other stores lack: expiry of keys, and notifications between processes.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_server::store::Store as _;
use scanlogin_server::store::notify::{CodeNotifier, CodeSubscription};
use scanlogin_server::store::record::Record;
use scanlogin_server::store::user::User;

use crate::stores::every_store::{alice, now, unused_record};
use crate::support::redis_server::{Persistence, RedisServer};
use crate::support::timeout::within_timeout;

/// Waits until `subscription` is woken.
pub(crate) async fn wait_for_wake(subscription: &mut CodeSubscription) {
    within_timeout("a wake of a subscription", subscription.changed()).await;
}

/// When Redis deletes `key`, in milliseconds since 1970.
fn expiry_time(redis: &RedisServer, key: &str) -> i64 {
    redis.command(&format!("PEXPIRETIME {key}"))[0].strip_prefix(':').unwrap().parse().unwrap()
}

#[tokio::test]
async fn redis_keys_of_a_code_expire_at_the_purge_time_of_the_record() {
    let redis = RedisServer::start(Persistence::None);
    let store = redis.open().await;
    store.insert(unused_record("code")).await.unwrap();
    let assert_keys_expire_with = |record: &Record| {
        let is_of_a_code = |line: &String| line.starts_with("scanlogin:") && line != "scanlogin:ping";
        let keys: Vec<String> = redis.command("KEYS *").into_iter().filter(is_of_a_code).collect();
        assert_eq!(keys.len(), 2, "{keys:?}");
        for key in keys {
            assert_eq!(expiry_time(&redis, &key), record.purge_at().as_millisecond(), "{key}");
        }
    };
    let mut last_expiry: Option<Timestamp> = None;
    for state in [CodeState::Unused, CodeState::Scanned(alice()), CodeState::Authorised(alice())] {
        let (record, revision) = store.find("code").await.unwrap().unwrap();
        let record = Arc::new(record.with_state(state, now(), Duration::from_secs(1_800)));
        assert!(store.swap(record.clone(), revision).await.unwrap());
        assert_keys_expire_with(&record);
        assert!(last_expiry.is_none_or(|last| last < record.purge_at()), "each transition extends the expiry");
        last_expiry = Some(record.purge_at());
    }
}

#[tokio::test]
async fn only_successful_swaps_are_published_to_other_processes() {
    let redis = RedisServer::start(Persistence::None);
    let (publisher, subscriber) = (redis.open().await, Arc::new(redis.open().await));
    let notifier = CodeNotifier::default();
    let (mut subscription, mut other) = (notifier.subscribe("code"), notifier.subscribe("other"));
    let listening = {
        let (subscriber, notifier) = (Arc::clone(&subscriber), notifier.clone());
        tokio::spawn(async move { subscriber.listen(notifier).await })
    };
    // The start of the subscription at Redis wakes every code subscription once.
    wait_for_wake(&mut subscription).await;
    wait_for_wake(&mut other).await;

    publisher.insert(unused_record("other")).await.unwrap();
    publisher.insert(unused_record("code")).await.unwrap();
    let (record, revision) = publisher.find("code").await.unwrap().unwrap();
    let scanned = Arc::new(record.with_state(CodeState::Scanned(alice()), now(), Duration::from_secs(300)));
    assert!(publisher.swap(scanned.clone(), revision).await.unwrap());
    wait_for_wake(&mut subscription).await;
    assert!(!publisher.swap(scanned, revision).await.unwrap());
    // Redis delivers notifications in order. When this one arrives, any earlier one has arrived too.
    redis.command("PUBLISH scanlogin:news last");
    let mut last = notifier.subscribe("last");
    redis.command("PUBLISH scanlogin:news last");
    wait_for_wake(&mut last).await;
    for subscription in [&mut subscription, &mut other] {
        let wake = tokio::time::timeout(Duration::ZERO, subscription.changed());
        assert!(wake.await.is_err(), "an insert and a failed swap publish nothing");
    }
    listening.abort();
}

#[tokio::test]
async fn subscriptions_are_woken_when_the_redis_connection_is_restored() {
    let mut redis = RedisServer::start(Persistence::None);
    let store = Arc::new(redis.open().await);
    let notifier = CodeNotifier::default();
    let mut subscription = notifier.subscribe("code");
    let listening = {
        let (store, notifier) = (Arc::clone(&store), notifier.clone());
        tokio::spawn(async move { store.listen(notifier).await })
    };
    wait_for_wake(&mut subscription).await;
    redis.kill();
    redis.restart();
    wait_for_wake(&mut subscription).await;
    // Later notifications arrive too.
    assert_eq!(redis.command("PUBLISH scanlogin:news code"), [":1"]);
    wait_for_wake(&mut subscription).await;
    listening.abort();
}

#[tokio::test]
async fn record_is_read_again_only_after_a_change() {
    let redis = RedisServer::start(Persistence::None);
    let (store, other) = (redis.open().await, redis.open().await);
    store.insert(unused_record("code")).await.unwrap();
    let (record, revision) = store.find("code").await.unwrap().unwrap();
    for _ in 0..3 {
        assert_eq!(store.find("code").await.unwrap().unwrap(), (Arc::clone(&record), revision));
    }
    assert_eq!(redis.call_count("hmget").as_deref(), Some("1"), "reads of the record");

    let scanned = Arc::new(record.with_state(CodeState::Scanned(alice()), now(), Duration::from_secs(300)));
    assert!(other.swap(Arc::clone(&scanned), revision).await.unwrap());
    let (found, _) = store.find("code").await.unwrap().unwrap();
    assert_eq!(found, scanned, "a change by another server is visible at once");
    assert_eq!(redis.call_count("hmget").as_deref(), Some("2"), "reads of the record");

    redis.command("FLUSHALL");
    assert_eq!(store.find("code").await.unwrap(), None, "a deleted code is not found");
}

#[tokio::test]
async fn change_that_redis_lost_is_not_returned_for_another_change_of_the_same_revision() {
    let mut redis = RedisServer::start(Persistence::None);
    let store = redis.open().await;
    let change = async |redis: &RedisServer, state: CodeState<User>| {
        let other = redis.open().await;
        other.insert(unused_record("code")).await.unwrap();
        let (record, revision) = other.find("code").await.unwrap().unwrap();
        let changed = Arc::new(record.with_state(state, now(), Duration::from_secs(300)));
        assert!(other.swap(Arc::clone(&changed), revision).await.unwrap());
        changed
    };
    let scanned = change(&redis, CodeState::Scanned(alice())).await;
    let (found, revision) = store.find("code").await.unwrap().unwrap();
    assert_eq!(found, scanned);

    redis.kill();
    redis.restart();
    let cancelled = change(&redis, CodeState::Cancelled(alice())).await;
    // The first command after the restart may fail, because it is sent on the old connection.
    let found = match store.find("code").await {
        Err(_) => store.find("code").await.unwrap(),
        Ok(found) => found,
    };
    assert_eq!(found, Some((cancelled, revision)));
}

/// How often Redis has read from a connection.
fn reads_from_connections(redis: &RedisServer) -> u64 {
    let statistics = redis.command("INFO stats");
    let reads = statistics.iter().find_map(|line| line.strip_prefix("total_reads_processed:"));
    reads.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn commands_of_concurrent_requests_are_sent_together() {
    let redis = RedisServer::start(Persistence::None);
    let store = Arc::new(redis.open().await);
    let before = reads_from_connections(&redis);
    let mut finding = tokio::task::JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        finding.spawn(async move { store.find(&format!("code {number}")).await });
    }
    assert!(finding.join_all().await.into_iter().all(|found| found == Ok(None)));
    assert_eq!(redis.call_count("hmget").as_deref(), Some("100"));
    let reads = reads_from_connections(&redis) - before;
    assert!(reads < 20, "Redis has read {reads} times for 100 commands");
}
