//! Failures of Redis: killed, hanging, read-only or unreachable. Requests get 503 in time and never a wrong result.
//! Servers recover without a restart.

use std::io;

use scanlogin_server::{AppState, Config};

use crate::stores::redis_store::wait_for_wake;
use crate::support::redis_server::{Persistence, RedisServer};
use crate::support::reserved_port::ReservedPort;
use crate::support::server_process::{Client, Code, HttpResponse, ServerProcess};
use crate::support::test_server::start_server;
use crate::support::timeout::within_timeout;

/// Asserts that every request gets 503 with `Retry-After`. The requests are sent concurrently, because each may take
/// the whole Redis timeout.
async fn assert_all_unavailable(server: &Client, code: &Code) {
    let (gene, check, scan, exchange) = tokio::join!(
        server.gene(),
        server.check(code, 0, 25),
        server.act("scanned", code),
        server.exchange("a ticket")
    );
    for response in [gene, check, scan, exchange] {
        let response = response.unwrap();
        assert!(response.is_unavailable(), "{response:?}");
    }
}

/// Repeats a request until the response is not 503.
async fn retry_until_available(mut send: impl AsyncFnMut() -> io::Result<HttpResponse>) -> HttpResponse {
    within_timeout("a response other than 503", async {
        loop {
            let response = send().await.unwrap();
            if !response.is_unavailable() {
                break response;
            }
        }
    })
    .await
}

#[tokio::test]
async fn requests_get_503_while_redis_is_down_and_succeed_after_its_restart() {
    let mut redis = RedisServer::start(Persistence::AppendOnly);
    let server = ServerProcess::demo(&redis.url());
    let server = &server.client;
    let code = server.gene().await.unwrap().code();

    redis.kill();
    assert_all_unavailable(server, &code).await;
    assert_all_unavailable(server, &code).await;
    redis.restart();
    assert_eq!(
        server.check(&code, -1, 0).await.unwrap().data()["status"],
        0,
        "the first request after the restart succeeds"
    );
    server.act("scanned", &code).await.unwrap().data();

    // No request is sent while Redis is down. The new subscription shows that the server has reconnected.
    redis.kill();
    redis.restart();
    redis.wait_for_subscriptions(1).await;
    server.act("confirm", &code).await.unwrap().data();
    let check = server.check(&code, 1, 25).await.unwrap();
    let ticket = check.data()["ticket"].as_str().unwrap();
    assert_eq!(server.exchange(ticket).await.unwrap().data()["user"]["id"], "alice");
    redis.kill();
    redis.restart();
    let exchange = retry_until_available(async || server.exchange(ticket).await).await;
    assert_eq!(exchange.reason(), "ticket-used", "a restart of Redis does not change that");
}

#[tokio::test]
async fn code_lost_by_redis_is_unknown_and_new_codes_work() {
    let mut redis = RedisServer::start(Persistence::None);
    let server = ServerProcess::demo(&redis.url());
    let server = &server.client;
    let code = server.gene().await.unwrap().code();
    redis.kill();
    assert!(
        server.check(&code, 0, 25).await.unwrap().is_unavailable(),
        "503, because the requester would drop the code on unknown-code"
    );
    redis.restart();
    assert_eq!(server.check(&code, 0, 25).await.unwrap().reason(), "unknown-code");
    let code = server.gene().await.unwrap().code();
    server.act("scanned", &code).await.unwrap().data();
    assert_eq!(server.check(&code, 0, 25).await.unwrap().data()["status"], 1);
}

#[tokio::test]
async fn long_poll_across_a_redis_restart_ends_with_the_scan_or_503() {
    let mut redis = RedisServer::start(Persistence::AppendOnly);
    let running = start_server(redis.config()).await;
    let (requester, approver) = (Client::new(&running), ServerProcess::demo(&redis.url()));
    let code = requester.gene().await.unwrap().code();
    let poll = {
        let code = code.clone();
        tokio::spawn(async move { requester.check(&code, 0, 30).await })
    };
    redis.kill();
    redis.restart();
    // A wake reaches all subscriptions to a code: this one and that of the poll.
    let mut subscription = running.state.codes.notifier.subscribe(&code.random);
    retry_until_available(async || approver.client.act("scanned", &code).await).await.data();
    wait_for_wake(&mut subscription).await;
    let response = poll.await.unwrap().unwrap();
    assert!(response.is_unavailable() || response.data()["status"] == 1, "{response:?}");
    running.shutdown().await;
}

