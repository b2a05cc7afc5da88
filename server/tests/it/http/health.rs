//! `/healthz` and `/readyz`.

use std::sync::Arc;

use scanlogin_server::Config;

use crate::http::metrics::value;
use crate::support::test_server::{Server, advance_clock};
use crate::support::test_stores::BrokenStore;

#[tokio::test(start_paused = true)]
async fn failing_store_leaves_healthz_at_200_and_readyz_at_503() {
    let working = Server::new();
    let broken = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    for (server, status) in [(&working, 200), (&broken, 503)] {
        assert_eq!(server.get("/healthz").await.success(), "ok");
        let response = server.get("/readyz").await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("retry-after"), (status == 503).then_some("1"));
    }
    assert_eq!(broken.get("/readyz").await.error(), (503, 503, "unavailable".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn readyz_checks_the_store_at_most_once_a_second() {
    let working = Server::new();
    let broken = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    for (server, status) in [(&working, 200), (&broken, 503)] {
        for second in 1..=3 {
            let requests = (0..20).map(|_| server.get("/readyz").into_future());
            for response in futures_util::future::join_all(requests).await {
                assert_eq!(response.status, status);
            }
            let checks = "scanlogin_store_operation_duration_seconds_count{operation=\"check_writable\"}";
            assert_eq!(value(server, checks).await, f64::from(second), "after 20 requests in each second");
            advance_clock(1).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_server_leaves_healthz_at_200_and_readyz_at_503() {
    let server = Server::new();
    assert_eq!(server.get("/readyz").await.success(), "ok");
    server.state.stop();
    assert_eq!(server.get("/readyz").await.error(), (503, 503, "unavailable".to_owned()));
    assert_eq!(server.get("/healthz").await.success(), "ok");
}

#[tokio::test(start_paused = true)]
async fn health_endpoints_send_no_allow_origin_header() {
    let server = Server::new();
    for path in ["/healthz", "/readyz"] {
        let response = server.get(path).header("origin", "http://localhost").header("host", "localhost").await;
        assert_eq!(response.header("access-control-allow-origin"), None, "{path}");
    }
}
