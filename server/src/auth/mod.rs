//! Verifies the tokens of approvers. [`signing_keys`] has the keys that this server signs its own tokens with.
//!
//! The keys of an issuer verify the tokens of its users. A small set-up can use a shared secret instead.
//!
//! Invariant: the unverified part of a token only selects the key. The entry of the issuer that `iss` names says which
//! algorithms its keys verify. `HS256` selects the shared secret of the server, unless the issuer has a secret of its own.

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use jsonwebtoken::{DecodingKey, EncodingKey, Header};
use serde::Serialize;

use crate::auth::authentication::VerifiedUser;
use crate::auth::error::{SigningError, TokenError, TokenProblem};
use crate::clock::{Clock, later};
use crate::config::algorithm::Algorithm;
use crate::config::issuer::{ClaimNames, Issuer, Issuers, Pool};
use crate::secrets::Secret;
use crate::store::user::User;

pub mod authentication;

pub mod signing_keys;

pub(crate) mod claims;

pub mod error;

mod jwks;

mod key_cache;

pub(crate) mod passkeys;

pub(crate) mod token;

use claims::Claims;
use jwks::KeyQuery;
use key_cache::KeyCache;
use token::Token;

/// The lifetime of a token of the shared secret whose user has signed in.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The claim with the user pool, in tokens of the shared secret.
pub(crate) const SHARED_SECRET_POOL_CLAIM: &str = "userPoolId";

/// Verifies the tokens of users, and signs tokens with the shared secret.
pub struct Identity {
    clock: Clock,
    secret: Option<SharedSecret>,
    providers: RwLock<Arc<[Arc<Provider>]>>,
}

/// The shared secret, prepared for signing and for verifying with HS256.
struct SharedSecret {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// An issuer and its cached keys.
pub(crate) struct Provider {
    pub(crate) issuer: Arc<Issuer>,
    keys: Arc<KeyCache>,
}

/// The authority for a token, according to its unverified part.
pub(crate) enum Authority {
    /// The issuer that `iss` names.
    Issuer(Arc<Provider>),
    /// The holders of the shared secret.
    SharedSecret,
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

    /// Replaces the issuers. An issuer with the same URL of its keys keeps its cached keys.
    pub fn set_issuers(&self, issuers: Issuers) {
        let before = self.providers();
        let provider = |issuer: Issuer| {
            let issuer = Arc::new(issuer);
            let known = before.iter().find(|known| known.keys.is_for(&issuer));
            let keys = known.map_or_else(|| Arc::new(KeyCache::new(&issuer)), |known| Arc::clone(&known.keys));
            Arc::new(Provider { issuer, keys })
        };
        *self.providers.write().unwrap_or_else(PoisonError::into_inner) = issuers.into_iter().map(provider).collect();
    }

    /// Verifies `token` and returns its user. Writes a log line if the token is rejected.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub async fn verify(&self, token: &str) -> Result<VerifiedUser, TokenError> {
        let verified = match Token::parse(token) {
            Ok(token) => self.verify_parsed(&token).await,
            Err(error) => Err(error),
        };
        if let Err(TokenError { problem, explanation }) = &verified {
            tracing::info!(problem = problem.as_str(), explanation, "the token of a user is rejected");
        }
        verified
    }

    /// Verifies `token` and returns its user.
    pub(crate) async fn verify_parsed(&self, token: &Token<'_>) -> Result<VerifiedUser, TokenError> {
        let algorithm = token.algorithm()?;
        match self.authority(token, algorithm)? {
            Authority::SharedSecret => self.verify_by_secret(token, algorithm),
            Authority::Issuer(provider) => self.verify_by_issuer(token, algorithm, &provider).await,
        }
    }

    /// Returns the authority for `token`.
    pub(crate) fn authority(&self, token: &Token<'_>, algorithm: Algorithm) -> Result<Authority, TokenError> {
        let is_verified_by = |it: &Arc<Provider>| it.issuer.has_secret() || !algorithm.is_symmetric();
        match self.provider_of(&token.unverified_claims) {
            Some(provider) if is_verified_by(&provider) => Ok(Authority::Issuer(provider)),
            _ if algorithm == Algorithm::HS256 && self.secret.is_some() => Ok(Authority::SharedSecret),
            _ if algorithm.is_symmetric() => Err(TokenProblem::UnsupportedAlgorithm.because(format!(
                "alg is {algorithm}; it needs an issuer with secret_file, or, for HS256, --jwt-secret"
            ))),
            _ => {
                let names: Vec<String> = self.providers().iter().map(|it| format!("{:?}", it.issuer.name)).collect();
                let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let iss = token.unverified_claims.shown("iss");
                Err(TokenProblem::UnknownIssuer
                    .because(format!("iss is {iss}; the settings have these issuers: {known}")))
            }
        }
    }

