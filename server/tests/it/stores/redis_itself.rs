//! What Redis does beyond what every store must: it forgets by itself, and tells one process of another's doing.

use core::time::Duration;
use std::sync::Arc;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::Life;
use scanlogin_server::store::Store as _;
use scanlogin_server::store::notify::{Waiter, Waiters};
use scanlogin_server::store::record::Record;

use crate::stores::every_store::{alice, now, unused};
use crate::support::redis_server::{Keeps, RedisServer};

/// Waits for news that must come; so long in vain that there is no doubt.
pub(crate) async fn news(waiter: &mut Waiter) {
    tokio::time::timeout(Duration::from_secs(60), waiter.news()).await.expect("news");
}

/// Until when Redis keeps `key`, in milliseconds since 1970.
fn kept_until(redis: &RedisServer, key: &str) -> i64 {
    redis.ask(&format!("PEXPIRETIME {key}"))[0].strip_prefix(':').unwrap().parse().unwrap()
}

#[tokio::test]
async fn all_that_is_kept_of_a_code_expires_when_the_code_may_be_forgotten() {
    let redis = RedisServer::start(Keeps::Nothing);
    let store = redis.open().await;
    store.insert(unused("code")).await.unwrap();
    let expires_as = |record: &Record| {
        let keys: Vec<String> = redis.ask("KEYS *").into_iter().filter(|line| line.starts_with("scanlogin:")).collect();
        assert_eq!(keys.len(), 2, "{keys:?}");
        for key in keys {
            assert_eq!(kept_until(&redis, &key), record.forget_at().as_millisecond(), "{key}");
        }
    };
    let mut forget_at: Option<Timestamp> = None;
    for life in [Life::Unused, Life::Scanned(alice()), Life::Authorised(alice())] {
        let (record, revision) = store.find("code").await.unwrap().unwrap();
        let record = record.step(life, now(), Duration::from_secs(1_800));
        assert!(store.swap(record.clone(), revision).await.unwrap());
        expires_as(&record);
        assert!(forget_at.is_none_or(|before| before < record.forget_at()), "a later one each time");
        forget_at = Some(record.forget_at());
    }
}

#[tokio::test]
async fn each_step_of_a_code_is_news_to_every_process_and_nothing_else_is() {
    let redis = RedisServer::start(Keeps::Nothing);
    let (here, there) = (redis.open().await, Arc::new(redis.open().await));
    let waiters = Waiters::default();
    let (mut waiter, mut other) = (waiters.listen("code"), waiters.listen("other"));
    let listening = {
        let (there, waiters) = (Arc::clone(&there), waiters.clone());
        tokio::spawn(async move { there.listen(waiters).await })
    };
    // That it listens from now on is news for everybody.
    news(&mut waiter).await;
    news(&mut other).await;

    here.insert(unused("other")).await.unwrap();
    here.insert(unused("code")).await.unwrap();
    let (record, revision) = here.find("code").await.unwrap().unwrap();
    let scanned = record.step(Life::Scanned(alice()), now(), Duration::from_secs(300));
    assert!(here.swap(scanned.clone(), revision).await.unwrap());
    news(&mut waiter).await;
    assert!(!here.swap(scanned, revision).await.unwrap());
    // News come in their order, so that all others would be there before these.
    redis.ask("PUBLISH scanlogin:news last");
    let mut last = waiters.listen("last");
    redis.ask("PUBLISH scanlogin:news last");
    news(&mut last).await;
    for waiter in [&mut waiter, &mut other] {
        let news = tokio::time::timeout(Duration::ZERO, waiter.news());
        assert!(news.await.is_err(), "neither a new code nor a swap that was too late is news");
    }
    listening.abort();
}

#[tokio::test]
async fn whoever_waits_looks_again_when_news_may_have_been_missed() {
    let mut redis = RedisServer::start(Keeps::Nothing);
    let store = Arc::new(redis.open().await);
    let waiters = Waiters::default();
    let mut waiter = waiters.listen("code");
    let listening = {
        let (store, waiters) = (Arc::clone(&store), waiters.clone());
        tokio::spawn(async move { store.listen(waiters).await })
    };
    news(&mut waiter).await;
    redis.kill();
    redis.start_again();
    news(&mut waiter).await;
    // And hears of all that comes then.
    assert_eq!(redis.ask("PUBLISH scanlogin:news code"), [":1"]);
    news(&mut waiter).await;
    listening.abort();
}
