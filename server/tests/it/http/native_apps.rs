//! The files that let the system of a phone open links in the company's native app.

use axum::http::Method;
use scanlogin_server::config::settings::Settings;
use serde_json::json;

use crate::support::test_server::Server;

const ANDROID: &str = "/.well-known/assetlinks.json";
const IOS: &str = "/.well-known/apple-app-site-association";
const FINGERPRINT: &str =
    "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5";

/// The settings of two apps with links, and of one without.
fn settings(native_apps: &str) -> String {
    let app = |id: &str, code_url: &str| {
        format!(
            "[[app]]\nid = {id:?}\nname = \"The Shop\"\nuser_pool_id = \"customers\"\n\
             secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n{code_url}\n"
        )
    };
    let apps = [
        app("shop", "code_url = \"https://pass.example.com/shop\""),
        app("blog", "code_url = \"https://pass.example.com/a%20b/\""),
        app("wiki", "code_url = \"https://pass.example.com/shop\""),
        app("json", ""),
    ];
    apps.concat() + native_apps
}

fn both() -> String {
    format!(
        "[native_apps]\nios = [\"ABCDE12345.com.example.pass\", \"ABCDE12345.com.example.pass.beta\"]\n\
         android = [{{ package = \"com.example.pass\", sha256_cert_fingerprints = [{:?}] }}]\n",
        FINGERPRINT.to_lowercase()
    )
}

/// A server with the settings of a file, and without the demo.
fn server(native_apps: &str) -> Server {
    Server::with_config(|config| {
        config.demo = None;
        config.settings = Settings::parse(&settings(native_apps)).unwrap();
    })
}

#[tokio::test(start_paused = true)]
async fn files_are_what_android_and_ios_read() {
    let server = server(&both());
    for (path, expected) in [
        (
            ANDROID,
            json!([{
                "relation": ["delegate_permission/common.handle_all_urls"],
                "target": {
                    "namespace": "android_app", "package_name": "com.example.pass",
                    "sha256_cert_fingerprints": [FINGERPRINT],
                },
            }]),
        ),
        (
            IOS,
            json!({ "applinks": { "details": [{
                "appIDs": ["ABCDE12345.com.example.pass", "ABCDE12345.com.example.pass.beta"],
                "components": [{ "/": "/a%20b/" }, { "/": "/shop" }],
            }] } }),
        ),
    ] {
        let response = server.get(path).await;
        assert_eq!((response.status.as_u16(), response.json()), (200, expected), "{path}");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
        let head = server.request(Method::HEAD, path).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn files_are_unknown_routes_without_the_setting() {
    let server = server("");
    for path in [ANDROID, IOS] {
        assert_eq!(server.get(path).await.error(), (404, 404, "unknown-route".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn system_without_an_app_gets_an_empty_list() {
    let android = format!("[[native_apps.android]]\npackage = \"a.b\"\nsha256_cert_fingerprints = [{FINGERPRINT:?}]\n");
    assert_eq!(server(&android).get(IOS).await.json(), json!({ "applinks": { "details": [] } }));
    assert_eq!(server("[native_apps]\nios = [\"ABCDE12345.a\"]\n").get(ANDROID).await.json(), json!([]));
}

#[tokio::test(start_paused = true)]
async fn reload_replaces_the_native_apps() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::with_config(|config| {
        config.demo = None;
        config.settings_file = Some(file.path().to_owned());
    });
    for (native_apps, status) in [(both(), 200), (String::new(), 404)] {
        std::fs::write(file.path(), settings(&native_apps)).unwrap();
        server.state.reload().unwrap();
        assert_eq!(
            (server.get(ANDROID).await.status, server.get(IOS).await.status.as_u16()),
            (status.try_into().unwrap(), status)
        );
    }
}

#[test]
fn invalid_section_fails_with_its_line_or_its_problem() {
    for (valid, invalid, expected) in [
        ("com.example.pass\"", "com\"", "not the id of an Android app"),
        ("14:6d", "146d", "not a SHA-256 fingerprint"),
        ("ABCDE12345.com.example.pass.beta", "com.example.pass", "not the id of an iOS app"),
        ("ios", "iphone", "`iphone`"),
        ("package", "app", "`app`"),
    ] {
        let section = both().replace(valid, invalid);
        assert_ne!(section, both());
        let error = Settings::parse(&settings(&section)).unwrap_err();
        assert!(error.contains(expected) && error.contains("line "), "{invalid}: {error}");
    }
    let empty = Settings::parse(&settings("[native_apps]\n")).unwrap_err();
    assert!(empty.contains("[native_apps] without an app"), "{empty}");
    let without_links: String =
        settings(&both()).lines().filter(|line| !line.starts_with("code_url")).collect::<Vec<_>>().join("\n");
    let error = Settings::parse(&without_links).unwrap_err();
    assert!(error.contains("code_url"), "{error}");
}
