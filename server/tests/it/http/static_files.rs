//! Static files: pages and the widget.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::Method;
use futures_util::{StreamExt as _, stream};
use tempfile::TempDir;

use crate::support::test_server::Server;

/// The path of a folder that `cargo xtask dist` names after the content of the package.
const VERSION: &str = "/scanlogin/0.1.0-0123456789abcdef";
/// The file, its copies compressed by Brotli and gzip, and the encodings of all three.
const COPIES: [(&[u8], Option<&str>); 3] =
    [(b"\0asm plain", None), (b"in Brotli", Some("br")), (b"by gzip", Some("gzip"))];

/// A server with a page and a widget. The folders are deleted when the `TempDir` is dropped.
fn server() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (www, package) = (folder.path().join("www"), folder.path().join("dist"));
    for path in [&www, &package] {
        fs::create_dir(path).unwrap();
    }
    fs::write(folder.path().join("secret.txt"), "not served").unwrap();
    fs::write(www.join("index.html"), "<!doctype html><title>Sign in</title>").unwrap();
    fs::write(www.join("phone.html"), "<!doctype html><title>Approve</title>").unwrap();
    fs::write(www.join("app.js"), "export {}").unwrap();
    for folder in ["", "0.1.0-0123456789abcdef", "other"] {
        let folder = package.join(folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, (content, _)) in ["scanlogin.wasm", "scanlogin.wasm.br", "scanlogin.wasm.gz"].iter().zip(COPIES) {
            fs::write(folder.join(name), content).unwrap();
        }
        fs::write(folder.join("global.js"), "script").unwrap();
    }
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
        ("/scanlogin/scanlogin.wasm", "application/wasm", b"\0asm plain"),
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
            "worker-src 'self'",
            "manifest-src 'self'",
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
async fn pages_may_use_the_camera_and_no_microphone() {
    let (server, _folder) = server();
    let response = server.get("/").await;
    let permissions = response.header("permissions-policy").unwrap();
    assert!(permissions.contains("camera=(self)") && permissions.contains("microphone=()"), "{permissions}");
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
async fn image_that_is_shared_with_the_phone_page_gets_a_redirect_to_the_page() {
    let (server, _folder) = server();
    let response = server.post("/phone.html?share").await;
    let location = response.header("location");
    assert_eq!((response.status.as_u16(), location), (303, Some("/phone.html?share=image-not-received")));
    for path in ["/phone.html", "/phone.html?share=x", "/app.js?share", "/scanlogin/phone.html?share"] {
        assert_eq!(server.post(path).await.error(), (404, 404, "unknown-route".to_owned()), "{path}");
    }
    let put = server.request(Method::PUT, "/phone.html?share").await;
    assert_eq!(put.error(), (404, 404, "unknown-route".to_owned()));
}

#[tokio::test]
async fn shared_image_is_refused_as_other_requests_without_the_phone_page() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with_config(|config| config.www = Some(folder.path().to_owned()));
    assert_eq!(server.post("/phone.html?share").await.error(), (404, 404, "unknown-route".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn shared_image_is_read_to_its_end_within_bounds() {
    const CHUNK: usize = 100_000;
    let (server, _folder) = server();
    let read = Arc::new(AtomicUsize::new(0));
    let chunks = || {
        let read = Arc::clone(&read);
        stream::repeat_with(move || {
            read.fetch_add(CHUNK, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(&[0; CHUNK]))
        })
    };
    let share = async |body: Body| {
        read.store(0, Ordering::Relaxed);
        let response = server.post("/phone.html?share").body("multipart/form-data", body).await;
        (response.status.as_u16(), read.load(Ordering::Relaxed))
    };
    // A browser reads the response only after it has sent the image.
    assert_eq!(share(Body::from_stream(chunks().take(300))).await, (303, 300 * CHUNK));
    let (status, length) = share(Body::from_stream(chunks())).await;
    assert!(status == 303 && length < 31_000_000, "{status}, {length} bytes of a body without end");
    assert_eq!(share(Body::from_stream(chunks().take(1).chain(stream::pending()))).await, (303, CHUNK));
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

#[tokio::test]
async fn accept_encoding_selects_the_compressed_copy() {
    let (server, _folder) = server();
    for (accepted, copy) in [
        (None, 0),
        (Some(""), 0),
        (Some("br"), 1),
        (Some("gzip, deflate, br, zstd"), 1),
        (Some("GZIP"), 2),
        (Some("br;q=0.5, gzip;q=0.8"), 2),
        (Some("br;q=0, gzip;q=0.001"), 2),
        (Some("br;q=0"), 0),
        (Some("gzip;q=0.5, identity"), 0),
        (Some("deflate, zstd"), 0),
    ] {
        let (content, encoding) = COPIES[copy];
        for folder in ["/scanlogin", VERSION] {
            for method in [Method::GET, Method::HEAD] {
                let mut request = server.request(method.clone(), &format!("{folder}/scanlogin.wasm"));
                if let Some(accepted) = accepted {
                    request = request.header("accept-encoding", accepted);
                }
                let response = request.await;
                assert_eq!(response.status, 200);
                assert_eq!(response.header("content-encoding"), encoding, "{accepted:?}");
                assert_eq!(response.header("content-type"), Some("application/wasm"), "{accepted:?}");
                assert_eq!(response.header("content-length"), Some(content.len().to_string().as_str()));
                assert_eq!(response.header("vary"), Some("accept-encoding"), "{accepted:?}");
                assert_eq!(response.body, if method == Method::GET { content } else { b"" });
            }
        }
    }
}

#[tokio::test]
async fn file_without_compressed_copies_is_sent_uncompressed() {
    let (server, _folder) = server();
    for path in ["/app.js", "/scanlogin/global.js"] {
        let response = server.get(path).header("accept-encoding", "br, gzip").await;
        assert_eq!((response.status.as_u16(), response.header("content-encoding")), (200, None), "{path}");
        assert_eq!(response.header("content-type"), Some("text/javascript"));
    }
    let missing = server.get("/scanlogin/nope.js").header("accept-encoding", "br, gzip").await;
    assert_eq!(missing.error(), (404, 404, "unknown-route".to_owned()));
}

#[tokio::test]
async fn range_is_of_the_compressed_copy() {
    let (server, _folder) = server();
    for (content, encoding) in COPIES {
        let get = || server.get("/scanlogin/scanlogin.wasm").header("accept-encoding", encoding.unwrap_or("identity"));
        let part = get().header("range", "bytes=1-3").await;
        assert_eq!((part.status.as_u16(), part.body.as_slice()), (206, &content[1..=3]));
        assert_eq!(part.header("content-encoding"), encoding);
        assert_eq!(part.header("content-range"), Some(format!("bytes 1-3/{}", content.len()).as_str()));
        let outside = get().header("range", "bytes=100-").await;
        assert_eq!(outside.error(), (416, 416, "range-not-satisfiable".to_owned()));
        assert_eq!(outside.header("content-range"), Some(format!("bytes */{}", content.len()).as_str()));
    }
}

#[tokio::test]
async fn range_with_if_range_gets_the_whole_file() {
    let (server, _folder) = server();
    let etag = server.get("/app.js").await.header("etag").unwrap().to_owned();
    for condition in [etag.as_str(), "\"other\"", "Thu, 01 Jan 1970 00:00:00 GMT"] {
        let response = server.get("/app.js").header("range", "bytes=0-1").header("if-range", condition).await;
        assert_eq!((response.status.as_u16(), response.body.as_slice()), (200, &b"export {}"[..]), "{condition}");
    }
}

#[tokio::test]
async fn each_encoding_has_a_strong_etag_of_its_own() {
    let (server, _folder) = server();
    let mut etags = Vec::<String>::new();
    for (_, encoding) in COPIES {
        let get = || server.get("/scanlogin/scanlogin.wasm").header("accept-encoding", encoding.unwrap_or("identity"));
        let etag = get().await.header("etag").unwrap().to_owned();
        assert!(etag.starts_with('"'), "{etag}");
        let unchanged = get().header("if-none-match", &etag).await;
        assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
        assert_eq!(unchanged.header("etag"), Some(etag.as_str()));
        assert_eq!(unchanged.header("vary"), Some("accept-encoding"));
        assert_eq!(unchanged.header("cache-control"), Some("no-cache"));
        for other in &etags {
            assert_eq!(get().header("if-none-match", other).await.status, 200, "{other} for {encoding:?}");
            assert_eq!(get().header("if-match", other).await.status, 412, "{other} for {encoding:?}");
        }
        etags.push(etag);
    }
}

#[tokio::test]
async fn files_of_a_version_are_immutable_and_others_are_revalidated() {
    const IMMUTABLE: &str = "public, max-age=31536000, immutable";
    let (server, _folder) = server();
    let versioned = format!("{VERSION}/scanlogin.wasm");
    let etag = server.get(&versioned).await.header("etag").unwrap().to_owned();
    for (request, status, expected) in [
        (server.get(&versioned), 200, IMMUTABLE),
        (server.get(&versioned).header("if-none-match", &etag), 304, IMMUTABLE),
        (server.get(&versioned).header("range", "bytes=0-1"), 206, IMMUTABLE),
        (server.get(&format!("{VERSION}/nope.js")), 404, "no-store"),
        (server.post(&versioned), 404, "no-store"),
        (server.get("/scanlogin/0.1.0-fedcba9876543210/scanlogin.wasm"), 404, "no-store"),
        (server.get("/scanlogin/scanlogin.wasm"), 200, "no-cache"),
        (server.get("/scanlogin/other/scanlogin.wasm"), 200, "no-cache"),
        (server.get("/app.js"), 200, "no-cache"),
    ] {
        let response = request.await;
        assert_eq!((response.status.as_u16(), response.header("cache-control")), (status, Some(expected)));
    }
}

#[tokio::test]
async fn folders_of_the_package_are_no_pages() {
    let (server, _folder) = server();
    for path in ["/scanlogin", "/scanlogin/", VERSION, &format!("{VERSION}/"), "/scanlogin/other"] {
        assert_eq!(server.get(path).await.error(), (404, 404, "unknown-route".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn only_the_package_can_be_embedded_by_isolated_pages_of_other_origins() {
    let (server, _folder) = server();
    for (path, expected) in [
        ("/scanlogin/global.js", Some("cross-origin")),
        (&format!("{VERSION}/global.js"), Some("cross-origin")),
        ("/scanlogin/nope.js", Some("cross-origin")),
        ("/app.js", None),
    ] {
        assert_eq!(server.get(path).await.header("cross-origin-resource-policy"), expected, "{path}");
    }
}
