//! The file itself: those of older and newer versions, whose it is, and who may read it.

use core::time::Duration;
use std::path::{Path, PathBuf};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use rusqlite::Connection;
use scanlogin_protocol::lifecycle::Life;
use scanlogin_server::clock::later;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::user::User;
use scanlogin_server::store::{Account, Redemption, Revision, Store as _};
use tempfile::TempDir;

use crate::stores::every_store::{alice, unused};
use crate::support::kept_log;

/// How long a test waits before it fails. No test depends on it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// 2026-01-01T00:00:00Z, when the files were written.
const MILLISECONDS: i64 = 1_767_225_600_000;

fn now() -> Timestamp {
    Timestamp::from_millisecond(MILLISECONDS).unwrap()
}

/// A file as version 1 left it: one code scanned and one authorised by alice, who has signed in seven times before.
fn file_of_version_1() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../../src/store/sqlite/schema/1-codes-and-users.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let (poll_token, ticket) = (Hash::of("poll token"), Hash::of("ticket"));
    for (random, life, ticket_expires_at, ticket_hash) in [
        ("scanned", "scanned", None, Hash::of("other ticket")),
        ("authorised", "authorised", Some(MILLISECONDS + 300_000), ticket),
    ] {
        connection
            .execute(
                r#"INSERT INTO codes (random, app_id, created_at, expires_at, life, owner, ticket_expires_at, forget_at,
                                      requester, poll_token_hash, ticket_hash)
                   VALUES (?1, 'app', ?2, ?2 + 120000, ?3, '{"sub":"alice","nickname":"Alice"}', ?4, ?2 + 600000,
                           '{"appName":"App","origin":null,"ip":"::1","userAgent":null,"createdAt":"then"}', ?5, ?6)"#,
                (random, MILLISECONDS, life, ticket_expires_at, poll_token.as_bytes(), ticket_hash.as_bytes()),
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
async fn codes_of_an_older_file_go_on() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let (record, revision) = store.find("scanned").await.unwrap().unwrap();
    let alice = User { id: "alice".to_owned(), user_pool_id: "staff".to_owned(), ..User::default() };
    assert!(record.life.owner().unwrap().is(&alice));
    assert!(record.poll_token_hash.is_of("poll token"));
    let record: Record = record.step(Life::Authorised(alice), now(), Duration::from_secs(300));
    assert!(store.swap(record.clone(), revision).await.unwrap());
    drop(store);
    assert_eq!(open(&path).find("scanned").await.unwrap().unwrap().0, record, "and the file opens again");
}

#[tokio::test]
async fn sign_ins_that_an_older_file_counted_are_counted_on() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let known = |logins_count, last_ip: &str, is_blocked, seconds_before: i64| Account {
        signed_up: Timestamp::from_millisecond(MILLISECONDS - 1_000 * seconds_before).unwrap(),
        logins_count,
        last_ip: last_ip.to_owned(),
        is_blocked,
    };
    assert_eq!(store.account("staff", "alice").await.unwrap(), Some(known(7, "::7", false, 1)));
    assert_eq!(store.account("staff", "bob").await.unwrap(), Some(known(3, "::3", true, 2)), "a lock holds");

    // Authorised before the file was brought up to date, exchanged after it.
    let Redemption::Redeemed(redeemed) = store.redeem(Hash::of("ticket"), "app", now()).await.unwrap() else {
        panic!("a ticket of the older file is good");
    };
    assert_eq!(redeemed.account, known(8, "::1", false, 1));

    // From then on in the pool that the token names.
    let (record, revision) = store.find("scanned").await.unwrap().unwrap();
    let alice = User { id: "alice".to_owned(), user_pool_id: "staff".to_owned(), ..User::default() };
    let record = record.step(Life::Authorised(alice), now(), Duration::from_secs(300));
    assert!(store.swap(record, revision).await.unwrap());
    let Redemption::Redeemed(redeemed) = store.redeem(Hash::of("other ticket"), "app", now()).await.unwrap() else {
        panic!("a ticket of the older file is good");
    };
    assert_eq!(redeemed.account, known(9, "::1", false, 1));
    assert_eq!(store.account("customers", "alice").await.unwrap(), None, "another alice");

    store.set_blocked("staff", "bob", false, later(now(), Duration::from_secs(5))).await.unwrap();
    assert_eq!(store.account("staff", "bob").await.unwrap(), Some(known(3, "::3", false, 2)));
    assert_eq!(store.account("customers", "bob").await.unwrap(), None, "another bob");
}

#[tokio::test]
async fn who_reads_does_not_wait_for_who_writes() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    // Another process writes for as long as it likes.
    let elsewhere = Connection::open(&path).unwrap();
    elsewhere.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writing = {
        let store = store.clone();
        tokio::spawn(async move { store.set_blocked("staff", "alice", true, now()).await })
    };
    tokio::task::yield_now().await;
    assert!(store.find("scanned").await.unwrap().is_some());
    assert!(!store.account("staff", "alice").await.unwrap().unwrap().is_blocked);
    assert!(!writing.is_finished(), "it waits for the other process");

    elsewhere.execute_batch("ROLLBACK").unwrap();
    writing.await.unwrap().unwrap();
    assert!(store.account("staff", "alice").await.unwrap().unwrap().is_blocked, "what was written is read at once");
}

