//! Verification of tokens that an OpenID Connect provider issues, and the cache of its keys.

use core::time::Duration;
use std::io::Write as _;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use rsa::traits::PublicKeyParts as _;
use scanlogin_server::Config;
use scanlogin_server::auth::error::TokenProblem;
use scanlogin_server::config::issuer::Issuers;
use scanlogin_server::store::user::User;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::oidc_provider::{
    ISSUER, JwksResponse, Key, Provider, base64, claims, claims_with, from_now, issuers, rsa_key,
};
use crate::support::test_server::{API, Server, advance_clock, start_server};

/// A server that trusts the issuer with keys at `jwks`.
fn server(jwks: &str) -> Server {
    server_with(jwks, json!({}))
}

fn server_with(jwks: &str, settings: Value) -> Server {
    Server::with_config(|config| config.settings.issuers = issuers(jwks, settings))
}

/// Verifies a token for alice that `key` has signed, and returns the user id.
async fn verify_token_by(server: &Server, key: &Key) -> Result<String, TokenProblem> {
    verify(server, &key.sign(&claims(server))).await.map(|user| user.id)
}

async fn verify(server: &Server, token: &str) -> Result<User, TokenProblem> {
    server.state.identity.verify(token).await.map(|verified| verified.user).map_err(|error| error.problem)
}

fn alice() -> Result<String, TokenProblem> {
    Ok("alice".to_owned())
}

#[tokio::test(start_paused = true)]
async fn user_of_a_provider_completes_a_sign_in() {
    let key = Key::rs256("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    let mut claims = claims(&server);
    for (name, value) in [
        ("email", json!("alice@example.com")),
        ("email_verified", json!(true)),
        ("name", json!("Alice Liddell")),
        ("nickname", json!("Al")),
        ("preferred_username", json!("alice1")),
        ("picture", json!("https://id.example.com/alice.png")),
        ("phone_number", json!("+44 1")),
    ] {
        claims[name] = value;
    }
    let bearer = format!("Bearer {}", key.sign(&claims));

    let code = server.gene().await;
    for step in ["scanned", "confirm"] {
        let request = server.post(&format!("{API}/{step}")).json(&json!({ "random": code.random }));
        request.header("authorization", &bearer).await.success();
    }
    let ticket = server.check(&code).await.success()["ticket"].as_str().unwrap().to_owned();
    let user = server.exchange(&ticket).await.success();
    for (name, value) in [
        ("id", json!("alice")),
        ("email", json!("alice@example.com")),
        ("emailVerified", json!(true)),
        ("username", json!("alice1")),
        ("nickname", json!("Al")),
        ("photo", json!("https://id.example.com/alice.png")),
        ("phone", json!("+44 1")),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    assert_eq!(provider.fetch_count(), 1, "the keys are cached");
}

#[tokio::test]
async fn keys_are_requested_without_compression() {
    let key = Key::es256("key-1");
    let provider = Provider::start(&[&key]).await;
    assert_eq!(verify_token_by(&server(&provider.url), &key).await, alice());
    assert_eq!(provider.last_header("accept-encoding").as_deref(), Some("identity"));
}

#[tokio::test(start_paused = true)]
async fn tokens_of_each_supported_algorithm_are_accepted() {
    let keys = [Key::rs256("a"), Key::es256("b"), Key::eddsa("c")];
    let provider = Provider::start(&keys.each_ref()).await;
    let server = server(&provider.url);
    for key in &keys {
        assert_eq!(verify_token_by(&server, key).await, alice(), "{:?}", key.algorithm);
    }
}

#[tokio::test(start_paused = true)]
async fn claim_and_user_pool_names_are_configurable_per_issuer() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let names = json!({ "sub": "oid", "nickname": "given_name", "email_verified": "xms_edov" });
    let server = server_with(&provider.url, json!({ "claims": names, "user_pool_claim": "org_id" }));
    let mut claims = claims(&server);
    for (name, value) in [
        ("oid", json!("a1")),
        ("given_name", json!("Al")),
        ("nickname", json!("ignored")),
        ("xms_edov", json!("true")),
        ("org_id", json!("staff")),
        ("name", json!({})),
        ("picture", json!("")),
    ] {
        claims[name] = value;
    }
    let expected = User {
        id: "a1".to_owned(),
        user_pool_id: "staff".to_owned(),
        nickname: Some("Al".to_owned()),
        email_verified: true,
        ..User::default()
    };
    assert_eq!(verify(&server, &key.sign(&claims)).await, Ok(expected));
    claims["org_id"] = json!(null);
    assert_eq!(verify(&server, &key.sign(&claims)).await.unwrap().user_pool_id, "", "the user pool of no app");
}

#[tokio::test(start_paused = true)]
async fn user_of_another_user_pool_is_refused_with_wrong_pool() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server_with(&provider.url, json!({ "user_pool_claim": "org_id" }));
    let code = server.gene().await;
    for pool in [json!("staff"), json!(""), json!(null), json!(["demo-pool"])] {
        let token = key.sign(&claims_with(&server, "org_id", pool));
        let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        request.header("authorization", &token).await.assert_error(2036, "wrong-pool");
    }
    let token = key.sign(&claims_with(&server, "org_id", json!("demo-pool")));
    let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
    request.header("authorization", &token).await.success();
}

