//! Tests that every store must pass. They run against Redis and against SQLite: in memory, in an exclusively opened
//! file, and in a shared file.

use core::time::Duration;
use std::any::Any;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_protocol::wire::Requester;
use scanlogin_server::clock::{later, rfc3339};
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::raw_json::RawJson;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::store::{Account, KeyPurpose, Redeemed, Redemption, Revision, Store, StoreError, StoredKey};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::redis_server::{Persistence, RedisServer};

/// An empty store of one test, with the folder or the server that it needs.
struct StoreFixture {
    store: Arc<dyn Store>,
    _resource: Box<dyn Any + Send + Sync>,
}

impl StoreFixture {
    fn sqlite_in_memory() -> Self {
        Self { store: Arc::new(SqliteStore::in_memory().unwrap()), _resource: Box::new(()) }
    }

    fn sqlite_file(open: fn(&Path) -> Result<SqliteStore, StoreError>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: Arc::new(open(&folder.path().join("codes.db")).unwrap()), _resource: Box::new(folder) }
    }

    async fn redis() -> Self {
        let server = RedisServer::start(Persistence::None);
        Self { store: Arc::new(server.open().await), _resource: Box::new(server) }
    }
}

macro_rules! run_against_every_store {
    ($($test:ident)*) => {
        mod sqlite_in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::StoreFixture::sqlite_in_memory().store).await;
            })*
        }

        mod sqlite_file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::StoreFixture::sqlite_file(super::SqliteStore::open).store).await;
            })*
        }

        mod sqlite_shared_file {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::StoreFixture::sqlite_file(super::SqliteStore::open_shared).store).await;
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $test() {
                super::$test(&super::StoreFixture::redis().await.store).await;
            })*
        }
    };
}

run_against_every_store! {
    find_returns_the_inserted_record
    custom_data_keeps_key_order_numbers_and_characters
    unknown_codes_tickets_accounts_and_keys_are_not_found
    insert_does_not_overwrite_an_existing_record
    swap_replaces_only_the_expected_revision
    each_swap_replaces_the_response_code
    swap_stores_the_seed_of_the_numbers
    one_of_100_concurrent_swaps_succeeds
    redeem_returns_the_user_once
    one_of_100_concurrent_redemptions_succeeds
    ticket_expires_at_the_exact_millisecond
    ticket_is_unknown_before_authorisation_and_to_other_apps
    redeem_for_a_blocked_user_fails_without_consuming_the_ticket
    sign_ins_are_counted_per_user_and_user_pool
    user_can_be_blocked_before_the_first_sign_in
    expired_record_is_deleted_with_its_ticket
    concurrent_starts_share_one_key_per_purpose
    keys_are_filtered_by_purpose_and_sorted_newest_first
    keys_superseded_before_a_time_are_deleted
    store_is_writable
}

type SharedStore = Arc<dyn Store>;

/// The current time in whole milliseconds, which is the precision of the stores.
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

