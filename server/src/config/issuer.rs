//! Whom we believe: what stands under `[[issuer]]`, and what is refused there.
//!
//! Deliberately absent: the keys themselves, which come later, from where an issuer says.

use core::str::FromStr;
use std::net::IpAddr;
use std::path::PathBuf;

use axum::http::Uri;
use serde::Deserialize;

/// An OpenID Connect provider, or whoever else signs tokens with a key that it publishes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Issuer {
    /// What its tokens say in `iss`, to the letter.
    pub name: String,
    /// What `aud` must hold one of.
    pub audience: Vec<String>,
    /// Where its keys are.
    pub jwks: KeySource,
    /// Which pool its users are in.
    pub pool: Pool,
    /// What it calls what we want to know.
    pub claims: ClaimNames,
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Over TLS, or on this machine.
    Url(String),
    /// In a file.
    File(PathBuf),
}

/// How the pool of a user is known. In one pool, users with the same id are one user, whichever issuers they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// All users are in the same.
    Fixed(String),
    /// The claim of this name says it.
    Claim(String),
}

/// What an issuer calls the claims of OpenID Connect that make a user.
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

/// Issuers of different names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Issuer>")]
pub struct Issuers(Vec<Issuer>);

impl Issuers {
    /// Whether there is none.
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

/// An issuer as a person writes it.
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
#[serde(untagged, expecting = "audience: neither a text nor a list of texts")]
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
            return Err("audience: is empty; without one, every token of the issuer would do".to_owned());
        }
        let pool = match (fields.user_pool_id, fields.user_pool_claim) {
            (Some(id), None) if !id.is_empty() => Pool::Fixed(id),
            (None, Some(name)) if !name.is_empty() => Pool::Claim(name),
            _ => return Err("user_pool_id, user_pool_claim: one of them must be given, and not be empty".to_owned()),
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
        let uri: Uri = text.parse().map_err(|error| format!("jwks: {text:?} is no address: {error}"))?;
        match uri.scheme_str() {
            Some("https") => Ok(Self::Url(text.to_owned())),
            Some("http") if uri.host().is_some_and(is_this_machine) => Ok(Self::Url(text.to_owned())),
            _ => Err(format!("jwks: {text:?} is not https; whoever is in between could put keys of theirs in place")),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
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
    fn an_issuer_is_read_as_it_is_written() {
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
    fn keys_come_from_a_file_or_over_tls_or_from_this_machine() {
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
    fn every_wrong_value_is_refused_by_name() {
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
    fn an_issuer_that_stands_twice_is_refused() {
        let error = serde_json::from_value::<Issuers>(json!([whole(), whole()])).unwrap_err().to_string();
        assert!(error.contains("\"https://id.example.com\" stands there twice"), "{error}");
        let mut other = whole();
        other["issuer"] = json!("https://other.example.com");
        assert_eq!(serde_json::from_value::<Issuers>(json!([whole(), other])).unwrap().into_iter().count(), 2);
    }
}
