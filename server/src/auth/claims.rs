//! The claims of a token: times, issuer, audience, required claims, user and sign-in.

use std::collections::BTreeMap;

use jiff::Timestamp;
use scanlogin_protocol::display::{display_name, is_photo_address};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::authentication::Authentication;
use crate::auth::error::{TokenError, TokenProblem};
use crate::config::issuer::{Audience, ClaimNames, ClaimValue, Issuer, Pool};
use crate::store::user::User;

/// The tolerated difference between the clock of the issuer and the clock of this server.
pub(super) const LEEWAY_SECONDS: i64 = 60;
/// The longest text of a claim in an explanation, in characters.
const MAX_SHOWN_CHARACTERS: usize = 200;

/// All claims of a token, by name.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims(Map<String, Value>);

impl Claims {
    /// The claim `name`. Without a claim of this name, dots are separators: the path of a claim in nested objects.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        find(&self.0, name)
    }

    /// The claim for a message: JSON without control characters, shortened. `absent` without the claim.
    pub(crate) fn shown(&self, name: &str) -> String {
        self.get(name).map_or_else(|| "absent".to_owned(), |value| shown(&value.to_string()))
    }

    /// Whether `iss` is the name of `issuer`. A placeholder in the name stands for the value of its claim.
    pub(super) fn are_from(&self, issuer: &Issuer) -> bool {
        let iss = self.0.get("iss").and_then(Value::as_str);
        let Some((before, claim, after)) = issuer.placeholder() else { return iss == Some(&issuer.name) };
        let is_one_segment = |value: &str| {
            !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let value = self.text(claim).filter(|value| is_one_segment(value));
        value.is_some_and(|value| iss == Some(&[before, &value, after].concat()))
    }

    /// Checks `aud`, a string or an array of strings.
    pub(super) fn check_audience(&self, audience: &Audience) -> Result<(), TokenError> {
        let aud = self.0.get("aud");
        let (is_accepted, expected) = match audience {
            Audience::AnyOf(names) => {
                let is_us = |value: &Value| value.as_str().is_some_and(|name| names.iter().any(|one| one == name));
                let is_accepted = match aud {
                    Some(Value::Array(several)) => several.iter().any(is_us),
                    Some(one) => is_us(one),
                    None => false,
                };
                (is_accepted, format!("accepts {names:?}"))
            }
            // RFC 7519, section 4.1.3: a token with an audience is for that audience only.
            Audience::Absent => {
                let is_empty = aud.is_none_or(|aud| aud.as_array().is_some_and(Vec::is_empty));
                (is_empty, "has audience = false".to_owned())
            }
        };
        if is_accepted {
            return Ok(());
        }
        Err(TokenProblem::WrongAudience.because(format!("aud is {}; the issuer's entry {expected}", self.shown("aud"))))
    }

    /// Checks that the token has all `required` claims, each with one of its values.
    pub(super) fn check_required(&self, required: &BTreeMap<String, Vec<ClaimValue>>) -> Result<(), TokenError> {
        for (name, values) in required {
            if !self.get(name).is_some_and(|claim| values.iter().any(|value| value.is(claim))) {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                return Err(TokenProblem::WrongClaim.because(format!(
                    "{name} is {}; the issuer's entry requires {}",
                    self.shown(name),
                    values.join(" or ")
                )));
            }
        }
        Ok(())
    }

    /// Checks the times of the token: `exp`, which is required, and `nbf` and `iat`.
    ///
    /// # Errors
    ///
    /// [`TokenProblem::Expired`] if `exp` has passed. [`TokenProblem::NotYetValid`] if `nbf` or `iat` is in the future.
    /// [`TokenProblem::InvalidTime`] if a time is malformed or `exp` is absent.
    pub(super) fn check_times(&self, now: Timestamp) -> Result<(), TokenError> {
        let now = now.as_second();
        let expires_at = self.time("exp")?.ok_or_else(|| TokenProblem::InvalidTime.because("exp is absent"))?;
        for name in ["nbf", "iat"] {
            let ahead = self.time(name)?.map_or(0, |time| time.saturating_sub(now));
            if ahead > LEEWAY_SECONDS {
                return Err(TokenProblem::NotYetValid.because(format!(
                    "{name} is {ahead} seconds ahead of the clock of this server; {LEEWAY_SECONDS} are tolerated. Compare \
                     the clocks of this server, the issuer and the phone"
                )));
            }
        }
        let ago = now.saturating_sub(expires_at);
        if ago >= LEEWAY_SECONDS {
            return Err(TokenProblem::Expired.because(format!("exp passed {ago} seconds ago")));
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
    /// [`TokenProblem::NoUserId`] if the id is absent.
    pub(super) fn user(&self, names: &ClaimNames, pool: &Pool) -> Result<User, TokenError> {
        let id = self.text(&names.sub).ok_or_else(|| {
            let shown = self.shown(&names.sub);
            TokenProblem::NoUserId.because(format!("{} is {shown}; the id must be a string or an integer", names.sub))
        })?;
        let user_pool_id = match pool {
            Pool::Fixed(id) => id.clone(),
            // The empty id belongs to no pool: the configuration rejects an app with an empty pool id.
            Pool::Claim(name) => self.text(name).unwrap_or_default(),
        };
        Ok(User {
            id,
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

    /// The sign-in that the claims describe. A claim of a wrong type counts as absent: no rule of RFC 7519 rejects it.
    pub(super) fn authentication(&self, names: &ClaimNames, now: Timestamp) -> Authentication {
        let auth_time = self.get(&names.auth_time).and_then(seconds);
        Authentication {
            age_seconds: auth_time.map(|auth_time| now.as_second().saturating_sub(auth_time)),
            amr: self.texts(&names.amr),
            acr: self.texts(&names.acr),
        }
    }

    /// The text of a claim, or the texts of an array.
    fn texts(&self, name: &str) -> Vec<String> {
        let values = match self.get(name) {
            Some(Value::Array(several)) => several.as_slice(),
            Some(one) => core::slice::from_ref(one),
            None => &[],
        };
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The text of a claim for display: the user who scans a code chooses the name that the page shows.
    fn display_name(&self, name: &str) -> Option<String> {
        self.text(name).map(|text| display_name(&text)).filter(|shown| !shown.is_empty())
    }

    /// A string, or the digits of an integer: some issuers number their users.
    fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether the claim is `true` or `"true"`: some issuers write all claims as strings.
    fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.as_bool() == Some(true) || value.as_str() == Some("true"))
    }

    /// Whole seconds since 1970. Drops a fraction, which RFC 7519 allows. `None` if the claim is absent.
    pub(crate) fn time(&self, name: &str) -> Result<Option<i64>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let malformed = || TokenProblem::InvalidTime.because(format!("{name} is {}, not a number", self.shown(name)));
        seconds(value).map(Some).ok_or_else(malformed)
    }
}

/// The whole seconds of a time. `None` if `value` is no number.
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

/// The value at `path` in `claims`. A longer name has priority over a shorter name and a path below it.
fn find<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    claims.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let (name, rest) = path.split_at_checked(dot)?;
            find(claims.get(name)?.as_object()?, rest.strip_prefix('.')?)
        })
    })
}

