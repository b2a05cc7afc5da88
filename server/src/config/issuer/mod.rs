//! The issuers whose tokens the server accepts: the tables `[[issuer]]` of `scanlogin.toml`. `fields` checks their values.
//!
//! docs/issuers.md describes the settings. [`crate::auth`] fetches the keys of an issuer later.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use self::fields::Fields;
use self::key_source::KeySource;
use crate::config::algorithm::Algorithm;

mod fields;
pub mod key_source;

/// An OpenID Connect provider, or any other signer of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Issuer {
    /// The exact value of `iss` in its tokens. One `{claim}` may stand for the value of that claim of the same token:
    /// `https://login.microsoftonline.com/{tid}/v2.0`.
    pub name: String,
    /// The accepted audiences.
    pub audience: Audience,
    /// Claims that a token must have, each with one of the given values. The names may be paths.
    pub required_claims: BTreeMap<String, Vec<ClaimValue>>,
    /// The source of its keys.
    pub jwks: KeySource,
    /// The accepted algorithms. `None`: each published key verifies the one of its `alg`; without `alg`, RS256 for an RSA
    /// key, and the one of its curve for any other key. With a secret, HS256.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How the user pool of its users is determined.
    pub pool: Pool,
    /// The claims that hold the fields of a user.
    pub claims: ClaimNames,
}

/// What `aud` must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// `aud` contains one of these names. Never empty.
    AnyOf(Vec<String>),
    /// `aud` is absent or empty. The issuer then has required claims.
    Absent,
}

/// A value that a required claim may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "required_claims: a value must be a string, a boolean, an integer or a list of them")]
pub enum ClaimValue {
    /// A string, case-sensitive.
    Text(String),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
}

/// How the user pool of a user is determined. Users of one pool with the same id are one user, whatever their issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pool {
    /// The id of the pool of all users.
    Fixed(String),
    /// The name of the claim that contains the id of the pool.
    Claim(String),
}

/// The claim that holds each field of a user, and the claims about their sign-in. The default is the name of the claim in
/// OpenID Connect.
///
/// A name with dots is a path into nested objects, unless the token has a claim of exactly this name.
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
    pub(crate) auth_time: String,
    pub(crate) amr: String,
    pub(crate) acr: String,
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
            auth_time: "auth_time".to_owned(),
            amr: "amr".to_owned(),
            acr: "acr".to_owned(),
        }
    }
}

impl Issuer {
    /// The claim that stands in [`name`](Self::name), with the text before and after it.
    pub fn placeholder(&self) -> Option<(&str, &str, &str)> {
        let (before, rest) = self.name.split_once('{')?;
        let (claim, after) = rest.split_once('}')?;
        Some((before, claim, after))
    }

    /// Whether its tokens are signed with a secret, not with a private key.
    pub fn has_secret(&self) -> bool {
        matches!(self.jwks, KeySource::SecretFile(_))
    }

    /// Whether a token may be signed with `algorithm`.
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        match &self.algorithms {
            Some(allowed) => allowed.contains(&algorithm),
            None if self.has_secret() => algorithm == Algorithm::HS256,
            None => !algorithm.is_symmetric(),
        }
    }
}

impl ClaimValue {
    /// Whether `claim` is this value, or an array that contains it.
    pub fn is(&self, claim: &Value) -> bool {
        match claim {
            Value::Array(several) => several.iter().any(|one| self.equals(one)),
            one => self.equals(one),
        }
    }

    fn equals(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Bool(bool) => value.as_bool() == Some(*bool),
            Self::Integer(integer) => value.as_i64() == Some(*integer),
        }
    }
}

impl fmt::Display for ClaimValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Bool(bool) => bool.fmt(formatter),
            Self::Integer(integer) => integer.fmt(formatter),
        }
    }
}

