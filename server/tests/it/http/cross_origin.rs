//! Which pages of other origins may call.

use axum::http::Method;
use serde_json::json;

use crate::support::common::{API, Call, Server};

const HEADERS: &str = "content-type,authorization,x-authing-app-id,x-authing-userpool-id,x-authing-app-tenant-id,\
    x-authing-request-from,x-authing-sdk-version,x-authing-lang,x-scanlogin-poll-token";

fn server() -> Server {
    Server::with(|config| {
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
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
        assert_eq!(reply.header("access-control-expose-headers"), Some("retry-after,x-request-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_demos_session_is_for_its_own_pages() {
    let server = server();
    let call = server.call(Method::OPTIONS, "/demo/session").header("origin", "https://shop.example");
    let reply = call.header("access-control-request-method", "POST").await;
    assert_eq!((reply.status.as_u16(), reply.header("access-control-allow-origin")), (405, None));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_allowed_gets_no_code_and_no_news_of_one() {
    let server = server();
    let code = server.gene().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "http://shop.example"),
        ("origin", "https://shop.example.evil.example"),
        ("origin", "https://shop.example:8443"),
        ("origin", "https://shop.example/path"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let gene = server.post(&format!("{API}/gene")).json(&json!({})).header(name, value).await;
        gene.is_refused(1001, "origin-not-allowed");
        server.check(&code).header(name, value).await.is_refused(1001, "origin-not-allowed");
    }
    for (name, value) in [
        ("origin", "https://shop.example"),
        ("origin", "https://login.example"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ] {
        server.post(&format!("{API}/gene")).json(&json!({})).header(name, value).await.success();
        server.check(&code).header(name, value).await.success();
    }
}

#[tokio::test(start_paused = true)]
async fn an_allowed_page_is_one_although_its_browser_says_that_it_is_another_site() {
    let call = server().post(&format!("{API}/gene")).json(&json!({}));
    call.header("origin", "https://shop.example").header("sec-fetch-site", "cross-site").await.success();
}

#[tokio::test(start_paused = true)]
async fn without_a_public_address_the_servers_own_pages_are_those_of_the_host_that_was_called() {
    let server = Server::new();
    let gene = |origin: &str| {
        let call = server.post(&format!("{API}/gene")).json(&json!({}));
        call.header("host", "localhost:8787").header("origin", origin)
    };
    gene("http://localhost:8787").await.success();
    for origin in ["http://localhost:8788", "https://localhost:8787", "http://127.0.0.1:8787"] {
        gene(origin).await.is_refused(1001, "origin-not-allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_one_app_can_not_call_for_another() {
    let server = Server::with(|config| {
        let shop = &mut config.settings.apps[0];
        shop.allowed_origins = vec!["https://shop.example".parse().unwrap()];
        let mut blog = shop.clone();
        blog.id = "blog".to_owned();
        blog.allowed_origins = vec!["https://blog.example".parse().unwrap()];
        config.settings.apps.push(blog);
    });
    let gene = |id: &str, origin: &str| {
        let call = server.post(&format!("{API}/gene")).json(&json!({}));
        call.header("x-authing-app-id", id).header("origin", origin)
    };
    for (id, origin, other) in [
        ("demo-app", "https://shop.example", "https://blog.example"),
        ("blog", "https://blog.example", "https://shop.example"),
    ] {
        assert_eq!(preflight(&server, origin).await.header("access-control-allow-origin"), Some(origin));
        let allowed = gene(id, origin).await;
        assert_eq!(allowed.header("access-control-allow-origin"), Some(origin));
        let refused = gene(id, other).await;
        assert_eq!(refused.header("access-control-allow-origin"), None);
        refused.is_refused(1001, "origin-not-allowed");

        let data = allowed.success();
        let check = |origin: &str| {
            let call = server.get(&format!("{API}/check?random={}", data["random"].as_str().unwrap()));
            call.poll_token(data["pollToken"].as_str().unwrap()).header("origin", origin)
        };
        check(origin).await.success();
        check(other).await.is_refused(1001, "origin-not-allowed");
    }
    let nameless = server.post(&format!("{API}/gene")).json(&json!({}));
    nameless.await.is_refused(1001, "unknown-app");
}