#[tokio::test]
async fn requests_get_503_while_redis_hangs() {
    let redis = RedisServer::start(Persistence::None);
    let server = ServerProcess::demo_with(&redis.url(), |command| command.env("SCANLOGIN_REDIS_TIMEOUT", "2"));
    let server = &server.client;
    // On a busy machine Redis can exceed the timeout of 2 s without being stopped.
    let code = retry_until_available(async || server.gene().await).await.code();
    redis.signal("STOP");
    assert_all_unavailable(server, &code).await;
    redis.signal("CONT");
    assert_eq!(retry_until_available(async || server.check(&code, -1, 0).await).await.data()["status"], 0);
}

#[tokio::test]
async fn gene_gets_503_while_redis_is_read_only() {
    let redis = RedisServer::start(Persistence::None);
    let server = ServerProcess::demo(&redis.url());
    server.client.gene().await.unwrap().code();
    redis.command("REPLICAOF 127.0.0.1 1");
    assert!(server.client.gene().await.unwrap().is_unavailable());
    redis.command("REPLICAOF NO ONE");
    server.client.gene().await.unwrap().code();
}

#[tokio::test]
async fn readyz_is_503_while_redis_is_a_replica_or_out_of_memory() {
    let (redis, primary) = (RedisServer::start(Persistence::None), RedisServer::start(Persistence::None));
    let server = ServerProcess::demo(&redis.url());
    let server = &server.client;
    let wait_for = async |status: u16| {
        within_timeout("the status of /readyz", async { while server.ready().await.unwrap().status != status {} })
            .await;
    };
    wait_for(200).await;
    for (fault, repair) in [
        (format!("REPLICAOF {}", primary.host_and_port().replace(':', " ")), "REPLICAOF NO ONE"),
        ("CONFIG SET maxmemory 1".to_owned(), "CONFIG SET maxmemory 0"),
    ] {
        redis.command(&fault);
        assert!(server.gene().await.unwrap().is_unavailable(), "{fault}: no person can sign in");
        wait_for(503).await;
        assert!(server.ready().await.unwrap().is_unavailable(), "{fault}");
        redis.command(repair);
        server.gene().await.unwrap().code();
        wait_for(200).await;
    }
}

#[tokio::test]
async fn redis_over_tls_requires_a_trusted_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(file("certificate"), cert.pem()).unwrap();
    std::fs::write(file("key"), signing_key.serialize_pem()).unwrap();
    let port = ReservedPort::new();
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
    let error = AppState::open(config).await.err().expect("the certificate is not trusted").to_string();
    assert!(error.contains("certificate"), "{error}");

    let server = ServerProcess::demo_with(&url, |command| command.env("SSL_CERT_FILE", file("certificate")));
    let code = server.client.gene().await.unwrap().code();
    server.client.act("scanned", &code).await.unwrap().data();
}

#[tokio::test]
async fn start_without_redis_fails_with_its_address_and_no_password() {
    let mut redis = RedisServer::start(Persistence::None);
    redis.command("CONFIG SET requirepass right");
    let config = redis.config();
    let open = async |store: &str| {
        let config = Config { store: store.parse().unwrap(), ..config.clone() };
        AppState::open(config).await.err().map(|error| error.to_string())
    };
    let host = redis.url().strip_prefix("redis://").unwrap().to_owned();
    assert_eq!(open(&format!("redis://:right@{host}")).await, None);

    let wrong_password = open(&format!("redis://:hush@{host}")).await.unwrap();
    redis.kill();
    let unreachable = open(&format!("redis://:hush@{host}")).await.unwrap();
    for error in [wrong_password, unreachable] {
        assert!(error.starts_with(&format!("--store redis://{host}: ")), "{error}");
        assert!(!error.contains("hush"), "{error}");
    }
}
