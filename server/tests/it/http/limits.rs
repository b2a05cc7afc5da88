//! Whoever does something too often has to wait, and nobody else.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use scanlogin_server::Config;
use scanlogin_server::config::limits::Limits;
use scanlogin_server::config::limits::Rate;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::common::{API, Call, Code, Server, pass};

const OFFICE: &str = "192.0.2.1";
const ELSEWHERE: &str = "198.51.100.1";
const BROWSERS: usize = 1_000;

fn server(set: impl FnOnce(&mut Limits)) -> Server {
    Server::with(|config| set(&mut config.settings.limits))
}

fn rate(burst: u32) -> Rate {
    Rate { burst: burst.try_into().unwrap(), per_second: NonZeroU32::MIN }
}

fn ask(server: &Server, address: &str) -> Call {
    server.post(&format!("{API}/gene")).json(&json!({})).from(address)
}

/// Tries another code each time.
fn guess(server: &Server, address: &str) -> Call {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    server.get(&format!("{API}/check?random=guess-{number}")).from(address)
}

/// A browser polls its code until it expires, and tells how often it asked.
async fn poll(server: Server, code: Code, query: &'static str, interval: Duration) -> u32 {
    for polls in 1.. {
        let begin = Instant::now();
        let status = server.check_with(&code, query).from(OFFICE).await.success()["status"].as_i64().unwrap();
        if status == -1 {
            return polls;
        }
        sleep(interval.saturating_sub(begin.elapsed())).await;
    }
    unreachable!("a code expires")
}

