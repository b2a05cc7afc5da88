//! The modules of a code in the response of `gene`, for a page that shows the code before it can draw.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::Scene;
use scanlogin_qr::{Level, Modules};
use serde_json::{Value, json};

use crate::support::test_server::{API, Code, Server};

/// The modules that the page would draw with at least this error correction.
fn drawn(code: &Code, lowest: Level) -> Modules {
    let text = |name: &str| code.data[name].as_str().map(str::to_owned);
    let payload = Payload {
        scene: Scene::App,
        random: code.random.clone(),
        user_pool_id: text("userPoolId"),
        created_at: text("createdAt"),
        expire_at: text("expireAt"),
        expires_in: None,
        custom_data: code.data.get("customData").cloned(),
    };
    Modules::new(&serde_json::to_string::<Payload<Value>>(&payload).unwrap(), lowest).unwrap()
}

/// The modules in the response.
fn received(code: &Code) -> Modules {
    Modules::from_bits(&BASE64_STANDARD.decode(code.data["modules"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn gene_returns_the_modules_that_the_page_would_draw() {
    let server = Server::new();
    for (name, level) in [("L", Level::L), ("M", Level::M), ("Q", Level::Q), ("H", Level::H)] {
        let code = server.gene_with(json!({ "modules": name, "params": { "a": "人" } })).await;
        assert_eq!(received(&code), drawn(&code, level), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn gene_without_modules_in_the_request_returns_none() {
    let server = Server::new();
    for request in [json!({}), json!({ "modules": null })] {
        assert_eq!(server.gene_with(request).await.data.get("modules"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn logo_of_the_app_raises_the_error_correction_to_level_q() {
    let server = Server::with_config(|config| {
        config.settings.apps[0].logo = Some("https://www.example.com/logo.svg".to_owned());
    });
    for (name, level) in [("L", Level::Q), ("Q", Level::Q), ("H", Level::H)] {
        let code = server.gene_with(json!({ "modules": name })).await;
        assert_eq!(received(&code), drawn(&code, level), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_level_is_an_invalid_parameter() {
    let server = Server::new();
    for level in [json!("X"), json!("l"), json!(1), json!(true)] {
        let response = server.post(&format!("{API}/gene")).json(&json!({ "modules": level })).await;
        response.assert_error(2231, "invalid-parameter");
    }
}
