//! A fake OpenID Connect provider: it signs tokens, and publishes its keys as a JWKS over HTTP.

use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
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

use crate::support::test_server::Server;
use crate::support::timeout::yield_until;

pub(crate) const ISSUER: &str = "https://id.example.com";

/// The provider's response to a request for its keys.
#[derive(Clone)]
pub(crate) enum JwksResponse {
    /// A key set.
    Keys(Vec<Value>),
    /// A body that is not a key set.
    Text(String),
    /// A status without a body.
    Status(StatusCode),
    /// A redirect to this URL, with a key set as its body.
    Redirect(String, Vec<Value>),
    /// A key set that is sent after a notification.
    Deferred(Arc<Notify>, Vec<Value>),
    /// No response. The connection stays open.
    Never,
}

/// Serves its keys on a free port until it is dropped.
pub(crate) struct Provider {
    pub(crate) url: String,
    response: Arc<Mutex<JwksResponse>>,
    /// The body of the response to a request for the OpenID Connect configuration.
    configuration: Arc<Mutex<String>>,
    /// The headers of each request for the keys.
    requests: Arc<Mutex<Vec<HeaderMap>>>,
    server: JoinHandle<()>,
}

impl Provider {
    /// Starts a provider on this machine. Its tokens name [`ISSUER`] as their issuer.
    pub(crate) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let response = Arc::new(Mutex::new(JwksResponse::Keys(jwks(keys))));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let handler = {
            let (response, requests) = (Arc::clone(&response), Arc::clone(&requests));
            async move |headers: HeaderMap| {
                requests.lock().unwrap().push(headers);
                let response = response.lock().unwrap().clone();
                response.send().await
            }
        };
        let configuration = Arc::new(Mutex::new(String::new()));
        let discovery = {
            let configuration = Arc::clone(&configuration);
            async move || configuration.lock().unwrap().clone()
        };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery.clone()))
            .route("/realms/a/.well-known/openid-configuration", get(discovery))
            .fallback(handler);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, response, configuration, requests, server }
    }

    pub(crate) fn publish(&self, keys: &[&Key]) {
        self.set_response(JwksResponse::Keys(jwks(keys)));
    }

    /// Delays the response with the keys until the returned [`Notify`] is notified.
    pub(crate) fn publish_deferred(&self, keys: &[&Key]) -> Arc<Notify> {
        let notify = Arc::new(Notify::new());
        self.set_response(JwksResponse::Deferred(Arc::clone(&notify), jwks(keys)));
        notify
    }

    pub(crate) fn set_response(&self, response: JwksResponse) {
        *self.response.lock().unwrap() = response;
    }

    pub(crate) fn set_configuration(&self, document: &Value) {
        *self.configuration.lock().unwrap() = document.to_string();
    }

    /// The number of requests for its keys.
    pub(crate) fn fetch_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// A header of the last request.
    pub(crate) fn last_header(&self, name: &str) -> Option<String> {
        let requests = self.requests.lock().unwrap();
        Some(requests.last()?.get(name)?.to_str().unwrap().to_owned())
    }

    /// Waits until there have been `count` requests for its keys.
    pub(crate) async fn wait_for_fetches(&self, count: usize) {
        yield_until("a request for the keys", || self.fetch_count() >= count).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl JwksResponse {
    async fn send(self) -> Response {
        match self {
            Self::Keys(keys) => axum::Json(json!({ "keys": keys })).into_response(),
            Self::Deferred(notify, keys) => {
                notify.notified().await;
                axum::Json(json!({ "keys": keys })).into_response()
            }
            Self::Text(text) => text.into_response(),
            Self::Status(status) => status.into_response(),
            Self::Redirect(url, keys) => {
                (StatusCode::FOUND, [(header::LOCATION, url)], axum::Json(json!({ "keys": keys }))).into_response()
            }
            Self::Never => core::future::pending().await,
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
    pub(crate) fn rs256(id: &str) -> Self {
        Self::rsa(id, Algorithm::RS256)
    }

    /// All RSA keys are the same key, because generating an RSA key is slow.
    pub(crate) fn rsa(id: &str, algorithm: Algorithm) -> Self {
        let key = rsa_key();
        let jwk = json!({ "kty": "RSA", "n": base64(key.n().to_bytes_be()), "e": base64(key.e().to_bytes_be()) });
        let encoding = EncodingKey::from_rsa_der(key.to_pkcs1_der().unwrap().as_bytes());
        Self::new(id, algorithm, jwk, encoding)
    }

    /// Publishes the algorithm of the key.
    pub(crate) fn with_alg(mut self) -> Self {
        self.jwk["alg"] = json!(format!("{:?}", self.algorithm));
        self
    }

    pub(crate) fn es256(id: &str) -> Self {
        let key = p256::SecretKey::random(&mut OsRng);
        let jwk = serde_json::from_str(&key.public_key().to_jwk_string()).unwrap();
        let encoding = EncodingKey::from_ec_der(key.to_pkcs8_der().unwrap().as_bytes());
        Self::new(id, Algorithm::ES256, jwk, encoding)
    }

    pub(crate) fn es384(id: &str) -> Self {
        let key = p384::SecretKey::random(&mut OsRng);
        let jwk = serde_json::from_str(&key.public_key().to_jwk_string()).unwrap();
        let encoding = EncodingKey::from_ec_der(key.to_pkcs8_der().unwrap().as_bytes());
        Self::new(id, Algorithm::ES384, jwk, encoding)
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
pub(crate) fn rsa_key() -> &'static RsaPrivateKey {
    static KEY: LazyLock<RsaPrivateKey> = LazyLock::new(|| RsaPrivateKey::new(&mut OsRng, 2048).unwrap());
    &KEY
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Trusts [`ISSUER`] with the keys at `jwks`. `settings` adds or replaces fields of its section. Null removes a field.
pub(crate) fn issuers(jwks: &str, settings: Value) -> Issuers {
    let mut issuer = json!({ "issuer": ISSUER, "audience": ["scanlogin", "phones"], "jwks": jwks });
    if settings.get("user_pool_claim").is_none() {
        issuer["user_pool_id"] = json!("demo-pool");
    }
    issuer.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    issuer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    serde_json::from_value(json!([issuer])).unwrap()
}

/// Valid claims about alice that expire in an hour.
pub(crate) fn claims(server: &Server) -> Value {
    json!({ "iss": ISSUER, "aud": "scanlogin", "sub": "alice", "iat": from_now(server, 0), "exp": from_now(server, 3_600) })
}

/// [`claims`] with one claim replaced. Null removes the claim.
pub(crate) fn claims_with(server: &Server, name: &str, value: Value) -> Value {
    let mut claims = claims(server);
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

/// The server's time plus `seconds`, in seconds since 1970.
pub(crate) fn from_now(server: &Server, seconds: i64) -> i64 {
    server.state.clock.now().as_second() + seconds
}

fn jwks(keys: &[&Key]) -> Vec<Value> {
    keys.iter().map(|key| key.jwk.clone()).collect()
}
