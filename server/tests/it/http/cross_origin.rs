//! CORS and the check of `Origin` and `Sec-Fetch-Site`.

use core::num::NonZeroU32;

use axum::http::Method;
use scanlogin_server::config::LogFormat;
use serde_json::json;

use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{API, Code, Server, TestRequest};

const HEADERS: &str = "content-type,authorization,x-authing-app-id,x-authing-userpool-id,x-authing-app-tenant-id,\
    x-authing-request-from,x-authing-sdk-version,x-authing-lang,x-scanlogin-poll-token";

fn server() -> Server {
    Server::with_config(|config| {
        config.settings.apps[0].allowed_origins = vec!["https://shop.example".parse().unwrap()];
        config.public_url = Some("https://login.example".parse().unwrap());
    })
}

fn preflight(server: &Server, origin: &str) -> TestRequest {
    preflight_of(server, "gene", origin)
}

fn preflight_of(server: &Server, call: &str, origin: &str) -> TestRequest {
    let request = server.request(Method::OPTIONS, &format!("{API}/{call}")).header("origin", origin);
    request.header("access-control-request-method", "POST").header("access-control-request-headers", HEADERS)
}

#[tokio::test(start_paused = true)]
async fn preflight_echoes_an_allowed_origin_with_credentials_and_exact_headers() {
    let server = server();
    for origin in ["https://shop.example", "https://login.example"] {
        let response = preflight(&server, origin).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("access-control-allow-origin"), Some(origin));
        assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(response.header("access-control-allow-methods"), Some("GET,POST"));
        assert_eq!(response.header("access-control-allow-headers"), Some(HEADERS));
        assert!(response.header("access-control-max-age").is_some());
        assert!(response.header("vary").is_some_and(|vary| vary.contains("origin")));
    }
}

const DISALLOWED: [&str; 4] = ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"];

