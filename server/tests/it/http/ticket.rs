//! A ticket works once, in time, for its own app, and is nowhere to be read.

use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::support::common::{Server, pass};

#[tokio::test(start_paused = true)]
async fn a_ticket_works_once() {
    let server = Server::new();
    let ticket = server.ticket(&server.gene().await, "alice").await;
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.is_refused(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_lives_for_300_seconds_from_the_confirm() {
    let server = Server::new();
    let code = server.gene().await;
    pass(100).await;
    let early = server.ticket(&code, "alice").await;
    let late = server.ticket(&server.gene().await, "alice").await;
    pass(299).await;
    server.exchange(&early).await.success();
    pass(1).await;
    server.exchange(&late).await.is_refused(2231, "ticket-expired");
    server.state.store.forget(server.state.clock.now()).await.unwrap();
    server.exchange(&late).await.is_refused(2231, "ticket-expired");
    server.exchange(&early).await.is_refused(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_ticket_is_told_from_a_used_one() {
    let server = Server::new();
    server.exchange("unknown").await.is_refused(2231, "unknown-ticket");
    server.exchange("").await.is_refused(2231, "missing-parameter");
}

#[tokio::test(start_paused = true)]
async fn the_ticket_of_a_code_that_nobody_has_confirmed_is_worth_nothing() {
    let server = Server::new();
    for step in ["", "scanned", "cancel"] {
        let code = server.gene().await;
        if !step.is_empty() {
            server.act("scanned", &code, "alice").await.success();
        }
        if step == "cancel" {
            server.act("cancel", &code, "alice").await.success();
        }
        // The browser can make it, knowing how: from its poll token.
        let poll_token = scanlogin_server::secrets::Secret::new(code.poll_token);
        let ticket = scanlogin_server::secrets::ticket(&poll_token, &code.random);
        server.exchange(ticket.expose()).await.is_refused(2231, "unknown-ticket");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_apps_own_backend_may_exchange_and_a_refusal_costs_nothing() {
    let server = Server::new();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let secret = server.app_secret();
    let userinfo = || server.userinfo(&ticket);
    for call in [
        userinfo(),
        userinfo().basic("demo-app", "wrong"),
        userinfo().basic("other-app", &secret),
        userinfo().header("authorization", "Basic ?"),
        userinfo().header("authorization", &format!("Bearer {}", server.token("alice"))),
        userinfo().poll_token(&code.poll_token),
    ] {
        call.await.is_refused(1001, "forbidden");
    }
    server.exchange(&ticket).await.success();
}

#[tokio::test(start_paused = true)]
async fn with_the_switch_a_browser_may_exchange_its_own_ticket_only() {
    let server = Server::with(|config| config.settings.apps[0].allow_exchange_from_browser = true);
    let (code, other) = (server.gene().await, server.gene().await);
    let ticket = server.ticket(&code, "alice").await;
    server.userinfo(&ticket).await.is_refused(1001, "forbidden");
    server.userinfo(&ticket).poll_token(&other.poll_token).await.is_refused(1001, "forbidden");
    server
        .userinfo(&ticket)
        .basic("demo-app", "wrong")
        .poll_token(&code.poll_token)
        .await
        .is_refused(1001, "forbidden");
    server.userinfo("unknown").poll_token(&code.poll_token).await.is_refused(2231, "unknown-ticket");
    server.userinfo(&ticket).poll_token(&code.poll_token).await.success();
    server.userinfo(&ticket).poll_token(&code.poll_token).await.is_refused(2231, "ticket-used");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_and_a_code_of_another_app_are_unknown() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let server = |app_id: &str| {
        let mut config = Config::demo().unwrap();
        config.settings.apps[0].id = app_id.to_owned();
        Server::of(config, Arc::clone(&store) as _)
    };
    let (mine, other) = (server("mine"), server("other"));
    let code = mine.gene().await;
    other.check(&code).await.is_refused(2241, "unknown-code");
    let ticket = mine.ticket(&code, "alice").await;
    other.exchange(&ticket).await.is_refused(2231, "unknown-ticket");
    mine.exchange(&ticket).await.success();
}

#[tokio::test(start_paused = true)]
async fn the_database_holds_neither_poll_token_nor_ticket_nor_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("codes.db")).unwrap();
    let server = Server::of(Config::demo().unwrap(), Arc::new(store));
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let token = server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned();

    let mut files = 0;
    let mut everything = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        everything.extend(std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 2, "the file and its log");
    let holds = |text: &str| everything.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&code.random), "the search works");
    assert!(!holds(&code.poll_token));
    assert!(!holds(&ticket));
    assert!(!holds(&token));
    assert!(!holds(&server.app_secret()));
}
