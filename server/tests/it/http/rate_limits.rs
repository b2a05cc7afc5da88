//! Rate limits and the handler timeout. A limit applies only to the client that exceeds it.

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use scanlogin_server::Config;
use scanlogin_server::config::limits::Limits;
use scanlogin_server::config::limits::Rate;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::test_server::{API, Code, Server, TestRequest, advance_clock};

const SHARED_IP: &str = "192.0.2.1";
const OTHER_IP: &str = "198.51.100.1";
const REQUESTERS: usize = 1_000;

fn server(set: impl FnOnce(&mut Limits)) -> Server {
    Server::with_config(|config| set(&mut config.settings.limits))
}

fn rate(burst: u32) -> Rate {
    Rate { burst: burst.try_into().unwrap(), per_second: NonZeroU32::MIN }
}

fn request_code(server: &Server, address: &str) -> TestRequest {
    server.post(&format!("{API}/gene")).json(&json!({})).client_ip(address)
}

/// A check of a code that does not exist. Each request guesses another one.
fn guess_code(server: &Server, address: &str) -> TestRequest {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    server.get(&format!("{API}/check?random=guess-{number}")).client_ip(address)
}

/// Polls a code until it expires, and returns the number of polls.
async fn poll_until_expiry(server: Server, code: Code, query: &'static str, interval: Duration) -> u32 {
    for polls in 1..=10_000 {
        let start = Instant::now();
        let status = server.check_with(&code, query).client_ip(SHARED_IP).await.success()["status"].as_i64().unwrap();
        if status == -1 {
            return polls;
        }
        sleep(interval.saturating_sub(start.elapsed())).await;
    }
    panic!("the code has not expired after 10,000 polls")
}

/// 1000 requesters behind one IP address poll until their codes expire. Returns the number of polls.
///
/// The codes expire after a few seconds, because this test is about the number of requesters. Another test polls for two
/// minutes.
async fn count_polls_behind_one_ip(query: &'static str, interval: Duration) -> u32 {
    let server = Server::with_config(|config| config.settings.apps[0].code_lifetime = Duration::from_secs(8));
    let mut requesters = JoinSet::new();
    for _ in 0..REQUESTERS {
        request_code(&server, SHARED_IP).await.success();
        let second_code = Code::from_data(&request_code(&server, SHARED_IP).await.success());
        requesters.spawn(poll_until_expiry(server.clone(), second_code, query, interval));
    }
    requesters.join_all().await.into_iter().sum()
}

#[tokio::test(start_paused = true)]
async fn polls_of_1000_requesters_behind_one_ip_are_not_limited() {
    let polls = count_polls_behind_one_ip("", Duration::from_millis(800)).await;
    assert_eq!(polls, 11 * 1_000);
}

#[tokio::test(start_paused = true)]
async fn long_polls_of_1000_requesters_behind_one_ip_are_not_limited() {
    let polls = count_polls_behind_one_ip("&wait=2&status=0", Duration::ZERO).await;
    assert_eq!(polls, 4 * 1_000);
}

#[tokio::test(start_paused = true)]
async fn polls_at_the_shortest_widget_interval_are_not_limited() {
    let server = Server::new();
    let code = server.gene().await;
    // 80 ms is the widget's shortest interval of 100 ms with its maximal jitter of 20 %.
    assert_eq!(poll_until_expiry(server, code, "", Duration::from_millis(80)).await, 1_501);
}