/// Codes live for a few seconds here, since it is the number of browsers that matters. One that polls for two minutes is
/// below.
async fn office(query: &'static str, interval: Duration) -> u32 {
    let server = Server::with(|config| config.settings.apps[0].code_lifetime = Duration::from_secs(8));
    let mut browsers = JoinSet::new();
    for _ in 0..BROWSERS {
        ask(&server, OFFICE).await.success();
        let second_try = Code::of(&ask(&server, OFFICE).await.success());
        browsers.spawn(poll(server.clone(), second_try, query, interval));
    }
    browsers.join_all().await.into_iter().sum()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_browsers_behind_one_address_poll_undisturbed() {
    let polls = office("", Duration::from_millis(800)).await;
    assert_eq!(polls, 11 * 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_browsers_behind_one_address_wait_undisturbed() {
    let polls = office("&wait=2&status=0", Duration::ZERO).await;
    assert_eq!(polls, 4 * 1_000);
}

#[tokio::test(start_paused = true)]
async fn the_shortest_interval_of_the_widget_is_not_too_short() {
    let server = Server::new();
    let code = server.gene().await;
    // A fifth shorter at times, since the widget's rests differ.
    assert_eq!(poll(server, code, "", Duration::from_millis(80)).await, 1_501);
}

#[tokio::test(start_paused = true)]
async fn a_guesser_is_sent_away_and_their_neighbours_are_not() {
    let server = Server::new();
    let code = Code::of(&ask(&server, OFFICE).await.success());
    let mut guesses = 0;
    let reply = loop {
        let reply = guess(&server, OFFICE).await;
        if reply.status == 429 {
            break reply;
        }
        reply.is_refused(2241, "unknown-code");
        guesses += 1;
    };
    assert_eq!(guesses, Limits::default().wrong_guesses_per_address.burst.get());
    assert_eq!(reply.is_told_to_wait(), 1);

    server.check(&code).from(OFFICE).await.success();
    server.act("scanned", &code, "alice").from(OFFICE).await.success();
    server.act("confirm", &code, "alice").from(OFFICE).await.success();
    let ticket = server.check(&code).from(OFFICE).await.success()["ticket"].as_str().unwrap().to_owned();
    server.exchange(&ticket).from(OFFICE).await.success();
    ask(&server, OFFICE).await.success();
    guess(&server, ELSEWHERE).await.is_refused(2241, "unknown-code");

    guess(&server, OFFICE).await.is_told_to_wait();
    pass(1).await;
    guess(&server, OFFICE).await.is_refused(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn everything_that_can_be_tried_out_is_counted() {
    type Try = fn(&Server, &Code) -> Call;
    let tries: [(&str, Try); 8] = [
        ("unknown-code", |server, _| guess(server, OFFICE)),
        ("unknown-code", |server, _| server.get(&format!("{API}/image/guessed.png"))),
        ("forbidden", |server, code| server.get(&format!("{API}/check?random={}", code.random)).poll_token("guessed")),
        ("not-signed-in", |server, code| {
            let call = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
            call.header("authorization", "Bearer guessed")
        }),
        ("forbidden", |server, _| server.userinfo("guessed").basic("demo-app", "guessed")),
        ("unknown-ticket", |server, _| server.exchange("guessed")),
        ("unknown-app", |server, _| ask(server, OFFICE).header("x-authing-app-id", "guessed")),
        ("wrong-password", |server, _| {
            server.post("/demo/login").json(&json!({ "username": "alice", "password": "guessed" }))
        }),
    ];
    for (reason, call) in tries {
        let server = server(|limits| limits.wrong_guesses_per_address = rate(2));
        let code = server.gene().await;
        for _ in 0..2 {
            let reply = call(&server, &code).from(OFFICE).await;
            assert_eq!(reply.json()["reason"], reason);
        }
        call(&server, &code).from(OFFICE).await.is_told_to_wait();
        call(&server, &code).from(ELSEWHERE).await.refusal();
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_that_asks_for_codes_too_often_has_to_wait() {
    let server = server(|limits| limits.codes_per_address = rate(3));
    let wrong = server.post(&format!("{API}/gene")).json(&json!({ "scene": "TV" })).from(OFFICE);
    wrong.await.is_refused(2231, "invalid-parameter");
    for _ in 0..3 {
        ask(&server, OFFICE).await.success();
    }
    let seconds = ask(&server, OFFICE).await.is_told_to_wait();
    ask(&server, ELSEWHERE).await.success();
    pass(seconds).await;
    ask(&server, OFFICE).await.success();
    ask(&server, OFFICE).await.is_told_to_wait();
}

#[tokio::test(start_paused = true)]
async fn a_home_has_one_network_of_ipv6_whichever_of_its_addresses_it_calls_from() {
    let server = server(|limits| limits.codes_per_address = rate(1));
    ask(&server, "2001:db8:0:1::1").await.success();
    ask(&server, "2001:db8:0:1:ffff::2").await.is_told_to_wait();
    ask(&server, "2001:db8:0:2::1").await.success();
    ask(&server, OFFICE).await.success();
    ask(&server, &format!("::ffff:{OFFICE}")).await.is_told_to_wait();
}

#[tokio::test(start_paused = true)]
async fn a_user_who_scans_too_often_has_to_wait() {
    let server = server(|limits| limits.approver_calls_per_user = rate(2));
    for _ in 0..2 {
        server.act("scanned", &server.gene().await, "alice").await.success();
    }
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.is_told_to_wait();
    assert_eq!(server.status(&code).await, 0, "and nothing has happened");
    server.act("scanned", &code, "bob").await.success();
}

#[tokio::test(start_paused = true)]
async fn a_code_that_is_scanned_too_often_is_left_alone() {
    let server = server(|limits| limits.approver_calls_per_code = rate(2));
    let (code, other) = (server.gene().await, server.gene().await);
    server.act("scanned", &code, "alice").await.success();
    server.act("scanned", &code, "bob").await.is_refused(500, "already-scanned");
    server.act("scanned", &code, "carol").await.is_told_to_wait();
    server.act("scanned", &other, "carol").await.success();
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_polls_too_often_has_to_wait_and_who_only_sees_its_code_can_not_make_it() {
    let server = server(|limits| limits.checks_per_code = rate(2));
    let code = server.gene().await;
    let path = format!("{API}/check?random={}", code.random);
    server.get(&path).await.is_refused(1001, "forbidden");
    server.get(&path).poll_token("guessed").await.is_refused(1001, "forbidden");
    server.get(&format!("{API}/image/{}.svg", code.random)).await;
    for _ in 0..2 {
        server.check(&code).await.success();
    }
    assert_eq!(server.check(&code).await.is_told_to_wait(), 1);
    server.check(&server.gene().await).await.success();
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_origin_may_read_that_it_has_to_wait() {
    let server = Server::with(|config| {
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
        config.settings.limits.codes_per_address = rate(1);
        config.settings.limits.wrong_guesses_per_address = rate(1);
    });
    for call in [ask, guess] {
        call(&server, OFFICE).await;
        let reply = call(&server, OFFICE).header("origin", "https://shop.example").await;
        reply.is_told_to_wait();
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(reply.header("access-control-expose-headers"), Some("retry-after,x-request-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn behind_a_trusted_proxy_each_client_counts_for_itself_and_is_shown_to_the_phone() {
    let set = |config: &mut Config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.settings.limits.codes_per_address = rate(1);
    };
    let server = Server::with(set);
    let through = |proxy: &str, client: &str| ask(&server, proxy).header("x-forwarded-for", client);
    for client in [OFFICE, ELSEWHERE, "2001:db8::7"] {
        let code = Code::of(&through("10.0.0.1", client).await.success());
        let scanned = server.act("scanned", &code, "alice").await.success();
        assert_eq!(scanned["requester"]["ip"], client);
        through("10.0.0.2", client).await.is_told_to_wait();
        ask(&server, client).await.is_told_to_wait();
    }
    through("203.0.113.9", "203.0.113.1").await.success();
    through("203.0.113.9", "203.0.113.2").await.is_told_to_wait();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let server = Server::slow(Duration::from_secs(60), Duration::ZERO);
    let code = server.gene().await;
    let begin = Instant::now();
    let call = server.check(&code).header("host", "login.example").header("origin", "http://login.example");
    let reply = call.await;
    assert_eq!(reply.refusal(), (503, 503, "unavailable".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.header("access-control-allow-origin").is_some());
    assert_eq!(begin.elapsed().as_secs(), 45);
}
