//! Attacks on sign-in on the same device and on number matching, one test for each. `SECURITY.md` maps each test to a threat.

use std::collections::HashSet;
use std::sync::Arc;

use scanlogin_server::clock::Clock;
use scanlogin_server::secrets::{Secret, ticket};
use scanlogin_server::store::Store;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{AppState, Config};
use serde_json::{Value, json};

use crate::support::redis_server::{Persistence, RedisServer};
use crate::support::test_server::{
    API, Code, RETURN_URL, Server, disable_approver_limits, reason_counts, send_concurrently, set_links,
    set_number_matching,
};

fn server_with_links() -> Server {
    Server::with_config(set_links)
}

/// A server on the system clock, because Redis expires keys by the system clock.
fn server_on(store: Arc<dyn Store>) -> Server {
    let mut config = Config::demo().unwrap();
    set_links(&mut config);
    disable_approver_limits(&mut config);
    config.settings.limits.checks_per_code.burst = core::num::NonZeroU32::MAX;
    let state = AppState::new(config, store, Clock::system()).unwrap();
    Server { router: scanlogin_server::app(&state), state }
}

/// Asserts that the page of `code` is not signed in, and that its ticket, which the page can compute, is not valid.
async fn assert_not_signed_in(server: &Server, code: &Code) {
    let check = server.check(code).await.success();
    assert_eq!((&check["status"], &check["ticket"]), (&json!(1), &Value::Null), "{check}");
    let computed = ticket(&Secret::new(&*code.poll_token), &code.random);
    server.exchange(computed.expose()).await.assert_error(2231, "unknown-ticket");
}

#[tokio::test(start_paused = true)]
async fn forwarded_link_that_another_person_approves_does_not_sign_the_sender_in() {
    let server = server_with_links();
    // Mallory's page has the poll token. She sends the link to Alice, whose browser gets the response code.
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    assert_not_signed_in(&server, &code).await;

    // Mallory has approved a code of her own, and knows its response code.
    let own = server.gene_with_link().await;
    let own_response_code = server.response_code(&own, "mallory").await;
    let almost = format!("{}{}", if response_code.starts_with('A') { 'B' } else { 'A' }, &response_code[1..]);
    for guess in [
        own_response_code.as_str(),
        &code.random,
        &code.poll_token,
        &almost,
        &response_code[..42],
        &response_code.to_ascii_lowercase(),
        "null",
        "0",
    ] {
        server.complete(&code, guess).await.assert_error(1001, "wrong-response-code");
    }
    let without = server.post(&format!("{API}/complete")).json(&json!({ "random": code.random }));
    without.poll_token(&code.poll_token).await.assert_error(2231, "missing-parameter");
    server.act("confirm", &code, "mallory").await.assert_error(500, "already-ended");
    assert_not_signed_in(&server, &code).await;

    // Alice's browser has the response code. It has no poll token, or that of a code of its own.
    let of_alice = server.gene_with_link().await;
    for poll_token in ["", "wrong", &of_alice.poll_token, &code.random, &response_code] {
        let complete = server.complete_without_token(&code, &response_code).poll_token(poll_token);
        complete.await.assert_error(1001, "forbidden");
    }
    server.complete_without_token(&code, &response_code).await.assert_error(1001, "forbidden");
    server.complete(&of_alice, &response_code).await.assert_error(1001, "wrong-response-code");
    assert_not_signed_in(&server, &code).await;

    tokio::time::advance(core::time::Duration::from_secs(180)).await;
    assert_eq!(server.status(&code).await, -1);
    server.complete(&code, &response_code).await.assert_error(500, "expired");
}

#[tokio::test(start_paused = true)]
async fn complete_requires_the_poll_token_also_if_polls_need_none() {
    let server = Server::with_config(|config| {
        set_links(config);
        config.settings.apps[0].compat.poll_without_token = true;
    });
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    server.complete_without_token(&code, &response_code).await.assert_error(1001, "forbidden");
    server.complete_without_token(&code, &response_code).poll_token("wrong").await.assert_error(1001, "forbidden");
    let check = server.get(&format!("{API}/check?random={}", code.random)).await.success();
    assert_eq!(check["status"], 1);
}

#[tokio::test(start_paused = true)]
async fn superseded_and_foreign_response_codes_are_wrong_and_a_replay_gets_the_same_ticket() {
    let server = server_with_links();
    let (code, other) = (server.gene_with_link().await, server.gene_with_link().await);
    let superseded = server.response_code(&code, "alice").await;
    let last = code.response_code(&server.act("confirm", &code, "alice").await.success());
    let of_other = server.response_code(&other, "alice").await;
    for wrong in [&superseded, &of_other] {
        server.complete(&code, wrong).await.assert_error(1001, "wrong-response-code");
    }
    let completed = server.complete(&code, &last).await.success();
    for wrong in [&superseded, &of_other] {
        server.complete(&code, wrong).await.assert_error(1001, "wrong-response-code");
    }
    server.exchange(completed["ticket"].as_str().unwrap()).await.success();
    let replayed = server.complete(&code, &last).await.success();
    assert_eq!(replayed["ticket"], completed["ticket"]);
    server.exchange(replayed["ticket"].as_str().unwrap()).await.assert_error(2231, "ticket-used");
    server.complete_without_token(&code, &last).await.assert_error(1001, "forbidden");
}

