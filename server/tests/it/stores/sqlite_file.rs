//! The SQLite file: migration, locking, permissions, and the cache in front of it.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use rusqlite::Connection;
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_server::clock::later;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::store::{Account, Redemption, Revision, Store as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::stores::every_store::{alice, unused_record};
use crate::support::captured_log;
use crate::support::server_process::ServerProcess;
use crate::support::timeout::TIMEOUT;

/// 2026-01-01T00:00:00Z, the creation time of all records, in milliseconds since 1970.
const MILLISECONDS: i64 = 1_767_225_600_000;

fn now() -> Timestamp {
    Timestamp::from_millisecond(MILLISECONDS).unwrap()
}

/// A file of schema version 1. It has one code that alice scanned and one that she authorised. Alice has signed in
/// seven times, bob three times. Bob is blocked.
fn file_of_version_1() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../../src/store/sqlite/schema/1-codes-and-users.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let (poll_token, ticket) = (Hash::of("poll token"), Hash::of("ticket"));
    for (random, state, ticket_expires_at, ticket_hash) in [
        ("scanned", "scanned", None, Hash::of("other ticket")),
        ("authorised", "authorised", Some(MILLISECONDS + 300_000), ticket),
    ] {
        connection
            .execute(
                r#"INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ticket_expires_at, forget_at,
                                      requester, poll_token_hash, ticket_hash)
                   VALUES (?1, 'app', ?2, ?2 + 120000, ?3, '{"sub":"alice","nickname":"Alice"}', ?4, ?2 + 600000,
                           '{"appName":"App","origin":null,"ip":"::1","userAgent":null,"createdAt":"then"}', ?5, ?6)"#,
                (random, MILLISECONDS, state, ticket_expires_at, poll_token.as_bytes(), ticket_hash.as_bytes()),
            )
            .unwrap();
    }
    connection.execute("INSERT INTO users VALUES ('alice', ?1, 7, '::7', 0)", [MILLISECONDS - 1_000]).unwrap();
    connection.execute("INSERT INTO users VALUES ('bob', ?1, 3, '::3', 1)", [MILLISECONDS - 2_000]).unwrap();
    (folder, path)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path).unwrap()
}

#[tokio::test]
async fn version_1_file_is_migrated_with_its_codes() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let (record, revision) = store.find("scanned").await.unwrap().unwrap();
    let alice = User { id: "alice".to_owned(), user_pool_id: "staff".to_owned(), ..User::default() };
    assert!(record.state.owner().unwrap().is(&alice));
    assert!(record.poll_token_hash.is_of("poll token"));
    let record = Arc::new(record.with_state(CodeState::Authorised(alice), now(), Duration::from_secs(300)));
    assert!(store.swap(record.clone(), revision).await.unwrap());
    drop(store);
    assert_eq!(
        open(&path).find("scanned").await.unwrap().unwrap().0,
        record,
        "the file opens again after the migration"
    );
}

#[tokio::test]
async fn version_1_file_is_migrated_with_its_sign_in_counts() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let account = |logins_count, last_ip: &str, is_blocked, seconds_before: i64| Account {
        signed_up: Timestamp::from_millisecond(MILLISECONDS - 1_000 * seconds_before).unwrap(),
        logins_count,
        last_ip: last_ip.to_owned(),
        is_blocked,
    };
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(account(7, "::7", false, 1)));
    assert_eq!(store.account("staff", "bob").await.unwrap(), Some(account(3, "::3", true, 2)), "bob is still blocked");

    // This ticket was authorised before the migration and is exchanged after it.
    let Redemption::Redeemed(redeemed) = store.redeem(Hash::of("ticket"), "app", now()).await.unwrap() else {
        panic!("the ticket of the version 1 file is not valid");
    };
    assert_eq!(redeemed.account, account(8, "::1", false, 1));

    // A code that is authorised after the migration counts in the user pool that the user's token names.
    let (record, revision) = store.find("scanned").await.unwrap().unwrap();
    let alice = User { id: "alice".to_owned(), user_pool_id: "staff".to_owned(), ..User::default() };
    let record = Arc::new(record.with_state(CodeState::Authorised(alice), now(), Duration::from_secs(300)));
    assert!(store.swap(record, revision).await.unwrap());
    let Redemption::Redeemed(redeemed) = store.redeem(Hash::of("other ticket"), "app", now()).await.unwrap() else {
        panic!("the ticket of the version 1 file is not valid");
    };
    assert_eq!(redeemed.account, account(9, "::1", false, 1));
    assert_eq!(store.account("customers", "alice").await.unwrap(), None, "the alice of another user pool");

    store.set_blocked("staff", "bob", false, later(now(), Duration::from_secs(5))).await.unwrap();
    assert_eq!(store.account("staff", "bob").await.unwrap(), Some(account(3, "::3", false, 2)));
    assert_eq!(store.account("customers", "bob").await.unwrap(), None, "the bob of another user pool");
}