#[tokio::test(start_paused = true)]
async fn disallowed_origins_can_read_that_gene_and_check_refuse_them() {
    let server = server();
    let code = server.gene().await;
    for origin in DISALLOWED {
        for path in ["gene", "check"] {
            let preflight = preflight_of(&server, path, origin).await;
            assert_eq!(preflight.header("access-control-allow-origin"), Some(origin), "{path}");
            assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(preflight.header("access-control-allow-headers"), Some(HEADERS));
        }
        let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("origin", origin).await;
        let check = server.check(&code).header("origin", origin).await;
        for response in [gene, check] {
            assert_eq!(response.header("access-control-allow-origin"), Some(origin));
            assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(response.header("vary"), Some("origin"));
            response.assert_error(1001, "origin-not-allowed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn disallowed_origins_can_read_every_refusal_of_gene_and_check_and_no_success() {
    let server = Server::with_config(|config| {
        config.public_url = Some("https://login.example".parse().unwrap());
        config.settings.limits.checks_per_code.burst = NonZeroU32::MIN;
    });
    let code = server.gene().await;
    for request in [
        server.post(&format!("{API}/gene")).json(&json!({})).header("x-authing-app-id", "unknown"),
        server.post(&format!("{API}/gene")).body("text/plain", "{}"),
        server.get(&format!("{API}/gene")),
        server.get(&format!("{API}/check?random=unknown")),
        server.get(&format!("{API}/check?random=unknown")),
    ] {
        let response = request.header("origin", "https://evil.example").await;
        assert_eq!(response.header("access-control-allow-origin"), Some("https://evil.example"));
        response.error();
    }
    let success = server.check(&code).header("origin", "https://login.example").await;
    success.success();
    assert_eq!(success.header("access-control-allow-origin"), Some("https://login.example"));
}

#[tokio::test(start_paused = true)]
async fn disallowed_origins_can_read_nothing_of_the_other_calls() {
    let server = server();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    for origin in DISALLOWED {
        for path in ["scanned", "confirm", "cancel", "complete", "userinfo", "gene/", "check/more"] {
            let preflight = preflight_of(&server, path, origin).await;
            assert_eq!(preflight.header("access-control-allow-origin"), None, "{path}");
        }
        for request in [
            server.act("scanned", &code, "alice"),
            server.post(&format!("{API}/confirm")).json(&json!({})),
            server.complete(&code, "unknown"),
            server.userinfo("unknown"),
            server.get("/healthz"),
            server.get("/.well-known/jwks.json"),
        ] {
            let response = request.header("origin", origin).await;
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
    }
    let exchange = server.exchange(&ticket).header("origin", "https://evil.example").await;
    assert_eq!(exchange.header("access-control-allow-origin"), None);
    exchange.success();
}

#[tokio::test(start_paused = true)]
async fn log_names_a_refused_origin_and_a_refused_preflight() {
    let log = CapturedLog::new(LogFormat::Json);
    let server = server();
    let code = server.gene().await;
    let gene = server.post(&format!("{API}/gene")).json(&json!({}));
    for request in [
        gene.header("origin", "https://evil.example"),
        server.check(&code).header("origin", "https://evil.example"),
        preflight_of(&server, "scanned", "https://evil.example"),
    ] {
        let before = log.lines().len();
        request.await;
        let lines = log.lines().split_off(before);
        let [line] = lines.as_slice() else { panic!("one line: {lines:?}") };
        assert_eq!(line["outcome"], "origin-not-allowed", "{line}");
        assert_eq!(line["origin"], "https://evil.example", "{line}");
    }
    let before = log.lines().len();
    preflight_of(&server, "scanned", "https://shop.example").await;
    preflight_of(&server, "gene", "https://evil.example").await;
    server.request(Method::OPTIONS, &format!("{API}/scanned")).await;
    for line in log.lines().split_off(before) {
        assert_eq!((&line["outcome"], line.get("origin")), (&json!("ok"), None), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn demo_allows_every_page_of_this_machine() {
    let server = Server::new();
    for origin in ["http://localhost", "http://localhost:5173", "http://127.0.0.1:3000", "https://localhost:8443"] {
        let request = server.post(&format!("{API}/gene")).json(&json!({})).header("host", "localhost:8787");
        let gene = request.header("origin", origin).await;
        assert_eq!(gene.header("access-control-allow-origin"), Some(origin));
        let code = Code::from_data(&gene.success());
        let check = server.check(&code).header("origin", origin).await;
        assert_eq!(check.header("access-control-allow-origin"), Some(origin));
        check.success();
        let preflight = preflight_of(&server, "userinfo", origin).await;
        assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
    }
    for origin in ["http://localhost.example:5173", "http://127.0.0.1.example", "http://192.168.0.7:5173", "null"] {
        let gene = server.post(&format!("{API}/gene")).json(&json!({})).header("origin", origin).await;
        gene.assert_error(1001, "origin-not-allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn responses_and_errors_are_readable_by_an_allowed_origin() {
    let server = server();
    for request in [
        server.post(&format!("{API}/gene")).json(&json!({})),
        server.post(&format!("{API}/gene")).body("application/json", "{"),
        server.get(&format!("{API}/check?random=unknown")),
        server.get(&format!("{API}/gene")),
    ] {
        let response = request.header("origin", "https://shop.example").await;
        assert_eq!(response.header("access-control-allow-origin"), Some("https://shop.example"));
        assert_eq!(response.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(response.header("access-control-expose-headers"), Some("retry-after,x-request-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn demo_session_preflight_gets_405_without_cors_headers() {
    let server = server();
    let request = server.request(Method::OPTIONS, "/demo/session").header("origin", "https://shop.example");
    let response = request.header("access-control-request-method", "POST").await;
    assert_eq!((response.status.as_u16(), response.header("access-control-allow-origin")), (405, None));
}

#[tokio::test(start_paused = true)]
async fn gene_and_check_reject_disallowed_origins_and_sites() {
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
        gene.assert_error(1001, "origin-not-allowed");
        server.check(&code).header(name, value).await.assert_error(1001, "origin-not-allowed");
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
async fn allowed_origin_takes_precedence_over_sec_fetch_site() {
    let request = server().post(&format!("{API}/gene")).json(&json!({}));
    request.header("origin", "https://shop.example").header("sec-fetch-site", "cross-site").await.success();
}

#[tokio::test(start_paused = true)]
async fn without_public_url_the_origin_of_the_host_header_is_allowed() {
    let server = Server::with_config(|config| config.settings.apps[0].allow_local_origins = false);
    let gene = |host: &str, origin: &str| {
        let request = server.post(&format!("{API}/gene")).json(&json!({}));
        request.header("host", host).header("origin", origin)
    };
    // A proxy may write the host in another case, or with the default port.
    for (host, origin) in [
        ("localhost:8787", "http://localhost:8787"),
        ("LocalHost:8787", "http://localhost:8787"),
        ("localhost", "http://localhost"),
        ("localhost:80", "http://localhost"),
        ("[::1]:8787", "http://[::1]:8787"),
    ] {
        gene(host, origin).await.success();
    }
    for (host, origin) in [
        ("localhost:8787", "http://localhost:8788"),
        ("localhost:8787", "https://localhost:8787"),
        ("localhost:8787", "http://127.0.0.1:8787"),
        ("localhost:8080", "http://localhost:80"),
        ("localhost:443", "https://localhost"),
        ("", "http://localhost"),
    ] {
        gene(host, origin).await.assert_error(1001, "origin-not-allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn origin_of_one_app_is_rejected_for_another_app() {
    let server = Server::with_config(|config| {
        let shop = &mut config.settings.apps[0];
        shop.allowed_origins = vec!["https://shop.example".parse().unwrap()];
        let mut blog = shop.clone();
        blog.id = "blog".to_owned();
        blog.allowed_origins = vec!["https://blog.example".parse().unwrap()];
        config.settings.apps.push(blog);
    });
    let gene = |id: &str, origin: &str| {
        let request = server.post(&format!("{API}/gene")).json(&json!({}));
        request.header("x-authing-app-id", id).header("origin", origin)
    };
    for (id, origin, other) in [
        ("demo-app", "https://shop.example", "https://blog.example"),
        ("blog", "https://blog.example", "https://shop.example"),
    ] {
        assert_eq!(preflight(&server, origin).await.header("access-control-allow-origin"), Some(origin));
        let allowed = gene(id, origin).await;
        assert_eq!(allowed.header("access-control-allow-origin"), Some(origin));
        let refused = gene(id, other).await;
        assert_eq!(refused.header("access-control-allow-origin"), Some(other));
        refused.assert_error(1001, "origin-not-allowed");

        let data = allowed.success();
        let check = |origin: &str| {
            let request = server.get(&format!("{API}/check?random={}", data["random"].as_str().unwrap()));
            request.poll_token(data["pollToken"].as_str().unwrap()).header("origin", origin)
        };
        check(origin).await.success();
        check(other).await.assert_error(1001, "origin-not-allowed");
    }
    let without_app_id = server.post(&format!("{API}/gene")).json(&json!({}));
    without_app_id.await.assert_error(1001, "unknown-app");
}
