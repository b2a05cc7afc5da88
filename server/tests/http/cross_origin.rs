//! Which pages of other origins may call.

use axum::http::Method;
use serde_json::json;

use crate::common::{API, Call, Server};

const HEADERS: &str = "content-type,authorization,x-authing-app-id,x-authing-userpool-id,x-authing-app-tenant-id,\
    x-authing-request-from,x-authing-sdk-version,x-authing-lang,x-scanlogin-poll-token";

fn server() -> Server {
    Server::with(|config| {
        config.allowed_origins = vec!["https://shop.example".parse().unwrap()];
        config.public_url = Some("https://login.example".parse().unwrap());
    })
}

fn preflight(server: &Server, origin: &str) -> Call {
    let call = server.call(Method::OPTIONS, &format!("{API}/gene")).header("origin", origin);
    call.header("access-control-request-method", "POST").header("access-control-request-headers", HEADERS)
}

#[tokio::test(start_paused = true)]
async fn an_allowed_origin_is_echoed_with_credentials_and_exactly_the_contracts_headers() {
    let server = server();
    for origin in ["https://shop.example", "https://login.example"] {
        let reply = preflight(&server, origin).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(reply.header("access-control-allow-methods"), Some("GET,POST"));
        assert_eq!(reply.header("access-control-allow-headers"), Some(HEADERS));
        assert!(reply.header("access-control-max-age").is_some());
        assert!(reply.header("vary").is_some_and(|vary| vary.contains("origin")));
    }
}

#[tokio::test(start_paused = true)]
async fn another_origin_is_allowed_nothing() {
    let server = server();
    for origin in ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"] {
        assert_eq!(preflight(&server, origin).await.header("access-control-allow-origin"), None, "{origin}");
        let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("origin", origin).await;
        assert_eq!(gene.header("access-control-allow-origin"), None, "{origin}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_and_refusals_can_be_read_by_an_allowed_origin() {
    let server = server();
    for call in [
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.post(&format!("{API}/gene")).body("application/json", "{"),
        server.get(&format!("{API}/check?random=unknown")),
        server.get(&format!("{API}/gene")),
    ] {
        let reply = call.header("origin", "https://shop.example").await;
        assert_eq!(reply.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(reply.header("access-control-expose-headers"), Some("retry-after"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_demos_session_is_for_its_own_pages() {
    let server = server();
    let call = server.call(Method::OPTIONS, "/demo/session").header("origin", "https://shop.example");
    let reply = call.header("access-control-request-method", "POST").await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (405, None));
}
