//! Codes whose text is a link, for an app with a `code_url`.

use axum::http::Method;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_protocol::link::{Device, Link, read_link};
use scanlogin_qr::{Level, Modules, svg};
use scanlogin_server::config::LogFormat;
use scanlogin_server::config::code_url::CodeUrl;
use serde_json::{Value, json};

use super::sign_in::decode;
use crate::support::captured_log::CapturedLog;
use crate::support::test_server::{API, Code, Server};

const CODE_URL: &str = "https://pass.example.com/s";

fn code_url() -> Option<CodeUrl> {
    Some(CODE_URL.parse().unwrap())
}

/// A server whose app has links.
fn server() -> Server {
    Server::with_config(|config| config.settings.apps[0].code_url = code_url())
}

/// A code of the demo's login page.
async fn login_code(server: &Server) -> Code {
    let gene = server.post(&format!("{API}/gene")).header("x-authing-app-id", "demo-login").json(&json!({}));
    Code::from_data(&gene.await.success())
}

#[tokio::test(start_paused = true)]
async fn gene_and_images_have_the_link_and_the_fields_of_the_json_text_stay() {
    let server = server();
    let code = server.gene_with(json!({ "modules": "M", "customData": { "hello": "world" } })).await;
    let text = format!("{CODE_URL}#{}", code.random);
    assert_eq!(code.data["text"], text);
    let fields = ["scene", "userPoolId", "createdAt", "expireAt", "customData"].map(|name| code.data[name].clone());
    assert_eq!(
        fields,
        [
            json!("APP_AUTH"),
            json!("demo-pool"),
            json!("2026-01-01T00:00:00.000Z"),
            json!("2026-01-01T00:02:00.000Z"),
            json!({ "hello": "world" })
        ]
    );
    assert!(!text.contains(&code.poll_token), "{text}");
    assert_eq!(read_link(&text, &[CODE_URL]), Some(Link { random: &code.random, device: Device::Other }));

    let modules = Modules::new(&text, Level::M).unwrap();
    assert_eq!(modules.side, 33, "version 4");
    let bits = BASE64_STANDARD.decode(code.data["modules"].as_str().unwrap()).unwrap();
    assert_eq!(Modules::from_bits(&bits).unwrap(), modules);
    let png = server.get(&format!("{API}/image/{}.png", code.random)).await;
    assert_eq!(decode(&png.body), text);
    let image = server.get(&format!("{API}/image/{}.svg", code.random)).await;
    let drawn = String::from_utf8(image.body).unwrap();
    assert!(drawn.contains(&format!("d=\"{}\"", svg::path(&modules))), "{drawn}");
}

#[tokio::test(start_paused = true)]
async fn code_of_a_link_is_approved_like_any_other() {
    let server = server();
    let code = server.gene().await;
    let ticket = server.ticket(&code, "alice").await;
    assert_eq!(server.exchange(&ticket).await.success()["id"], "id-of-alice");
}

#[tokio::test(start_paused = true)]
async fn json_is_the_default_and_gene_has_no_text() {
    let code = Server::new().gene().await;
    assert_eq!(code.data.get("text"), None);
}

#[tokio::test(start_paused = true)]
async fn json_text_of_a_code_with_a_link_is_bounded_for_clients_that_draw_it() {
    let too_long = json!({ "customData": { "a": "x".repeat(1_000) } });
    server().post(&format!("{API}/gene")).json(&too_long).await.assert_error(2231, "invalid-parameter");
}

#[tokio::test(start_paused = true)]
async fn reload_gives_an_app_links() {
    let settings = |code_url: &str| {
        format!(
            "[[app]]\nid = \"demo-app\"\nname = \"The Shop\"\nuser_pool_id = \"demo-pool\"\n\
             secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n{code_url}\n"
        )
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::with_config(|config| config.settings_file = Some(file.path().to_owned()));
    std::fs::write(file.path(), settings(&format!("code_url = {CODE_URL:?}"))).unwrap();
    assert_eq!(server.state.reload().unwrap(), 1, "without the app of the demo's login page");
    let code = server.gene().await;
    assert_eq!(code.data["text"], format!("{CODE_URL}#{}", code.random));
    let login = login_code(&server).await;
    assert_eq!(login.data["text"], format!("http://127.0.0.1:0/s#{}", login.random), "it keeps its own address");

    std::fs::write(file.path(), settings("code_url = \"http://pass.example.com/s\"")).unwrap();
    let error = server.state.reload().unwrap_err().to_string();
    assert!(error.contains("code_url") && error.contains("https://"), "{error}");
    assert!(server.gene().await.data["text"].is_string(), "the previous settings stay in effect");
}

/// A camera app, a messenger or a browser may request the address of a link before a person has decided anything, and a client
/// that does not follow the standard may send the fragment with it.
#[tokio::test(start_paused = true)]
async fn request_of_a_link_changes_no_code_and_is_no_audit_event() {
    let server = Server::new();
    let code = login_code(&server).await;
    let text = code.data["text"].as_str().unwrap();
    assert_eq!(text, format!("http://127.0.0.1:0/s#{}", code.random));
    let before = stored(&server, &code).await;

    let log = CapturedLog::new(LogFormat::Json);
    for method in [Method::GET, Method::HEAD] {
        for path in ["/s".to_owned(), format!("/s?{}", code.random), format!("/s?random={}", code.random)] {
            for (name, value) in
                [("accept", "*/*"), ("sec-purpose", "prefetch"), ("purpose", "prefetch"), ("x-moz", "prefetch")]
            {
                let token = server.token("alice");
                let response = server.request(method.clone(), &path).header(name, value).bearer(&token).await;
                assert_eq!((response.status.as_u16(), response.header("location")), (307, Some("/phone.html")));
                assert!(response.body.is_empty());
            }
        }
        let below = server.request(method.clone(), &format!("/s/{}", code.random)).await;
        assert_eq!(below.status, 404);
    }
    assert_eq!(log.audit_events(), Vec::<Value>::new());
    assert!(!log.text().contains(&code.random), "the log names the route, not the path: {}", log.text());
    assert_eq!(stored(&server, &code).await, before);
    let check = server.check(&code).header("x-authing-app-id", "demo-login").await.success();
    assert_eq!(check["status"], 0);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        assert_eq!(server.request(method, "/s").await.error().0, 405);
    }
}

/// The record of a code in the store, with the number of its changes.
async fn stored(server: &Server, code: &Code) -> String {
    format!("{:?}", server.state.store.unmeasured().find(&code.random).await.unwrap())
}