#[tokio::test(start_paused = true)]
async fn wrong_guesses_limit_only_further_guesses_from_the_same_ip() {
    let server = Server::new();
    let code = Code::from_data(&request_code(&server, SHARED_IP).await.success());
    for _ in 0..Limits::default().wrong_guesses_per_address.burst.get() {
        guess_code(&server, SHARED_IP).await.assert_error(2241, "unknown-code");
    }
    assert_eq!(guess_code(&server, SHARED_IP).await.assert_rate_limited(), 1);

    server.check(&code).client_ip(SHARED_IP).await.success();
    server.act("scanned", &code, "alice").client_ip(SHARED_IP).await.success();
    server.act("confirm", &code, "alice").client_ip(SHARED_IP).await.success();
    let ticket = server.check(&code).client_ip(SHARED_IP).await.success()["ticket"].as_str().unwrap().to_owned();
    server.exchange(&ticket).client_ip(SHARED_IP).await.success();
    request_code(&server, SHARED_IP).await.success();
    guess_code(&server, OTHER_IP).await.assert_error(2241, "unknown-code");

    guess_code(&server, SHARED_IP).await.assert_rate_limited();
    advance_clock(1).await;
    guess_code(&server, SHARED_IP).await.assert_error(2241, "unknown-code");
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_wrong_guess_counts_against_the_ip() {
    type Guess = fn(&Server, &Code) -> TestRequest;
    let guesses: [(&str, Guess); 9] = [
        ("unknown-code", |server, _| guess_code(server, SHARED_IP)),
        ("unknown-code", |server, _| server.get(&format!("{API}/image/guessed.png"))),
        ("forbidden", |server, code| server.get(&format!("{API}/check?random={}", code.random)).poll_token("guessed")),
        ("wrong-response-code", |server, code| server.complete(code, "guessed")),
        ("not-signed-in", |server, code| {
            let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
            request.header("authorization", "Bearer guessed")
        }),
        ("wrong-credentials", |server, _| server.userinfo("guessed").basic("demo-app", "guessed")),
        ("unknown-ticket", |server, _| server.exchange("guessed")),
        ("unknown-app", |server, _| request_code(server, SHARED_IP).header("x-authing-app-id", "guessed")),
        ("wrong-password", |server, _| {
            server.post("/demo/login").json(&json!({ "username": "alice", "password": "guessed" }))
        }),
    ];
    for (reason, guess) in guesses {
        let server = server(|limits| limits.wrong_guesses_per_address = rate(2));
        let code = server.gene().await;
        for _ in 0..2 {
            let response = guess(&server, &code).client_ip(SHARED_IP).await;
            assert_eq!(response.json()["reason"], reason);
        }
        guess(&server, &code).client_ip(SHARED_IP).await.assert_rate_limited();
        guess(&server, &code).client_ip(OTHER_IP).await.error();
    }
}

#[tokio::test(start_paused = true)]
async fn code_creation_is_limited_per_ip() {
    let server = server(|limits| limits.codes_per_address = rate(3));
    let invalid = server.post(&format!("{API}/gene")).json(&json!({ "scene": "TV" })).client_ip(SHARED_IP);
    invalid.await.assert_error(2231, "invalid-parameter");
    for _ in 0..3 {
        request_code(&server, SHARED_IP).await.success();
    }
    let retry_after = request_code(&server, SHARED_IP).await.assert_rate_limited();
    request_code(&server, OTHER_IP).await.success();
    advance_clock(retry_after).await;
    request_code(&server, SHARED_IP).await.success();
    request_code(&server, SHARED_IP).await.assert_rate_limited();
}

#[tokio::test(start_paused = true)]
async fn ipv6_limits_apply_per_64_prefix_and_mapped_ipv4_counts_as_ipv4() {
    let server = server(|limits| limits.codes_per_address = rate(1));
    request_code(&server, "2001:db8:0:1::1").await.success();
    request_code(&server, "2001:db8:0:1:ffff::2").await.assert_rate_limited();
    request_code(&server, "2001:db8:0:2::1").await.success();
    request_code(&server, SHARED_IP).await.success();
    request_code(&server, &format!("::ffff:{SHARED_IP}")).await.assert_rate_limited();
}

#[tokio::test(start_paused = true)]
async fn scans_are_limited_per_user() {
    let server = server(|limits| limits.approver_calls_per_user = rate(2));
    for _ in 0..2 {
        server.act("scanned", &server.gene().await, "alice").await.success();
    }
    let code = server.gene().await;
    server.act("scanned", &code, "alice").await.assert_rate_limited();
    assert_eq!(server.status(&code).await, 0, "the limited scan changes no state");
    server.act("scanned", &code, "bob").await.success();
}

#[tokio::test(start_paused = true)]
async fn scans_are_limited_per_code() {
    let server = server(|limits| limits.approver_calls_per_code = rate(2));
    let (code, other) = (server.gene().await, server.gene().await);
    server.act("scanned", &code, "alice").await.success();
    server.act("scanned", &code, "bob").await.assert_error(500, "already-scanned");
    server.act("scanned", &code, "carol").await.assert_rate_limited();
    server.act("scanned", &other, "carol").await.success();
}

#[tokio::test(start_paused = true)]
async fn checks_are_limited_per_code_and_count_only_with_the_poll_token() {
    let server = server(|limits| limits.checks_per_code = rate(2));
    let code = server.gene().await;
    let path = format!("{API}/check?random={}", code.random);
    server.get(&path).await.assert_error(1001, "forbidden");
    server.get(&path).poll_token("guessed").await.assert_error(1001, "forbidden");
    server.get(&format!("{API}/image/{}.svg", code.random)).await;
    for _ in 0..2 {
        server.check(&code).await.success();
    }
    assert_eq!(server.check(&code).await.assert_rate_limited(), 1);
    server.check(&server.gene().await).await.success();
}

#[tokio::test(start_paused = true)]
async fn rate_limit_response_is_readable_by_an_allowed_origin() {
    let server = Server::with_config(|config| {
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
        config.settings.limits.codes_per_address = rate(1);
        config.settings.limits.wrong_guesses_per_address = rate(1);
    });
    for make_request in [request_code, guess_code] {
        make_request(&server, SHARED_IP).await;
        let response = make_request(&server, SHARED_IP).header("origin", "https://shop.example").await;
        response.assert_rate_limited();
        assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(response.header("access-control-expose-headers"), Some("retry-after,x-request-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn x_forwarded_for_is_used_only_from_a_trusted_proxy() {
    let set = |config: &mut Config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.settings.limits.codes_per_address = rate(1);
    };
    let server = Server::with_config(set);
    let through = |proxy: &str, client: &str| request_code(&server, proxy).header("x-forwarded-for", client);
    for client in [SHARED_IP, OTHER_IP, "2001:db8::7"] {
        let code = Code::from_data(&through("10.0.0.1", client).await.success());
        let scanned = server.act("scanned", &code, "alice").await.success();
        assert_eq!(scanned["requester"]["ip"], client);
        through("10.0.0.2", client).await.assert_rate_limited();
        request_code(&server, client).await.assert_rate_limited();
    }
    through("203.0.113.9", "203.0.113.1").await.success();
    through("203.0.113.9", "203.0.113.2").await.assert_rate_limited();
}

#[tokio::test(start_paused = true)]
async fn handler_over_45_s_gets_503_with_retry_after() {
    let server = Server::with_slow_store(Duration::from_secs(60), Duration::ZERO);
    let code = server.gene().await;
    let start = Instant::now();
    let request = server.check(&code).header("host", "login.example").header("origin", "http://login.example");
    let response = request.await;
    assert_eq!(response.error(), (503, 503, "unavailable".to_owned()));
    assert_eq!(response.header("retry-after"), Some("1"));
    assert!(response.header("access-control-allow-origin").is_some());
    assert_eq!(start.elapsed().as_secs(), 45);
}

#[tokio::test(start_paused = true)]
async fn images_are_limited_per_ip_and_not_per_code() {
    let server = server(|limits| {
        limits.images_per_address = rate(2);
        limits.checks_per_code = rate(1);
    });
    let (code, other) = (server.gene().await, server.gene().await);
    let image = |code: &Code, ip| server.get(&format!("{API}/image/{}.png", code.random)).client_ip(ip);
    assert_eq!(image(&code, SHARED_IP).await.status, 200);
    assert_eq!(image(&code, SHARED_IP).await.status, 200);
    image(&other, SHARED_IP).await.assert_rate_limited();
    assert_eq!(image(&code, OTHER_IP).await.status, 200, "another address has its own limit");
    server.check(&code).client_ip(SHARED_IP).await.success();
}

#[tokio::test(start_paused = true)]
async fn viewer_of_a_code_cannot_use_up_the_polls_or_images_of_its_page() {
    let server = Server::with_config(|config| {
        config.settings.limits.checks_per_code = rate(2);
        config.settings.apps[0].compat.poll_without_token = true;
    });
    let code = server.gene().await;
    let check = |ip| server.get(&format!("{API}/check?random={}", code.random)).client_ip(ip);
    let image = |ip| server.get(&format!("{API}/image/{}.svg", code.random)).client_ip(ip);
    for _ in 0..2 {
        check(OTHER_IP).await.success();
        assert_eq!(image(OTHER_IP).await.status, 200);
    }
    check(OTHER_IP).await.assert_rate_limited();
    for _ in 0..2 {
        check(SHARED_IP).await.success();
    }
    assert_eq!(image(SHARED_IP).await.status, 200);
}