#[tokio::test(start_paused = true)]
async fn code_that_was_not_confirmed_on_the_same_device_has_no_response_code() {
    let server = server_with_links();
    for steps in
        [&[][..], &["scanned"], &["open"], &["scanned", "cancel"], &["open", "cancel"], &["scanned", "confirm"]]
    {
        let code = server.gene_with_link().await;
        for step in steps {
            let request = if *step == "open" { server.open(&code, "alice") } else { server.act(step, &code, "alice") };
            request.await.success();
        }
        let before = server.check(&code).await.body;
        for guess in ["a", &code.random, &code.poll_token] {
            server.complete(&code, guess).await.assert_error(1001, "wrong-response-code");
        }
        assert_eq!(server.check(&code).await.body, before, "{steps:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn response_code_goes_only_to_a_listed_address_of_the_page_that_requested_the_code() {
    let server = Server::with_config(|config| {
        set_links(config);
        let app = &mut config.settings.apps[0];
        app.allowed_origins =
            ["https://shop.example", "https://partner.example"].map(|text| text.parse().unwrap()).into();
    });
    for (address, origin) in [
        // An allowed page requests a code that returns to a page of another origin.
        (RETURN_URL.to_owned(), "https://partner.example"),
        ("https://partner.example/login".to_owned(), "https://partner.example"),
        // A page of the site redirects to an address of the query, and would pass the fragment on.
        (format!("{RETURN_URL}&next=https://evil.example/"), "https://shop.example"),
        ("https://shop.example/redirect?to=https://evil.example/".to_owned(), "https://shop.example"),
        ("https://shop.example/login".to_owned(), "https://shop.example"),
        ("https://evil.example/login?lang=en".to_owned(), "https://shop.example"),
        (format!("https://evil.example/#{RETURN_URL}"), "https://shop.example"),
        ("//shop.example/login?lang=en".to_owned(), "https://shop.example"),
        (format!("{RETURN_URL}\n"), "https://shop.example"),
    ] {
        let gene = server.post(&format!("{API}/gene")).header("origin", origin).json(&json!({ "returnUrl": address }));
        let code = Code::from_data(&gene.await.success());
        assert_eq!(code.data.get("link"), None, "{address} {origin}");
        server.open(&code, "alice").await.assert_error(2231, "invalid-parameter");
        server.act("scanned", &code, "alice").await.success();
        let confirmed = server.act("confirm", &code, "alice").await.success();
        assert_eq!(confirmed.get("returnUrl"), None, "{address} {origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn same_device_does_not_skip_number_matching_for_a_page_on_another_device() {
    let server = Server::with_config(|config| {
        set_links(config);
        set_number_matching(config);
    });
    // The code has no link: an approver that claims to be on the same device is refused.
    let code = server.gene().await;
    server.open(&code, "alice").await.assert_error(2231, "invalid-parameter");
    server.act("scanned", &code, "alice").await.success();
    server.open(&code, "alice").await.assert_error(2231, "invalid-parameter");
    server.act("confirm", &code, "alice").await.assert_error(2231, "number-required");

    // The code has a link: the confirm needs no number, and does not sign the page in.
    let code = server.gene_with_link().await;
    server.open(&code, "alice").await.success();
    server.act("confirm", &code, "alice").await.success();
    assert_not_signed_in(&server, &code).await;

    // The link without `.return` is a usual code.
    let code = server.gene_with_link().await;
    assert!(server.act("scanned", &code, "alice").await.success()["numbers"].is_array());
    server.act("confirm", &code, "alice").await.assert_error(2231, "number-required");
}

/// Mallory sends Alice both links of one code. Alice's approver opens the plain one first, and then that for the same device.
#[tokio::test(start_paused = true)]
async fn approver_learns_whether_the_confirm_is_bound_to_its_device() {
    let server = server_with_links();
    let code = server.gene_with_link().await;
    let scanned = server.act("scanned", &code, "alice").await.success();
    assert_eq!(scanned.get("sameDevice"), None, "{scanned}");
    server.open(&code, "alice").await.assert_error(500, "already-scanned");
    let repeated = server.act("scanned", &code, "alice").await.success();
    assert_eq!(repeated.get("sameDevice"), None, "{repeated}");

    // In the other order the confirm is bound, whatever the approver says in a repetition.
    let code = server.gene_with_link().await;
    for request in [server.open(&code, "alice"), server.open(&code, "alice"), server.act("scanned", &code, "alice")] {
        assert_eq!(request.await.success()["sameDevice"], true);
    }
    server.act("confirm", &code, "alice").await.success();
    assert_not_signed_in(&server, &code).await;
}

#[tokio::test(start_paused = true)]
async fn numbers_can_be_tried_once_and_not_by_another_user() {
    let server = Server::with_config(set_number_matching);
    let code = server.gene().await;
    let numbers = server.act("scanned", &code, "alice").await.success()["numbers"].clone();
    let right = server.check(&code).await.success()["number"].clone();
    let wrong = numbers.as_array().unwrap().iter().find(|number| **number != right).unwrap();
    let (right, wrong) = (right.as_str().unwrap(), wrong.as_str().unwrap());
    server.confirm_number(&code, "mallory", right).await.assert_error(500, "wrong-user");
    server.confirm_number(&code, "alice", wrong).await.assert_error(500, "wrong-number");
    server.confirm_number(&code, "alice", right).await.assert_error(500, "already-ended");
    server.act("scanned", &code, "alice").await.assert_error(500, "already-ended");
    let check = server.check(&code).await.success();
    assert_eq!((&check["status"], &check["ticket"]), (&json!(3), &Value::Null), "{check}");
}

/// A page knows all that a new code consists of: id, poll token and ticket. If the number followed from that, the page could
/// request codes until the number is one that it has told the victim in advance.
#[tokio::test(start_paused = true)]
async fn number_does_not_follow_from_what_the_page_knows_before_the_scan() {
    let server = Server::with_config(set_number_matching);
    let code = server.gene().await;
    let record = server.state.codes.find(&code.random).await.unwrap().record;
    let mut numbers = HashSet::new();
    for _ in 0..20 {
        let server = Server::with_config(set_number_matching);
        server.state.store.unmeasured().insert(Arc::clone(&record)).await.unwrap();
        server.act("scanned", &code, "alice").await.success();
        numbers.insert(server.check(&code).await.success()["number"].to_string());
    }
    assert!(numbers.len() > 1, "each of 20 scans of the same code gives the number {numbers:?}");
}

/// Completes one code 1000 times concurrently. All get the same ticket, which is exchanged once.
async fn complete_1000_times(store: Arc<dyn Store>) {
    let server = server_on(store);
    let code = server.gene_with_link().await;
    let response_code = server.response_code(&code, "alice").await;
    let completes = (0..1_000).map(|_| server.complete(&code, &response_code)).collect();
    assert_eq!(send_concurrently(completes).await, reason_counts([("ok", 1_000)]));
    let ticket = server.complete(&code, &response_code).await.success()["ticket"].as_str().unwrap().to_owned();
    let exchanges = (0..10).map(|_| server.exchange(&ticket)).collect();
    assert_eq!(send_concurrently(exchanges).await, reason_counts([("ok", 1), ("ticket-used", 9)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_of_1000_concurrent_completions_get_the_one_ticket_in_sqlite() {
    complete_1000_times(Arc::new(SqliteStore::in_memory().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_of_1000_concurrent_completions_get_the_one_ticket_in_redis() {
    let redis = RedisServer::start(Persistence::None);
    complete_1000_times(Arc::new(redis.open().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_confirms_cancels_and_completions_end_in_one_state() {
    let redis = RedisServer::start(Persistence::None);
    let stores: [Arc<dyn Store>; 2] = [Arc::new(SqliteStore::in_memory().unwrap()), Arc::new(redis.open().await)];
    for store in stores {
        let server = server_on(store);
        // A cancel races with the confirms. The page completes with a response code that the confirms replace.
        let code = server.gene_with_link().await;
        server.open(&code, "alice").await.success();
        let several =
            |action, count| send_concurrently((0..count).map(|_| server.act(action, &code, "alice")).collect());
        let (confirms, cancels) = tokio::join!(several("confirm", 10), several("cancel", 10));
        let is_cancelled = cancels.contains_key("ok");
        assert_eq!(confirms.contains_key("ok"), !is_cancelled, "{confirms:?} {cancels:?}");
        assert!(!confirms.contains_key("internal") && !cancels.contains_key("internal"), "{confirms:?} {cancels:?}");
        assert_eq!(server.status(&code).await, if is_cancelled { 3 } else { 1 });

        let code = server.gene_with_link().await;
        let response_code = server.response_code(&code, "alice").await;
        let completes = send_concurrently((0..100).map(|_| server.complete(&code, &response_code)).collect());
        let several =
            |action, count| send_concurrently((0..count).map(|_| server.act(action, &code, "alice")).collect());
        let (completes, confirms, cancels) = tokio::join!(completes, several("confirm", 10), several("cancel", 10));
        assert_eq!(cancels, reason_counts([("already-ended", 10)]));
        assert_eq!(confirms, reason_counts([("ok", 10)]));
        match server.status(&code).await {
            // The response code was used before a confirm replaced it. All other completions are repetitions.
            2 => assert_eq!(completes, reason_counts([("ok", 100)])),
            1 => assert_eq!(completes, reason_counts([("wrong-response-code", 100)])),
            status => panic!("status {status}"),
        }
    }
}
