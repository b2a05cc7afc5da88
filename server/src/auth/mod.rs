//! Verifies the tokens of approvers. [`signing_keys`] has the keys that this server signs its own tokens with.
//!
//! The published keys of an issuer verify the tokens of its users. A small set-up can use a shared secret instead.
//!
//! Invariant: the unverified part of a token only selects the key. `HS256` selects the shared secret, and never a
//! published key. Every other algorithm selects a published key of the issuer that `iss` names.

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::auth::error::AuthError;
use crate::clock::{Clock, later};
use crate::secrets::Secret;
use crate::store::user::User;

pub mod signing_keys;

mod claims;

pub mod error;

mod jwks;

mod key_cache;

use crate::config::issuer::{ClaimNames, Issuer, Issuers, Pool};
use claims::Claims;
use key_cache::KeyCache;

/// The lifetime of a token that is signed with the shared secret.
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest token that the server verifies. The limit bounds the work per request; usual tokens are much shorter.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// The accepted values of `typ`, in lower case: that of RFC 7519, and that of RFC 9068 in both spellings.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// Verifies the tokens of users, and signs tokens with the shared secret.
pub struct Identity {
    clock: Clock,
    secret: Option<SharedSecret>,
    providers: RwLock<Arc<[Provider]>>,
}

/// The shared secret, prepared for signing and for verifying with HS256.
struct SharedSecret {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// An issuer and its cached keys.
struct Provider {
    issuer: Issuer,
    keys: Arc<KeyCache>,
}

impl Identity {
    /// Accepts tokens of `issuers`, and tokens that are signed with `secret` if there is one.
    pub fn new(secret: Option<&Secret>, issuers: Issuers, clock: Clock) -> Self {
        let secret = secret.map(|secret| SharedSecret {
            encoding: EncodingKey::from_secret(secret.expose().as_bytes()),
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
        });
        let identity = Self { clock, secret, providers: RwLock::new(Arc::new([])) };
        identity.set_issuers(issuers);
        identity
    }

    /// Replaces the issuers. An issuer with an unchanged name and key source keeps its cached keys.
    pub fn set_issuers(&self, issuers: Issuers) {
        let before = self.providers();
        let keys_of = |issuer: &Issuer| {
            let known =
                before.iter().find(|known| known.issuer.name == issuer.name && known.issuer.jwks == issuer.jwks);
            known.map_or_else(|| Arc::new(KeyCache::new(issuer)), |known| Arc::clone(&known.keys))
        };
        let providers = issuers.into_iter().map(|issuer| Provider { keys: keys_of(&issuer), issuer }).collect();
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = providers;
    }