#[tokio::test(start_paused = true)]
async fn iss_aud_sub_exp_nbf_and_iat_claims_are_validated() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    let now = |seconds| json!(from_now(&server, seconds));
    for (name, value, expected) in [
        ("iss", json!(null), Err(TokenProblem::UnknownIssuer)),
        ("iss", json!("https://id.example.com/"), Err(TokenProblem::UnknownIssuer)),
        ("iss", json!("https://other.example.com"), Err(TokenProblem::UnknownIssuer)),
        ("iss", json!([ISSUER]), Err(TokenProblem::UnknownIssuer)),
        ("aud", json!(null), Err(TokenProblem::WrongAudience)),
        ("aud", json!("other"), Err(TokenProblem::WrongAudience)),
        ("aud", json!(""), Err(TokenProblem::WrongAudience)),
        ("aud", json!([]), Err(TokenProblem::WrongAudience)),
        ("aud", json!(["other", "scan"]), Err(TokenProblem::WrongAudience)),
        ("aud", json!({ "scanlogin": "scanlogin" }), Err(TokenProblem::WrongAudience)),
        ("aud", json!("phones"), alice()),
        ("aud", json!(["other", "phones"]), alice()),
        ("sub", json!(null), Err(TokenProblem::NoUserId)),
        ("sub", json!(""), Err(TokenProblem::NoUserId)),
        ("exp", json!(null), Err(TokenProblem::InvalidTime)),
        ("exp", json!("2100"), Err(TokenProblem::InvalidTime)),
        ("exp", now(-60), Err(TokenProblem::Expired)),
        ("exp", now(-59), alice()),
        ("nbf", now(61), Err(TokenProblem::NotYetValid)),
        ("nbf", now(60), alice()),
        ("iat", now(61), Err(TokenProblem::NotYetValid)),
        ("iat", now(60), alice()),
        ("iat", json!(null), alice()),
        ("iat", json!(true), Err(TokenProblem::InvalidTime)),
    ] {
        let claims = claims_with(&server, name, value);
        assert_eq!(verify(&server, &key.sign(&claims)).await.map(|user| user.id), expected, "{claims}");
    }
}

#[tokio::test(start_paused = true)]
async fn public_key_as_hmac_secret_is_rejected() {
    let key = Key::rs256("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &key).await, alice());

    let public = rsa_key().to_public_key();
    let modulus = public.n().to_bytes_be();
    for secret in [
        public.to_public_key_pem(LineEnding::LF).unwrap().into_bytes(),
        public.to_public_key_der().unwrap().as_bytes().to_vec(),
        public.to_pkcs1_der().unwrap().as_bytes().to_vec(),
        base64(&modulus).into_bytes(),
        modulus,
        key.jwk.to_string().into_bytes(),
        Vec::new(),
    ] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims(&server), &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(verify(&server, &token).await, Err(TokenProblem::WrongSignature));
    }
}

