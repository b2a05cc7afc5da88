//! The OpenAPI document is complete and matches the router.

use serde_json::{Value, json};

use crate::support::openapi_validator::{OPENAPI, operations, resolve};
use crate::support::test_server::{API, Server};

#[tokio::test(start_paused = true)]
async fn openapi_document_lists_every_endpoint() {
    let server = Server::with_config(|config| config.public_url = Some("https://login.example.com".parse().unwrap()));
    let response = server.get("/openapi.json").await;
    let document = response.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "scanlogin");
    assert_eq!(document["info"]["contact"], Value::Null, "it must not contain the crate's author");
    assert_eq!(document["servers"], json!([{ "url": "https://login.example.com" }]));
    let endpoints = ["cancel", "check", "complete", "confirm", "gene", "image/{file}", "scanned", "userinfo"];
    let mut expected: Vec<_> = endpoints.iter().map(|endpoint| format!("{API}/{endpoint}")).collect();
    let others = ["apple-app-site-association", "assetlinks.json", "jwks.json"];
    expected.extend(others.map(|file| format!("/.well-known/{file}")));
    expected.extend(["/healthz", "/readyz"].map(str::to_owned));
    expected.sort();
    assert_eq!(document["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn every_documented_operation_exists() {
    let server = Server::with_config(|config| {
        config.settings.native_apps = serde_json::from_value(json!({ "ios": ["ABCDE12345.com.example"] })).unwrap();
    });
    for (path, method, _) in operations(&OPENAPI.document) {
        let response = server.request(method.clone(), &path.replace("{file}", "nope.png")).await;
        let reason = response.json().get("reason").cloned();
        assert!(reason != Some("unknown-route".into()) && response.status != 405, "{method} {path}: {response:?}");
    }
}

#[test]
fn every_503_response_documents_retry_after() {
    for (path, method, operation) in operations(&OPENAPI.document) {
        let unavailable = resolve(&OPENAPI.document, &operation["responses"]["503"]);
        assert_eq!(unavailable["headers"].get("retry-after").map(Value::is_object), Some(true), "{method} {path}");
    }
}

#[test]
fn header_parameters_have_their_wire_names() {
    let header_names = |endpoint: &str, method: &str| -> Vec<String> {
        let parameters = &OPENAPI.document["paths"][format!("{API}/{endpoint}")][method]["parameters"];
        let headers = parameters.as_array().unwrap().iter().filter(|parameter| parameter["in"] == "header");
        headers.map(|header| header["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(header_names("gene", "post"), ["x-authing-app-id"]);
    assert_eq!(header_names("check", "get"), ["x-authing-app-id", "x-scanlogin-poll-token"]);
    assert_eq!(header_names("complete", "post"), ["x-authing-app-id", "x-scanlogin-poll-token"]);
    assert_eq!(header_names("userinfo", "post"), ["x-authing-app-id", "x-scanlogin-poll-token"]);
}
