//! What a supervisor is told.

use std::sync::Arc;

use scanlogin_server::Config;

use crate::support::common::Server;
use crate::support::test_stores::BrokenStore;

#[tokio::test(start_paused = true)]
async fn a_server_whose_store_is_away_lives_and_is_not_ready() {
    let well = Server::new();
    let broken = Server::of(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    for (server, status) in [(&well, 200), (&broken, 503)] {
        assert_eq!(server.get("/healthz").await.success(), "ok");
        let reply = server.get("/readyz").await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("retry-after"), (status == 503).then_some("1"));
    }
    assert_eq!(broken.get("/readyz").await.refusal(), (503, 503, "unavailable".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_is_not_ready() {
    let server = Server::new();
    assert_eq!(server.get("/readyz").await.success(), "ok");
    server.state.stop();
    assert_eq!(server.get("/readyz").await.refusal(), (503, 503, "unavailable".to_owned()));
    assert_eq!(server.get("/healthz").await.success(), "ok");
}

#[tokio::test(start_paused = true)]
async fn no_page_reads_the_servers_health() {
    let server = Server::new();
    for path in ["/healthz", "/readyz"] {
        let reply = server.get(path).header("origin", "http://localhost").header("host", "localhost").await;
        assert_eq!(reply.header("access-control-allow-origin"), None, "{path}");
    }
}
