//! Tokens that the server issues to backends, the published keys that verify them, and key rotation.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use scanlogin_server::auth::error::TokenProblem;
use scanlogin_server::auth::signing_keys::SigningKeys;
use scanlogin_server::clock::Clock;
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::{KeyPurpose, Store as _, StoredKey};
use scanlogin_server::telemetry::measured_store::MeasuredStore;
use scanlogin_server::{Config, start};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::test_server::{Server, advance_clock, start_server};
use crate::support::timeout::within_timeout;

const PATH: &str = "/.well-known/jwks.json";
const DAY: u64 = 24 * 60 * 60;

/// A token for alice that the server issues to the backend.
async fn token(server: &Server) -> String {
    let ticket = server.ticket(&server.gene().await, "alice").await;
    server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned()
}

/// The published key set.
async fn published(server: &Server) -> Value {
    serde_json::from_slice(&server.get(PATH).await.body).unwrap()
}

async fn published_ids(server: &Server) -> Vec<String> {
    let keys = published(server).await["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Verifies `token` with `keys`, and returns its header and claims. `None` if its key is not in `keys`.
pub(crate) fn verify(token: &str, keys: &Value) -> Option<(Header, Value)> {
    let keys: JwkSet = serde_json::from_value(keys.clone()).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_ref().unwrap())?).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    // The server's test clock differs from the system clock that the library uses.
    validation.validate_exp = false;
    validation.set_audience(&["demo-app"]);
    validation.set_issuer(&["http://127.0.0.1:0"]);
    Some((header, jsonwebtoken::decode(token, &key, &validation).unwrap().claims))
}

/// The id of the key that signs new tokens.
async fn signing_key_id(server: &Server) -> String {
    jsonwebtoken::decode_header(token(server).await).unwrap().kid.unwrap()
}

fn server_at(file: &Path) -> Server {
    Server::with_store(Config::demo().unwrap(), Arc::new(SqliteStore::open_shared(file).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn published_keys_verify_an_issued_token() {
    let server = Server::new();
    let token = token(&server).await;
    let (header, claims) = verify(&token, &published(&server).await).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::EdDSA, Some("JWT")));
    let now = server.state.clock.now().as_second();
    assert_eq!(
        claims,
        json!({
            "iss": "http://127.0.0.1:0", "aud": "demo-app", "iat": now, "exp": now + DAY as i64, "sub": "id-of-alice",
            "userPoolId": "demo-pool", "email": "alice@example.com", "email_verified": false, "nickname": "alice",
            "picture": "https://photos.example/alice.png"
        })
    );
}

#[tokio::test(start_paused = true)]
async fn jwks_is_public_and_contains_no_private_key() {
    let server = Server::new();
    let response = server.get(PATH).await;
    assert_eq!(response.status.as_u16(), 200);
    assert_eq!(response.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
    let keys = response.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let members: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["kty", "crv", "x", "kid", "alg", "use"]);
    assert_eq!(server.post(PATH).await.error(), (405, 405, "method-not-allowed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn issued_token_is_rejected_as_a_sign_in_token() {
    let server = Server::new();
    let verified = server.state.identity.verify(&token(&server).await).await;
    assert_eq!(verified.map_err(|error| error.problem), Err(TokenProblem::UnknownIssuer));
}

#[tokio::test(start_paused = true)]
async fn servers_on_one_store_share_a_signing_key_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let (first, second) = (server_at(&file), server_at(&file));
    let (first_key, second_key) = tokio::join!(signing_key_id(&first), signing_key_id(&second));
    assert_eq!(first_key, second_key);
    drop((first, second));
    let third = server_at(&file);
    assert_eq!(published_ids(&third).await, [first_key.as_str()]);
    assert_eq!(signing_key_id(&third).await, first_key);
}

#[tokio::test(start_paused = true)]
async fn rotation_publishes_a_key_before_use_and_until_its_last_token_expires() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let (server, other) = (server_at(&file), server_at(&file));
    let old = signing_key_id(&server).await;
    assert_eq!(signing_key_id(&other).await, old);

    // Keys with the same creation time are sorted by their random ids. The order of these two must be certain.
    advance_clock(1).await;
    let new = server.state.signing_keys.rotate().await.unwrap();
    assert_ne!(new, old);
    let both = [new.clone(), old.clone()];
    assert_eq!(published_ids(&server).await, both);
    other.state.signing_keys.refresh().await.unwrap();
    assert_eq!(published_ids(&other).await, both);

    advance_clock(6 * 60 - 1).await;
    assert_eq!(signing_key_id(&server).await, old);
    let last = token(&other).await;
    advance_clock(1).await;
    assert_eq!(signing_key_id(&server).await, new);
    assert_eq!(signing_key_id(&other).await, new);

    // The last token of the old key expires a day from now.
    advance_clock(DAY).await;
    server.state.signing_keys.refresh().await.unwrap();
    assert!(verify(&last, &published(&server).await).is_some());
    advance_clock(61).await;
    server.state.signing_keys.refresh().await.unwrap();
    assert_eq!(published_ids(&server).await, [new.as_str()]);
    assert!(verify(&last, &published(&server).await).is_none());
    assert_eq!(signing_key_id(&server).await, new);
}

#[tokio::test(start_paused = true)]
async fn list_shows_which_key_signs_before_and_after_rotation() {
    let server = Server::new();
    let keys = &server.state.signing_keys;
    let old = signing_key_id(&server).await;
    assert_eq!(keys.list().await.unwrap(), [format!("{old} EdDSA 2026-01-01T00:00:00.000Z signs")]);
    advance_clock(60).await;
    let new = keys.rotate().await.unwrap();
    let lines = |new_state, old_state| {
        [
            format!("{new} EdDSA 2026-01-01T00:01:00.000Z {new_state}"),
            format!("{old} EdDSA 2026-01-01T00:00:00.000Z {old_state}"),
        ]
    };
    assert_eq!(keys.list().await.unwrap(), lines("published", "signs"));
    advance_clock(360).await;
    assert_eq!(keys.list().await.unwrap(), lines("signs", "published"));
}

#[tokio::test(start_paused = true)]
async fn running_server_publishes_a_key_created_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let config = Config { store: StoreAddress::Sqlite(file.clone()), ..Config::demo().unwrap() };
    let running = start_server(config).await;
    let other_process = SigningKeys::new(
        MeasuredStore::unexported(Arc::new(SqliteStore::open_shared(&file).unwrap())),
        Clock::system(),
    );
    other_process.rotate().await.unwrap();
    let new = other_process.published().await.unwrap();
    advance_clock(30).await;
    within_timeout("the publication of the new key", async {
        while running.state.signing_keys.published().await.unwrap() != new {
            tokio::task::yield_now().await;
        }
    })
    .await;
    running.shutdown().await;
}

#[tokio::test]
async fn unknown_key_algorithm_fails_the_start_with_the_key_id() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let key = StoredKey {
        id: "from-the-future".to_owned(),
        purpose: KeyPurpose::Signing,
        algorithm: "ML-DSA-65".to_owned(),
        secret: vec![1],
        created_at: Timestamp::UNIX_EPOCH,
    };
    SqliteStore::open(&file).unwrap().add_key(key).await.unwrap();
    let config = Config { store: StoreAddress::Sqlite(file), ..Config::demo().unwrap() };
    let listener = TcpListener::bind(config.listen).await.unwrap();
    let error = start(config, listener).await.err().expect("the start fails").to_string();
    assert!(error.contains("from-the-future") && error.contains("ML-DSA-65"), "{error}");
}