/// A record of an unused code that was created now. The hash of `random` is its ticket hash.
pub(crate) fn unused_record(random: &str) -> Arc<Record> {
    let created_at = now();
    Arc::new(Record {
        random: random.to_owned(),
        app_id: "shop".to_owned(),
        created_at,
        expires_at: later(created_at, seconds(120)),
        state: CodeState::Unused,
        ended_at: None,
        ticket_expires_at: None,
        response_code_hash: None,
        number_seed: None,
        return_url: None,
        custom_data: None,
        requester: requester("192.0.2.7"),
        poll_token_hash: Hash::of("poll token"),
        ticket_hash: Hash::of(random),
    })
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

fn record_in_state(random: &str, state: CodeState<User>) -> Arc<Record> {
    Arc::new(unused_record(random).with_state(state, now(), seconds(300)))
}

/// A record of a code with a link for the device of its page.
fn on_same_device(random: &str, state: CodeState<User>, response_code: Option<&str>) -> Arc<Record> {
    Arc::new(Record {
        return_url: Some("https://shop.example/login?lang=en".to_owned()),
        response_code_hash: response_code.map(Hash::of),
        ..Record::clone(&record_in_state(random, state))
    })
}

/// A record of a code whose approver chooses a number.
fn with_numbers(random: &str, state: CodeState<User>) -> Arc<Record> {
    Arc::new(Record { number_seed: Some(Hash::of("seed")), ..Record::clone(&record_in_state(random, state)) })
}

fn authorised_record(random: &str, user: User) -> Arc<Record> {
    record_in_state(random, CodeState::Authorised(user))
}

async fn redeem(store: &SharedStore, random: &str) -> Redemption {
    store.redeem(Hash::of(random), "shop", now()).await.unwrap()
}

/// Redeems a ticket that must be valid.
async fn redeem_ok(store: &SharedStore, random: &str) -> Redeemed {
    match redeem(store, random).await {
        Redemption::Redeemed(redeemed) => *redeemed,
        other => panic!("{other:?}"),
    }
}

fn key(purpose: KeyPurpose, id: &str, created_at: Timestamp) -> StoredKey {
    let secret = [id.as_bytes(), &(0..=255).collect::<Vec<u8>>()].concat();
    StoredKey { id: id.to_owned(), purpose, algorithm: "EdDSA".to_owned(), secret, created_at }
}

async fn key_ids(store: &SharedStore, purpose: KeyPurpose) -> Vec<String> {
    store.keys(purpose).await.unwrap().into_iter().map(|key| key.id).collect()
}

async fn find_returns_the_inserted_record(store: &SharedStore) {
    for record in [
        unused_record("unused"),
        record_in_state("scanned", CodeState::Scanned(alice())),
        with_numbers("scanned with numbers", CodeState::Scanned(alice())),
        on_same_device("opened", CodeState::Opened(alice()), None),
        on_same_device("returning", CodeState::Returning(alice()), Some("response code")),
        on_same_device("completed", CodeState::Authorised(alice()), Some("response code")),
        record_in_state("authorised", CodeState::Authorised(alice())),
        record_in_state("cancelled", CodeState::Cancelled(alice())),
        record_in_state("failed", CodeState::Failed(User { id: "bob".to_owned(), ..User::default() })),
    ] {
        store.insert(record.clone()).await.unwrap();
        let (found, _) = store.find(&record.random).await.unwrap().unwrap();
        assert_eq!(found, record);
        let authorised = record.state.authorised_user().is_some().then(|| Arc::clone(&record));
        assert_eq!(store.find_by_ticket(record.ticket_hash).await.unwrap(), authorised, "{record:?}");
    }
}

async fn custom_data_keeps_key_order_numbers_and_characters(store: &SharedStore) {
    let data = json!({ "z": 1, "a": { "y": [1.5, -0.1, 1e300], "b": null }, "10": 9_007_199_254_740_993_u64,
                       "9": [], "\u{0}'\"\\": "𝄞\n\u{2028}</script>", "": {} });
    let data = data.as_object().unwrap();
    let record = Record { custom_data: Some(RawJson::of(data).unwrap()), ..Record::clone(&unused_record("custom")) };
    let record = Arc::new(record);
    store.insert(Arc::clone(&record)).await.unwrap();
    let (found, revision) = store.find("custom").await.unwrap().unwrap();
    let text = |record: &Record| serde_json::to_string(&record.custom_data).unwrap();
    assert_eq!(text(&found), text(&record));

    assert!(
        store
            .swap(Arc::new(record.with_state(CodeState::Scanned(alice()), now(), seconds(300))), revision)
            .await
            .unwrap()
    );
    let (found, _) = store.find("custom").await.unwrap().unwrap();
    assert_eq!(text(&found), text(&record), "a transition does not change it");
}

async fn unknown_codes_tickets_accounts_and_keys_are_not_found(store: &SharedStore) {
    assert_eq!(store.find("unknown").await.unwrap(), None);
    assert_eq!(store.find_by_ticket(Hash::of("unknown")).await.unwrap(), None);
    assert_eq!(redeem(store, "unknown").await, Redemption::Unknown);
    assert_eq!(store.account("staff", "alice").await.unwrap(), None);
    assert_eq!(store.keys(KeyPurpose::Signing).await.unwrap(), []);
    assert_eq!(store.delete_superseded_keys(KeyPurpose::Signing, now()).await.unwrap(), 0);
    assert!(!store.swap(unused_record("unknown"), Revision(0)).await.unwrap());
    assert_eq!(store.find("unknown").await.unwrap(), None, "the failed swap does not insert it");
}

async fn insert_does_not_overwrite_an_existing_record(store: &SharedStore) {
    let first = record_in_state("same", CodeState::Scanned(alice()));
    store.insert(first.clone()).await.unwrap();
    assert!(store.insert(unused_record("same")).await.is_err());
    assert_eq!(store.find("same").await.unwrap().unwrap().0, first);
}

async fn swap_replaces_only_the_expected_revision(store: &SharedStore) {
    store.insert(unused_record("code")).await.unwrap();
    let (record, first) = store.find("code").await.unwrap().unwrap();
    let scanned = Arc::new(record.with_state(CodeState::Scanned(alice()), now(), seconds(300)));
    assert!(store.swap(scanned.clone(), first).await.unwrap());

    let cancelled = Arc::new(scanned.with_state(CodeState::Cancelled(alice()), now(), seconds(300)));
    assert!(!store.swap(cancelled.clone(), first).await.unwrap(), "the revision is outdated");
    let (record, second) = store.find("code").await.unwrap().unwrap();
    assert_eq!(record, scanned);
    assert!(store.swap(cancelled.clone(), second).await.unwrap());
    assert_eq!(store.find("code").await.unwrap().unwrap().0, cancelled);
}

async fn each_swap_replaces_the_response_code(store: &SharedStore) {
    store.insert(on_same_device("code", CodeState::Unused, None)).await.unwrap();
    for (state, response_code) in [
        (CodeState::Opened(alice()), None),
        (CodeState::Returning(alice()), Some("first")),
        (CodeState::Returning(alice()), Some("second")),
        (CodeState::Authorised(alice()), Some("second")),
    ] {
        let (found, revision) = store.find("code").await.unwrap().unwrap();
        let record = Record {
            response_code_hash: response_code.map(Hash::of),
            ..found.with_state(state.clone(), now(), seconds(300))
        };
        let record = Arc::new(record);
        assert!(store.swap(Arc::clone(&record), revision).await.unwrap());
        assert_eq!(store.find("code").await.unwrap().unwrap().0, record);
        let is_authorised = matches!(state, CodeState::Authorised(_));
        assert_eq!(store.find_by_ticket(record.ticket_hash).await.unwrap().is_some(), is_authorised, "{state:?}");
    }
    redeem_ok(store, "code").await;
}

async fn swap_stores_the_seed_of_the_numbers(store: &SharedStore) {
    store.insert(unused_record("code")).await.unwrap();
    let (_, revision) = store.find("code").await.unwrap().unwrap();
    let scanned = with_numbers("code", CodeState::Scanned(alice()));
    assert!(store.swap(Arc::clone(&scanned), revision).await.unwrap());
    assert_eq!(store.find("code").await.unwrap().unwrap().0.number_seed, scanned.number_seed);
}

async fn one_of_100_concurrent_swaps_succeeds(store: &SharedStore) {
    store.insert(unused_record("code")).await.unwrap();
    let (record, revision) = store.find("code").await.unwrap().unwrap();
    let mut swaps: JoinSet<Option<String>> = (0..100)
        .map(|at| {
            let (store, id) = (Arc::clone(store), format!("user{at}"));
            let record = Arc::new(record.with_state(CodeState::Scanned(user("staff", &id)), now(), seconds(300)));
            async move { store.swap(record, revision).await.unwrap().then_some(id) }
        })
        .collect();
    let mut winners = Vec::new();
    while let Some(winner) = swaps.join_next().await {
        winners.extend(winner.unwrap());
    }
    let (record, _) = store.find("code").await.unwrap().unwrap();
    assert_eq!(winners, [record.state.owner().unwrap().id.as_str()]);
}

async fn redeem_returns_the_user_once(store: &SharedStore) {
    let record = authorised_record("code", alice());
    store.insert(record.clone()).await.unwrap();
    let Redeemed { user, account } = redeem_ok(store, "code").await;
    assert_eq!(user, alice());
    assert_eq!((account.logins_count, account.last_ip.as_str(), account.is_blocked), (1, "192.0.2.7", false));
    assert_eq!(redeem(store, "code").await, Redemption::Used);
    let late = later(now(), seconds(400));
    assert_eq!(
        store.redeem(Hash::of("code"), "shop", late).await.unwrap(),
        Redemption::Used,
        "a used ticket does not become an expired one"
    );
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(account), "the sign-in counts once");
    assert_eq!(store.find("code").await.unwrap().unwrap().0, record, "the record does not change");
}

