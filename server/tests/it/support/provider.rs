//! A provider of OpenID Connect, as far as the server has to do with it: the keys that it signs with, and the address
//! where it publishes them.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rand_core::{OsRng, RngCore as _};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use scanlogin_server::config::issuer::Issuers;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::common::Server;

pub(crate) const ISSUER: &str = "https://id.example.com";

/// What the provider says to who asks for its keys.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These keys, and no others.
    Keys(Vec<Value>),
    /// What is no key set.
    Text(String),
    /// Nothing but a status.
    Status(StatusCode),
    /// That the keys are elsewhere, and, beside that, these.
    Redirect(String, Vec<Value>),
    /// These keys, once somebody has given the sign.
    Later(Arc<Notify>, Vec<Value>),
    /// Nothing, ever.
    Silence,
}

/// Publishes its keys at an address of its own until it is dropped.
pub(crate) struct Provider {
    pub(crate) url: String,
    answer: Arc<Mutex<Answer>>,
    /// The headers of each request.
    requests: Arc<Mutex<Vec<HeaderMap>>>,
    server: JoinHandle<()>,
}

impl Provider {
    /// At `https://id.example.com`, as its tokens say; in truth on this machine.
    pub(crate) async fn with(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Answer::Keys(jwks(keys))));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let handler = {
            let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
            async move |headers: HeaderMap| {
                requests.lock().unwrap().push(headers);
                let answer = answer.lock().unwrap().clone();
                answer.say().await
            }
        };
        let router = Router::new().fallback(handler);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, answer, requests, server }
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.answer(Answer::Keys(jwks(keys)));
    }

    /// Publishes its keys once the sign is given that this returns.
    pub(crate) fn publish_later(&self, keys: &[&Key]) -> Arc<Notify> {
        let sign = Arc::new(Notify::new());
        self.answer(Answer::Later(Arc::clone(&sign), jwks(keys)));
        sign
    }

    pub(crate) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// How often somebody has asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// A header of the last request.
    pub(crate) fn last_header(&self, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        Some(requests.last()?.get(name)?.to_str().unwrap().to_owned())
    }

    /// Waits until somebody has asked for its keys that often.
    pub(crate) async fn has_been_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Answer {
    async fn say(self) -> Response {
        match self {
            Self::Keys(keys) => axum::Json(json!({ "keys": keys })).into_response(),
            Self::Later(sign, keys) => {
                sign.notified().await;
                axum::Json(json!({ "keys": keys })).into_response()
            }
            Self::Text(text) => text.into_response(),
            Self::Status(status) => status.into_response(),
            Self::Redirect(url, keys) => {
                (StatusCode::FOUND, [(header::LOCATION, url)], axum::Json(json!({ "keys": keys }))).into_response()
            }
            Self::Silence => core::future::pending().await,
        }
    }
}

/// A key that a provider signs with.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) jwk: Value,
    encoding: EncodingKey,
}

impl Key {
    /// The same each time, since to make one takes long.
    pub(crate) fn rs256(id: &str) -> Self {
        let key = rsa();
        let jwk = json!({ "kty": "RSA", "n": base64(key.n().to_bytes_be()), "e": base64(key.e().to_bytes_be()) });
        let encoding = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
        Self::new(id, Algorithm::RS256, jwk, encoding)
    }

    pub(crate) fn es256(id: &str) -> Self {
        let key = p256::SecretKey::random(&mut OsRng);
        let jwk = serde_json::from_str(&key.public_key().to_jwk_string()).unwrap();
        let encoding = EncodingKey::from_ec_der(key.to_pkcs8_der().unwrap().as_bytes());
        Self::new(id, Algorithm::ES256, jwk, encoding)
    }

    pub(crate) fn eddsa(id: &str) -> Self {
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        let key = ed25519_dalek::SigningKey::from_bytes(&seed);
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(key.verifying_key().as_bytes()) });
        let encoding = EncodingKey::from_ed_der(key.to_pkcs8_der().unwrap().as_bytes());
        Self::new(id, Algorithm::EdDSA, jwk, encoding)
    }

    fn new(id: &str, algorithm: Algorithm, mut jwk: Value, encoding: EncodingKey) -> Self {
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        Self { id: id.to_owned(), algorithm, jwk, encoding }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(self.header(), claims)
    }

    pub(crate) fn sign_with(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }

    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) }
    }
}

/// The key of [`Key::rs256`].
pub(crate) fn rsa() -> &'static RsaPrivateKey {
    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::new(&mut OsRng, 2048).unwrap());
    &KEY
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Believes the one whose keys are at `jwks`.
pub(crate) fn issuers(jwks: &str, settings: Value) -> Issuers {
    let mut issuer = json!({ "issuer": ISSUER, "audience": ["scanlogin", "phones"], "jwks": jwks });
    if settings.get("user_pool_claim").is_none() {
        issuer["user_pool_id"] = json!("demo-pool");
    }
    issuer.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value(json!([issuer])).unwrap()
}

/// What the provider says of Alice, to us, for an hour.
pub(crate) fn claims(server: &Server) -> Value {
    json!({ "iss": ISSUER, "aud": "scanlogin", "sub": "alice", "iat": from_now(server, 0), "exp": from_now(server, 3_600) })
}

/// The same, but for one claim; null takes it away.
pub(crate) fn with(server: &Server, name: &str, value: Value) -> Value {
    let mut claims = claims(server);
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

pub(crate) fn from_now(server: &Server, seconds: i64) -> i64 {
    server.state.clock.now().as_second() + seconds
}

fn jwks(keys: &[&Key]) -> Vec<Value> {
    keys.iter().map(|key| key.jwk.clone()).collect()
}
