//! What the server says of itself is true.

use serde_json::{Value, json};

use crate::support::common::{API, Server};
use crate::support::description::{DESCRIPTION, operations, resolve};

#[tokio::test(start_paused = true)]
async fn the_description_is_there_for_everybody_and_names_all_calls() {
    let server = Server::with(|config| config.public_url = Some("https://login.example.com".parse().unwrap()));
    let reply = server.get("/openapi.json").await;
    let document = reply.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "scanlogin");
    assert_eq!(document["info"]["contact"], Value::Null, "not the author of some crate");
    assert_eq!(document["servers"], json!([{ "url": "https://login.example.com" }]));
    let calls = ["cancel", "check", "confirm", "gene", "image/{file}", "scanned", "userinfo"];
    let mut expected: Vec<_> = calls.iter().map(|call| format!("{API}/{call}")).collect();
    expected.extend(["/.well-known/jwks.json", "/healthz", "/readyz"].map(str::to_owned));
    expected.sort();
    assert_eq!(document["paths"].as_object().unwrap().keys().cloned().collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn every_call_that_is_described_is_there() {
    let server = Server::new();
    for (path, method, _) in operations(&DESCRIPTION.document) {
        let reply = server.call(method.clone(), &path.replace("{file}", "nope.png")).await;
        let reason = reply.json().get("reason").cloned();
        assert!(reason != Some("unknown-route".into()) && reply.status != 405, "{method} {path}: {reply:?}");
    }
}

#[test]
fn every_refusal_that_is_for_now_is_described_with_the_time_to_come_back() {
    for (path, method, operation) in operations(&DESCRIPTION.document) {
        let unavailable = resolve(&DESCRIPTION.document, &operation["responses"]["503"]);
        assert_eq!(unavailable["headers"].get("retry-after").map(Value::is_object), Some(true), "{method} {path}");
    }
}

#[test]
fn every_header_that_a_call_reads_is_described_by_the_name_that_clients_send() {
    let names = |call: &str, method: &str| -> Vec<String> {
        let parameters = &DESCRIPTION.document["paths"][format!("{API}/{call}")][method]["parameters"];
        let headers = parameters.as_array().unwrap().iter().filter(|parameter| parameter["in"] == "header");
        headers.map(|header| header["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("gene", "post"), ["x-authing-app-id"]);
    assert_eq!(names("check", "get"), ["x-authing-app-id", "x-scanlogin-poll-token"]);
    assert_eq!(names("userinfo", "post"), ["x-authing-app-id", "x-scanlogin-poll-token"]);
}
