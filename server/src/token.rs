//! The tokens of users: JSON Web Tokens, signed with HS256 and the configured secret.
//!
//! One algorithm is accepted and no other, whatever a token's header asks for. The time comes from [`Clock`], as
//! everywhere. Deliberately absent for now: keys of other issuers (JWKS), which would be a second way to verify here.

use core::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, later};
use crate::error::Refusal;
use crate::secrets::Secret;
use crate::user::User;

/// How long a token that this server signs is good.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How far the clocks of two servers may differ.
const LEEWAY_SECONDS: i64 = 60;

/// Signs and verifies tokens of one pool of users.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    clock: Clock,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(flatten)]
    user: User,
    exp: i64,
    #[serde(default)]
    iat: i64,
}

impl Tokens {
    /// Signs with `secret`.
    pub fn new(secret: &Secret, clock: Clock) -> Self {
        Self {
            encoding: EncodingKey::from_secret(secret.expose().as_bytes()),
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
            clock,
        }
    }

    /// A token in the name of `user`, and when it expires.
    ///
    /// # Errors
    ///
    /// [`Refusal::Internal`] when it can't be signed.
    pub fn sign(&self, user: &User) -> Result<(Secret, Timestamp), Refusal> {
        let now = self.clock.now();
        let expires_at = later(now, TOKEN_LIFETIME);
        let claims = Claims { user: user.clone(), exp: expires_at.as_second(), iat: now.as_second() };
        match jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding) {
            Ok(token) => Ok((Secret::new(token), expires_at)),
            Err(error) => {
                tracing::error!(%error, "a token can't be signed");
                Err(Refusal::Internal)
            }
        }
    }

    /// The user whom `token` speaks for.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotSignedIn`] for a token that is none of ours, [`Refusal::LoginExpired`] for one that was.
    pub fn verify(&self, token: &str) -> Result<User, Refusal> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The expiry is looked at below, by our own clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(|_| Refusal::NotSignedIn)?
            .claims;
        if claims.user.id.is_empty() {
            return Err(Refusal::NotSignedIn);
        }
        if self.clock.now().as_second() >= claims.exp.saturating_add(LEEWAY_SECONDS) {
            return Err(Refusal::LoginExpired);
        }
        Ok(claims.user)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    const SECRET: &str = "a secret that is longer than 32 bytes";

    fn tokens() -> Tokens {
        Tokens::new(&Secret::new(SECRET), Clock::system())
    }

    fn alice() -> User {
        User {
            id: "alice".to_owned(),
            user_pool_id: "pool".to_owned(),
            nickname: Some("Alice".to_owned()),
            ..User::default()
        }
    }

    fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    fn claims(seconds_left: i64) -> Value {
        json!({ "sub": "alice", "userPoolId": "pool", "exp": Timestamp::now().as_second() + seconds_left })
    }

    #[test]
    fn a_signed_user_is_read_back() {
        let (token, _) = tokens().sign(&alice()).unwrap();
        assert_eq!(tokens().verify(token.expose()), Ok(alice()));
    }

    #[test]
    fn the_claims_of_openid_connect_are_understood() {
        let mut claims = claims(60);
        claims["email"] = json!("alice@example.test");
        claims["email_verified"] = json!(true);
        claims["preferred_username"] = json!("al");
        claims["picture"] = json!("https://example.test/a.png");
        claims["phone_number"] = json!("+1 555");
        claims["aud"] = json!("some app");
        let user = tokens().verify(&signed(Algorithm::HS256, SECRET, &claims)).unwrap();
        assert_eq!(user.email.as_deref(), Some("alice@example.test"));
        assert!(user.email_verified);
        assert_eq!(user.username.as_deref(), Some("al"));
        assert_eq!(user.photo.as_deref(), Some("https://example.test/a.png"));
        assert_eq!(user.phone.as_deref(), Some("+1 555"));
    }

    #[test]
    fn every_other_token_is_refused() {
        let unsigned = format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims(60).to_string())
        );
        let mut without_expiry = claims(60);
        without_expiry.as_object_mut().unwrap().remove("exp");
        let mut without_user = claims(60);
        without_user["sub"] = json!("");

        for (what, token, refusal) in [
            ("garbage", "garbage".to_owned(), Refusal::NotSignedIn),
            ("empty", String::new(), Refusal::NotSignedIn),
            ("algorithm none", unsigned, Refusal::NotSignedIn),
            ("another algorithm", signed(Algorithm::HS512, SECRET, &claims(60)), Refusal::NotSignedIn),
            ("a foreign signature", signed(Algorithm::HS256, "not it", &claims(60)), Refusal::NotSignedIn),
            ("no expiry", signed(Algorithm::HS256, SECRET, &without_expiry), Refusal::NotSignedIn),
            ("no user", signed(Algorithm::HS256, SECRET, &without_user), Refusal::NotSignedIn),
            ("expired", signed(Algorithm::HS256, SECRET, &claims(-61)), Refusal::LoginExpired),
        ] {
            assert_eq!(tokens().verify(&token), Err(refusal), "{what}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let token = signed(Algorithm::HS256, SECRET, &claims(-50));
        assert!(tokens().verify(&token).is_ok());
    }
}