#[tokio::test]
async fn version_3_file_is_migrated_with_its_codes_and_used_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let connection = Connection::open(&path).unwrap();
    for schema in [
        include_str!("../../../src/store/sqlite/schema/1-codes-and-users.sql"),
        include_str!("../../../src/store/sqlite/schema/2-pools-and-keys.sql"),
        include_str!("../../../src/store/sqlite/schema/3-codes-in-order.sql"),
    ] {
        connection.execute_batch(schema).unwrap();
    }
    connection.pragma_update(None, "user_version", 3).unwrap();
    for (random, state, owner, used_at) in [
        ("unused", "unused", None, None),
        ("used", "authorised", Some(r#"{"sub":"alice","userPoolId":"staff"}"#), Some(MILLISECONDS)),
    ] {
        connection
            .execute(
                r#"INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ticket_expires_at, ticket_used_at,
                                      forget_at, custom_data, requester, poll_token_hash, ticket_hash, revision)
                   VALUES (?1, 'app', ?2, ?2 + 120000, ?3, ?4, ?2 + 300000, ?5, ?2 + 600000, '{"b":1,"a":2}',
                           '{"appName":"App","origin":null,"ip":"::1","userAgent":null,"createdAt":"then"}', ?6, ?7, 7)"#,
                (
                    random,
                    MILLISECONDS,
                    state,
                    owner,
                    used_at,
                    Hash::of("poll token").as_bytes(),
                    Hash::of(random).as_bytes(),
                ),
            )
            .unwrap();
    }
    drop(connection);

    let store = open(&path);
    assert_eq!(store.redeem(Hash::of("used"), "app", now()).await.unwrap(), Redemption::Used);
    let (record, revision) = store.find("unused").await.unwrap().unwrap();
    assert_eq!((revision, &record.return_url, record.response_code_hash), (Revision(7), &None, None));
    assert_eq!(record.number_seed, None);
    assert_eq!(record.custom_data.as_ref().unwrap().as_json(), r#"{"b":1,"a":2}"#);
    let opened = Arc::new(record.with_state(CodeState::Opened(alice()), now(), Duration::ZERO));
    assert!(store.swap(Arc::clone(&opened), revision).await.unwrap());
    drop(store);
    assert_eq!(open(&path).find("unused").await.unwrap(), Some((opened, Revision(8))));
}

#[tokio::test]
async fn reads_do_not_wait_for_a_writing_process() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    // Another connection holds the write lock, as another process would.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = {
        let store = store.clone();
        tokio::spawn(async move { store.set_blocked("staff", "alice", true, now()).await })
    };
    tokio::task::yield_now().await;
    assert!(store.find("scanned").await.unwrap().is_some());
    assert!(!store.account("staff", "alice").await.unwrap().unwrap().is_blocked);
    assert!(!writing.is_finished(), "the write waits for the lock");

    other.execute_batch("ROLLBACK").unwrap();
    writing.await.unwrap().unwrap();
    assert!(
        store.account("staff", "alice").await.unwrap().unwrap().is_blocked,
        "the write is visible to the next read"
    );
}

#[tokio::test]
async fn one_failing_insert_does_not_fail_concurrent_inserts() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let (record, _) = store.find("scanned").await.unwrap().unwrap();
    let mut inserting = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (store, record) = (store.clone(), record.clone());
        // Two records have the same id. All tickets differ.
        let random = format!("new-{}", if number == 49 { 0 } else { number });
        let ticket_hash = Hash::of(&format!("ticket {number}"));
        inserting.spawn(async move {
            store.insert(Arc::new(Record { random, ticket_hash, ..Record::clone(&record) })).await
        });
    }
    let failed = inserting.join_all().await.into_iter().filter(Result::is_err).count();
    assert_eq!(failed, 1);
    for number in 0..49 {
        assert!(store.find(&format!("new-{number}")).await.unwrap().is_some(), "{number}");
    }
}

