//! Number matching: the page shows a number, and the phone asks which of three numbers that is.

use serde_json::{Value, json};

use crate::support::test_server::{
    API, Code, Server, disable_approver_limits, reason_counts, send_concurrently, set_links, set_number_matching,
};
use crate::support::timeout::yield_until;

fn server() -> Server {
    Server::with_config(set_number_matching)
}

/// Scans `code` as alice. Returns the number that the page shows, and the two others.
async fn scan(server: &Server, code: &Code) -> (String, [String; 2]) {
    let scanned = server.act("scanned", code, "alice").await.success();
    let number = server.check(code).await.success()["number"].as_str().unwrap().to_owned();
    let offered = scanned["numbers"].as_array().unwrap().iter().map(|number| number.as_str().unwrap().to_owned());
    let others: Vec<String> = offered.filter(|offered| *offered != number).collect();
    (number, others.try_into().expect("one of the three is shown, and the others differ"))
}

#[tokio::test(start_paused = true)]
async fn page_is_signed_in_with_the_number_that_it_shows() {
    let server = server();
    let code = server.gene().await;
    assert_eq!(server.check(&code).await.success().get("number"), None, "nobody has scanned the code");
    let (number, others) = scan(&server, &code).await;
    assert!(number.len() == 2 && others[0].len() == 2 && others[1].len() == 2, "{number} {others:?}");
    let confirmed = server.confirm_number(&code, "alice", &number).await.success();
    assert_eq!(confirmed.get("numbers"), None, "{confirmed}");
    let check = server.check(&code).await.success();
    assert_eq!((&check["status"], check.get("number")), (&json!(2), None), "{check}");
    // A client that got no response repeats the confirm.
    server.confirm_number(&code, "alice", &number).await.success();
    server.exchange(check["ticket"].as_str().unwrap()).await.success();
}

#[tokio::test(start_paused = true)]
async fn repeated_scan_and_repeated_poll_get_the_same_numbers() {
    let server = server();
    let code = server.gene().await;
    let scan = async || server.act("scanned", &code, "alice").await.success()["numbers"].clone();
    let poll = async || server.check(&code).await.success()["number"].clone();
    let (numbers, number) = (scan().await, poll().await);
    for _ in 0..3 {
        assert_eq!((scan().await, poll().await), (numbers.clone(), number.clone()));
    }
    assert!(numbers.as_array().unwrap().contains(&number), "{numbers} {number}");
}

#[tokio::test(start_paused = true)]
async fn held_poll_gets_the_number_with_the_scan() {
    let server = server();
    let code = server.gene().await;
    let poll = tokio::spawn(server.check_with(&code, "&wait=25&status=0").into_future());
    yield_until("a waiting poll", || !server.state.codes.notifier.is_empty()).await;
    server.act("scanned", &code, "alice").await.success();
    assert!(poll.await.unwrap().success()["number"].is_string());
}

#[tokio::test(start_paused = true)]
async fn confirm_without_a_number_is_refused_and_can_be_repeated_with_it() {
    let server = server();
    let code = server.gene().await;
    let (number, _) = scan(&server, &code).await;
    server.act("confirm", &code, "alice").await.assert_error(2231, "number-required");
    server.confirm_number(&code, "alice", "").await.assert_error(2231, "number-required");
    assert_eq!(server.status(&code).await, 1);
    server.confirm_number(&code, "alice", &number).await.success();
}

#[tokio::test(start_paused = true)]
async fn wrong_number_cancels_the_code_and_wakes_the_page() {
    let server = server();
    for at in 0..2 {
        let code = server.gene().await;
        let (number, others) = scan(&server, &code).await;
        let poll = tokio::spawn(server.check_with(&code, "&wait=25&status=1").into_future());
        yield_until("a waiting poll", || !server.state.codes.notifier.is_empty()).await;
        server.confirm_number(&code, "alice", &others[at]).await.assert_error(500, "wrong-number");
        let check = poll.await.unwrap().success();
        assert_eq!((&check["status"], &check["ticket"]), (&json!(3), &Value::Null), "{check}");
        server.confirm_number(&code, "alice", &number).await.assert_error(500, "already-ended");
    }
}

