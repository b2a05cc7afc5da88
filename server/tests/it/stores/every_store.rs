//! What every store must do: one list of tests, run against SQLite in memory, in a file of its own, in a file beside others,
//! and Redis.

use core::time::Duration;
use std::any::Any;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::Life;
use scanlogin_protocol::wire::Requester;
use scanlogin_server::clock::{later, rfc3339};
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::raw_json::RawJson;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::store::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::redis_server::{Keeps, RedisServer};

/// A store that nobody else has, and what must live as long as it.
struct Fresh {
    store: Arc<dyn Store>,
    _place: Box<dyn Any + Send + Sync>,
}

impl Fresh {
    fn sqlite_in_memory() -> Self {
        Self { store: Arc::new(SqliteStore::in_memory().unwrap()), _place: Box::new(()) }
    }

    fn sqlite_file(open: fn(&Path) -> Result<SqliteStore, StoreError>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Arc::new(open(&folder.path().join("codes.db")).unwrap()), _place: Box::new(folder) }
    }

    async fn redis() -> Self {
        let server = RedisServer::start(Keeps::Nothing);
        Self { store: Arc::new(server.open().await), _place: Box::new(server) }
    }
}

macro_rules! run_against_every_store {
    ($($test:ident)*) => {
        mod sqlite_in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Fresh::sqlite_in_memory().store).await;
            })*
        }

        mod sqlite_file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Fresh::sqlite_file(super::SqliteStore::open).store).await;
            })*
        }

        mod sqlite_file_beside_others {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Fresh::sqlite_file(super::SqliteStore::open_shared).store).await;
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::Fresh::redis().await.store).await;
            })*
        }
    };
}

run_against_every_store! {
    a_code_comes_back_as_it_was_kept
    custom_data_keeps_its_order_its_numbers_and_its_characters
    what_was_never_kept_is_not_there
    a_code_is_not_kept_over_another
    a_swap_takes_the_place_of_what_was_read_and_of_nothing_else
    of_a_hundred_swaps_at_once_one_is_made
    a_ticket_brings_the_user_once
    of_a_hundred_who_bring_a_ticket_at_once_one_gets_the_user
    a_ticket_is_good_until_the_millisecond_of_its_expiry
    a_ticket_is_unknown_before_its_code_is_authorised_and_to_other_apps
    a_ticket_brings_nothing_while_its_user_is_blocked_and_is_not_lost
    sign_ins_are_counted_for_each_user_of_each_pool
    a_user_can_be_blocked_before_they_are_known
    a_code_is_forgotten_with_its_ticket_when_its_time_has_come
    of_servers_that_start_at_once_all_get_the_same_key
    keys_come_newest_first_and_by_their_purpose
    keys_that_were_superseded_long_ago_are_dropped
    a_store_that_is_there_says_so
}

type Subject = Arc<dyn Store>;

/// Times are kept to the millisecond.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn user(user_pool_id: &str, id: &str) -> User {
    User {
        id: id.to_owned(),
        user_pool_id: user_pool_id.to_owned(),
        email: Some(format!("{id}@example.com")),
        email_verified: true,
        nickname: Some("Zoë 🦀".to_owned()),
        ..User::default()
    }
}

pub(crate) fn alice() -> User {
    user("staff", "alice")
}

/// A code that was made just now, and whose ticket is the hash of its random.
pub(crate) fn unused(random: &str) -> Record {
    let created_at = now();
    Record {
        random: random.to_owned(),
        app_id: "shop".to_owned(),
        created_at,
        expires_at: later(created_at, seconds(120)),
        life: Life::Unused,
        ended_at: None,
        ticket_expires_at: None,
        custom_data: None,
        requester: requester("192.0.2.7"),
        poll_token_hash: Hash::of("poll token"),
        ticket_hash: Hash::of(random),
    }
}

fn requester(ip: &str) -> RawJson<Requester> {
    RawJson::of(&Requester {
        app_name: "The Shop".to_owned(),
        origin: Some("https://shop.example".to_owned()),
        ip: ip.to_owned(),
        user_agent: None,
        created_at: rfc3339(now()),
    })
    .unwrap()
}

