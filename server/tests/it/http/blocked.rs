//! Users who have been locked out.

use jiff::Timestamp;
use serde_json::json;

use crate::support::common::Server;

async fn set_blocked(server: &Server, is_blocked: bool) {
    let pool = &server.app().user_pool_id;
    server.state.store.set_blocked(pool, "id-of-alice", is_blocked, Timestamp::now()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_confirm_of_a_blocked_user_fails_on_the_phone_and_on_the_page() {
    let server = Server::new();
    set_blocked(&server, true).await;
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.success();
    let page = tokio::spawn(server.check_with(&code, "&wait=25&status=1").into_future());
    while server.state.codes.waiters.is_empty() {
        tokio::task::yield_now().await;
    }
    server.act("confirm", &code, "alice").await.is_refused(1001, "blocked");
    let check = page.await.unwrap().success();
    assert_eq!((&check["status"], &check["ticket"]), (&json!(5), &json!(null)), "{check}");
    server.act("confirm", &code, "alice").await.is_refused(500, "already-ended");
}

#[tokio::test(start_paused = true)]
async fn a_blocked_user_may_cancel_and_others_may_confirm() {
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
async fn nothing_is_handed_out_for_a_user_who_was_blocked_after_the_confirm() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    set_blocked(&server, true).await;
    server.exchange(&ticket).await.is_refused(1001, "blocked");
    set_blocked(&server, false).await;
    assert_eq!(server.exchange(&ticket).await.success()["loginsCount"], 1, "the refusal has not cost the ticket");
}