impl ClaimNames {
    /// Each field of a user or of their sign-in, and its claim.
    pub(crate) fn each(&self) -> [(&'static str, &str); 11] {
        [
            ("id", &self.sub),
            ("email", &self.email),
            ("email verified", &self.email_verified),
            ("name", &self.name),
            ("nickname", &self.nickname),
            ("username", &self.preferred_username),
            ("photo", &self.picture),
            ("phone", &self.phone_number),
            ("signed in at", &self.auth_time),
            ("methods", &self.amr),
            ("context", &self.acr),
        ]
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::key_source::read_secret;
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
        assert_eq!(issuer.audience, Audience::AnyOf(vec!["a".to_owned(), "b".to_owned()]));
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
            ("audience", json!({ "audience": true })),
            ("required_claims", json!({ "audience": false })),
            ("required_claims", json!({ "required_claims": { "azp": [] } })),
            ("required_claims", json!({ "required_claims": { "": "a" } })),
            ("required_claims", json!({ "required_claims": { "azp": { "a": "b" } } })),
            ("required_claims", json!({ "required_claims": { "azp": 1.5 } })),
            ("jwks", json!({ "jwks": null, "issuer": "id.example.com" })),
            ("jwks", json!({ "jwks": null, "issuer": "http://id.example.com" })),
            ("secret_file", json!({ "secret_file": "no/such/file" })),
            ("secret_file", json!({ "jwks": null, "secret_file": "no/such/file" })),
            ("issuer", json!({ "issuer": "https://id.example.com/{tid}" })),
            ("issuer", json!({ "issuer": "https://id.example.com/{}", "required_claims": { "tid": "a" } })),
            ("issuer", json!({ "issuer": "https://id.example.com/{tid}/{a}", "required_claims": { "tid": "a" } })),
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
            ("claims", json!({ "claims": { "nickname": "" } })),
            ("algorithms", json!({ "algorithms": ["none"] })),
            ("algorithms", json!({ "algorithms": ["RS256", "HS256"] })),
            ("algorithms", json!({ "algorithms": [] })),
            ("insecure_http", json!({ "jwks": "http://keys.internal/keys" })),
        ] {
            let error = read(change.clone()).expect_err(&change.to_string());
            assert!(error.contains(name), "{change}: {error}");
        }
    }

    #[test]
    fn insecure_http_allows_a_key_set_on_another_machine() {
        let url = "http://keycloak.internal:8080/keys";
        let issuer = read(json!({ "jwks": url, "insecure_http": true })).unwrap();
        assert_eq!(issuer.jwks, KeySource::Url(url.to_owned()));
        assert!(read(json!({ "jwks": "ftp://keycloak.internal/keys", "insecure_http": true })).is_err());
        let discovered = read(json!({ "issuer": "http://id.internal/", "jwks": null, "insecure_http": true })).unwrap();
        let url = "http://id.internal/.well-known/openid-configuration".to_owned();
        assert_eq!(discovered.jwks, KeySource::Discovery { url, insecure_http: true });
    }

    #[test]
    fn issuer_without_jwks_is_discovered_over_https() {
        let issuer = read(json!({ "issuer": "https://id.example.com/realms/a/", "jwks": null })).unwrap();
        let url = "https://id.example.com/realms/a/.well-known/openid-configuration".to_owned();
        assert_eq!(issuer.jwks, KeySource::Discovery { url, insecure_http: false });
    }

    #[test]
    fn placeholder_needs_a_list_of_values_or_selects_the_pool() {
        let name = "https://login.example.com/{tid}/v2.0";
        for change in [
            json!({ "issuer": name, "required_claims": { "tid": ["a", "b"] } }),
            json!({ "issuer": name, "user_pool_id": null, "user_pool_claim": "tid" }),
        ] {
            assert_eq!(read(change).unwrap().placeholder(), Some(("https://login.example.com/", "tid", "/v2.0")));
        }
    }

    #[test]
    fn placeholder_must_be_complete_and_needs_jwks() {
        let required = json!({ "tid": ["a"] });
        for name in
            ["https://id.example/{tid", "https://id.example/tid}", "https://id.example/{tid}}", "https://id.example/{}"]
        {
            let error = read(json!({ "issuer": name, "required_claims": required })).unwrap_err();
            assert!(error.contains("placeholder"), "{name}: {error}");
        }
        let name = "https://id.example/{tid}";
        let error = read(json!({ "issuer": name, "required_claims": required, "jwks": null })).unwrap_err();
        assert!(error.contains("jwks"), "{error}");
    }

    #[test]
    fn secret_file_must_have_32_bytes_and_no_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read_with = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            read(json!({ "jwks": null, "secret_file": file.path(), "algorithms": ["HS256", "HS512"] }))
        };
        let secret = "x".repeat(32);
        assert_eq!(read_with(&format!("{secret}\r\n")).unwrap().jwks, KeySource::SecretFile(file.path().to_owned()));
        assert_eq!(read_secret(file.path()).unwrap().expose(), secret);
        let (pem, jwk) =
            (format!("-----BEGIN PUBLIC KEY-----\n{secret}"), format!("{{\"kty\":\"RSA\",\"n\":\"{secret}\"}}"));
        let others = [
            format!("\n{pem}"),
            format!("Bag Attributes\n{pem}"),
            format!("\u{feff}{jwk}"),
            format!("[{jwk}]"),
            format!("ssh-rsa {secret}"),
            " ".repeat(40),
        ];
        for invalid in others.into_iter().chain(["x".repeat(31), format!("{}\n\n", "x".repeat(31)), pem, jwk]) {
            let error = read_with(&invalid).unwrap_err();
            assert!(error.contains("secret_file") && !error.contains("xxx"), "{error}");
        }
        let error = read(json!({ "jwks": null, "secret_file": file.path(), "algorithms": ["RS256"] })).unwrap_err();
        assert!(error.contains("secret_file") || error.contains("RS256"), "{error}");
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