fn in_life(random: &str, life: Life<User>) -> Record {
    unused(random).step(life, now(), seconds(300))
}

fn authorised(random: &str, user: User) -> Record {
    in_life(random, Life::Authorised(user))
}

async fn redeem(store: &Subject, random: &str) -> Redemption {
    store.redeem(Hash::of(random), "shop", now()).await.unwrap()
}

/// What a ticket brings that must be good.
async fn redeemed(store: &Subject, random: &str) -> Redeemed {
    match redeem(store, random).await {
        Redemption::Redeemed(redeemed) => *redeemed,
        other => panic!("{other:?}"),
    }
}

fn key(purpose: KeyPurpose, id: &str, created_at: Timestamp) -> StoredKey {
    let secret = [id.as_bytes(), &(0..=255).collect::<Vec<u8>>()].concat();
    StoredKey { id: id.to_owned(), purpose, algorithm: "EdDSA".to_owned(), secret, created_at }
}

async fn key_ids(store: &Subject, purpose: KeyPurpose) -> Vec<String> {
    store.keys(purpose).await.unwrap().into_iter().map(|key| key.id).collect()
}

async fn a_code_comes_back_as_it_was_kept(store: &Subject) {
    for record in [
        unused("unused"),
        in_life("scanned", Life::Scanned(alice())),
        in_life("authorised", Life::Authorised(alice())),
        in_life("cancelled", Life::Cancelled(alice())),
        in_life("failed", Life::Failed(User { id: "bob".to_owned(), ..User::default() })),
    ] {
        store.insert(record.clone()).await.unwrap();
        let (found, _) = store.find(&record.random).await.unwrap().unwrap();
        assert_eq!(found, record);
        assert_eq!(store.find_by_ticket(record.ticket_hash).await.unwrap(), Some(record));
    }
}

async fn custom_data_keeps_its_order_its_numbers_and_its_characters(store: &Subject) {
    let data = json!({ "z": 1, "a": { "y": [1.5, -0.1, 1e300], "b": null }, "10": 9_007_199_254_740_993_u64,
                       "9": [], "\u{0}'\"\\": "𝄞\n\u{2028}</script>", "": {} });
    let Value::Object(data) = data else { unreachable!() };
    let record = Record { custom_data: Some(RawJson::of(&data).unwrap()), ..unused("custom") };
    store.insert(record.clone()).await.unwrap();
    let (found, revision) = store.find("custom").await.unwrap().unwrap();
    let text = |record: &Record| serde_json::to_string(&record.custom_data).unwrap();
    assert_eq!(text(&found), text(&record));

    assert!(store.swap(record.clone().step(Life::Scanned(alice()), now(), seconds(300)), revision).await.unwrap());
    let (found, _) = store.find("custom").await.unwrap().unwrap();
    assert_eq!(text(&found), text(&record), "and after a step of its life");
}

async fn what_was_never_kept_is_not_there(store: &Subject) {
    assert_eq!(store.find("unknown").await.unwrap(), None);
    assert_eq!(store.find_by_ticket(Hash::of("unknown")).await.unwrap(), None);
    assert_eq!(redeem(store, "unknown").await, Redemption::Unknown);
    assert_eq!(store.account("staff", "alice").await.unwrap(), None);
    assert_eq!(store.keys(KeyPurpose::Signing).await.unwrap(), []);
    assert_eq!(store.drop_keys(KeyPurpose::Signing, now()).await.unwrap(), 0);
    assert!(!store.swap(unused("unknown"), Revision(0)).await.unwrap());
    assert_eq!(store.find("unknown").await.unwrap(), None, "nor after the swap");
}

async fn a_code_is_not_kept_over_another(store: &Subject) {
    let first = in_life("same", Life::Scanned(alice()));
    store.insert(first.clone()).await.unwrap();
    assert!(store.insert(unused("same")).await.is_err());
    assert_eq!(store.find("same").await.unwrap().unwrap().0, first);
}

