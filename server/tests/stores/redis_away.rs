//! Redis that is killed, hangs, or is not there: no answer is wrong, none is waited for, and nobody starts a server again.

use core::time::Duration;

use scanlogin_server::{Config, Service};
use tokio::time::Instant;

use crate::redis_server::{Keeps, RedisServer};
use crate::server_process::{Address, Code, ServerProcess};

/// Everybody who calls is asked to come back later.
async fn everybody_is_sent_away(server: &Address, code: &Code, login: &Address) {
    assert!(server.gene().await.unwrap().is_unavailable());
    assert!(server.check(code, 0, 25).await.unwrap().is_unavailable());
    assert!(login.act("scanned", code).await.unwrap().is_unavailable());
    assert!(server.exchange("a ticket").await.unwrap().is_unavailable());
}

#[tokio::test]
async fn while_redis_is_away_everybody_is_sent_away_and_then_goes_on() {
    let mut redis = RedisServer::start(Keeps::Everything);
    let server = ServerProcess::start(&redis.url());
    let server = &server.address;
    let code = server.gene().await.unwrap().code();

    redis.kill();
    everybody_is_sent_away(server, &code, server).await;
    everybody_is_sent_away(server, &code, server).await;
    redis.start_again();
    assert_eq!(server.check(&code, -1, 0).await.unwrap().data()["status"], 0, "the first call is answered again");
    server.act("scanned", &code).await.unwrap().data();

    // Nobody has called while it was away.
    redis.kill();
    redis.start_again();
    while !server.act("confirm", &code).await.unwrap().json["code"].eq(&200) {}
    let check = server.check(&code, 1, 25).await.unwrap();
    let ticket = check.data()["ticket"].as_str().unwrap();
    assert_eq!(server.exchange(ticket).await.unwrap().data()["user"]["id"], "alice");
    redis.kill();
    redis.start_again();
    while server.exchange(ticket).await.unwrap().is_unavailable() {}
    assert_eq!(server.exchange(ticket).await.unwrap().reason(), "ticket-used", "and stays so");
}

#[tokio::test]
async fn a_code_that_redis_has_lost_is_unknown_and_the_next_one_is_good() {
    let mut redis = RedisServer::start(Keeps::Nothing);
    let server = ServerProcess::start(&redis.url());
    let server = &server.address;
    let code = server.gene().await.unwrap().code();
    redis.kill();
    assert!(server.check(&code, 0, 25).await.unwrap().is_unavailable(), "not unknown: that would end the code");
    redis.start_again();
    assert_eq!(server.check(&code, 0, 25).await.unwrap().reason(), "unknown-code");
    let code = server.gene().await.unwrap().code();
    server.act("scanned", &code).await.unwrap().data();
    assert_eq!(server.check(&code, 0, 25).await.unwrap().data()["status"], 1);
}

#[tokio::test]
async fn a_page_that_waits_while_redis_is_away_hears_of_what_is_done_after() {
    let mut redis = RedisServer::start(Keeps::Everything);
    let (page, phone) = (ServerProcess::start(&redis.url()), ServerProcess::start(&redis.url()));
    let (page, phone) = (page.address.clone(), &phone.address);
    let code = page.gene().await.unwrap().code();
    let started = Instant::now();
    let poll = {
        let code = code.clone();
        tokio::spawn(async move { page.check(&code, 0, 30).await })
    };
    redis.kill();
    redis.start_again();
    while !phone.act("scanned", &code).await.unwrap().json["code"].eq(&200) {}
    let reply = poll.await.unwrap().unwrap();
    assert!(reply.is_unavailable() || reply.data()["status"] == 1, "{reply:?}");
    assert!(started.elapsed() < Duration::from_secs(30), "it was woken, and did not just look again");
}

#[tokio::test]
async fn a_redis_that_hangs_is_one_that_is_away() {
    let redis = RedisServer::start(Keeps::Nothing);
    let server = ServerProcess::start(&redis.url());
    let code = server.address.gene().await.unwrap().code();
    redis.signal("STOP");
    everybody_is_sent_away(&server.address, &code, &server.address).await;
    redis.signal("CONT");
    assert_eq!(server.address.check(&code, -1, 0).await.unwrap().data()["status"], 0);
}

#[tokio::test]
async fn a_start_without_redis_fails_with_a_sentence_that_names_it_and_no_secret() {
    let mut redis = RedisServer::start(Keeps::Nothing);
    redis.ask("CONFIG SET requirepass right");
    let open = async |store: &str| {
        let config = Config { store: store.parse().unwrap(), ..Config::demo().unwrap() };
        Service::open(config).await.err().map(|error| error.to_string())
    };
    let host = redis.url().strip_prefix("redis://").unwrap().to_owned();
    assert_eq!(open(&format!("redis://:right@{host}")).await, None);

    let wrong = open(&format!("redis://:hush@{host}")).await.unwrap();
    redis.kill();
    let away = open(&format!("redis://:hush@{host}")).await.unwrap();
    for error in [wrong, away] {
        println!("{error}");
        assert!(error.starts_with(&format!("--store redis://{host}: ")), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