#[tokio::test(start_paused = true)]
async fn symmetric_jwk_verifies_no_token() {
    let secret = b"a secret that was published by mistake";
    let valid = Key::eddsa("valid");
    let provider = Provider::start(&[&valid]).await;
    let oct = json!({ "kty": "oct", "kid": "a", "alg": "HS256", "k": base64(secret) });
    provider.set_response(JwksResponse::Keys(vec![oct, valid.jwk.clone()]));
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &valid).await, alice());
    let header = Header { kid: Some("a".to_owned()), ..Header::new(Algorithm::HS256) };
    let token = jsonwebtoken::encode(&header, &claims(&server), &EncodingKey::from_secret(secret)).unwrap();
    assert_eq!(verify(&server, &token).await, Err(TokenProblem::WrongSignature));
}

#[tokio::test(start_paused = true)]
async fn token_header_does_not_select_the_algorithm_of_a_key() {
    let keys = [Key::rs256("a"), Key::es256("b"), Key::eddsa("c")];
    let provider = Provider::start(&keys.each_ref()).await;
    let server = server(&provider.url);
    for key in &keys {
        let token = key.sign(&claims(&server));
        let (_, rest) = token.split_once('.').unwrap();
        for algorithm in ["none", "None", "HS256", "HS512", "RS256", "RS384", "PS256", "ES256", "ES384", "EdDSA"] {
            let header = base64(json!({ "alg": algorithm, "kid": key.id }).to_string());
            let expected = match algorithm {
                "none" | "None" | "HS512" => TokenProblem::UnsupportedAlgorithm,
                // The changed header is not the one that was signed.
                "HS256" => TokenProblem::WrongSignature,
                _ if algorithm == format!("{:?}", key.algorithm) => TokenProblem::WrongSignature,
                _ => TokenProblem::UnknownKey,
            };
            let outcome = verify(&server, &format!("{header}.{rest}")).await;
            assert_eq!(outcome, Err(expected), "{algorithm} by {:?}", key.algorithm);
        }
    }
    // These signatures are valid, but their algorithm is not the one that the key was published for.
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let header = Header { kid: Some("a".to_owned()), ..Header::new(algorithm) };
        let token = keys[0].sign_with(header, &claims(&server));
        assert_eq!(verify(&server, &token).await, Err(TokenProblem::UnknownKey), "{algorithm:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_in_a_token_header_are_ignored() {
    let (key, attacker_key) = (Key::eddsa("a"), Key::eddsa("a"));
    let (provider, attacker) = (Provider::start(&[&key]).await, Provider::start(&[&attacker_key]).await);
    let server = server(&provider.url);
    let with_keys = |header| Header {
        jwk: Some(serde_json::from_value(attacker_key.jwk.clone()).unwrap()),
        jku: Some(attacker.url.clone()),
        x5u: Some(attacker.url.clone()),
        x5c: Some(vec!["MII".to_owned()]),
        ..header
    };
    for id in [Some("a"), Some("b"), None] {
        let header = Header { kid: id.map(str::to_owned), ..with_keys(attacker_key.header()) };
        let token = attacker_key.sign_with(header, &claims(&server));
        let expected = if id == Some("b") { TokenProblem::UnknownKey } else { TokenProblem::WrongSignature };
        assert_eq!(verify(&server, &token).await, Err(expected), "{id:?}");
    }
    let token = key.sign_with(with_keys(key.header()), &claims(&server));
    assert!(verify(&server, &token).await.is_ok(), "a valid token is accepted with these headers");
    assert_eq!(attacker.fetch_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn modified_token_is_rejected() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    let token = key.sign(&claims(&server));
    assert!(verify(&server, &token).await.is_ok());
    let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let bob = base64(claims_with(&server, "sub", json!("bob")).to_string());
    for (modified, problem) in [
        (format!("{header}.{bob}.{signature}"), TokenProblem::WrongSignature),
        (format!("{header}.{bob}."), TokenProblem::WrongSignature),
        (format!("{header}.{bob}"), TokenProblem::Malformed),
        (format!("{token}."), TokenProblem::Malformed),
        (format!("{token}="), TokenProblem::WrongSignature),
        (token.replace('.', ".."), TokenProblem::Malformed),
    ] {
        assert_eq!(verify(&server, &modified).await, Err(problem), "{modified}");
    }
}

#[tokio::test(start_paused = true)]
async fn token_with_wrong_typ_crit_header_or_over_8_kib_is_rejected() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    for typ in ["dpop+jwt", "logout+jwt", "JWE", ""] {
        let header = Header { typ: Some(typ.to_owned()), ..key.header() };
        assert_eq!(
            verify(&server, &key.sign_with(header, &claims(&server))).await,
            Err(TokenProblem::UnsupportedType),
            "{typ}"
        );
    }
    let header = Header { crit: Some(vec!["exp".to_owned()]), ..key.header() };
    assert_eq!(
        verify(&server, &key.sign_with(header, &claims(&server))).await,
        Err(TokenProblem::UnsupportedExtension)
    );
    let oversized = claims_with(&server, "padding", json!("x".repeat(8 * 1024)));
    assert_eq!(verify(&server, &key.sign(&oversized)).await, Err(TokenProblem::TooLong));
}

#[tokio::test(start_paused = true)]
async fn token_without_kid_is_accepted_only_if_one_key_matches() {
    let (first, second) = (Key::eddsa("a"), Key::eddsa("b"));
    let provider = Provider::start(&[&first]).await;
    let server = server(&provider.url);
    let without_kid = |key: &Key| key.sign_with(Header { kid: None, ..key.header() }, &claims(&server));
    assert!(verify(&server, &without_kid(&first)).await.is_ok());

    advance_clock(30).await;
    provider.publish(&[&first, &second]);
    assert_eq!(verify_token_by(&server, &second).await, alice());
    assert_eq!(verify(&server, &without_kid(&first)).await, Err(TokenProblem::UnknownKey));
    assert_eq!(verify_token_by(&server, &first).await, alice());
}

#[tokio::test(start_paused = true)]
async fn token_is_rejected_if_two_keys_match_its_kid_and_algorithm() {
    let (first, second, third) = (Key::eddsa("a"), Key::eddsa("a"), Key::es256("a"));
    let provider = Provider::start(&[&first, &second, &third]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &first).await, Err(TokenProblem::UnknownKey));
    assert_eq!(verify_token_by(&server, &second).await, Err(TokenProblem::UnknownKey));
    assert_eq!(verify_token_by(&server, &third).await, alice(), "the only key for its algorithm");
}