/// `text` for a log line or a terminal: without control characters, shortened.
pub(crate) fn shown(text: &str) -> String {
    let escape = |c: char| if c == '"' { c.to_string() } else { c.escape_debug().to_string() };
    let mut shown: String = text.chars().take(MAX_SHOWN_CHARACTERS).map(escape).collect();
    if text.chars().nth(MAX_SHOWN_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn get_prefers_the_longest_name() {
        let claims: Claims = serde_json::from_value(json!({
            "a.b.c": 1, "a.b": { "c": 2, "d": 3 }, "a": { "b": { "d": 4, "e": 5 }, "b.e": 6 }, "f": [{ "g": 7 }],
        }))
        .unwrap();
        for (path, value) in [
            ("a.b.c", Some(1)),
            ("a.b.d", Some(3)),
            ("a.b.e", Some(6)),
            ("f.g", None),
            ("f.0.g", None),
            ("a..b", None),
            (".", None),
            ("", None),
        ] {
            assert_eq!(claims.get(path), value.map(Value::from).as_ref(), "{path}");
        }
    }

    #[test]
    fn authentication_takes_texts_and_arrays_and_ignores_wrong_types() {
        let now = Timestamp::from_second(1_000).unwrap();
        let read = |claims: Value| {
            let claims: Claims = serde_json::from_value(claims).unwrap();
            claims.authentication(&ClaimNames::default(), now)
        };
        let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let full = read(json!({ "auth_time": 940.9, "amr": ["pwd", 5, "otp"], "acr": "gold" }));
        assert_eq!((full.age_seconds, full.amr, full.acr), (Some(60), texts(&["pwd", "otp"]), texts(&["gold"])));
        let ahead = read(json!({ "auth_time": 1_010, "amr": "mfa" }));
        assert_eq!((ahead.age_seconds, ahead.amr), (Some(-10), texts(&["mfa"])));
        assert_eq!(read(json!({ "auth_time": "940", "amr": {}, "acr": 1 })), Authentication::default());
        assert_eq!(read(json!({ "iat": 999 })), Authentication::default());
    }

    #[test]
    fn shown_text_has_no_control_and_format_characters_and_200_characters_at_most() {
        assert_eq!(shown("\"a\" \n\u{1b}[2J\u{202e}"), r#""a" \n\u{1b}[2J\u{202e}"#);
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), MAX_SHOWN_CHARACTERS + 1);
    }
}