    /// The provider whose issuer has the name of `iss`. An exact name has priority over one with a placeholder.
    fn provider_of(&self, claims: &Claims) -> Option<Arc<Provider>> {
        let providers = self.providers();
        let named = || providers.iter().filter(|it| claims.are_from(&it.issuer));
        named().find(|it| it.issuer.placeholder().is_none()).or_else(|| named().next()).cloned()
    }

    fn verify_by_secret(&self, token: &Token<'_>, algorithm: Algorithm) -> Result<VerifiedUser, TokenError> {
        let by_secret = |error: TokenError| error.problem.because(format!("{}: --jwt-secret", error.explanation));
        let Some(secret) = &self.secret else {
            return Err(TokenProblem::UnsupportedAlgorithm.because("--jwt-secret is not set"));
        };
        let claims = token.verified_by(&secret.decoding, algorithm).map_err(by_secret)?;
        self.verified(claims, &ClaimNames::default(), &Pool::Claim(SHARED_SECRET_POOL_CLAIM.to_owned()))
    }

    async fn verify_by_issuer(
        &self,
        token: &Token<'_>,
        algorithm: Algorithm,
        Provider { issuer, keys }: &Provider,
    ) -> Result<VerifiedUser, TokenError> {
        if !issuer.allows(algorithm) {
            return Err(TokenProblem::UnsupportedAlgorithm
                .because(format!("alg is {algorithm}; the entry of the issuer {:?} does not allow it", issuer.name)));
        }
        let iss = token.unverified_claims.get("iss").and_then(serde_json::Value::as_str);
        let query = KeyQuery {
            id: token.header.kid.as_deref(),
            algorithm,
            tenant_issuer: iss.filter(|_| issuer.placeholder().is_some()),
        };
        let key = keys.find(query).await?;
        let claims = token.verified_by(&key, algorithm)?;
        claims.check_audience(&issuer.audience)?;
        claims.check_required(&issuer.required_claims)?;
        self.verified(claims, &issuer.claims, &issuer.pool)
    }

    /// Checks the times of `claims`, and reads the user.
    fn verified(&self, claims: &Claims, names: &ClaimNames, pool: &Pool) -> Result<VerifiedUser, TokenError> {
        let now = self.clock.now();
        claims.check_times(now)?;
        Ok(VerifiedUser { user: claims.user(names, pool)?, authentication: claims.authentication(names, now) })
    }

    /// A token of `user`, signed with the shared secret. It is for phones that sign in at this server, such as those of
    /// the demo. It says nothing about the sign-in.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if there is no shared secret, or if the signing fails.
    pub fn sign(&self, user: &User) -> Result<Secret, SigningError> {
        self.sign_with(user, TOKEN_LIFETIME, None)
    }

    /// A token of `user`, who has just proved their identity by the methods `amr`.
    ///
    /// # Errors
    ///
    /// Those of [`sign`](Self::sign).
    pub fn sign_authenticated(&self, user: &User, lifetime: Duration, amr: &[&str]) -> Result<Secret, SigningError> {
        self.sign_with(user, lifetime, Some(amr))
    }

