//! Blocked users.

use jiff::Timestamp;
use serde_json::json;

use crate::support::test_server::Server;
use crate::support::timeout::yield_until;

async fn set_blocked(server: &Server, is_blocked: bool) {
    let pool = &server.app().user_pool_id;
    server.state.store.unmeasured().set_blocked(pool, "id-of-alice", is_blocked, Timestamp::now()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn confirm_by_a_blocked_user_fails_and_the_requester_gets_status_5() {
    let server = Server::new();
    set_blocked(&server, true).await;
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    let poll = tokio::spawn(server.check_with(&code, "&wait=25&status=1").into_future());
    yield_until("a waiting poll", || !server.state.codes.notifier.is_empty()).await;
    server.act("confirm", &code, "alice").await.assert_error(1001, "blocked");
    let check = poll.await.unwrap().success();
    assert_eq!((&check["status"], &check["ticket"]), (&json!(5), &json!(null)), "{check}");
    server.act("confirm", &code, "alice").await.assert_error(500, "already-ended");
}

#[tokio::test(start_paused = true)]
async fn blocked_user_can_cancel_and_other_users_can_confirm() {
    let server = Server::new();
    set_blocked(&server, true).await;
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    server.act("cancel", &code, "alice").await.success();
    assert_eq!(server.status(&code).await, 3);
    let ticket = server.ticket(&server.gene().await, "bob").await;
    assert_eq!(server.exchange(&ticket).await.success()["blocked"], false);
}

#[tokio::test(start_paused = true)]
async fn exchange_for_a_user_blocked_after_confirm_keeps_the_ticket_valid() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    set_blocked(&server, true).await;
    server.exchange(&ticket).await.assert_error(1001, "blocked");
    set_blocked(&server, false).await;
    assert_eq!(
        server.exchange(&ticket).await.success()["loginsCount"],
        1,
        "the refused exchange has not consumed the ticket"
    );
}