#[tokio::test]
async fn every_answered_code_is_there_after_the_server_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("codes.db").display());
    let mut server = ServerProcess::demo(&store);
    let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let mut requesters = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (client, sender) = (server.client.clone(), sender.clone());
        // The server ends in the middle of some requests: of their connections, their transactions or their responses.
        requesters.spawn(async move {
            while let Ok(response) = client.gene().await {
                sender.send(response.code()).unwrap();
            }
        });
    }
    drop(sender);
    let mut codes = Vec::new();
    while codes.len() < 100 {
        codes.push(answers.recv().await.unwrap());
    }
    server.kill();
    requesters.join_all().await;
    while let Some(code) = answers.recv().await {
        codes.push(code);
    }
    let server = ServerProcess::demo(&store);
    for code in &codes {
        assert_eq!(server.client.check(code, -1, 0).await.unwrap().data()["status"], 0, "of {} codes", codes.len());
    }
}

#[cfg(unix)]
#[test]
fn file_is_locked_to_one_server_across_symlinks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let first = open(&path);
    let link = folder.path().join("same.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let error = SqliteStore::take_over(&link, Duration::ZERO).err().unwrap().to_string();
    assert!(error.contains("another server"), "{error}");
    SqliteStore::open_shared(&path).expect("a command can open it at the same time");

    let (sender, log) = std::sync::mpsc::channel();
    let waiting = {
        let path = path.clone();
        std::thread::spawn(move || captured_log::with_log_sent_to(sender, || SqliteStore::take_over(&path, TIMEOUT)))
    };
    let line: Value = serde_json::from_str(&log.recv_timeout(TIMEOUT).unwrap()).unwrap();
    assert_eq!(line["level"], "WARN", "{line}");
    assert_eq!(line["file"].as_str(), path.to_str(), "{line}");
    drop(first);
    waiting.join().unwrap().expect("the waiting server gets the file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cached_records_equal_the_records_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let store = open(&path);
    let randoms = ["one", "two", "three"];
    for random in randoms {
        store.insert(unused_record(random)).await.unwrap();
    }
    let mut swaps = tokio::task::JoinSet::new();
    for (number, random) in (0..300).zip(randoms.into_iter().cycle()) {
        let store = store.clone();
        swaps.spawn(async move {
            let (record, revision) = store.find(random).await.unwrap().unwrap();
            let scanned = CodeState::Scanned(User { id: format!("user{number}"), ..alice() });
            store.swap(Arc::new(record.with_state(scanned, now(), Duration::from_secs(300))), revision).await.unwrap();
        });
    }
    swaps.join_all().await;

    let uncached = SqliteStore::open_shared(&path).unwrap();
    for random in randoms {
        let found = store.find(random).await.unwrap();
        assert_eq!(found, uncached.find(random).await.unwrap());
        assert_ne!(found.unwrap().1, Revision(0), "at least one swap succeeded");
    }
}

#[tokio::test]
async fn cached_records_are_not_read_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let store = open(&path);
    store.insert(unused_record("code")).await.unwrap();
    assert_eq!(Connection::open(&path).unwrap().execute("DELETE FROM codes", []).unwrap(), 1);
    assert_eq!(
        SqliteStore::open_shared(&path).unwrap().find("code").await.unwrap(),
        None,
        "the record is not in the file"
    );
    assert!(store.find("code").await.unwrap().is_some());
}

#[tokio::test]
async fn swap_updates_the_cache_when_its_caller_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("codes.db"));
    store.insert(unused_record("code")).await.unwrap();
    let (record, revision) = store.find("code").await.unwrap().unwrap();
    let scanned = Arc::new(record.with_state(CodeState::Scanned(alice()), now(), Duration::from_secs(300)));
    // The future is polled once and then dropped.
    let _ = store.swap(scanned.clone(), revision).now_or_never();
    // The writer handles one change after another, so that the swap is complete when this one is.
    store.purge_expired(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(store.find("code").await.unwrap(), Some((scanned, Revision(1))));
}

#[test]
fn file_of_a_newer_version_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 6).unwrap();
    let error = SqliteStore::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[cfg(unix)]
#[test]
fn new_and_migrated_files_are_readable_only_by_their_owner() {
    use std::fs::{Permissions, metadata, read_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let make_readable_by_all = |path: &Path| set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    let (migrated, path) = file_of_version_1();
    make_readable_by_all(&path);
    let new = tempfile::tempdir().unwrap();
    for folder in [new.path(), migrated.path()] {
        let _store = open(&folder.join("codes.db"));
        for file in read_dir(folder).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }
    make_readable_by_all(&path);
    drop(open(&path));
    assert_eq!(
        metadata(&path).unwrap().permissions().mode() & 0o777,
        0o644,
        "later opens keep permissions that an operator has changed"
    );
}
