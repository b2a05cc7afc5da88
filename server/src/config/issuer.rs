//! The issuers whose tokens the server accepts: the tables `[[issuer]]` of `scanlogin.toml`, and the checks of their values.
//!
//! [`crate::auth`] fetches the keys of an issuer later.

use core::str::FromStr;
use std::net::IpAddr;
use std::path::PathBuf;

use axum::http::Uri;
use serde::Deserialize;

/// An OpenID Connect provider, or any other signer of tokens that publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Issuer {
    /// The exact value of `iss` in its tokens.
    pub name: String,
    /// The accepted audiences: `aud` must contain one of them. Never empty.
    pub audience: Vec<String>,
    /// The source of its published keys.
    pub jwks: KeySource,
    /// How the user pool of its users is determined.
    pub pool: Pool,
    /// The claims that hold the fields of a user.
    pub claims: ClaimNames,
}

/// The source of the JSON Web Key Set of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An HTTPS URL, or an HTTP URL on this machine.
    Url(String),
    /// A local file.
    File(PathBuf),
}

/// How the user pool of a user is determined. Users of one pool with the same id are one user, whatever their issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// The id of the pool of all users.
    Fixed(String),
    /// The name of the claim that contains the id of the pool.
    Claim(String),
}

/// The claim that holds each field of a user. The default is the name of the claim in OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    pub(crate) sub: String,
    pub(crate) email: String,
    pub(crate) email_verified: String,
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) preferred_username: String,
    pub(crate) picture: String,
    pub(crate) phone_number: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            sub: "sub".to_owned(),
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            name: "name".to_owned(),
            nickname: "nickname".to_owned(),
            preferred_username: "preferred_username".to_owned(),
            picture: "picture".to_owned(),
            phone_number: "phone_number".to_owned(),
        }
    }
}

/// Issuers with distinct names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Issuer>")]
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// Whether no issuer is configured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Issuers {
    type Item = Issuer;
    type IntoIter = std::vec::IntoIter<Issuer>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl TryFrom<Vec<Issuer>> for Issuers {
    type Error = String;

    fn try_from(issuers: Vec<Issuer>) -> Result<Self, String> {
        let mut rest = issuers.as_slice();
        while let [first, others @ ..] = rest {
            if others.iter().any(|other| other.name == first.name) {
                return Err(format!("issuer: {:?} stands there twice; `audience` may be a list", first.name));
            }
            rest = others;
        }
        Ok(Self(issuers))
    }
}

/// One table `[[issuer]]`, before its values are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    issuer: String,
    audience: Audience,
    jwks: String,
    user_pool_id: Option<String>,
    user_pool_claim: Option<String>,
    #[serde(default)]
    claims: ClaimNames,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "audience: must be a string or a list of strings")]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Fields> for Issuer {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let audience = match fields.audience {
            Audience::One(one) => vec![one],
            Audience::Several(several) => several,
        };
        if fields.issuer.is_empty() {
            return Err("issuer: is empty".to_owned());
        }
        if audience.is_empty() || audience.iter().any(String::is_empty) {
            return Err("audience: is empty; without an audience, every token of the issuer would be valid".to_owned());
        }
        let pool = match (fields.user_pool_id, fields.user_pool_claim) {
            (Some(id), None) if !id.is_empty() => Pool::Fixed(id),
            (None, Some(name)) if !name.is_empty() => Pool::Claim(name),
            _ => return Err("user_pool_id, user_pool_claim: exactly one must be set, and not be empty".to_owned()),
        };
        Ok(Self { name: fields.issuer, audience, jwks: fields.jwks.parse()?, pool, claims: fields.claims })
    }
}

impl FromStr for KeySource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            let path = PathBuf::from(text);
            return if path.is_file() { Ok(Self::File(path)) } else { Err(format!("jwks: there is no file {text:?}")) };
        }
        let uri: Uri = text.parse().map_err(|error| format!("jwks: {text:?} is not a URL: {error}"))?;
        match uri.scheme_str() {
            Some("https") => Ok(Self::Url(text.to_owned())),
            Some("http") if uri.host().is_some_and(is_this_machine) => Ok(Self::Url(text.to_owned())),
            _ => Err(format!("jwks: {text:?} is not https; an attacker in the network could replace the keys")),
        }
    }
}