#[tokio::test(start_paused = true)]
async fn unknown_kid_triggers_a_fetch_that_replaces_all_keys() {
    let (old, new) = (Key::eddsa("old"), Key::eddsa("new"));
    let provider = Provider::start(&[&old]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &old).await, alice());
    advance_clock(30).await;
    provider.publish(&[&new]);
    assert_eq!(verify_token_by(&server, &new).await, alice());
    assert_eq!(provider.fetch_count(), 2);
    assert_eq!(verify_token_by(&server, &old).await, Err(TokenProblem::UnknownKey), "the key was withdrawn");
}

#[tokio::test(start_paused = true)]
async fn unknown_kid_triggers_at_most_one_fetch_per_30_s() {
    let (key, unpublished) = (Key::eddsa("a"), Key::eddsa("unpublished"));
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &key).await, alice());
    for (seconds, fetches) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3)] {
        advance_clock(seconds).await;
        let mut verifications = JoinSet::new();
        for number in 0..50 {
            let header = Header { kid: Some(format!("{number}")), ..unpublished.header() };
            let (server, token) = (server.clone(), unpublished.sign_with(header, &claims(&server)));
            verifications.spawn(async move { verify(&server, &token).await });
        }
        while let Some(result) = verifications.join_next().await {
            assert_eq!(result.unwrap(), Err(TokenProblem::UnknownKey));
        }
        assert_eq!(provider.fetch_count(), fetches);
        assert_eq!(verify_token_by(&server, &key).await, alice());
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_verifications_share_one_fetch() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    let mut verifications = JoinSet::new();
    for _ in 0..50 {
        let (server, token) = (server.clone(), key.sign(&claims(&server)));
        verifications.spawn(async move { verify(&server, &token).await });
    }
    while let Some(result) = verifications.join_next().await {
        assert!(result.unwrap().is_ok());
    }
    assert_eq!(provider.fetch_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn cancelled_verification_does_not_cancel_the_fetch() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[]).await;
    let release = provider.publish_deferred(&[&key]);
    let server = server(&provider.url);
    let token = key.sign(&claims(&server));
    let verification = tokio::spawn({
        let (server, token) = (server.clone(), token.clone());
        async move { verify(&server, &token).await }
    });
    provider.wait_for_fetches(1).await;
    verification.abort();
    assert!(verification.await.unwrap_err().is_cancelled());
    release.notify_one();
    assert_eq!(verify(&server, &token).await.map(|user| user.id), alice());
    assert_eq!(provider.fetch_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn scan_without_any_issuer_keys_gets_503_with_retry_after() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    provider.set_response(JwksResponse::Status(axum::http::StatusCode::INTERNAL_SERVER_ERROR));
    let server = server(&provider.url);
    let code = server.gene().await;
    let scanned = || {
        let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
        request.header("authorization", &key.sign(&claims(&server)))
    };
    let response = scanned().await;
    assert_eq!(response.error(), (503, 503, "unavailable".to_owned()));
    assert!(response.header("retry-after").is_some());
    provider.publish(&[&key]);
    assert_eq!(scanned().await.error().0, 503, "no new fetch within 5 s");
    assert_eq!(provider.fetch_count(), 1);
    advance_clock(5).await;
    scanned().await.success();
}

#[tokio::test(start_paused = true)]
async fn failed_refetch_keeps_known_keys() {
    let (key, other) = (Key::eddsa("a"), Key::eddsa("b"));
    let redirect_target = Provider::start(&[&key, &other]).await;
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &key).await, alice());
    let oversized = json!({ "keys": [other.jwk], "padding": "x".repeat(256 * 1024) });
    for (previous_fetches, response) in [
        JwksResponse::Status(axum::http::StatusCode::SERVICE_UNAVAILABLE),
        JwksResponse::Status(axum::http::StatusCode::NO_CONTENT),
        JwksResponse::Redirect(redirect_target.url.clone(), vec![other.jwk.clone()]),
        JwksResponse::Text("<html>down for maintenance</html>".to_owned()),
        JwksResponse::Text(oversized.to_string()),
        JwksResponse::Keys(Vec::new()),
    ]
    .into_iter()
    .enumerate()
    {
        advance_clock(30).await;
        provider.set_response(response);
        assert_eq!(
            verify_token_by(&server, &other).await,
            Err(TokenProblem::UnknownKey),
            "the fetch does not add the key"
        );
        assert_eq!(provider.fetch_count(), previous_fetches + 2);
        assert_eq!(verify_token_by(&server, &key).await, alice());
    }
    assert_eq!(redirect_target.fetch_count(), 0, "redirects are not followed");
}