    /// Verifies `token` and returns its user.
    ///
    /// # Errors
    ///
    /// [`AuthError::LoginExpired`] if the token has expired. [`AuthError::Unavailable`] if the keys of its issuer are not
    /// available. [`AuthError::NotSignedIn`] if it is invalid for any other reason.
    pub async fn verify(&self, token: &str) -> Result<User, AuthError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(AuthError::NotSignedIn);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::NotSignedIn)?;
        let is_known_type = header.typ.as_ref().is_none_or(|typ| TYPES.contains(&typ.to_ascii_lowercase().as_str()));
        // `crit` names extensions that a verifier must support. This server supports none.
        if header.crit.is_some() || !is_known_type {
            return Err(AuthError::NotSignedIn);
        }
        match header.alg {
            Algorithm::HS256 => self.verify_by_secret(token),
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => self.verify_by_issuer(token, &header).await,
            _ => Err(AuthError::NotSignedIn),
        }
    }

    fn verify_by_secret(&self, token: &str) -> Result<User, AuthError> {
        let secret = self.secret.as_ref().ok_or(AuthError::NotSignedIn)?;
        let claims = signed_claims(token, &secret.decoding, Algorithm::HS256)?;
        claims.are_timely(self.clock.now())?;
        claims.user(&ClaimNames::default(), &Pool::Claim("userPoolId".to_owned()))
    }

    async fn verify_by_issuer(&self, token: &str, header: &Header) -> Result<User, AuthError> {
        let providers = self.providers();
        let Provider { issuer, keys } =
            providers.iter().find(|it| it.is_named_by(token)).ok_or(AuthError::NotSignedIn)?;
        let key = keys.find(header.kid.as_deref(), header.alg).await?;
        let claims = signed_claims(token, &key, header.alg)?;
        if !claims.are_from(&issuer.name) || !claims.are_for(&issuer.audience) {
            return Err(AuthError::NotSignedIn);
        }
        claims.are_timely(self.clock.now())?;
        claims.user(&issuer.claims, &issuer.pool)
    }

    /// A token of `user`, signed with the shared secret. It is for phones that sign in at this server, such as those of
    /// the demo.
    ///
    /// # Errors
    ///
    /// [`AuthError::Signing`] if there is no shared secret, or if the signing fails.
    pub fn sign(&self, user: &User) -> Result<Secret, AuthError> {
        #[derive(Serialize)]
        struct Signed<'a> {
            #[serde(flatten)]
            user: &'a User,
            iat: i64,
            exp: i64,
        }
        let secret = self.secret.as_ref().ok_or(AuthError::Signing)?;
        let now = self.clock.now();
        let claims = Signed { user, iat: now.as_second(), exp: later(now, TOKEN_LIFETIME).as_second() };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &secret.encoding).map(Secret::new).map_err(
            |error| {
                tracing::error!(%error, "a token can't be signed");
                AuthError::Signing
            },
        )
    }

    /// Starts a fetch in the background for each issuer whose cached keys are old.
    pub fn refresh(&self) {
        for provider in self.providers().iter() {
            provider.keys.refresh();
        }
    }

    fn providers(&self) -> Arc<[Provider]> {
        Arc::clone(&self.providers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fetches the keys of `issuer`, and returns how many of them can verify tokens.
///
/// # Errors
///
/// Why the keys can't be fetched or read.
pub(crate) async fn count_keys(issuer: &Issuer) -> Result<usize, String> {
    issuer.jwks.read().await.map(|keys| keys.len())
}

impl Provider {
    /// Whether the `iss` of `token` names this issuer. The signature of the token is not verified yet.
    fn is_named_by(&self, token: &str) -> bool {
        #[derive(Deserialize)]
        struct Named {
            iss: String,
        }
        jsonwebtoken::dangerous::insecure_decode_claims::<Named>(token).is_ok_and(|named| named.iss == self.issuer.name)
    }
}

/// Verifies the signature of `token` with `key`, and returns its claims.
fn signed_claims(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Claims, AuthError> {
    let mut validation = Validation::new(algorithm);
    // The caller checks the claims: the times need the clock of this server, the audience the settings of the issuer.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation).map(|token| token.claims).map_err(|_| AuthError::NotSignedIn)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a secret that is longer than 32 bytes";

    fn identity() -> Identity {
        Identity::new(Some(&Secret::new(SECRET)), Issuers::default(), Clock::system())
    }

    fn alice() -> User {
        User {
            id: "alice".to_owned(),
            user_pool_id: "pool".to_owned(),
            nickname: Some("Alice".to_owned()),
            ..User::default()
        }
    }

    fn signed(header: &Header, secret: &str, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn hs256(claims: &Value) -> String {
        signed(&Header::new(Algorithm::HS256), SECRET, claims)
    }

    fn claims(seconds_left: i64) -> Value {
        json!({ "sub": "alice", "userPoolId": "pool", "exp": from_now(seconds_left) })
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims(60);
        claims[name] = value.into();
        claims
    }

    fn from_now(seconds: i64) -> i64 {
        Timestamp::now().as_second() + seconds
    }

    #[tokio::test]
    async fn verify_returns_the_user_of_a_signed_token() {
        let token = identity().sign(&alice()).unwrap();
        assert_eq!(identity().verify(token.expose()).await, Ok(alice()));
    }

    #[tokio::test]
    async fn verify_reads_the_claims_of_openid_connect() {
        let mut claims = claims(60);
        claims["email"] = json!("alice@example.test");
        claims["email_verified"] = json!(true);
        claims["preferred_username"] = json!("al");
        claims["picture"] = json!("https://example.test/a.png");
        claims["phone_number"] = json!("+1 555");
        claims["name"] = json!(null);
        claims["aud"] = json!("some app");
        let user = identity().verify(&hs256(&claims)).await.unwrap();
        assert_eq!((user.id.as_str(), user.user_pool_id.as_str()), ("alice", "pool"));
        assert_eq!(user.email.as_deref(), Some("alice@example.test"));
        assert!(user.email_verified);
        assert_eq!(user.username.as_deref(), Some("al"));
        assert_eq!(user.photo.as_deref(), Some("https://example.test/a.png"));
        assert_eq!(user.phone.as_deref(), Some("+1 555"));
        assert_eq!(user.name, None);
    }

    #[tokio::test]
    async fn verify_rejects_every_invalid_token() {
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims(60).to_string())
        );
        let header = |typ: &str| Header { typ: Some(typ.to_owned()), ..Header::default() };
        let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
        let hs512 = Header::new(Algorithm::HS512);
        for (what, token, refusal) in [
            ("garbage", "garbage".to_owned(), AuthError::NotSignedIn),
            ("empty", String::new(), AuthError::NotSignedIn),
            ("algorithm none", unsigned, AuthError::NotSignedIn),
            ("unsupported algorithm", signed(&hs512, SECRET, &claims(60)), AuthError::NotSignedIn),
            ("signature of another secret", signed(&Header::default(), "not it", &claims(60)), AuthError::NotSignedIn),
            ("unknown type", signed(&header("dpop+jwt"), SECRET, &claims(60)), AuthError::NotSignedIn),
            ("critical extension", signed(&critical, SECRET, &claims(60)), AuthError::NotSignedIn),
            ("no expiry", hs256(&with("exp", Value::Null)), AuthError::NotSignedIn),
            ("malformed expiry", hs256(&with("exp", "tomorrow")), AuthError::NotSignedIn),
            ("empty user id", hs256(&with("sub", "")), AuthError::NotSignedIn),
            ("numeric user id", hs256(&with("sub", 5)), AuthError::NotSignedIn),
            ("not valid yet", hs256(&with("nbf", from_now(70))), AuthError::NotSignedIn),
            ("issued in the future", hs256(&with("iat", from_now(70))), AuthError::NotSignedIn),
            ("expired", hs256(&claims(-61)), AuthError::LoginExpired),
            ("too long", hs256(&with("filling", "x".repeat(MAX_TOKEN_BYTES))), AuthError::NotSignedIn),
        ] {
            assert_eq!(identity().verify(&token).await, Err(refusal), "{what}");
        }
    }

    #[tokio::test]
    async fn verify_tolerates_clock_differences_below_60_s() {
        for claims in [claims(-50), with("nbf", from_now(50)), with("iat", from_now(50))] {
            assert!(identity().verify(&hs256(&claims)).await.is_ok(), "{claims}");
        }
    }

    #[tokio::test]
    async fn verify_accepts_fractional_times_and_every_known_typ() {
        for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("application/at+JWT")] {
            let header = Header { typ: typ.map(str::to_owned), ..Header::default() };
            let token = signed(&header, SECRET, &with("exp", from_now(60) as f64 + 0.5));
            assert!(identity().verify(&token).await.is_ok(), "{typ:?}");
        }
    }

    #[tokio::test]
    async fn user_without_a_pool_claim_has_an_empty_pool_id() {
        let user = identity().verify(&hs256(&with("userPoolId", Value::Null))).await.unwrap();
        assert_eq!(user.user_pool_id, "");
    }

    #[tokio::test]
    async fn without_a_shared_secret_hs256_tokens_are_rejected_and_not_signed() {
        let identity = Identity::new(None, Issuers::default(), Clock::system());
        assert_eq!(identity.sign(&alice()).err(), Some(AuthError::Signing));
        for secret in [SECRET, ""] {
            let token = signed(&Header::default(), secret, &claims(60));
            assert_eq!(identity.verify(&token).await, Err(AuthError::NotSignedIn));
        }
    }
}