#[tokio::test]
async fn of_records_that_come_at_once_one_that_can_not_be_kept_does_not_hinder_the_others() {
    let (_folder, path) = file_of_version_1();
    let store = open(&path);
    let (record, _) = store.find("scanned").await.unwrap().unwrap();
    let mut inserting = tokio::task::JoinSet::new();
    for number in 0..50 {
        let (store, record) = (store.clone(), record.clone());
        // Two share their id, and nobody their ticket.
        let random = format!("new-{}", if number == 49 { 0 } else { number });
        let ticket_hash = Hash::of(&format!("ticket {number}"));
        inserting.spawn(async move { store.insert(Record { random, ticket_hash, ..record }).await });
    }
    let refused = inserting.join_all().await.into_iter().filter(Result::is_err).count();
    assert_eq!(refused, 1);
    for number in 0..49 {
        assert!(store.find(&format!("new-{number}")).await.unwrap().is_some(), "{number}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_has_one_server_by_whatever_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let first = open(&path);
    let other_name = folder.path().join("same.db");
    std::os::unix::fs::symlink(&path, &other_name).unwrap();
    let refusal = SqliteStore::take_over(&other_name, Duration::ZERO).err().unwrap().to_string();
    assert_eq!(refusal, "another server uses it; stop that one, or keep codes in Redis, which servers share");
    SqliteStore::open_shared(&path).expect("a command works meanwhile");

    let (sender, log) = std::sync::mpsc::channel();
    let next = std::thread::spawn(move || kept_log::sent_to(sender, || SqliteStore::take_over(&path, TIMEOUT)));
    let line = log.recv_timeout(TIMEOUT).unwrap();
    assert!(line.contains("waiting for that one to end"), "{line}");
    drop(first);
    next.join().unwrap().expect("a server that waits for the one before gets the file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_server_has_in_memory_is_what_is_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let store = open(&path);
    let randoms = ["one", "two", "three"];
    for random in randoms {
        store.insert(unused(random)).await.unwrap();
    }
    let mut stepping = tokio::task::JoinSet::new();
    for (number, random) in (0..300).zip(randoms.into_iter().cycle()) {
        let store = store.clone();
        stepping.spawn(async move {
            let (record, revision) = store.find(random).await.unwrap().unwrap();
            let life = Life::Scanned(User { id: format!("user{number}"), ..alice() });
            store.swap(record.step(life, now(), Duration::from_secs(300)), revision).await.unwrap();
        });
    }
    stepping.join_all().await;

    let beside = SqliteStore::open_shared(&path).unwrap();
    for random in randoms {
        let found = store.find(random).await.unwrap();
        assert_eq!(found, beside.find(random).await.unwrap());
        assert_ne!(found.unwrap().1, Revision(0), "nothing was swapped");
    }
}

#[tokio::test]
async fn what_a_server_has_in_memory_is_not_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    let store = open(&path);
    store.insert(unused("code")).await.unwrap();
    assert_eq!(Connection::open(&path).unwrap().execute("DELETE FROM codes", []).unwrap(), 1);
    assert_eq!(SqliteStore::open_shared(&path).unwrap().find("code").await.unwrap(), None, "it is not in the file");
    assert!(store.find("code").await.unwrap().is_some());
}

#[tokio::test]
async fn a_step_that_is_taken_is_in_memory_though_who_asked_for_it_has_gone_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("codes.db"));
    store.insert(unused("code")).await.unwrap();
    let (record, revision) = store.find("code").await.unwrap().unwrap();
    let scanned = record.step(Life::Scanned(alice()), now(), Duration::from_secs(300));
    // It is asked for, and nobody waits for the answer.
    let _ = store.swap(scanned.clone(), revision).now_or_never();
    store.ping().await.expect("whoever writes has done so by then");
    assert_eq!(store.find("code").await.unwrap(), Some((scanned, Revision(1))));
}

#[test]
fn a_file_of_a_newer_version_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("codes.db");
    drop(open(&path));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let error = SqliteStore::open(&path).err().unwrap().to_string();
    assert_eq!(error, "a newer version of this server wrote it; start that version, or name another file");
}

#[cfg(unix)]
#[test]
fn nobody_but_its_owner_may_read_a_file_that_keys_come_into() {
    use std::fs::{Permissions, metadata, read_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let let_others_read = |path: &Path| set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    let (older, path) = file_of_version_1();
    let_others_read(&path);
    let new = tempfile::tempdir().unwrap();
    for folder in [new.path(), older.path()] {
        let _store = open(&folder.join("codes.db"));
        for file in read_dir(folder).unwrap() {
            let file = file.unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        }
    }
    let_others_read(&path);
    drop(open(&path));
    assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o644, "whoever allows it since then knows why");
}
