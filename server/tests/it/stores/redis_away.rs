//! Redis is killed, hangs, or is not there. Calls are answered 503 in time, never wrongly, and the servers recover by
//! themselves.

use std::io;

use scanlogin_server::{AppState, Config};

use crate::stores::redis_itself::news;
use crate::support::common::running;
use crate::support::port::Port;
use crate::support::redis_server::{Keeps, RedisServer};
use crate::support::server_process::{Address, Code, Reply, ServerProcess};

/// Every call is answered 503 with `Retry-After`. The calls come at the same time, since each may take as long as Redis.
async fn every_call_is_answered_503(server: &Address, code: &Code) {
    let (gene, check, scan, exchange) = tokio::join!(
        server.gene(),
        server.check(code, 0, 25),
        server.act("scanned", code),
        server.exchange("a ticket")
    );
    for reply in [gene, check, scan, exchange] {
        let reply = reply.unwrap();
        assert!(reply.is_unavailable(), "{reply:?}");
    }
}

/// Repeats a call until it is not answered 503.
async fn available(mut call: impl AsyncFnMut() -> io::Result<Reply>) -> Reply {
    loop {
        let reply = call().await.unwrap();
        if !reply.is_unavailable() {
            return reply;
        }
    }
}

#[tokio::test]
async fn calls_are_answered_503_while_redis_is_away_and_succeed_afterwards() {
    let mut redis = RedisServer::start(Keeps::Everything);
    let server = ServerProcess::demo(&redis.url());
    let server = &server.address;
    let code = server.gene().await.unwrap().code();

    redis.kill();
    every_call_is_answered_503(server, &code).await;
    every_call_is_answered_503(server, &code).await;
    redis.start_again();
    assert_eq!(server.check(&code, -1, 0).await.unwrap().data()["status"], 0, "the first call is answered again");
    server.act("scanned", &code).await.unwrap().data();

    // Nobody calls while it is away. That the server listens for news again says that it knows.
    redis.kill();
    redis.start_again();
    redis.until(|redis| redis.ask("PUBSUB NUMSUB scanlogin:news").contains(&":1".to_owned())).await;
    server.act("confirm", &code).await.unwrap().data();
    let check = server.check(&code, 1, 25).await.unwrap();
    let ticket = check.data()["ticket"].as_str().unwrap();
    assert_eq!(server.exchange(ticket).await.unwrap().data()["user"]["id"], "alice");
    redis.kill();
    redis.start_again();
    let exchange = available(async || server.exchange(ticket).await).await;
    assert_eq!(exchange.reason(), "ticket-used", "and stays so");
}

#[tokio::test]
async fn a_code_that_redis_has_lost_is_unknown_and_the_next_one_is_good() {
    let mut redis = RedisServer::start(Keeps::Nothing);
    let server = ServerProcess::demo(&redis.url());
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
async fn a_poll_held_during_a_restart_of_redis_is_woken_by_a_later_step() {
    let mut redis = RedisServer::start(Keeps::Everything);
    let running = running(redis.config()).await;
    let (page, phone) = (Address::of(&running), ServerProcess::demo(&redis.url()));
    let code = page.gene().await.unwrap().code();
    let poll = {
        let code = code.clone();
        tokio::spawn(async move { page.check(&code, 0, 30).await })
    };
    redis.kill();
    redis.start_again();
    // All who wait for a code are woken together, this one and the poll.
    let mut waiter = running.state.codes.waiters.listen(&code.random);
    available(async || phone.address.act("scanned", &code).await).await.data();
    news(&mut waiter).await;
    let reply = poll.await.unwrap().unwrap();
    assert!(reply.is_unavailable() || reply.data()["status"] == 1, "{reply:?}");
    running.shutdown().await;
}

#[tokio::test]
async fn calls_are_answered_503_while_redis_hangs() {
    let redis = RedisServer::start(Keeps::Nothing);
    let server = ServerProcess::demo_with(&redis.url(), |command| command.env("SCANLOGIN_REDIS_TIMEOUT", "2"));
    let server = &server.address;
    // On a busy machine Redis may take longer by itself.
    let code = available(async || server.gene().await).await.code();
    redis.signal("STOP");
    every_call_is_answered_503(server, &code).await;
    redis.signal("CONT");
    assert_eq!(available(async || server.check(&code, -1, 0).await).await.data()["status"], 0);
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_one_that_is_away_until_it_does() {
    let redis = RedisServer::start(Keeps::Nothing);
    let server = ServerProcess::demo(&redis.url());
    server.address.gene().await.unwrap().code();
    redis.ask("REPLICAOF 127.0.0.1 1");
    assert!(server.address.gene().await.unwrap().is_unavailable());
    redis.ask("REPLICAOF NO ONE");
    server.address.gene().await.unwrap().code();
}

#[tokio::test]
async fn redis_is_reached_by_tls_when_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(file("certificate"), cert.pem()).unwrap();
    std::fs::write(file("key"), signing_key.serialize_pem()).unwrap();
    let port = Port::new();
    let redis = RedisServer::start_with(&[
        "--tls-port",
        &port.address().port().to_string(),
        "--tls-cert-file",
        &file("certificate"),
        "--tls-key-file",
        &file("key"),
        "--tls-ca-cert-file",
        &file("certificate"),
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://{}", port.address());
    let config = Config { store: url.parse().unwrap(), ..redis.config() };
    let error = AppState::open(config).await.err().expect("a stranger's certificate").to_string();
    assert!(error.contains("certificate"), "{error}");

    let server = ServerProcess::demo_with(&url, |command| command.env("SSL_CERT_FILE", file("certificate")));
    let code = server.address.gene().await.unwrap().code();
    server.address.act("scanned", &code).await.unwrap().data();
}

#[tokio::test]
async fn a_start_without_redis_fails_with_a_sentence_that_names_it_and_no_secret() {
    let mut redis = RedisServer::start(Keeps::Nothing);
    redis.ask("CONFIG SET requirepass right");
    let config = redis.config();
    let open = async |store: &str| {
        let config = Config { store: store.parse().unwrap(), ..config.clone() };
        AppState::open(config).await.err().map(|error| error.to_string())
    };
    let host = redis.url().strip_prefix("redis://").unwrap().to_owned();
    assert_eq!(open(&format!("redis://:right@{host}")).await, None);

    let wrong = open(&format!("redis://:hush@{host}")).await.unwrap();
    redis.kill();
    let away = open(&format!("redis://:hush@{host}")).await.unwrap();
    for error in [wrong, away] {
        assert!(error.starts_with(&format!("--store redis://{host}: ")), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
