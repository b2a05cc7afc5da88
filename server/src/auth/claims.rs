//! What a token says, once its signature is proved: when, from whom, for whom, of whom.
//!
//! Deliberately absent: signatures. A value of [`Claims`] is made from a token that has been verified.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::error::AuthError;
use crate::config::issuer::{ClaimNames, Pool};
use crate::store::user::User;

/// How far the clocks of two servers may differ.
const LEEWAY_SECONDS: i64 = 60;

/// The claims of a token.
#[derive(Deserialize)]
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Whether the issuer is `name`.
    pub(super) fn are_from(&self, name: &str) -> bool {
        self.0.get("iss").and_then(Value::as_str) == Some(name)
    }

    /// Whether one of `audience` is meant.
    pub(super) fn are_for(&self, audience: &[String]) -> bool {
        let is_us = |value: &Value| value.as_str().is_some_and(|name| audience.iter().any(|one| one == name));
        match self.0.get("aud") {
            Some(Value::Array(several)) => several.iter().any(is_us),
            Some(one) => is_us(one),
            None => false,
        }
    }

    /// Refuses what is not good any more, what is not good yet, and what says that it was made in the future.
    pub(super) fn are_timely(&self, now: Timestamp) -> Result<(), AuthError> {
        let now = now.as_second();
        let expires_at = self.time("exp")?.ok_or(AuthError::NotSignedIn)?;
        let is_ahead = |time: i64| time > now.saturating_add(LEEWAY_SECONDS);
        if self.time("nbf")?.is_some_and(is_ahead) || self.time("iat")?.is_some_and(is_ahead) {
            return Err(AuthError::NotSignedIn);
        }
        if now >= expires_at.saturating_add(LEEWAY_SECONDS) {
            return Err(AuthError::LoginExpired);
        }
        Ok(())
    }

    /// Who is meant. What is not a text is as if it were not there, but for the id, which must be.
    pub(super) fn user(&self, names: &ClaimNames, pool: &Pool) -> Result<User, AuthError> {
        let user_pool_id = match pool {
            Pool::Fixed(id) => id.clone(),
            // Without one, the user is in a pool that no app has.
            Pool::Claim(name) => self.text(name).unwrap_or_default(),
        };
        Ok(User {
            id: self.text(&names.sub).ok_or(AuthError::NotSignedIn)?,
            user_pool_id,
            email: self.text(&names.email),
            email_verified: self.is_true(&names.email_verified),
            username: self.text(&names.preferred_username),
            nickname: self.text(&names.nickname),
            name: self.text(&names.name),
            photo: self.text(&names.picture),
            phone: self.text(&names.phone_number),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Some issuers write all claims as text.
    fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
    }

    /// Seconds since 1970, which may have a fraction.
    fn time(&self, name: &str) -> Result<Option<i64>, AuthError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        seconds.map(Some).ok_or(AuthError::NotSignedIn)
    }
}
