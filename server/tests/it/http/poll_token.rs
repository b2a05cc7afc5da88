//! `check` answers only the browser that asked for the code.

use serde_json::json;

use crate::support::common::{API, Server};

#[tokio::test(start_paused = true)]
async fn without_the_right_poll_token_there_is_no_state_and_no_ticket() {
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    server.ticket(&code, "alice").await;
    let path = format!("{API}/check?random={}", code.random);
    let other_start = if code.poll_token.starts_with('A') { 'B' } else { 'A' };
    let almost = format!("{other_start}{}", &code.poll_token[1..]);
    for poll_token in [None, Some(""), Some("wrong"), Some(other.poll_token.as_str()), Some(almost.as_str())] {
        // `refusal` makes sure that there is no data.
        let call = server.get(&path);
        let call = match poll_token {
            Some(poll_token) => call.poll_token(poll_token),
            None => call,
        };
        call.await.is_refused(1001, "forbidden");
    }
    // Nor by waiting for it, nor in the query.
    server.get(&format!("{path}&wait=25&status=2")).await.is_refused(1001, "forbidden");
    server.get(&format!("{path}&pollToken={}", code.poll_token)).await.is_refused(1001, "forbidden");
}

#[tokio::test(start_paused = true)]
async fn with_the_switch_a_client_that_knows_no_poll_token_is_answered() {
    let server = Server::with(|config| config.settings.apps[0].compat.poll_without_token = true);
    let code = server.gene().await;
    let path = format!("{API}/check?random={}", code.random);
    let ticket = server.ticket(&code, "alice").await;
    let check = server.get(&path).await.success();
    assert_eq!(check["ticket"], json!(ticket), "the same ticket as with the token");
    server.exchange(&ticket).await.success();
    server.get(&path).poll_token("wrong").await.is_refused(1001, "forbidden");
}

#[tokio::test(start_paused = true)]
async fn with_the_switch_the_page_learns_all_about_the_user() {
    let server = Server::with(|config| config.settings.apps[0].return_full_user_info = true);
    let code = server.gene().await;
    assert_eq!(server.check(&code).await.success()["userInfo"], json!({}));
    server.act("scanned", &code, "alice").await.success();
    let check = server.check(&code).await.success();
    assert_eq!(check["scannedUserId"], "id-of-alice");
    assert_eq!(check["userInfo"]["email"], "alice@example.com");
    assert_eq!(check["userInfo"].get("token"), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_another_app_is_sent_away_and_one_that_names_none_is_not() {
    let server = Server::new();
    let gene = || server.post(&format!("{API}/gene")).json(&json!({}));
    gene().header("x-authing-app-id", "other").await.is_refused(1001, "unknown-app");
    gene().header("x-authing-app-id", "demo-app").await.success();
    gene().header("x-authing-app-id", "").await.success();
    let code = server.gene().await;
    server.check(&code).header("x-authing-app-id", "other").await.is_refused(1001, "unknown-app");
}