    fn sign_with(&self, user: &User, lifetime: Duration, amr: Option<&[&str]>) -> Result<Secret, SigningError> {
        #[derive(Serialize)]
        struct Signed<'a> {
            #[serde(flatten)]
            user: &'a User,
            iat: i64,
            exp: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            auth_time: Option<i64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            amr: Option<&'a [&'a str]>,
        }
        let secret = self.secret.as_ref().ok_or(SigningError)?;
        let now = self.clock.now();
        let iat = now.as_second();
        let claims = Signed { user, iat, exp: later(now, lifetime).as_second(), auth_time: amr.map(|_| iat), amr };
        jsonwebtoken::encode(&Header::new(jsonwebtoken::Algorithm::HS256), &claims, &secret.encoding)
            .map(Secret::new)
            .map_err(|error| {
                tracing::error!(%error, "a token can't be signed");
                SigningError
            })
    }

    /// Starts a fetch in the background for each issuer whose cached keys are old.
    pub fn refresh(&self) {
        for provider in self.providers().iter() {
            provider.keys.refresh();
        }
    }

    fn providers(&self) -> Arc<[Arc<Provider>]> {
        Arc::clone(&self.providers.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Fetches the keys of `issuer`, and returns how many of them can verify tokens.
///
/// # Errors
///
/// Why the keys can't be fetched or read.
pub(crate) async fn count_keys(issuer: Issuer) -> Result<usize, String> {
    key_cache::read(&Arc::new(issuer)).await.map(|keys| keys.len())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::authentication::Authentication;

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
        signed(&Header::new(jsonwebtoken::Algorithm::HS256), SECRET, claims)
    }

    fn claims(seconds_left: i64) -> Value {
        json!({ "sub": "alice", "userPoolId": "pool", "exp": from_now(seconds_left) })
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut claims = claims(60);
        claims[name] = value.into();
        claims
    }

    async fn problem(identity: &Identity, token: &str) -> Option<TokenProblem> {
        identity.verify(token).await.err().map(|error| error.problem)
    }

    fn from_now(seconds: i64) -> i64 {
        Timestamp::now().as_second() + seconds
    }

    #[tokio::test]
    async fn verify_returns_the_user_of_a_signed_token() {
        let token = identity().sign(&alice()).unwrap();
        let verified = identity().verify(token.expose()).await.unwrap();
        assert_eq!((verified.user, verified.authentication), (alice(), Authentication::default()));
    }

    #[tokio::test]
    async fn token_of_an_authenticated_user_has_time_and_methods() {
        let lifetime = Duration::from_secs(300);
        let token = identity().sign_authenticated(&alice(), lifetime, &["pop", "mfa"]).unwrap();
        let claims = Token::parse(token.expose()).unwrap().unverified_claims;
        assert_eq!(claims.time("exp").unwrap().unwrap() - claims.time("auth_time").unwrap().unwrap(), 300);
        let verified = identity().verify(token.expose()).await.unwrap();
        assert_eq!(verified.user, alice());
        assert_eq!(verified.authentication.amr, ["pop", "mfa"]);
        assert!(verified.authentication.age_seconds.is_some_and(|age| (0..60).contains(&age)));
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
        let user = identity().verify(&hs256(&claims)).await.unwrap().user;
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
        let hs512 = Header::new(jsonwebtoken::Algorithm::HS512);
        for (what, token, refusal) in [
            ("garbage", "garbage".to_owned(), TokenProblem::Malformed),
            ("empty", String::new(), TokenProblem::Malformed),
            ("algorithm none", unsigned, TokenProblem::UnsupportedAlgorithm),
            ("unsupported algorithm", signed(&hs512, SECRET, &claims(60)), TokenProblem::UnsupportedAlgorithm),
            (
                "signature of another secret",
                signed(&Header::default(), "not it", &claims(60)),
                TokenProblem::WrongSignature,
            ),
            ("unknown type", signed(&header("dpop+jwt"), SECRET, &claims(60)), TokenProblem::UnsupportedType),
            ("critical extension", signed(&critical, SECRET, &claims(60)), TokenProblem::UnsupportedExtension),
            ("no expiry", hs256(&with("exp", Value::Null)), TokenProblem::InvalidTime),
            ("malformed expiry", hs256(&with("exp", "tomorrow")), TokenProblem::InvalidTime),
            ("empty user id", hs256(&with("sub", "")), TokenProblem::NoUserId),
            ("fractional user id", hs256(&with("sub", 5.5)), TokenProblem::NoUserId),
            ("not valid yet", hs256(&with("nbf", from_now(70))), TokenProblem::NotYetValid),
            ("issued in the future", hs256(&with("iat", from_now(70))), TokenProblem::NotYetValid),
            ("expired", hs256(&claims(-61)), TokenProblem::Expired),
            ("too long", hs256(&with("filling", "x".repeat(token::MAX_BYTES))), TokenProblem::TooLong),
        ] {
            assert_eq!(problem(&identity(), &token).await, Some(refusal), "{what}");
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
        let user = identity().verify(&hs256(&with("userPoolId", Value::Null))).await.unwrap().user;
        assert_eq!(user.user_pool_id, "");
    }

    #[tokio::test]
    async fn without_a_shared_secret_hs256_tokens_are_rejected_and_not_signed() {
        let identity = Identity::new(None, Issuers::default(), Clock::system());
        assert_eq!(identity.sign(&alice()).err(), Some(SigningError));
        for secret in [SECRET, ""] {
            let token = signed(&Header::default(), secret, &claims(60));
            assert_eq!(problem(&identity, &token).await, Some(TokenProblem::UnsupportedAlgorithm));
        }
    }
}
