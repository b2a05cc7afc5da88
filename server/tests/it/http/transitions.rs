//! The state transitions of a code, over HTTP.

use core::time::Duration;
use std::sync::Arc;

use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_server::codes::find::Found;
use scanlogin_server::config::LogFormat;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::raw_json::RawJson;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::user::User;

use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{Code, Server, advance_clock};

const ACTIONS: [&str; 3] = ["scanned", "confirm", "cancel"];

/// A new code in `state`.
async fn code_in_state(server: &Server, state: &str) -> Code {
    let code = server.gene().await;
    if matches!(state, "scanned" | "scanned, then expired" | "authorised" | "cancelled" | "failed") {
        server.act("scanned", &code, "alice").await.success();
    }
    match state {
        "authorised" => drop(server.act("confirm", &code, "alice").await.success()),
        "cancelled" => drop(server.act("cancel", &code, "alice").await.success()),
        "failed" => fail(server, &code).await,
        "expired" => advance_clock(120).await,
        "scanned, then expired" => advance_clock(180).await,
        _ => {}
    }
    code
}

/// Writes the failed state to the store, so that the test does not depend on a reason to fail.
async fn fail(server: &Server, code: &Code) {
    let Found { record, revision, .. } = server.state.codes.find(&code.random).await.unwrap();
    let alice = User { id: "id-of-alice".to_owned(), ..User::default() };
    let failed = record.with_state(CodeState::Failed(alice), server.state.clock.now(), Duration::ZERO);
    let failed = Arc::new(failed);
    assert!(server.state.store.unmeasured().swap(failed, revision).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn every_action_in_every_state_matches_the_transition_table() {
    // State, status of `check`, then the result of each action by the user who scanned and by another user: the new
    // status, or the reason of the error.
    type Row = (&'static str, i64, [&'static str; 3], [&'static str; 3]);
    let ended = ["already-ended"; 3];
    let expired = ["expired"; 3];
    let table: [Row; 7] = [
        ("unused", 0, ["1", "not-scanned", "not-scanned"], ["1", "not-scanned", "not-scanned"]),
        ("scanned", 1, ["1", "2", "3"], ["already-scanned", "wrong-user", "wrong-user"]),
        ("authorised", 2, ["already-ended", "2", "already-ended"], ended),
        ("cancelled", 3, ended, ended),
        ("failed", 5, ended, ended),
        ("expired", -1, expired, expired),
        ("scanned, then expired", -1, expired, expired),
    ];
    for (state, status, by_owner, by_other) in table {
        for (user, results) in [("alice", by_owner), ("bob", by_other)] {
            for (action, expected) in ACTIONS.into_iter().zip(results) {
                let server = Server::new();
                let code = code_in_state(&server, state).await;
                assert_eq!(server.status(&code).await, status, "{state}");

                let response = server.act(action, &code, user).await;
                if let Ok(new_status) = expected.parse::<i64>() {
                    response.success();
                    assert_eq!(server.status(&code).await, new_status, "{state}: {action} by {user}");
                } else {
                    response.assert_error(500, expected);
                    assert_eq!(server.status(&code).await, status, "{state}: {action} by {user} changed the status");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failed_code_returns_message_and_errmsg() {
    let server = Server::new();
    let code = code_in_state(&server, "failed").await;
    let result = server.check(&code).await.success()["scannedResult"].clone();
    assert!(result["message"].is_string());
    assert_eq!(result["message"], result["errmsg"]);
}

#[tokio::test(start_paused = true)]
async fn code_scanned_before_expiry_can_be_confirmed_for_60_s_more() {
    let server = Server::new();
    let code = server.gene().await;
    advance_clock(119).await;
    server.act("scanned", &code, "alice").await.success();
    advance_clock(60).await;
    server.act("confirm", &code, "alice").await.success();
    assert_eq!(server.status(&code).await, 2);
}

#[tokio::test(start_paused = true)]
async fn code_is_unknown_300_s_after_its_end() {
    for (state, visible_for) in
        [("unused", 420), ("expired", 300), ("scanned", 480), ("cancelled", 300), ("authorised", 300)]
    {
        let server = Server::new();
        let code = code_in_state(&server, state).await;
        advance_clock(visible_for - 1).await;
        server.check(&code).await.success();
        advance_clock(1).await;
        server.check(&code).await.assert_error(2241, "unknown-code");
        server.act("scanned", &code, "alice").await.assert_error(2241, "unknown-code");
    }
}

#[tokio::test(start_paused = true)]
async fn purge_expired_deletes_only_codes_past_their_retention() {
    let server = Server::new();
    let old = server.gene().await;
    advance_clock(300).await;
    let recent = server.gene().await;
    advance_clock(120).await;
    assert_eq!(server.state.store.unmeasured().purge_expired(server.state.clock.now()).await.unwrap(), 1);
    assert!(server.state.store.unmeasured().find(&old.random).await.unwrap().is_none());
    assert!(server.state.store.unmeasured().find(&recent.random).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn unreadable_record_is_neither_scanned_nor_exchanged_and_the_audit_log_names_its_app() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = Server::new();
    let code = server.gene().await;
    let record = server.state.codes.find(&code.random).await.unwrap().record;
    for (random, state) in [("unused", CodeState::Unused), ("authorised", CodeState::Authorised(User::default()))] {
        let broken = Record {
            random: random.to_owned(),
            ticket_hash: Hash::of(&format!("ticket of {random}")),
            requester: RawJson::from_json("[]"),
            ..record.with_state(state, server.state.clock.now(), Duration::from_secs(300))
        };
        server.state.store.unmeasured().insert(Arc::new(broken)).await.unwrap();
    }
    let broken = Code { random: "unused".to_owned(), ..code };
    assert_eq!(server.act("scanned", &broken, "alice").await.error(), (500, 500, "internal".to_owned()));
    assert_eq!(server.status(&broken).await, 0, "the scan returned no requester, so the code stays unused");
    assert_eq!(server.exchange("ticket of authorised").await.error(), (500, 500, "internal".to_owned()));

    let events = log.audit_events();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event["outcome"], "internal");
        assert_eq!(event["app_id"], "demo-app", "{event}");
        assert_eq!(event["code"].as_str().map(str::len), Some(16), "{event}");
    }
}