async fn a_swap_takes_the_place_of_what_was_read_and_of_nothing_else(store: &Subject) {
    store.insert(unused("code")).await.unwrap();
    let (record, first) = store.find("code").await.unwrap().unwrap();
    let scanned = record.step(Life::Scanned(alice()), now(), seconds(300));
    assert!(store.swap(scanned.clone(), first).await.unwrap());
    assert_eq!(store.find_by_ticket(Hash::of("code")).await.unwrap(), Some(scanned.clone()));

    let cancelled = scanned.clone().step(Life::Cancelled(alice()), now(), seconds(300));
    assert!(!store.swap(cancelled.clone(), first).await.unwrap(), "somebody was faster");
    let (record, second) = store.find("code").await.unwrap().unwrap();
    assert_eq!(record, scanned);
    assert!(store.swap(cancelled.clone(), second).await.unwrap());
    assert_eq!(store.find("code").await.unwrap().unwrap().0, cancelled);
}

async fn of_a_hundred_swaps_at_once_one_is_made(store: &Subject) {
    store.insert(unused("code")).await.unwrap();
    let (record, revision) = store.find("code").await.unwrap().unwrap();
    let mut swaps: JoinSet<Option<String>> = (0..100)
        .map(|at| {
            let (store, id) = (Arc::clone(store), format!("user{at}"));
            let record = record.clone().step(Life::Scanned(user("staff", &id)), now(), seconds(300));
            async move { store.swap(record, revision).await.unwrap().then_some(id) }
        })
        .collect();
    let mut winners = Vec::new();
    while let Some(winner) = swaps.join_next().await {
        winners.extend(winner.unwrap());
    }
    let (record, _) = store.find("code").await.unwrap().unwrap();
    assert_eq!(winners, [record.life.owner().unwrap().id.as_str()]);
}

async fn a_ticket_brings_the_user_once(store: &Subject) {
    let record = authorised("code", alice());
    store.insert(record.clone()).await.unwrap();
    let Redeemed { user, account } = redeemed(store, "code").await;
    assert_eq!(user, alice());
    assert_eq!((account.logins_count, account.last_ip.as_str(), account.is_blocked), (1, "192.0.2.7", false));
    assert_eq!(redeem(store, "code").await, Redemption::Used);
    let late = later(now(), seconds(400));
    assert_eq!(store.redeem(Hash::of("code"), "shop", late).await.unwrap(), Redemption::Used, "however late");
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(account), "and counts once");
    assert_eq!(store.find("code").await.unwrap().unwrap().0, record, "the code stays what it was");
}

async fn of_a_hundred_who_bring_a_ticket_at_once_one_gets_the_user(store: &Subject) {
    store.insert(authorised("code", alice())).await.unwrap();
    let mut exchanges: JoinSet<Redemption> = (0..100)
        .map(|_| {
            let store = Arc::clone(store);
            async move { redeem(&store, "code").await }
        })
        .collect();
    let mut redemptions = Vec::new();
    while let Some(redemption) = exchanges.join_next().await {
        redemptions.push(redemption.unwrap());
    }
    assert_eq!(redemptions.iter().filter(|redemption| matches!(redemption, Redemption::Redeemed(_))).count(), 1);
    assert_eq!(redemptions.iter().filter(|redemption| **redemption == Redemption::Used).count(), 99);
    assert_eq!(store.account("staff", "alice").await.unwrap().unwrap().logins_count, 1);
}

async fn a_ticket_is_good_until_the_millisecond_of_its_expiry(store: &Subject) {
    let (late, early) = (authorised("late", alice()), authorised("early", alice()));
    store.insert(late.clone()).await.unwrap();
    store.insert(early.clone()).await.unwrap();
    let expiry = |record: &Record| record.ticket_expires_at.unwrap();
    let redeem_at = |random: &str, at| store.redeem(Hash::of(random), "shop", at);
    assert_eq!(redeem_at("late", expiry(&late)).await.unwrap(), Redemption::Expired);
    assert_eq!(store.account("staff", "alice").await.unwrap(), None);
    let millisecond_before = Timestamp::from_millisecond(expiry(&early).as_millisecond() - 1).unwrap();
    assert!(matches!(redeem_at("early", millisecond_before).await.unwrap(), Redemption::Redeemed(_)));
}

