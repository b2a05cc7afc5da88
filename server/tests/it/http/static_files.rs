//! Static files: pages and the widget.

use std::fs;

use tempfile::TempDir;

use crate::support::test_server::Server;

/// A server with a page and a widget. The folders are deleted when the `TempDir` is dropped.
fn server() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (www, package) = (folder.path().join("www"), folder.path().join("dist"));
    for path in [&www, &package] {
        fs::create_dir(path).unwrap();
    }
    fs::write(folder.path().join("secret.txt"), "not served").unwrap();
    fs::write(www.join("index.html"), "<!doctype html><title>Sign in</title>").unwrap();
    fs::write(www.join("app.js"), "export {}").unwrap();
    fs::write(package.join("scanlogin.wasm"), b"\0asm").unwrap();
    let server = Server::with_config(|config| {
        config.www = Some(www);
        config.package = Some(package);
    });
    (server, folder)
}

#[tokio::test]
async fn cors_allows_any_origin_for_the_widget_only() {
    let (server, _folder) = server();
    for (path, allowed) in [("/scanlogin/scanlogin.wasm", Some("*")), ("/app.js", None), ("/", None)] {
        let response = server.get(path).header("origin", "https://www.example.com").await;
        assert_eq!(response.header("access-control-allow-origin"), allowed, "{path}");
    }
}

#[tokio::test]
async fn pages_are_served_at_the_root_and_the_widget_in_its_folder() {
    let (server, _folder) = server();
    for (path, content_type, body) in [
        ("/", "text/html", &b"<!doctype html><title>Sign in</title>"[..]),
        ("/index.html", "text/html", b"<!doctype html><title>Sign in</title>"),
        ("/app.js", "text/javascript", b"export {}"),
        ("/scanlogin/scanlogin.wasm", "application/wasm", b"\0asm"),
    ] {
        let response = server.get(path).await;
        assert_eq!((response.status.as_u16(), response.body.as_slice()), (200, body), "{path}");
        assert!(response.header("content-type").unwrap().starts_with(content_type), "{path}: {:?}", response.headers);
    }
}

#[tokio::test]
async fn pages_have_a_csp_without_foreign_or_inline_scripts() {
    let (server, _folder) = server();
    for path in ["/", "/scanlogin/scanlogin.wasm"] {
        let response = server.get(path).await;
        let policy = response.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{part} in {policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("referrer-policy"), Some("same-origin"));
        assert_eq!(response.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(response.header("cache-control"), Some("no-cache"));
    }
}

#[tokio::test]
async fn missing_files_and_path_traversal_get_an_enveloped_404() {
    let (server, _folder) = server();
    for path in ["/nope", "/scanlogin/nope.js", "/../secret.txt", "/%2e%2e/secret.txt", "/scanlogin/..%2fsecret.txt"] {
        for request in [server.get(path), server.post(path)] {
            assert_eq!(request.await.error(), (404, 404, "unknown-route".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn api_and_health_routes_work_alongside_pages() {
    let (server, _folder) = server();
    let code = server.gene().await;
    assert_eq!(server.status(&code).await, 0);
    assert_eq!(server.get("/healthz").await.success(), "ok");
}

#[tokio::test]
async fn file_names_that_the_system_rejects_get_an_enveloped_404() {
    let (server, _folder) = server();
    let long = "x".repeat(256);
    for path in [
        format!("/{long}"),
        format!("/scanlogin/{long}.js"),
        format!("/{}", "x/".repeat(4_000)),
        format!("/{}", "%C3%A9".repeat(200)),
        "/app.js/app.js".to_owned(),
        "/%00".to_owned(),
    ] {
        assert_eq!(server.get(&path).await.error(), (404, 404, "unknown-route".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn failed_preconditions_and_ranges_have_the_envelope() {
    let (server, _folder) = server();
    for path in ["/app.js", "/scanlogin/scanlogin.wasm"] {
        let changed = server.get(path).header("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT").await;
        assert_eq!(changed.error(), (412, 412, "precondition-failed".to_owned()));
        for range in ["bytes=1000-", "bytes=0-0,2-2"] {
            let response = server.get(path).header("range", range).await;
            assert_eq!(response.error(), (416, 416, "range-not-satisfiable".to_owned()), "{range}");
            assert!(response.header("content-range").unwrap().starts_with("bytes */"), "{range}");
        }
        let part = server.get(path).header("range", "bytes=0-1").await;
        assert_eq!((part.status.as_u16(), part.body.len()), (206, 2));
    }
}
