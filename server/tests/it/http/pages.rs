//! The files that a browser opens.

use std::fs;

use tempfile::TempDir;

use crate::support::common::Server;

/// A server with a page and a widget; the folders live as long as the guard.
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
    let server = Server::with(|config| {
        config.www = Some(www);
        config.package = Some(package);
    });
    (server, folder)
}

#[tokio::test]
async fn any_origin_may_load_the_widget_and_only_the_widget() {
    let (server, _folder) = server();
    for (path, allowed) in [("/scanlogin/scanlogin.wasm", Some("*")), ("/app.js", None), ("/", None)] {
        let reply = server.get(path).header("origin", "https://www.example.com").await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{path}");
    }
}

#[tokio::test]
async fn pages_stand_at_the_root_and_the_widget_in_its_folder() {
    let (server, _folder) = server();
    for (path, content_type, body) in [
        ("/", "text/html", &b"<!doctype html><title>Sign in</title>"[..]),
        ("/index.html", "text/html", b"<!doctype html><title>Sign in</title>"),
        ("/app.js", "text/javascript", b"export {}"),
        ("/scanlogin/scanlogin.wasm", "application/wasm", b"\0asm"),
    ] {
        let reply = server.get(path).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (200, body), "{path}");
        assert!(reply.header("content-type").unwrap().starts_with(content_type), "{path}: {:?}", reply.headers);
    }
}

#[tokio::test]
async fn pages_are_served_with_a_policy_that_allows_no_foreign_and_no_inline_script() {
    let (server, _folder) = server();
    for path in ["/", "/scanlogin/scanlogin.wasm"] {
        let reply = server.get(path).await;
        let policy = reply.header("content-security-policy").unwrap();
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
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("referrer-policy"), Some("same-origin"));
        assert_eq!(reply.header("cross-origin-opener-policy"), Some("same-origin"));
        assert_eq!(reply.header("cache-control"), Some("no-cache"));
    }
}

#[tokio::test]
async fn what_is_in_no_folder_is_refused_in_the_envelope() {
    let (server, _folder) = server();
    for path in ["/nope", "/scanlogin/nope.js", "/../secret.txt", "/%2e%2e/secret.txt", "/scanlogin/..%2fsecret.txt"] {
        for call in [server.get(path), server.post(path)] {
            assert_eq!(call.await.refusal(), (404, 404, "unknown-route".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn the_calls_stand_beside_the_pages() {
    let (server, _folder) = server();
    let code = server.gene().await;
    assert_eq!(server.status(&code).await, 0);
    assert_eq!(server.get("/healthz").await.success(), "ok");
}