async fn one_of_100_concurrent_redemptions_succeeds(store: &SharedStore) {
    store.insert(authorised_record("code", alice())).await.unwrap();
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

async fn ticket_expires_at_the_exact_millisecond(store: &SharedStore) {
    let (late, early) = (authorised_record("late", alice()), authorised_record("early", alice()));
    store.insert(late.clone()).await.unwrap();
    store.insert(early.clone()).await.unwrap();
    let expiry = |record: &Record| record.ticket_expires_at.unwrap();
    let redeem_at = |random: &str, at| store.redeem(Hash::of(random), "shop", at);
    assert_eq!(redeem_at("late", expiry(&late)).await.unwrap(), Redemption::Expired);
    assert_eq!(store.account("staff", "alice").await.unwrap(), None);
    let millisecond_before = Timestamp::from_millisecond(expiry(&early).as_millisecond() - 1).unwrap();
    assert!(matches!(redeem_at("early", millisecond_before).await.unwrap(), Redemption::Redeemed(_)));
}

async fn ticket_is_unknown_before_authorisation_and_to_other_apps(store: &SharedStore) {
    for (random, state) in [
        ("unused", CodeState::Unused),
        ("scanned", CodeState::Scanned(alice())),
        ("opened", CodeState::Opened(alice())),
        ("cancelled", CodeState::Cancelled(alice())),
        ("failed", CodeState::Failed(alice())),
    ] {
        store.insert(record_in_state(random, state)).await.unwrap();
        assert_eq!(redeem(store, random).await, Redemption::Unknown, "{random}");
    }
    store.insert(on_same_device("returning", CodeState::Returning(alice()), Some("response code"))).await.unwrap();
    assert_eq!(redeem(store, "returning").await, Redemption::Unknown);
    store.insert(authorised_record("code", alice())).await.unwrap();
    let by_other_app = store.redeem(Hash::of("code"), "other", now()).await.unwrap();
    assert_eq!(by_other_app, Redemption::Unknown);
    redeem_ok(store, "code").await;
    let by_other_app = store.redeem(Hash::of("code"), "other", now()).await.unwrap();
    assert_eq!(
        by_other_app,
        Redemption::Unknown,
        "the result for another app does not reveal that the ticket was used"
    );
}

async fn redeem_for_a_blocked_user_fails_without_consuming_the_ticket(store: &SharedStore) {
    store.insert(authorised_record("code", alice())).await.unwrap();
    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    assert_eq!(redeem(store, "code").await, Redemption::Blocked);
    store.set_blocked("staff", "alice", false, now()).await.unwrap();
    assert_eq!(redeem_ok(store, "code").await.account.logins_count, 1);
    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    assert_eq!(redeem(store, "code").await, Redemption::Used, "used takes precedence over blocked");
}

async fn sign_ins_are_counted_per_user_and_user_pool(store: &SharedStore) {
    let start = now();
    let mut first_sign_in = None;
    for (at, ip) in ["192.0.2.1", "2001:db8::1", "192.0.2.3"].into_iter().enumerate() {
        let record = authorised_record(&format!("code{at}"), alice());
        let record = Record { requester: requester(ip), ..Record::clone(&record) };
        store.insert(Arc::new(record)).await.unwrap();
        let signed_in_at = later(start, seconds(at as u64));
        let redemption = store.redeem(Hash::of(&format!("code{at}")), "shop", signed_in_at).await.unwrap();
        let Redemption::Redeemed(redeemed) = redemption else { panic!("{redemption:?}") };
        let first = *first_sign_in.get_or_insert(signed_in_at);
        let logins_count = i64::try_from(at).unwrap() + 1;
        let expected = Account { signed_up: first, logins_count, last_ip: ip.to_owned(), is_blocked: false };
        assert_eq!(redeemed.account, expected);
        assert_eq!(store.account("staff", "alice").await.unwrap(), Some(expected));
    }
    // These pairs would collide if a store joined user pool and user id to one key without escaping.
    for (at, (pool, id)) in
        [("customers", "alice"), ("a:b", "c"), ("a", "b:c"), ("", "a"), ("a", "")].iter().enumerate()
    {
        assert_eq!(store.account(pool, id).await.unwrap(), None, "{pool} {id}");
        let random = format!("other{at}");
        store.insert(authorised_record(&random, user(pool, id))).await.unwrap();
        assert_eq!(redeem_ok(store, &random).await.account.logins_count, 1, "{pool} {id}");
    }
    assert_eq!(store.account("staff", "alice").await.unwrap().unwrap().logins_count, 3);
}

async fn user_can_be_blocked_before_the_first_sign_in(store: &SharedStore) {
    let (blocked_at, signed_in_at) = (now(), later(now(), seconds(5)));
    store.set_blocked("staff", "alice", true, blocked_at).await.unwrap();
    store.set_blocked("staff", "alice", true, signed_in_at).await.unwrap();
    let account = Account { signed_up: blocked_at, logins_count: 0, last_ip: String::new(), is_blocked: true };
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(account));
    assert_eq!(store.account("customers", "alice").await.unwrap(), None, "the block applies to one user pool");

    store.set_blocked("staff", "alice", false, now()).await.unwrap();
    store.insert(authorised_record("code", alice())).await.unwrap();
    let redemption = store.redeem(Hash::of("code"), "shop", signed_in_at).await.unwrap();
    let Redemption::Redeemed(redeemed) = redemption else { panic!("{redemption:?}") };
    assert_eq!((redeemed.account.signed_up, redeemed.account.logins_count), (signed_in_at, 1));

    store.set_blocked("staff", "alice", true, now()).await.unwrap();
    let account = store.account("staff", "alice").await.unwrap().unwrap();
    assert_eq!((account.signed_up, account.logins_count, account.is_blocked), (signed_in_at, 1, true));
}