async fn a_ticket_is_unknown_before_its_code_is_authorised_and_to_other_apps(store: &Subject) {
    for (random, life) in [
        ("unused", Life::Unused),
        ("scanned", Life::Scanned(alice())),
        ("cancelled", Life::Cancelled(alice())),
        ("failed", Life::Failed(alice())),
    ] {
        store.insert(in_life(random, life)).await.unwrap();
        assert_eq!(redeem(store, random).await, Redemption::Unknown, "{random}");
    }
    store.insert(authorised("code", alice())).await.unwrap();
    let stranger = store.redeem(Hash::of("code"), "other", now()).await.unwrap();
    assert_eq!(stranger, Redemption::Unknown);
    redeemed(store, "code").await;
    let stranger = store.redeem(Hash::of("code"), "other", now()).await.unwrap();
    assert_eq!(stranger, Redemption::Unknown, "nor does another app learn that it was used");
}

async fn a_ticket_brings_nothing_while_its_user_is_blocked_and_is_not_lost(store: &Subject) {
    store.insert(authorised("code", alice())).await.unwrap();
    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    assert_eq!(redeem(store, "code").await, Redemption::Blocked);
    store.set_blocked("staff", "alice", false, now()).await.unwrap();
    assert_eq!(redeemed(store, "code").await.account.logins_count, 1);
    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    assert_eq!(redeem(store, "code").await, Redemption::Used, "a used ticket is that first");
}

async fn sign_ins_are_counted_for_each_user_of_each_pool(store: &Subject) {
    let start = now();
    let mut first_sign_in = None;
    for (at, ip) in ["192.0.2.1", "2001:db8::1", "192.0.2.3"].into_iter().enumerate() {
        let mut record = authorised(&format!("code{at}"), alice());
        record.requester = requester(ip);
        store.insert(record).await.unwrap();
        let signed_in_at = later(start, seconds(at as u64));
        let redemption = store.redeem(Hash::of(&format!("code{at}")), "shop", signed_in_at).await.unwrap();
        let Redemption::Redeemed(redeemed) = redemption else { panic!("{redemption:?}") };
        let first = *first_sign_in.get_or_insert(signed_in_at);
        let logins_count = i64::try_from(at).unwrap() + 1;
        let expected = Account { signed_up: first, logins_count, last_ip: ip.to_owned(), is_blocked: false };
        assert_eq!(redeemed.account, expected);
        assert_eq!(store.account("staff", "alice").await.unwrap(), Some(expected));
    }
    // Users who could be taken for each other, were their two ids but put together.
    for (at, (pool, id)) in
        [("customers", "alice"), ("a:b", "c"), ("a", "b:c"), ("", "a"), ("a", "")].iter().enumerate()
    {
        assert_eq!(store.account(pool, id).await.unwrap(), None, "{pool} {id}");
        let random = format!("other{at}");
        store.insert(authorised(&random, user(pool, id))).await.unwrap();
        assert_eq!(redeemed(store, &random).await.account.logins_count, 1, "{pool} {id}");
    }
    assert_eq!(store.account("staff", "alice").await.unwrap().unwrap().logins_count, 3);
}

async fn a_user_can_be_blocked_before_they_are_known(store: &Subject) {
    let (blocked_at, signed_in_at) = (now(), later(now(), seconds(5)));
    store.set_blocked("staff", "alice", true, blocked_at).await.unwrap();
    store.set_blocked("staff", "alice", true, signed_in_at).await.unwrap();
    let account = Account { signed_up: blocked_at, logins_count: 0, last_ip: String::new(), is_blocked: true };
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(account));
    assert_eq!(store.account("customers", "alice").await.unwrap(), None, "only in that pool");

    store.set_blocked("staff", "alice", false, now()).await.unwrap();
    store.insert(authorised("code", alice())).await.unwrap();
    let redemption = store.redeem(Hash::of("code"), "shop", signed_in_at).await.unwrap();
    let Redemption::Redeemed(redeemed) = redemption else { panic!("{redemption:?}") };
    assert_eq!((redeemed.account.signed_up, redeemed.account.logins_count), (signed_in_at, 1));

    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    let account = store.account("staff", "alice").await.unwrap().unwrap();
    assert_eq!((account.signed_up, account.logins_count, account.is_blocked), (signed_in_at, 1, true));
}

