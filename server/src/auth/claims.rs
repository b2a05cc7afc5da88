//! The claims of a token: times, issuer, audience and user.
//!
//! Invariant: [`Claims`] come only from a token whose signature has been verified.

use jiff::Timestamp;
use scanlogin_protocol::display::{display_name, is_photo_address};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::error::AuthError;
use crate::config::issuer::{ClaimNames, Pool};
use crate::store::user::User;

/// The tolerated difference between the clock of the issuer and the clock of this server.
const LEEWAY_SECONDS: i64 = 60;

/// All claims of a token, by name.
#[derive(Deserialize)]
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Whether `iss` is exactly `name`.
    pub(super) fn are_from(&self, name: &str) -> bool {
        self.0.get("iss").and_then(Value::as_str) == Some(name)
    }

    /// Whether `aud`, a string or an array of strings, contains a name of `audience`.
    pub(super) fn are_for(&self, audience: &[String]) -> bool {
        let is_us = |value: &Value| value.as_str().is_some_and(|name| audience.iter().any(|one| one == name));
        match self.0.get("aud") {
            Some(Value::Array(several)) => several.iter().any(is_us),
            Some(one) => is_us(one),
            None => false,
        }
    }

    /// Checks the times of the token: `exp`, which is required, and `nbf` and `iat`.
    ///
    /// # Errors
    ///
    /// [`AuthError::LoginExpired`] if `exp` has passed. [`AuthError::NotSignedIn`] if `nbf` or `iat` is in the future, and
    /// if a time is malformed or `exp` is absent.
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

    /// The user that the claims describe. `names` says which claim holds which field of the user.
    ///
    /// A claim counts as absent if it is empty or has the wrong type. So does a name without visible characters, and a
    /// picture that a page must not load.
    ///
    /// # Errors
    ///
    /// [`AuthError::NotSignedIn`] if the id is absent.
    pub(super) fn user(&self, names: &ClaimNames, pool: &Pool) -> Result<User, AuthError> {
        let user_pool_id = match pool {
            Pool::Fixed(id) => id.clone(),
            // The empty id belongs to no pool: the configuration rejects an app with an empty pool id.
            Pool::Claim(name) => self.text(name).unwrap_or_default(),
        };
        Ok(User {
            id: self.text(&names.sub).ok_or(AuthError::NotSignedIn)?,
            user_pool_id,
            email: self.text(&names.email),
            email_verified: self.is_true(&names.email_verified),
            username: self.text(&names.preferred_username),
            nickname: self.display_name(&names.nickname),
            name: self.display_name(&names.name),
            photo: self.text(&names.picture).filter(|address| is_photo_address(address)),
            phone: self.text(&names.phone_number),
        })
    }

    /// The text of a claim as a page may show it: whoever scans a code chooses the name that its page shows.
    fn display_name(&self, name: &str) -> Option<String> {
        self.text(name).map(|text| display_name(&text)).filter(|shown| !shown.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Whether the claim is `true` or `"true"`: some issuers write all claims as strings.
    fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
    }

    /// Whole seconds since 1970. Drops a fraction, which RFC 7519 allows. `None` if the claim is absent.
    fn time(&self, name: &str) -> Result<Option<i64>, AuthError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
        seconds.map(Some).ok_or(AuthError::NotSignedIn)
    }
}
