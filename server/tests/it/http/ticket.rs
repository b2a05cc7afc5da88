//! A ticket is valid once, for 300 s, and for its own app. The store does not contain it.

use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::support::test_server::{Server, advance_clock};

#[tokio::test(start_paused = true)]
async fn ticket_can_be_exchanged_once() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.assert_error(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn ticket_expires_300_s_after_confirm() {
    let server = Server::new();
    let code = server.gene().await;
    advance_clock(100).await;
    let early = server.ticket(&code, "alice").await;
    let late = server.ticket(&server.gene().await, "alice").await;
    advance_clock(299).await;
    server.exchange(&early).await.success();
    advance_clock(1).await;
    server.exchange(&late).await.assert_error(2231, "ticket-expired");
    server.state.store.unmeasured().purge_expired(server.state.clock.now()).await.unwrap();
    server.exchange(&late).await.assert_error(2231, "ticket-expired");
    server.exchange(&early).await.assert_error(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn unknown_and_missing_tickets_have_distinct_errors() {
    let server = Server::new();
    server.exchange("unknown").await.assert_error(2231, "unknown-ticket");
    server.exchange("").await.assert_error(2231, "missing-parameter");
}

#[tokio::test(start_paused = true)]
async fn ticket_of_an_unconfirmed_code_is_unknown() {
    let server = Server::new();
    for step in ["", "scanned", "cancel"] {
        let code = server.gene().await;
        if !step.is_empty() {
            server.act("scanned", &code, "alice").await.success();
        }
        if step == "cancel" {
            server.act("cancel", &code, "alice").await.success();
        }
        // A requester can derive the ticket from its poll token.
        let poll_token = scanlogin_server::secrets::Secret::new(code.poll_token);
        let ticket = scanlogin_server::secrets::ticket(&poll_token, &code.random);
        server.exchange(ticket.expose()).await.assert_error(2231, "unknown-ticket");
    }
}

#[tokio::test(start_paused = true)]
async fn exchange_requires_the_app_secret_and_refusals_keep_the_ticket_valid() {
    let server = Server::new();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let secret = server.app_secret();
    let userinfo = || server.userinfo(&ticket);
    for request in [
        userinfo().basic("demo-app", "wrong"),
        userinfo().basic("demo-app", ""),
        userinfo().basic("other-app", &secret),
        userinfo().header("authorization", "Basic ?"),
        userinfo().basic("demo-app", "wrong").poll_token(&code.poll_token),
    ] {
        let response = request.await;
        assert_eq!(response.error(), (401, 401, "wrong-credentials".to_owned()), "{}", response.json());
        // RFC 9110, section 15.5.2, requires this header.
        assert!(response.header("www-authenticate").unwrap().starts_with("Basic realm="));
    }
    for request in [
        userinfo(),
        userinfo().header("authorization", &format!("Bearer {}", server.token("alice"))),
        userinfo().poll_token(&code.poll_token),
    ] {
        request.await.assert_error(1001, "forbidden");
    }
    server.exchange(&ticket).await.success();
}

#[tokio::test(start_paused = true)]
async fn allow_exchange_from_browser_accepts_only_the_browsers_own_ticket() {
    let server = Server::with_config(|config| config.settings.apps[0].allow_exchange_from_browser = true);
    let (code, other) = (server.gene().await, server.gene().await);
    let ticket = server.ticket(&code, "alice").await;
    server.userinfo(&ticket).await.assert_error(1001, "forbidden");
    server.userinfo(&ticket).poll_token(&other.poll_token).await.assert_error(1001, "forbidden");
    let wrong_secret = server.userinfo(&ticket).basic("demo-app", "wrong").poll_token(&code.poll_token).await;
    assert_eq!(wrong_secret.error(), (401, 401, "wrong-credentials".to_owned()));
    server.userinfo("unknown").poll_token(&code.poll_token).await.assert_error(2231, "unknown-ticket");
    server.userinfo(&ticket).poll_token(&code.poll_token).await.success();
    server.userinfo(&ticket).poll_token(&code.poll_token).await.assert_error(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn codes_and_tickets_of_another_app_are_unknown() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let server = |app_id: &str| {
        let mut config = Config::demo().unwrap();
        config.settings.apps[0].id = app_id.to_owned();
        Server::with_store(config, Arc::clone(&store) as _)
    };
    let (own, other) = (server("own"), server("other"));
    let code = own.gene().await;
    other.check(&code).await.assert_error(2241, "unknown-code");
    let ticket = own.ticket(&code, "alice").await;
    other.exchange(&ticket).await.assert_error(2231, "unknown-ticket");
    own.exchange(&ticket).await.success();
}

#[tokio::test(start_paused = true)]
async fn database_contains_no_poll_token_ticket_user_token_or_app_secret() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("codes.db")).unwrap();
    let server = Server::with_store(Config::demo().unwrap(), Arc::new(store));
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let token = server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned();

    let mut files = 0;
    let mut contents = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        contents.extend(std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 2, "the database and its write-ahead log");
    let contains = |text: &str| contents.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(contains(&code.random), "the search does not find stored text");
    assert!(!contains(&code.poll_token));
    assert!(!contains(&ticket));
    assert!(!contains(&token));
    assert!(!contains(&server.app_secret()));
}
