//! The Prometheus metrics and their listener.

use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::http::metrics_endpoint;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::support::reserved_port::ReservedPort;
use crate::support::test_server::{API, Server, start_server};
use crate::support::test_stores::BrokenStore;
use crate::support::timeout::within_timeout;

/// The metrics of `server` in the exposition format.
async fn scrape(server: &Server) -> String {
    let request = axum::http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let response = metrics_endpoint::routes(&server.state).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The value of a series, 0 if it does not exist.
pub(crate) async fn value(server: &Server, series: &str) -> f64 {
    let lines = scrape(server).await;
    let value = lines.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn codes_and_tickets_are_counted_by_outcome() {
    let server = Server::new();
    let [confirmed, cancelled, failed, _unused] =
        [server.gene().await, server.gene().await, server.gene().await, server.gene().await];
    let ticket = server.ticket(&confirmed, "alice").await;
    server.act("confirm", &confirmed, "alice").await.success();
    server.act("scanned", &cancelled, "alice").await.success();
    server.act("cancel", &cancelled, "alice").await.success();
    server.act("scanned", &failed, "eve").await.success();
    let now = server.state.clock.now();
    server.state.store.unmeasured().set_blocked("demo-pool", "id-of-eve", true, now).await.unwrap();
    server.act("confirm", &failed, "eve").await.assert_error(1001, "blocked");
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.assert_error(2231, "ticket-used");
    server.exchange("nope").await.assert_error(2231, "unknown-ticket");

    for (outcome, count) in
        [("created", 4.0), ("scanned", 3.0), ("authorised", 1.0), ("cancelled", 1.0), ("failed", 1.0)]
    {
        let series = format!("scanlogin_codes_total{{app=\"demo-app\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&server, &series).await, count, "{outcome}: a repeated action is not counted");
    }
    for (outcome, count) in [("redeemed", 1.0), ("used", 1.0), ("unknown", 1.0), ("expired", 0.0)] {
        let series = format!("scanlogin_tickets_total{{app=\"demo-app\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&server, &series).await, count, "{outcome}");
    }
    assert_eq!(value(&server, "scanlogin_refusals_total{reason=\"ticket-used\"}").await, 1.0);
    assert_eq!(value(&server, "scanlogin_build_info{version=\"0.1.0\"}").await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_route_and_status_without_client_labels() {
    let server = Server::new();
    let code = server.gene().await;
    server.get(&format!("{API}/image/{}.png", code.random)).await;
    server.get(&format!("{API}/image/nope-1.png")).await;
    for path in ["/nope-2", "/nope-3"] {
        server.request(axum::http::Method::from_bytes(b"UNKNOWN").unwrap(), path).await.error();
    }
    server.post(&format!("{API}/gene")).header("x-authing-app-id", "nope-4").json(&json!({})).await.error();

    let image = "/api/v2/qrcode/image/{file}";
    for status in [200, 404] {
        let series = format!("scanlogin_http_requests_total{{route=\"{image}\",status=\"{status}\"}}");
        assert_eq!(value(&server, &series).await, 1.0, "{series}");
    }
    let lines = scrape(&server).await;
    let is_unmatched_route = |line: &&str| {
        line.starts_with("scanlogin_http_requests_total{") && line.contains("status=\"404\"") && !line.contains(image)
    };
    let unmatched: Vec<&str> = lines.lines().filter(is_unmatched_route).collect();
    assert!(unmatched.len() == 1 && unmatched[0].ends_with(" 2"), "paths without a route share a label: {unmatched:?}");
    for input in ["nope", "UNKNOWN", &code.random] {
        assert!(!lines.contains(input), "{input} in {lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_polls_are_counted_and_excluded_from_request_duration() {
    let server = Server::new();
    let code = server.gene().await;
    let waiters_during_poll = async {
        sleep(Duration::from_secs(10)).await;
        value(&server, "scanlogin_waiters").await
    };
    let (poll, waiters) =
        tokio::join!(server.check_with(&code, "&wait=30&status=0").into_future(), waiters_during_poll);
    poll.success();
    assert_eq!(waiters, 1.0);
    assert_eq!(value(&server, "scanlogin_waiters").await, 0.0);

    let name = "scanlogin_http_request_duration_seconds";
    let check = format!("{{route=\"{API}/check\"}}");
    assert_eq!(value(&server, &format!("{name}_count{check}")).await, 1.0);
    let duration = value(&server, &format!("{name}_sum{check}")).await;
    assert!(duration < 1.0, "the 30 s of waiting are not excluded: {duration}");
}

#[tokio::test(start_paused = true)]
async fn store_operations_are_timed_and_errors_counted() {
    let working = Server::new();
    working.gene().await;
    assert_eq!(value(&working, "scanlogin_store_operation_duration_seconds_count{operation=\"insert\"}").await, 1.0);
    assert_eq!(value(&working, "scanlogin_store_errors_total{operation=\"insert\"}").await, 0.0);

    let broken = Server::with_store(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    broken.post(&format!("{API}/gene")).json(&json!({})).await.error();
    assert_eq!(value(&broken, "scanlogin_store_errors_total{operation=\"insert\"}").await, 1.0);
    assert_eq!(value(&broken, "scanlogin_codes_total{app=\"demo-app\",outcome=\"created\"}").await, 0.0);
    assert_eq!(value(&broken, "scanlogin_refusals_total{reason=\"unavailable\"}").await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn metrics_contain_no_secret() {
    let server = Server::new();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let token = server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned();
    let lines = scrape(&server).await;
    assert!(lines.contains("demo-app"), "{lines}");
    for secret in [&*code.random, &code.poll_token, &ticket, &token, &server.app_secret(), "alice"] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}

#[tokio::test]
async fn metrics_are_served_only_on_their_own_listener() {
    let mut config = Config::demo().unwrap();
    // The port is reserved, so that no other process listens on it after the shutdown.
    let port = ReservedPort::new();
    config.metrics_listen = Some(port.address());
    let running = start_server(config).await;
    let metrics = running.exporter.as_ref().unwrap().address.to_string();
    let public = running.url.strip_prefix("http://").unwrap().to_owned();

    for (address, path, status) in [
        (&metrics, "/metrics", 200),
        (&metrics, "/healthz", 404),
        (&public, "/metrics", 404),
        (&public, "/healthz", 200),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut response = String::new();
        within_timeout("the end of a response", stream.read_to_string(&mut response)).await.unwrap();
        assert!(response.starts_with(&format!("HTTP/1.0 {status}")), "{path}: {response}");
        assert_eq!(response.contains("scanlogin_build_info"), path == "/metrics" && status == 200, "{response}");
    }
    running.shutdown().await;
    // The metrics listener closes soon after the shutdown, when the runtime schedules its task.
    within_timeout("the close of the metrics listener", async {
        while TcpStream::connect(port.address()).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
