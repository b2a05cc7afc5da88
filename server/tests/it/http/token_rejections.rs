//! The explanation of a rejected token: `detail` in the response to the phone, and one line in the log.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use scanlogin_server::config::LogFormat;
use serde_json::{Value, json};

use crate::support::captured_log::CapturedLog;
use crate::support::oidc_provider::{Key, Provider, claims, claims_with, from_now, issuers};
use crate::support::test_server::{API, Server};

/// Scans a new code with `token`, and returns the envelope of the response.
async fn scan(server: &Server, token: &str) -> Value {
    let code = server.gene().await;
    server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random })).bearer(token).await.json()
}

#[tokio::test(start_paused = true)]
async fn rejected_token_is_explained_by_a_detail_and_one_log_line_without_the_token() {
    let log = CapturedLog::new(LogFormat::Json);
    let (key, unpublished) = (Key::rs256("a"), Key::eddsa("b"));
    let provider = Provider::start(&[&key]).await;
    let server = Server::with_config(|config| config.settings.issuers = issuers(&provider.url, json!({})));
    let claim = |name, value| key.sign(&claims_with(&server, name, value));
    let header = |algorithm| Header { kid: Some("a".to_owned()), ..Header::new(algorithm) };
    let hs256 = |algorithm, secret: &str| {
        jsonwebtoken::encode(&Header::new(algorithm), &claims(&server), &EncodingKey::from_secret(secret.as_bytes()))
            .unwrap()
    };
    for (token, detail, explanation) in [
        ("opaque".to_owned(), "malformed-token", "opaque"),
        ("a.b.c.d.e".to_owned(), "malformed-token", "encrypted"),
        (claim("padding", json!("x".repeat(8 * 1024))), "token-too-long", "8192 bytes"),
        (claim("iss", json!("https://other.example.com")), "unknown-issuer", "\"https://other.example.com\""),
        (claim("iss", json!(null)), "unknown-issuer", "absent"),
        (claim("aud", json!("web")), "wrong-audience", "\"web\""),
        (key.sign_with(header(Algorithm::PS256), &claims(&server)), "unknown-key", "PS256"),
        (hs256(Algorithm::HS512, "secret"), "unsupported-algorithm", "HS512"),
        (hs256(Algorithm::HS256, "secret"), "wrong-signature", "--jwt-secret"),
        (unpublished.sign(&claims(&server)), "unknown-key", "\"b\""),
        (Key::eddsa("a").sign_with(header(Algorithm::EdDSA), &claims(&server)), "unknown-key", "EdDSA"),
        (key.sign(&claims(&server)) + "AAAA", "wrong-signature", "signature"),
        (
            key.sign_with(Header { typ: Some("dpop+jwt".to_owned()), ..key.header() }, &claims(&server)),
            "unsupported-type",
            "dpop+jwt",
        ),
        (
            key.sign_with(Header { crit: Some(vec!["exp".to_owned()]), ..key.header() }, &claims(&server)),
            "unsupported-extension",
            "crit",
        ),
        (claim("exp", json!(null)), "invalid-time", "exp"),
        (claim("iat", json!(from_now(&server, 90))), "not-yet-valid", "iat is 90 seconds ahead"),
        (claim("nbf", json!(from_now(&server, 90))), "not-yet-valid", "nbf is 90 seconds ahead"),
        (claim("sub", json!(null)), "no-user-id", "sub"),
    ] {
        let lines_before = log.lines().len();
        let response = scan(&server, &token).await;
        assert_eq!(response["reason"], "not-signed-in", "{response}");
        assert_eq!(response["detail"], detail, "{response}");
        let rejections: Vec<Value> =
            log.lines().split_off(lines_before).into_iter().filter(|line| line["problem"].is_string()).collect();
        assert_eq!(rejections.len(), 1, "{detail}: {}", log.text());
        assert_eq!(rejections[0]["problem"], detail);
        assert!(rejections[0]["explanation"].as_str().unwrap().contains(explanation), "{}", rejections[0]);
        assert!(token.len() < 10 || !log.text().contains(&token), "{}", log.text());
    }
    let code = server.gene().await;
    let without_token = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random })).await;
    assert_eq!(without_token.json()["detail"], "missing-token");
}

#[tokio::test(start_paused = true)]
async fn token_from_the_future_tells_the_phone_to_check_its_clock() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = Server::with_config(|config| config.settings.issuers = issuers(&provider.url, json!({})));
    let ahead = key.sign(&claims_with(&server, "iat", json!(from_now(&server, 90))));
    let response = scan(&server, &ahead).await;
    let message = response["message"].as_str().unwrap();
    assert!(message.contains("clock") && !message.contains("sign in"), "{message}");
}