async fn expired_record_is_deleted_with_its_ticket(store: &SharedStore) {
    let fresh = unused_record("fresh");
    // Records are deleted five minutes after their expiry. This one was due a second ago.
    let expires_at = Timestamp::from_millisecond(now().as_millisecond() - 301_000).unwrap();
    let old = Record { expires_at, ..Record::clone(&unused_record("old")) };
    store.insert(fresh.clone()).await.unwrap();
    store.insert(Arc::new(old)).await.unwrap();
    // Redis has already deleted it, because its keys expire.
    let deleted = store.purge_expired(now()).await.unwrap();
    assert!(deleted <= 1, "{deleted}");
    assert_eq!(store.find("old").await.unwrap(), None);
    assert_eq!(store.find_by_ticket(Hash::of("old")).await.unwrap(), None);
    assert_eq!(store.find("fresh").await.unwrap().unwrap().0, fresh);
    store.insert(unused_record("old")).await.unwrap();
}

async fn concurrent_starts_share_one_key_per_purpose(store: &SharedStore) {
    for purpose in [KeyPurpose::Signing, KeyPurpose::PollToken] {
        let mut starts: JoinSet<StoredKey> = (0..50)
            .map(|at| {
                let (store, key) = (Arc::clone(store), key(purpose, &format!("{}{at}", purpose.as_str()), now()));
                async move { store.get_or_insert_key(key).await.unwrap() }
            })
            .collect();
        let mut ids = HashSet::new();
        while let Some(key) = starts.join_next().await {
            ids.insert(key.unwrap().id);
        }
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), key_ids(store, purpose).await);
    }
}

