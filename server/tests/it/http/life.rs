//! The table of a code's life, cell by cell, over HTTP.

use scanlogin_protocol::lifecycle::Life;
use scanlogin_server::codes::find::Found;
use scanlogin_server::secrets::Hash;
use scanlogin_server::store::raw_json::RawJson;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::user::User;

use crate::support::common::{Code, Server, pass};

const ACTIONS: [&str; 3] = ["scanned", "confirm", "cancel"];

/// Where a code may stand when somebody acts on it.
async fn code_that_is(server: &Server, state: &str) -> Code {
    let code = server.gene().await;
    if matches!(state, "scanned" | "scanned, then expired" | "authorised" | "cancelled" | "failed") {
        server.act("scanned", &code, "alice").await.success();
    }
    match state {
        "authorised" => drop(server.act("confirm", &code, "alice").await.success()),
        "cancelled" => drop(server.act("cancel", &code, "alice").await.success()),
        "failed" => fail(server, &code).await,
        "expired" => pass(120).await,
        "scanned, then expired" => pass(180).await,
        _ => {}
    }
    code
}

/// Nothing in this version makes a code fail, so the store is told to.
async fn fail(server: &Server, code: &Code) {
    let Found { record, revision, .. } = server.state.codes.find(&code.random).await.unwrap();
    let alice = User { id: "id-of-alice".to_owned(), ..User::default() };
    let failed = record.step(Life::Failed(alice), server.state.clock.now(), core::time::Duration::ZERO);
    assert!(server.state.store.swap(failed, revision).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn every_cell_of_the_table_holds() {
    // State, status that `check` tells, and what each action answers to the user who scanned and to another.
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
    for (state, status, of_owner, of_another) in table {
        for (user, answers) in [("alice", of_owner), ("bob", of_another)] {
            for (action, expected) in ACTIONS.into_iter().zip(answers) {
                let server = Server::new();
                let code = code_that_is(&server, state).await;
                assert_eq!(server.status(&code).await, status, "{state}");

                let reply = server.act(action, &code, user).await;
                if let Ok(becomes) = expected.parse::<i64>() {
                    reply.success();
                    assert_eq!(server.status(&code).await, becomes, "{state}: {action} by {user}");
                } else {
                    reply.is_refused(500, expected);
                    assert_eq!(server.status(&code).await, status, "{state}: {action} by {user} changes nothing");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_code_says_why_in_both_places_that_clients_read() {
    let server = Server::new();
    let code = code_that_is(&server, "failed").await;
    let result = server.check(&code).await.success()["scannedResult"].clone();
    assert!(result["message"].is_string());
    assert_eq!(result["message"], result["errmsg"]);
}

#[tokio::test(start_paused = true)]
async fn a_code_scanned_in_time_may_be_decided_for_a_minute_more() {
    let server = Server::new();
    let code = server.gene().await;
    pass(119).await;
    server.act("scanned", &code, "alice").await.success();
    pass(60).await;
    server.act("confirm", &code, "alice").await.success();
    assert_eq!(server.status(&code).await, 2);
}

#[tokio::test(start_paused = true)]
async fn every_code_is_forgotten_five_minutes_after_its_end() {
    for (state, remembered) in
        [("unused", 420), ("expired", 300), ("scanned", 480), ("cancelled", 300), ("authorised", 300)]
    {
        let server = Server::new();
        let code = code_that_is(&server, state).await;
        pass(remembered - 1).await;
        server.check(&code).await.success();
        pass(1).await;
        server.check(&code).await.is_refused(2241, "unknown-code");
        server.act("scanned", &code, "alice").await.is_refused(2241, "unknown-code");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sweep_drops_what_is_forgotten_and_nothing_else() {
    let server = Server::new();
    let old = server.gene().await;
    pass(300).await;
    let young = server.gene().await;
    pass(120).await;
    assert_eq!(server.state.store.forget(server.state.clock.now()).await.unwrap(), 1);
    assert!(server.state.store.find(&old.random).await.unwrap().is_none());
    assert!(server.state.store.find(&young.random).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_not_be_read_whole_takes_no_step() {
    let server = Server::new();
    let code = server.gene().await;
    let record = server.state.codes.find(&code.random).await.unwrap().record;
    let broken = Record {
        random: "broken".to_owned(),
        ticket_hash: Hash::of("another ticket"),
        requester: RawJson::from_json("[]"),
        ..record
    };
    server.state.store.insert(broken).await.unwrap();
    let broken = Code { random: "broken".to_owned(), ..code };
    let scan = server.act("scanned", &broken, "alice").await;
    assert_eq!(scan.refusal(), (500, 500, "internal".to_owned()));
    assert_eq!(server.status(&broken).await, 0, "nobody was told who asks, so nobody has scanned it");
}