async fn a_code_is_forgotten_with_its_ticket_when_its_time_has_come(store: &Subject) {
    let fresh = unused("fresh");
    let mut old = unused("old");
    // A code is forgotten five minutes after its expiry: this one a second ago.
    old.expires_at = Timestamp::from_millisecond(now().as_millisecond() - 301_000).unwrap();
    store.insert(fresh.clone()).await.unwrap();
    store.insert(old).await.unwrap();
    // Redis has forgotten it by itself.
    let forgotten = store.forget(now()).await.unwrap();
    assert!(forgotten <= 1, "{forgotten}");
    assert_eq!(store.find("old").await.unwrap(), None);
    assert_eq!(store.find_by_ticket(Hash::of("old")).await.unwrap(), None);
    assert_eq!(store.find("fresh").await.unwrap().unwrap().0, fresh);
    store.insert(unused("old")).await.unwrap();
}

async fn of_servers_that_start_at_once_all_get_the_same_key(store: &Subject) {
    for purpose in [KeyPurpose::Signing, KeyPurpose::PollToken] {
        let mut starts: JoinSet<StoredKey> = (0..50)
            .map(|at| {
                let (store, key) = (Arc::clone(store), key(purpose, &format!("{}{at}", purpose.word()), now()));
                async move { store.key_or(key).await.unwrap() }
            })
            .collect();
        let mut ids = HashSet::new();
        while let Some(key) = starts.join_next().await {
            ids.insert(key.unwrap().id);
        }
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), key_ids(store, purpose).await);
    }
}

async fn keys_come_newest_first_and_by_their_purpose(store: &Subject) {
    let at = |second| later(now(), seconds(second));
    let keys = [
        key(KeyPurpose::Signing, "a", at(0)),
        key(KeyPurpose::Signing, "c", at(20)),
        key(KeyPurpose::Signing, "b", at(10)),
    ];
    for key in &keys {
        store.add_key(key.clone()).await.unwrap();
    }
    store.add_key(key(KeyPurpose::PollToken, "p", at(5))).await.unwrap();
    let [a, c, b] = keys;
    assert_eq!(store.keys(KeyPurpose::Signing).await.unwrap(), [c.clone(), b, a], "with their secrets");
    assert_eq!(key_ids(store, KeyPurpose::PollToken).await, ["p"]);
    assert_eq!(store.key_or(key(KeyPurpose::Signing, "d", at(30))).await.unwrap(), c, "and there is no other one then");
    assert_eq!(key_ids(store, KeyPurpose::Signing).await, ["c", "b", "a"]);

    let twin = key(KeyPurpose::Signing, "c2", c.created_at);
    store.add_key(twin).await.unwrap();
    assert_eq!(key_ids(store, KeyPurpose::Signing).await, ["c2", "c", "b", "a"], "of one time, by their ids");
}

async fn keys_that_were_superseded_long_ago_are_dropped(store: &Subject) {
    let start = now();
    let at = |second| later(start, seconds(second));
    for (id, second) in [("a", 0), ("b", 10), ("c", 20), ("d", 30)] {
        store.add_key(key(KeyPurpose::Signing, id, at(second))).await.unwrap();
    }
    store.add_key(key(KeyPurpose::PollToken, "p", at(0))).await.unwrap();
    for (superseded_before, dropped, left) in
        [(0, 0, "dcba"), (10, 0, "dcba"), (11, 1, "dcb"), (30, 1, "dc"), (1_000, 1, "d"), (1_000, 0, "d")]
    {
        assert_eq!(store.drop_keys(KeyPurpose::Signing, at(superseded_before)).await.unwrap(), dropped);
        assert_eq!(key_ids(store, KeyPurpose::Signing).await.concat(), left, "before {superseded_before}");
    }
    assert_eq!(key_ids(store, KeyPurpose::PollToken).await, ["p"], "one that nothing supersedes stays");
}

async fn a_store_that_is_there_says_so(store: &Subject) {
    store.ping().await.unwrap();
}