#[tokio::test(start_paused = true)]
async fn fetch_without_a_response_times_out_after_5_s() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    provider.set_response(JwksResponse::Never);
    let server = server(&provider.url);
    let mut verifications = JoinSet::new();
    for _ in 0..3 {
        let (server, token) = (server.clone(), key.sign(&claims(&server)));
        verifications.spawn(async move { verify(&server, &token).await });
    }
    provider.wait_for_fetches(1).await;
    advance_clock(5).await;
    while let Some(result) = verifications.join_next().await {
        assert_eq!(result.unwrap(), Err(TokenProblem::KeysUnavailable));
    }
    assert_eq!(provider.fetch_count(), 1, "verifications that shared the fetch start no other one");
}

#[tokio::test(start_paused = true)]
async fn keys_are_refetched_every_10_min_and_withdrawn_keys_rejected() {
    let (old, new) = (Key::eddsa("old"), Key::eddsa("new"));
    let provider = Provider::start(&[&old]).await;
    let server = server(&provider.url);
    server.state.identity.refresh();
    provider.wait_for_fetches(1).await;
    assert_eq!(verify_token_by(&server, &old).await, alice());
    assert_eq!(provider.fetch_count(), 1, "the keys were fetched before the first token");

    provider.publish(&[&new]);
    advance_clock(599).await;
    server.state.identity.refresh();
    // Tokio advances a paused clock only when no task is runnable. So a fetch would have been sent by now.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(provider.fetch_count(), 1, "no refetch before 10 min");
    assert_eq!(verify_token_by(&server, &old).await, alice());
    server.state.identity.refresh();
    provider.wait_for_fetches(2).await;
    assert_eq!(verify_token_by(&server, &new).await, alice());
    assert_eq!(verify_token_by(&server, &old).await, Err(TokenProblem::UnknownKey));
    assert_eq!(provider.fetch_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_from_a_file_and_reread_for_an_unknown_kid() {
    let (old, new) = (Key::eddsa("old"), Key::es256("new"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut write = |key: &Key| {
        file.as_file_mut().set_len(0).unwrap();
        std::io::Seek::rewind(file.as_file_mut()).unwrap();
        file.write_all(json!({ "keys": [key.jwk] }).to_string().as_bytes()).unwrap();
        file.path().to_str().unwrap().to_owned()
    };
    let path = write(&old);
    let server = server(&path);
    assert_eq!(verify_token_by(&server, &old).await, alice());
    write(&new);
    advance_clock(30).await;
    assert_eq!(verify_token_by(&server, &new).await, alice());
    std::fs::remove_file(&path).unwrap();
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(verify_token_by(&server, &old).await, Err(TokenProblem::UnknownKey));
    assert_eq!(verify_token_by(&server, &new).await, alice(), "cached keys stay valid without the file");
}

#[tokio::test(start_paused = true)]
async fn settings_change_keeps_cached_keys_of_an_unchanged_url() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server(&provider.url);
    assert_eq!(verify_token_by(&server, &key).await, alice());
    let other_pool = issuers(&provider.url, json!({ "user_pool_id": "staff" }));
    server.state.identity.set_issuers(other_pool);
    let user = verify(&server, &key.sign(&claims(&server))).await.unwrap();
    assert_eq!((user.user_pool_id.as_str(), provider.fetch_count()), ("staff", 1));

    let new_provider = Provider::start(&[&key]).await;
    server.state.identity.set_issuers(issuers(&new_provider.url, json!({})));
    assert_eq!(verify_token_by(&server, &key).await, alice());
    assert_eq!((provider.fetch_count(), new_provider.fetch_count()), (1, 1), "another URL has its own keys");
    server.state.identity.set_issuers(Issuers::default());
    assert_eq!(verify_token_by(&server, &key).await, Err(TokenProblem::UnknownIssuer));
}

#[tokio::test(start_paused = true)]
async fn reload_applies_new_issuers() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::with_config(|config| config.settings_file = Some(file.path().to_owned()));
    assert_eq!(verify_token_by(&server, &key).await, Err(TokenProblem::UnknownIssuer));
    let settings = format!(
        "[[app]]\nid = \"shop\"\nname = \"The Shop\"\nuser_pool_id = \"staff\"\n\
         secret_hashes = [\"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n\
         [[issuer]]\nissuer = {ISSUER:?}\naudience = \"scanlogin\"\nuser_pool_id = \"staff\"\njwks = {:?}\n",
        provider.url
    );
    std::fs::write(file.path(), settings).unwrap();
    server.state.reload().unwrap();
    assert_eq!(verify_token_by(&server, &key).await, alice());
}

#[tokio::test]
async fn server_fetches_keys_at_start_and_starts_without_them() {
    let provider = Provider::start(&[]).await;
    let mut config = Config::demo().unwrap();
    config.settings.issuers = issuers(&provider.url, json!({}));
    let running = start_server(config).await;
    provider.wait_for_fetches(1).await;
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn issuer_is_verified_only_with_its_own_keys() {
    let (first, second) = (Key::eddsa("a"), Key::eddsa("a"));
    let (first_provider, second_provider) = (Provider::start(&[&first]).await, Provider::start(&[&second]).await);
    let issuer = |name: &str, provider: &Provider, pool: &str| {
        let jwks = &provider.url;
        json!({ "issuer": name, "audience": "scanlogin", "jwks": jwks, "user_pool_id": pool })
    };
    let both = json!([
        issuer(ISSUER, &first_provider, "customers"),
        issuer("https://other.example.com", &second_provider, "staff")
    ]);
    let server = Server::with_config(|config| config.settings.issuers = serde_json::from_value(both).unwrap());
    assert_eq!(verify(&server, &first.sign(&claims(&server))).await.unwrap().user_pool_id, "customers");
    assert_eq!(verify_token_by(&server, &second).await, Err(TokenProblem::WrongSignature));
    let from_second = claims_with(&server, "iss", json!("https://other.example.com"));
    assert_eq!(verify(&server, &second.sign(&from_second)).await.unwrap().user_pool_id, "staff");
    assert_eq!(verify(&server, &first.sign(&from_second)).await, Err(TokenProblem::WrongSignature));
}