async fn keys_are_filtered_by_purpose_and_sorted_newest_first(store: &SharedStore) {
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
    assert_eq!(store.keys(KeyPurpose::Signing).await.unwrap(), [c.clone(), b, a], "the secrets are the same");
    assert_eq!(key_ids(store, KeyPurpose::PollToken).await, ["p"]);
    assert_eq!(
        store.get_or_insert_key(key(KeyPurpose::Signing, "d", at(30))).await.unwrap(),
        c,
        "get_or_insert_key returns the newest key and adds none"
    );
    assert_eq!(key_ids(store, KeyPurpose::Signing).await, ["c", "b", "a"]);

    let same_time = key(KeyPurpose::Signing, "c2", c.created_at);
    store.add_key(same_time).await.unwrap();
    assert_eq!(
        key_ids(store, KeyPurpose::Signing).await,
        ["c2", "c", "b", "a"],
        "keys of the same time are sorted by id"
    );
}

async fn keys_superseded_before_a_time_are_deleted(store: &SharedStore) {
    let start = now();
    let at = |second| later(start, seconds(second));
    for (id, second) in [("a", 0), ("b", 10), ("c", 20), ("d", 30)] {
        store.add_key(key(KeyPurpose::Signing, id, at(second))).await.unwrap();
    }
    store.add_key(key(KeyPurpose::PollToken, "p", at(0))).await.unwrap();
    for (superseded_before, deleted, remaining) in
        [(0, 0, "dcba"), (10, 0, "dcba"), (11, 1, "dcb"), (30, 1, "dc"), (1_000, 1, "d"), (1_000, 0, "d")]
    {
        assert_eq!(store.delete_superseded_keys(KeyPurpose::Signing, at(superseded_before)).await.unwrap(), deleted);
        assert_eq!(key_ids(store, KeyPurpose::Signing).await.concat(), remaining, "before {superseded_before}");
    }
    assert_eq!(key_ids(store, KeyPurpose::PollToken).await, ["p"], "the newest key of a purpose is never deleted");
}

async fn store_is_writable(store: &SharedStore) {
    store.check_writable().await.unwrap();
}
