//! Tokens whose shape differs from an OpenID Connect ID token, and the settings of an issuer that accept them.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};

use crate::support::oidc_provider::{
    ISSUER, JwksResponse, Key, Provider, base64, claims, claims_with, issuers, rsa_key,
};
use crate::support::test_server::{API, Server, disable_approver_limits};

const SUPABASE_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters";

fn server_with(jwks: &str, settings: Value) -> Server {
    Server::with_config(|config| {
        config.settings.issuers = issuers(jwks, settings);
        disable_approver_limits(config);
    })
}

/// Scans a new code with `token`. Returns `ok`, or the detail or the reason of the refusal.
async fn scan(server: &Server, token: &str) -> String {
    let code = server.gene().await;
    let request = server.post(&format!("{API}/scanned")).json(&json!({ "random": code.random }));
    let response = request.bearer(token).await.json();
    let outcome = response.get("detail").or(response.get("reason")).and_then(Value::as_str);
    outcome.unwrap_or("ok").to_owned()
}

/// [`claims`] with several claims replaced. Null removes a claim.
fn claims_with_all(server: &Server, changes: Value) -> Value {
    let mut all = claims(server);
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    all
}

fn hmac(algorithm: Algorithm, secret: &[u8], claims: &Value) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn access_token_without_audience_is_accepted_by_its_client() {
    let key = Key::rs256("a");
    let provider = Provider::start(&[&key]).await;
    let settings =
        json!({ "audience": false, "required_claims": { "client_id": ["phone", "tablet"], "token_use": "access" } });
    let server = server_with(&provider.url, settings);
    for (shape, changes, outcome) in [
        ("Amazon Cognito", json!({ "aud": null }), "ok"),
        ("Ory Hydra", json!({ "aud": [] }), "ok"),
        ("another client of the list", json!({ "aud": null, "client_id": "tablet" }), "ok"),
        ("another client", json!({ "aud": null, "client_id": "web" }), "wrong-claim"),
        ("no client", json!({ "aud": null, "client_id": null }), "wrong-claim"),
        ("an ID token", json!({ "aud": null, "token_use": "id" }), "wrong-claim"),
        ("a token for another service", json!({ "aud": "https://other.example.com" }), "wrong-audience"),
        ("a malformed audience", json!({ "aud": {} }), "wrong-audience"),
    ] {
        let mut all = json!({ "client_id": "phone", "token_use": "access" });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(scan(&server, &key.sign(&claims_with_all(&server, all))).await, outcome, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn required_azp_rejects_other_clients_of_a_keycloak_realm() {
    let key = Key::rs256("a");
    let provider = Provider::start(&[&key]).await;
    let required = json!({ "azp": "phone", "realm_access.roles": "staff", "email_verified": true, "level": [2, 3] });
    let server = server_with(&provider.url, json!({ "audience": "account", "required_claims": required }));
    let valid = json!({
        "aud": "account", "azp": "phone", "realm_access": { "roles": ["guest", "staff"] }, "email_verified": true, "level": 3,
    });
    for (change, outcome) in [
        (json!({}), "ok"),
        (json!({ "azp": "web" }), "wrong-claim"),
        (json!({ "azp": null }), "wrong-claim"),
        (json!({ "azp": "Phone" }), "wrong-claim"),
        (json!({ "azp": { "phone": "phone" } }), "wrong-claim"),
        (json!({ "realm_access": { "roles": ["guest"] } }), "wrong-claim"),
        (json!({ "realm_access": ["staff"] }), "wrong-claim"),
        (json!({ "email_verified": "true" }), "wrong-claim"),
        (json!({ "level": 1 }), "wrong-claim"),
        (json!({ "level": "3" }), "wrong-claim"),
        (json!({ "aud": "web" }), "wrong-audience"),
    ] {
        let mut all = valid.clone();
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(scan(&server, &key.sign(&claims_with_all(&server, all))).await, outcome, "{change}");
    }
}

#[tokio::test(start_paused = true)]
async fn issuer_with_a_placeholder_accepts_the_allowed_tenants_only() {
    let template = "https://login.microsoftonline.com/{tid}/v2.0";
    let [key, bound, foreign] = ["a", "bound", "foreign"].map(Key::eddsa);
    let provider = Provider::start(&[]).await;
    let mut jwks: Vec<Value> = [&key, &bound, &foreign].map(|key| key.jwk.clone()).into();
    jwks[1]["issuer"] = json!("https://login.microsoftonline.com/{tenantid}/v2.0");
    jwks[2]["issuer"] = json!("https://login.microsoftonline.com/9188040d/v2.0");
    provider.set_response(JwksResponse::Keys(jwks));
    let settings = json!({ "issuer": template, "required_claims": { "tid": ["contoso-1", "fabrikam-2"] } });
    let server = server_with(&provider.url, settings);
    let iss = |tenant: &str| json!(template.replace("{tid}", tenant));
    for (signer, claims, outcome) in [
        (&key, json!({ "iss": iss("contoso-1"), "tid": "contoso-1" }), "ok"),
        (&key, json!({ "iss": iss("fabrikam-2"), "tid": "fabrikam-2" }), "ok"),
        (&bound, json!({ "iss": iss("contoso-1"), "tid": "contoso-1" }), "ok"),
        (&foreign, json!({ "iss": iss("contoso-1"), "tid": "contoso-1" }), "unknown-key"),
        (&key, json!({ "iss": iss("evil-3"), "tid": "evil-3" }), "wrong-claim"),
        (&key, json!({ "iss": iss("evil-3"), "tid": "contoso-1" }), "unknown-issuer"),
        (&key, json!({ "iss": iss("contoso-1"), "tid": null }), "unknown-issuer"),
        (&key, json!({ "iss": iss(""), "tid": "" }), "unknown-issuer"),
        (&key, json!({ "iss": template, "tid": "{tid}" }), "unknown-issuer"),
        (&key, json!({ "iss": iss("a/b"), "tid": "a/b" }), "unknown-issuer"),
        (&key, json!({ "iss": ISSUER, "tid": "contoso-1" }), "unknown-issuer"),
    ] {
        let token = signer.sign(&claims_with_all(&server, claims.clone()));
        assert_eq!(scan(&server, &token).await, outcome, "{claims} by {}", signer.id);
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_an_issuer_with_a_secret_are_verified_with_that_secret_only() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{SUPABASE_SECRET}\n")).unwrap();
    let settings = json!({ "audience": "authenticated", "jwks": null, "secret_file": file.path() });
    let server = server_with("", settings);
    let shared = server.state.config.jwt_secret.as_ref().unwrap().expose().to_owned();
    let valid = claims_with_all(&server, json!({ "aud": "authenticated", "userPoolId": "demo-pool" }));
    let without_iss = claims_with_all(&server, json!({ "iss": null, "userPoolId": "demo-pool" }));
    let with_kid = Header { kid: Some("legacy".to_owned()), ..Header::new(Algorithm::HS256) };
    let with_kid = jsonwebtoken::encode(&with_kid, &valid, &EncodingKey::from_secret(SUPABASE_SECRET.as_bytes()));
    for (what, token, outcome) in [
        ("the secret of the issuer", hmac(Algorithm::HS256, SUPABASE_SECRET.as_bytes(), &valid), "ok"),
        ("a kid", with_kid.unwrap(), "ok"),
        ("another algorithm", hmac(Algorithm::HS512, SUPABASE_SECRET.as_bytes(), &valid), "unsupported-algorithm"),
        ("the shared secret of the server", hmac(Algorithm::HS256, shared.as_bytes(), &valid), "wrong-signature"),
        ("an empty secret", hmac(Algorithm::HS256, b"", &valid), "wrong-signature"),
        ("the shared secret without the issuer", hmac(Algorithm::HS256, shared.as_bytes(), &without_iss), "ok"),
        (
            "the secret of the issuer without the issuer",
            hmac(Algorithm::HS256, SUPABASE_SECRET.as_bytes(), &without_iss),
            "wrong-signature",
        ),
        (
            "another audience",
            hmac(Algorithm::HS256, SUPABASE_SECRET.as_bytes(), &claims_with(&server, "aud", json!("anon"))),
            "wrong-audience",
        ),
    ] {
        assert_eq!(scan(&server, &token).await, outcome, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn public_keys_and_hmac_secrets_never_replace_each_other() {
    let key = Key::rs256("a");
    let pem = rsa_key().to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SUPABASE_SECRET).unwrap();
    let server = server_with("", json!({ "jwks": null, "secret_file": file.path() }));
    assert_eq!(scan(&server, &key.sign(&claims(&server))).await, "unsupported-algorithm");

    let provider = Provider::start(&[&key]).await;
    let oct = json!({ "kty": "oct", "kid": "b", "alg": "HS256", "k": base64(SUPABASE_SECRET) });
    provider.set_response(JwksResponse::Keys(vec![key.jwk.clone(), oct]));
    for algorithms in [json!(null), json!(["RS256", "PS256"])] {
        let server = Server::with_config(|config| {
            config.jwt_secret = None;
            config.settings.issuers = issuers(&provider.url, json!({ "algorithms": algorithms }));
        });
        assert_eq!(scan(&server, &key.sign(&claims(&server))).await, "ok");
        for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), SUPABASE_SECRET.as_bytes(), b""] {
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let token = hmac(algorithm, secret, &claims(&server));
                assert_eq!(scan(&server, &token).await, "unsupported-algorithm", "{algorithm:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn published_alg_selects_the_algorithm_of_a_key() {
    let rsa = |id, algorithm| Key::rsa(id, algorithm).with_alg();
    let keys = [
        rsa("rs384", Algorithm::RS384),
        rsa("rs512", Algorithm::RS512),
        rsa("ps256", Algorithm::PS256),
        rsa("ps384", Algorithm::PS384),
        rsa("ps512", Algorithm::PS512),
        Key::es384("es384"),
    ];
    let provider = Provider::start(&keys.each_ref()).await;
    let server = server_with(&provider.url, json!({}));
    for key in &keys {
        assert_eq!(scan(&server, &key.sign(&claims(&server))).await, "ok", "{}", key.id);
        let other = Header { alg: Algorithm::RS256, ..key.header() };
        if key.id != "es384" {
            let token = key.sign_with(other, &claims(&server));
            assert_eq!(scan(&server, &token).await, "unknown-key", "{} as RS256", key.id);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn es512_tokens_are_verified() {
    use p521::ecdsa::signature::Signer as _;
    let secret = p521::SecretKey::random(&mut rand_core::OsRng);
    let mut jwk: Value = serde_json::from_str(&secret.public_key().to_jwk_string()).unwrap();
    jwk["kid"] = json!("a");
    let provider = Provider::start(&[]).await;
    provider.set_response(JwksResponse::Keys(vec![jwk]));
    let server = server_with(&provider.url, json!({}));
    let signing = p521::ecdsa::SigningKey::from_slice(&secret.to_bytes()).unwrap();
    let sign = |claims: &Value| {
        let signed =
            [json!({ "alg": "ES512", "kid": "a" }), claims.clone()].map(|part| base64(part.to_string())).join(".");
        let signature: p521::ecdsa::Signature = signing.sign(signed.as_bytes());
        format!("{signed}.{}", base64(signature.to_bytes()))
    };
    let token = sign(&claims(&server));
    assert_eq!(scan(&server, &token).await, "ok");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = sign(&claims_with(&server, "sub", json!("bob")));
    let (other, _) = other.rsplit_once('.').unwrap();
    for forged in [format!("{other}.{signature}"), format!("{signed}."), format!("{signed}.AAAA")] {
        assert_eq!(scan(&server, &forged).await, "wrong-signature");
    }
}

#[tokio::test(start_paused = true)]
async fn algorithms_setting_replaces_the_default_algorithm_of_a_key_without_alg() {
    let key = Key::rs256("a");
    let provider = Provider::start(&[&key]).await;
    let sign = |server: &Server, alg| key.sign_with(Header { alg, ..key.header() }, &claims(server));
    for (setting, accepted) in [
        (json!(null), vec![Algorithm::RS256]),
        (json!(["PS256"]), vec![Algorithm::PS256]),
        (json!(["RS256", "RS512"]), vec![Algorithm::RS256, Algorithm::RS512]),
    ] {
        let server = server_with(&provider.url, json!({ "algorithms": setting }));
        for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS512] {
            let outcome = scan(&server, &sign(&server, algorithm)).await;
            assert_eq!(outcome == "ok", accepted.contains(&algorithm), "{setting}: {algorithm:?}: {outcome}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn claim_names_with_dots_are_paths_unless_a_claim_has_that_name() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let names = json!({
        "nickname": "user_metadata.names.nick", "picture": "https://example.com/profile.picture", "name": "full.name",
    });
    let server = server_with(
        &provider.url,
        json!({ "claims": names, "user_pool_claim": "app_metadata.org", "user_pool_id": null }),
    );
    let changes = json!({
        "user_metadata": { "names": { "nick": "Al" } }, "https://example.com/profile": { "picture": "https://a.example/a.png" },
        "full.name": "Alice", "full": { "name": "Mallory" }, "app_metadata": { "org": "demo-pool" },
    });
    let user = server.state.identity.verify(&key.sign(&claims_with_all(&server, changes))).await.unwrap().user;
    assert_eq!(user.nickname.as_deref(), Some("Al"));
    assert_eq!(user.photo.as_deref(), Some("https://a.example/a.png"));
    assert_eq!(user.name.as_deref(), Some("Alice"), "the claim with the whole name comes first");
    assert_eq!(user.user_pool_id, "demo-pool");
}

#[tokio::test(start_paused = true)]
async fn integer_sub_and_pool_become_text() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let server = server_with(&provider.url, json!({ "user_pool_claim": "org", "user_pool_id": null }));
    for (sub, id) in [
        (json!(4711), Some("4711")),
        (json!(u64::MAX), Some("18446744073709551615")),
        (json!(1.5), None),
        (json!(1e30), None),
        (json!(true), None),
    ] {
        let token = key.sign(&claims_with_all(&server, json!({ "sub": sub, "org": 12 })));
        let user = server.state.identity.verify(&token).await.ok().map(|verified| verified.user);
        assert_eq!(user.as_ref().map(|user| user.id.as_str()), id, "{sub}");
        assert!(user.is_none_or(|user| user.user_pool_id == "12"));
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_discovered_from_the_configuration_of_the_issuer() {
    let key = Key::es256("a");
    let provider = Provider::start(&[&key]).await;
    let issuer = provider.url.trim_end_matches("/keys").to_owned();
    for (name, document, outcome) in [
        (issuer.clone(), json!({ "issuer": issuer, "jwks_uri": provider.url }), "ok"),
        (
            format!("{issuer}/realms/a/"),
            json!({ "issuer": format!("{issuer}/realms/a/"), "jwks_uri": provider.url }),
            "ok",
        ),
        (issuer.clone(), json!({ "issuer": "https://other.example.com", "jwks_uri": provider.url }), "unavailable"),
        (issuer.clone(), json!({ "issuer": issuer }), "unavailable"),
        (issuer.clone(), json!({ "issuer": issuer, "jwks_uri": "http://id.example.com/keys" }), "unavailable"),
        (issuer.clone(), json!({ "issuer": issuer, "jwks_uri": "file:///etc/passwd" }), "unavailable"),
        (issuer.clone(), json!("not an object"), "unavailable"),
    ] {
        provider.set_configuration(&document);
        let server = server_with("", json!({ "issuer": name, "jwks": null }));
        let token = key.sign(&claims_with(&server, "iss", json!(name)));
        assert_eq!(scan(&server, &token).await, outcome, "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn changed_secret_file_takes_effect_when_the_settings_are_reloaded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SUPABASE_SECRET).unwrap();
    let settings = json!({ "jwks": null, "secret_file": file.path() });
    let server = server_with("", settings.clone());
    let new_secret = SUPABASE_SECRET.replace("super", "other");
    let [old, new] =
        [SUPABASE_SECRET, &new_secret].map(|secret| hmac(Algorithm::HS256, secret.as_bytes(), &claims(&server)));
    assert_eq!([scan(&server, &old).await, scan(&server, &new).await], ["ok", "wrong-signature"]);
    std::fs::write(file.path(), &new_secret).unwrap();
    server.state.identity.set_issuers(issuers("", settings));
    assert_eq!([scan(&server, &old).await, scan(&server, &new).await], ["wrong-signature", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn entry_with_the_exact_name_has_priority_over_a_placeholder() {
    let key = Key::eddsa("a");
    let provider = Provider::start(&[&key]).await;
    let entry = |issuer: &str, pool: &str| {
        json!({
            "issuer": issuer, "audience": "scanlogin", "jwks": provider.url, "user_pool_id": pool,
            "required_claims": { "tid": ["a", "b"] },
        })
    };
    let entries = json!([entry("https://id.example.com/{tid}", "guests"), entry("https://id.example.com/a", "staff")]);
    let server = Server::with_config(|config| config.settings.issuers = serde_json::from_value(entries).unwrap());
    for (tenant, pool) in [("a", "staff"), ("b", "guests")] {
        let iss = format!("https://id.example.com/{tenant}");
        let token = key.sign(&claims_with_all(&server, json!({ "iss": iss, "tid": tenant })));
        assert_eq!(server.state.identity.verify(&token).await.unwrap().user.user_pool_id, pool);
    }
}
