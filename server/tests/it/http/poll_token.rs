//! `check` requires the poll token of the requester, and accepts no wrong app id.

use serde_json::json;

use crate::support::test_server::{API, Server};

#[tokio::test(start_paused = true)]
async fn check_without_the_right_poll_token_is_forbidden() {
    let server = Server::new();
    let (code, other) = (server.gene().await, server.gene().await);
    server.ticket(&code, "alice").await;
    let path = format!("{API}/check?random={}", code.random);
    let other_first_char = if code.poll_token.starts_with('A') { 'B' } else { 'A' };
    let almost_right = format!("{other_first_char}{}", &code.poll_token[1..]);
    for poll_token in [None, Some(""), Some("wrong"), Some(other.poll_token.as_str()), Some(almost_right.as_str())] {
        // `assert_error` also asserts that there is no data.
        let request = server.get(&path);
        let request = match poll_token {
            Some(poll_token) => request.poll_token(poll_token),
            None => request,
        };
        request.await.assert_error(1001, "forbidden");
    }
    // A long poll does not help, nor does the token in the query.
    server.get(&format!("{path}&wait=25&status=2")).await.assert_error(1001, "forbidden");
    server.get(&format!("{path}&pollToken={}", code.poll_token)).await.assert_error(1001, "forbidden");
}

#[tokio::test(start_paused = true)]
async fn compat_poll_without_token_allows_check_without_a_poll_token() {
    let server = Server::with_config(|config| config.settings.apps[0].compat.poll_without_token = true);
    let code = server.gene().await;
    let path = format!("{API}/check?random={}", code.random);
    let ticket = server.ticket(&code, "alice").await;
    let check = server.get(&path).await.success();
    assert_eq!(check["ticket"], json!(ticket), "the same ticket as with the token");
    server.exchange(&ticket).await.success();
    server.get(&path).poll_token("wrong").await.assert_error(1001, "forbidden");
}

#[tokio::test(start_paused = true)]
async fn return_full_user_info_adds_email_and_user_id_to_check() {
    let server = Server::with_config(|config| config.settings.apps[0].return_full_user_info = true);
    let code = server.gene().await;
    assert_eq!(server.check(&code).await.success()["userInfo"], json!({}));
    server.act("scanned", &code, "alice").await.success();
    let check = server.check(&code).await.success();
    assert_eq!(check["scannedUserId"], "id-of-alice");
    assert_eq!(check["userInfo"]["email"], "alice@example.com");
    assert_eq!(check["userInfo"].get("token"), None);
}

#[tokio::test(start_paused = true)]
async fn wrong_app_id_is_refused_and_a_missing_one_is_accepted() {
    let server = Server::new();
    let gene = || server.post(&format!("{API}/gene")).json(&json!({}));
    gene().header("x-authing-app-id", "other").await.assert_error(1001, "unknown-app");
    gene().header("x-authing-app-id", "demo-app").await.success();
    gene().header("x-authing-app-id", "").await.success();
    let code = server.gene().await;
    server.check(&code).header("x-authing-app-id", "other").await.assert_error(1001, "unknown-app");
}
