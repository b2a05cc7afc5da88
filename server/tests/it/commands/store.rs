//! `keys`, `user` and a second server, with a SQLite file that a server has open.

use core::time::Duration;
use std::fs;
use std::time::Instant;

use scanlogin_server::store::Store as _;
use scanlogin_server::store::sqlite::SqliteStore;
use serde_json::Value;

use super::{ADD_SHOP, run_err, run_ok};

#[test]
fn keys_list_and_rotate_use_the_store_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(run_err(folder, &["keys", "rotate"]).contains("--store scanlogin.db"));
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "a wrong path creates no store");

    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let (first, _) = run_ok(folder, &["keys", "list"]);
    assert!(first.ends_with(" signs") && first.lines().count() == 1, "{first}");
    let (id, stderr) = run_ok(folder, &["keys", "rotate"]);
    assert!(!stderr.is_empty(), "the command explains when servers use the key");
    let (both, _) = run_ok(folder, &["keys", "list"]);
    let (new, old) = both.split_once('\n').unwrap();
    assert!(new.starts_with(&format!("{id} EdDSA ")) && new.ends_with(" published"), "{both}");
    assert_eq!(old, first);
}

#[tokio::test]
async fn user_show_block_and_unblock_use_the_store_of_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let user = |action| ["user", action, "alice", "--user-pool-id", "customers"];
    assert!(run_err(folder, &user("show")).contains("--store scanlogin.db"));
    assert!(!folder.join("scanlogin.db").exists(), "a wrong path creates no store");

    let server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let is_blocked = async || server.account("customers", "alice").await.unwrap().map(|account| account.is_blocked);
    let (unknown, _) = run_ok(folder, &user("show"));
    assert_eq!(unknown.lines().count(), 1, "{unknown}");
    assert_eq!(is_blocked().await, None);

    let (blocked, _) = run_ok(folder, &user("block"));
    assert_eq!(is_blocked().await, Some(true));
    assert_ne!(blocked, unknown);
    assert!(blocked.contains(" 0 "), "the number of sign-ins: {blocked}");
    assert_eq!(run_ok(folder, &user("show")).0, blocked);
    let (in_other_pool, _) = run_ok(folder, &["user", "show", "alice", "--user-pool-id", "others"]);
    assert_eq!(in_other_pool, unknown);

    let (unblocked, _) = run_ok(folder, &user("unblock"));
    assert_eq!(is_blocked().await, Some(false));
    assert_ne!(unblocked, blocked);
    assert!(unblocked.contains(" 0 "), "the number of sign-ins: {unblocked}");
    assert_eq!(run_ok(folder, &user("show")).0, unblocked);
}

#[test]
fn second_server_on_a_file_fails_after_the_takeover_timeout() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_ok(folder, &ADD_SHOP);
    let _server = SqliteStore::open(&folder.join("scanlogin.db")).unwrap();
    let start = Instant::now();
    let stderr = run_err(folder, &["--listen", "127.0.0.1:0", "--takeover-timeout", "1", "--log-format", "json"]);
    assert!(start.elapsed() >= Duration::from_secs(1), "{stderr}");
    let (log, error) = stderr.trim_end().rsplit_once('\n').unwrap();
    let waits_for_file = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["level"] == "WARN" && line["file"] == "scanlogin.db"
    };
    assert!(log.lines().any(waits_for_file), "{stderr}");
    assert!(error.contains("--store sqlite:scanlogin.db") && error.contains("another server"), "{stderr}");
}