/// Whether `host` names this machine: `localhost` or a loopback address.
pub(super) fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn whole() -> Value {
        json!({
            "issuer": "https://id.example.com", "audience": "scanlogin", "jwks": "https://id.example.com/keys",
            "user_pool_id": "customers",
        })
    }

    fn read(change: Value) -> Result<Issuer, String> {
        let mut fields = whole();
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => fields.as_object_mut().unwrap().remove(name),
                value => fields.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        serde_json::from_value(fields).map_err(|error| error.to_string())
    }

    #[test]
    fn issuer_is_read_with_every_setting() {
        let issuer = read(json!({ "audience": ["a", "b"], "claims": { "nickname": "given_name" } })).unwrap();
        assert_eq!(issuer.name, "https://id.example.com");
        assert_eq!(issuer.audience, ["a", "b"]);
        assert_eq!(issuer.jwks, KeySource::Url("https://id.example.com/keys".to_owned()));
        assert_eq!(issuer.pool, Pool::Fixed("customers".to_owned()));
        assert_ne!(issuer.claims, ClaimNames::default());
        let issuer = read(json!({ "user_pool_id": null, "user_pool_claim": "org_id" })).unwrap();
        assert_eq!(issuer.pool, Pool::Claim("org_id".to_owned()));
        assert_eq!(issuer.claims, ClaimNames::default());
    }

    #[test]
    fn key_source_is_a_file_an_https_url_or_a_local_http_url() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap();
        assert_eq!(path.parse(), Ok(KeySource::File(file.path().to_owned())));
        for url in
            ["https://id.example.com", "http://127.0.0.1:8080/keys", "http://[::1]/keys", "http://localhost/keys"]
        {
            assert_eq!(url.parse(), Ok(KeySource::Url(url.to_owned())));
        }
    }

    #[test]
    fn invalid_value_is_rejected_with_its_field() {
        for (name, change) in [
            ("issuer", json!({ "issuer": "" })),
            ("issuer", json!({ "issuer": null })),
            ("audience", json!({ "audience": null })),
            ("audience", json!({ "audience": "" })),
            ("audience", json!({ "audience": [] })),
            ("audience", json!({ "audience": ["scanlogin", ""] })),
            ("audience", json!({ "audience": 5 })),
            ("jwks", json!({ "jwks": null })),
            ("jwks", json!({ "jwks": "" })),
            ("jwks", json!({ "jwks": "no/such/file" })),
            ("jwks", json!({ "jwks": "https://" })),
            ("jwks", json!({ "jwks": "http://id.example.com/keys" })),
            ("jwks", json!({ "jwks": "http://127.0.0.1.example.com/keys" })),
            ("jwks", json!({ "jwks": "http://localhost@id.example.com/keys" })),
            ("jwks", json!({ "jwks": "ftp://127.0.0.1/keys" })),
            ("jwks", json!({ "jwks": "file:///etc/keys" })),
            ("user_pool_id", json!({ "user_pool_id": null })),
            ("user_pool_id", json!({ "user_pool_id": "" })),
            ("user_pool_claim", json!({ "user_pool_claim": "org_id" })),
            ("user_pool_claim", json!({ "user_pool_id": null, "user_pool_claim": "" })),
            ("nick", json!({ "claims": { "nick": "given_name" } })),
            ("algorithms", json!({ "algorithms": ["none"] })),
        ] {
            let error = read(change.clone()).expect_err(&change.to_string());
            assert!(error.contains(name), "{change}: {error}");
        }
    }

    #[test]
    fn duplicate_issuer_is_rejected() {
        let error = serde_json::from_value::<Issuers>(json!([whole(), whole()])).unwrap_err().to_string();
        assert!(error.contains("\"https://id.example.com\" stands there twice"), "{error}");
        let mut other = whole();
        other["issuer"] = json!("https://other.example.com");
        assert_eq!(serde_json::from_value::<Issuers>(json!([whole(), other])).unwrap().into_iter().count(), 2);
    }
}
