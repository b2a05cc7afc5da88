//! What Prometheus reads, and where.

use core::time::Duration;
use std::sync::Arc;

use scanlogin_server::Config;
use scanlogin_server::http::metrics_endpoint;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tower::ServiceExt as _;

use crate::support::common::{API, Server, running};
use crate::support::port::Port;
use crate::support::test_stores::BrokenStore;

/// All lines that Prometheus would read of `server`.
async fn read(server: &Server) -> String {
    let request = axum::http::Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
    let response = metrics_endpoint::routes(&server.state).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// The value of one series, 0 while there is none.
async fn value(server: &Server, series: &str) -> f64 {
    let lines = read(server).await;
    let value = lines.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn codes_and_tickets_are_counted_by_what_became_of_them() {
    let server = Server::new();
    let [kept, cancelled, failed, _unused] =
        [server.gene().await, server.gene().await, server.gene().await, server.gene().await];
    let ticket = server.ticket(&kept, "alice").await;
    server.act("confirm", &kept, "alice").await.success();
    server.act("scanned", &cancelled, "alice").await.success();
    server.act("cancel", &cancelled, "alice").await.success();
    server.act("scanned", &failed, "eve").await.success();
    let now = server.state.clock.now();
    server.state.store.set_blocked("demo-pool", "id-of-eve", true, now).await.unwrap();
    server.act("confirm", &failed, "eve").await.is_refused(1001, "blocked");
    server.exchange(&ticket).await.success();
    server.exchange(&ticket).await.is_refused(2231, "ticket-used");
    server.exchange("nope").await.is_refused(2231, "unknown-ticket");

    for (outcome, count) in [("made", 4.0), ("scanned", 3.0), ("authorised", 1.0), ("cancelled", 1.0), ("failed", 1.0)]
    {
        let series = format!("scanlogin_codes_total{{app=\"demo-app\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&server, &series).await, count, "{outcome}: what is repeated changes nothing");
    }
    for (outcome, count) in [("redeemed", 1.0), ("used", 1.0), ("unknown", 1.0), ("expired", 0.0)] {
        let series = format!("scanlogin_tickets_total{{app=\"demo-app\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&server, &series).await, count, "{outcome}");
    }
    assert_eq!(value(&server, "scanlogin_refusals_total{reason=\"ticket-used\"}").await, 1.0);
    assert_eq!(value(&server, "scanlogin_build_info{version=\"0.1.0\"}").await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_route_and_status_and_callers_make_up_no_labels() {
    let server = Server::new();
    let code = server.gene().await;
    server.get(&format!("{API}/image/{}.png", code.random)).await;
    server.get(&format!("{API}/image/nope-1.png")).await;
    for path in ["/nope-2", "/nope-3"] {
        server.call(axum::http::Method::from_bytes(b"MADEUP").unwrap(), path).await.refusal();
    }
    server.post(&format!("{API}/gene")).header("x-authing-app-id", "nope-4").json(&json!({})).await.refusal();

    let image = "/api/v2/qrcode/image/{file}";
    for (route, status, count) in [(image, 200, 1.0), (image, 404, 1.0), ("(a file, or nothing)", 404, 2.0)] {
        let series = format!("scanlogin_http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        assert_eq!(value(&server, &series).await, count, "{series}");
    }
    let lines = read(&server).await;
    for made_up in ["nope", "MADEUP", &code.random] {
        assert!(!lines.contains(made_up), "{made_up} in {lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_counted_and_the_wait_is_not_the_servers_slowness() {
    let server = Server::new();
    let code = server.gene().await;
    let in_between = async {
        sleep(Duration::from_secs(10)).await;
        value(&server, "scanlogin_waiters").await
    };
    let (poll, waiters) = tokio::join!(server.check_with(&code, "&wait=30&status=0").into_future(), in_between);
    poll.success();
    assert_eq!(waiters, 1.0);
    assert_eq!(value(&server, "scanlogin_waiters").await, 0.0);

    let name = "scanlogin_http_request_duration_seconds";
    let check = format!("{{route=\"{API}/check\"}}");
    assert_eq!(value(&server, &format!("{name}_count{check}")).await, 1.0);
    let took = value(&server, &format!("{name}_sum{check}")).await;
    assert!(took < 1.0, "of the 30 seconds of this clock: {took}");
}

#[tokio::test(start_paused = true)]
async fn what_the_store_does_is_measured_and_its_failures_are_counted() {
    let well = Server::new();
    well.gene().await;
    assert_eq!(value(&well, "scanlogin_store_operation_duration_seconds_count{operation=\"insert\"}").await, 1.0);
    assert_eq!(value(&well, "scanlogin_store_errors_total{operation=\"insert\"}").await, 0.0);

    let broken = Server::of(Config::demo().unwrap(), Arc::new(BrokenStore { panics: false }));
    broken.post(&format!("{API}/gene")).json(&json!({})).await.refusal();
    assert_eq!(value(&broken, "scanlogin_store_errors_total{operation=\"insert\"}").await, 1.0);
    assert_eq!(value(&broken, "scanlogin_codes_total{app=\"demo-app\",outcome=\"made\"}").await, 0.0);
    assert_eq!(value(&broken, "scanlogin_refusals_total{reason=\"unavailable\"}").await, 1.0);
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_the_metrics() {
    let server = Server::new();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    let token = server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned();
    let lines = read(&server).await;
    assert!(lines.contains("demo-app"), "{lines}");
    for secret in [&*code.random, &code.poll_token, &ticket, &token, &server.app_secret(), "alice"] {
        assert!(!lines.contains(secret), "{secret} in {lines}");
    }
}

#[tokio::test]
async fn the_metrics_are_on_a_listener_of_their_own_and_never_on_the_public_one() {
    let mut config = Config::demo().unwrap();
    // Nobody else may listen on its port when it has ended.
    let port = Port::new();
    config.metrics_listen = Some(port.address());
    let running = running(config).await;
    let own = running.exporter.as_ref().unwrap().address.to_string();
    let public = running.url.strip_prefix("http://").unwrap().to_owned();

    for (address, path, status) in
        [(&own, "/metrics", 200), (&own, "/healthz", 404), (&public, "/metrics", 404), (&public, "/healthz", 200)]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.0 {status}")), "{path}: {reply}");
        assert_eq!(reply.contains("scanlogin_build_info"), path == "/metrics" && status == 200, "{reply}");
    }
    running.shutdown().await;
    // It ends with the server, as soon as the runtime gets to it.
    while TcpStream::connect(port.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