#[tokio::test(start_paused = true)]
async fn number_that_is_not_offered_cancels_the_code() {
    let server = server();
    let code = server.gene().await;
    let (number, others) = scan(&server, &code).await;
    let offered = [&number, &others[0], &others[1]];
    let foreign = (10..=99).map(|number| number.to_string()).find(|number| !offered.contains(&number)).unwrap();
    server.confirm_number(&code, "alice", &foreign).await.assert_error(500, "wrong-number");
    assert_eq!(server.status(&code).await, 3);
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_number_is_refused_and_changes_nothing() {
    let server = server();
    let code = server.gene().await;
    let (number, _) = scan(&server, &code).await;
    for invalid in [json!("7"), json!("07"), json!("100"), json!("ab"), json!(42), json!([number]), json!(true)] {
        let body = json!({ "random": code.random, "number": invalid });
        let response = server.post(&format!("{API}/confirm")).json(&body).bearer(&server.token("alice")).await;
        response.assert_error(2231, "invalid-parameter");
        assert!(response.message().starts_with("number"), "{}", response.message());
    }
    assert_eq!(server.status(&code).await, 1);
    server.confirm_number(&code, "alice", &number).await.success();
}

#[tokio::test(start_paused = true)]
async fn wrong_number_of_another_user_does_not_cancel_the_code() {
    let server = server();
    let code = server.gene().await;
    let (number, others) = scan(&server, &code).await;
    server.confirm_number(&code, "bob", &others[0]).await.assert_error(500, "wrong-user");
    server.confirm_number(&code, "bob", &number).await.assert_error(500, "wrong-user");
    server.confirm_number(&code, "alice", &number).await.success();
}

#[tokio::test(start_paused = true)]
async fn app_without_the_setting_asks_for_no_number_and_ignores_one() {
    let server = Server::new();
    let code = server.gene().await;
    assert_eq!(server.act("scanned", &code, "alice").await.success().get("numbers"), None);
    assert_eq!(server.check(&code).await.success().get("number"), None);
    server.confirm_number(&code, "alice", "10").await.success();
    assert_eq!(server.status(&code).await, 2);
}

#[tokio::test(start_paused = true)]
async fn no_number_is_asked_for_on_the_device_of_the_page() {
    let server = Server::with_config(|config| {
        set_links(config);
        set_number_matching(config);
    });
    let code = server.gene_with_link().await;
    assert_eq!(server.open(&code, "alice").await.success().get("numbers"), None);
    assert_eq!(server.check(&code).await.success().get("number"), None);
    let response_code = code.response_code(&server.act("confirm", &code, "alice").await.success());
    assert_eq!(server.check(&code).await.success().get("number"), None);
    server.complete(&code, &response_code).await.success();
}

#[tokio::test(start_paused = true)]
async fn poll_without_the_poll_token_does_not_get_the_number() {
    let server = Server::with_config(|config| {
        set_number_matching(config);
        config.settings.apps[0].compat.poll_without_token = true;
    });
    let code = server.gene().await;
    let (number, _) = scan(&server, &code).await;
    let check = server.get(&format!("{API}/check?random={}", code.random)).await.success();
    assert_eq!((&check["status"], check.get("number")), (&json!(1), None), "{check}");
    server.confirm_number(&code, "alice", &number).await.success();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_100_concurrent_wrong_numbers_is_the_one_try() {
    let server = Server::with_config(|config| {
        set_number_matching(config);
        disable_approver_limits(config);
    });
    let code = server.gene().await;
    let (_, [wrong, _]) = scan(&server, &code).await;
    let confirms = (0..100).map(|_| server.confirm_number(&code, "alice", &wrong)).collect();
    assert_eq!(send_concurrently(confirms).await, reason_counts([("wrong-number", 1), ("already-ended", 99)]));
    assert_eq!(server.status(&code).await, 3);
}
