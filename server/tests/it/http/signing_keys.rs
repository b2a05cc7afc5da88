//! The token that a site's backend gets, and the keys by which anybody can verify it.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use scanlogin_server::auth::error::AuthError;
use scanlogin_server::auth::signing_keys::SigningKeys;
use scanlogin_server::clock::Clock;
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::store::{KeyPurpose, Store as _, StoredKey};
use scanlogin_server::{Config, start};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::common::{Server, pass, running};

const PATH: &str = "/.well-known/jwks.json";
const DAY: u64 = 24 * 60 * 60;

/// A token that the backend of the site gets.
async fn token(server: &Server) -> String {
    let ticket = server.ticket(&server.gene().await, "alice").await;
    server.exchange(&ticket).await.success()["token"].as_str().unwrap().to_owned()
}

/// What is published.
async fn published(server: &Server) -> Value {
    serde_json::from_slice(&server.get(PATH).await.body).unwrap()
}

async fn published_ids(server: &Server) -> Vec<String> {
    let keys = published(server).await["keys"].as_array().unwrap().clone();
    keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// What `token` says, as a library that reads `keys` understands it.
pub(crate) fn read(token: &str, keys: &Value) -> Option<(Header, Value)> {
    let keys: JwkSet = serde_json::from_value(keys.clone()).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_ref().unwrap())?).unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    // The server's clock is the test's.
    validation.validate_exp = false;
    validation.set_audience(&["demo-app"]);
    validation.set_issuer(&["http://127.0.0.1:0"]);
    Some((header, jsonwebtoken::decode(token, &key, &validation).unwrap().claims))
}

async fn signer(server: &Server) -> String {
    jsonwebtoken::decode_header(token(server).await).unwrap().kid.unwrap()
}

fn server_at(file: &Path) -> Server {
    Server::of(Config::demo().unwrap(), Arc::new(SqliteStore::open_shared(file).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_user_is_verified_by_the_published_keys() {
    let server = Server::new();
    let token = token(&server).await;
    let (header, claims) = read(&token, &published(&server).await).unwrap();
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
async fn the_keys_are_published_for_everybody_without_what_signs() {
    let server = Server::new();
    let reply = server.get(PATH).await;
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(reply.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    let keys = reply.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let members: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["kty", "crv", "x", "kid", "alg", "use"]);
    assert_eq!(server.post(PATH).await.refusal(), (405, 405, "method-not-allowed".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_handed_out_signs_nobody_in() {
    let server = Server::new();
    assert_eq!(server.state.identity.verify(&token(&server).await).await, Err(AuthError::NotSignedIn));
}

#[tokio::test(start_paused = true)]
async fn all_servers_on_a_store_sign_with_its_key_and_so_does_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let (first, second) = (server_at(&file), server_at(&file));
    let (first_key, second_key) = tokio::join!(signer(&first), signer(&second));
    assert_eq!(first_key, second_key);
    drop((first, second));
    let third = server_at(&file);
    assert_eq!(published_ids(&third).await, [first_key.as_str()]);
    assert_eq!(signer(&third).await, first_key);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_published_before_it_signs_and_an_old_one_until_its_last_token_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let (server, other) = (server_at(&file), server_at(&file));
    let old = signer(&server).await;
    assert_eq!(signer(&other).await, old);

    // Of two keys of one moment either may count as the newer.
    pass(1).await;
    let new = server.state.signing_keys.rotate().await.unwrap();
    assert_ne!(new, old);
    let both = [new.clone(), old.clone()];
    assert_eq!(published_ids(&server).await, both);
    other.state.signing_keys.refresh().await.unwrap();
    assert_eq!(published_ids(&other).await, both);

    pass(6 * 60 - 1).await;
    assert_eq!(signer(&server).await, old);
    let last = token(&other).await;
    pass(1).await;
    assert_eq!(signer(&server).await, new);
    assert_eq!(signer(&other).await, new);

    // The last token of the old key has a day from now.
    pass(DAY).await;
    server.state.signing_keys.refresh().await.unwrap();
    assert!(read(&last, &published(&server).await).is_some());
    pass(61).await;
    server.state.signing_keys.refresh().await.unwrap();
    assert_eq!(published_ids(&server).await, [new.as_str()]);
    assert!(read(&last, &published(&server).await).is_none());
    assert_eq!(signer(&server).await, new);
}

#[tokio::test(start_paused = true)]
async fn whoever_rotates_is_told_which_key_signs() {
    let server = Server::new();
    let keys = &server.state.signing_keys;
    let old = signer(&server).await;
    assert_eq!(keys.list().await.unwrap(), [format!("{old} EdDSA 2026-01-01T00:00:00.000Z signs")]);
    pass(60).await;
    let new = keys.rotate().await.unwrap();
    let lines = |new_state, old_state| {
        [
            format!("{new} EdDSA 2026-01-01T00:01:00.000Z {new_state}"),
            format!("{old} EdDSA 2026-01-01T00:00:00.000Z {old_state}"),
        ]
    };
    assert_eq!(keys.list().await.unwrap(), lines("published", "signs"));
    pass(360).await;
    assert_eq!(keys.list().await.unwrap(), lines("signs", "published"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_runs_publishes_a_key_that_another_process_has_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("codes.db");
    let config = Config { store: StoreAddress::Sqlite(file.clone()), ..Config::demo().unwrap() };
    let running = running(config).await;
    let process = SigningKeys::new(Arc::new(SqliteStore::open_shared(&file).unwrap()), Clock::system());
    process.rotate().await.unwrap();
    let new = process.published().await.unwrap();
    pass(30).await;
    while running.state.signing_keys.published().await.unwrap() != new {
        tokio::task::yield_now().await;
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_key_that_this_version_does_not_know_stops_the_start_by_name() {
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
    let error = start(config, listener).await.err().expect("no start").to_string();
    assert_eq!(error, "the signing key from-the-future: it is for ML-DSA-65, which this version does not know");
}
