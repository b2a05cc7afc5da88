//! Reads the keys of an issuer into keys that verify signatures: a JSON Web Key Set (RFC 7517), or a secret.
//!
//! Invariant: a key verifies the algorithms that its type, its `alg` and the settings give it. The token has no influence
//! on them. A public key never verifies an HMAC, and a secret verifies nothing else.
//!
//! The reader skips other keys, as the RFC recommends: shared secrets (`oct`), other curves, encryption keys. It ignores
//! certificates (`x5c`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use crate::auth::claims::shown;
use crate::auth::error::{TokenError, TokenProblem};
use crate::config::algorithm::Algorithm;
use crate::config::issuer::Issuer;
use crate::secrets::Secret;

/// The accepted lengths of an RSA modulus, in bytes. RFC 7518, section 3.3, requires at least 2048 bits. The crate `rsa`
/// verifies at most 4096 bits.
const RSA_BYTES: core::ops::RangeInclusive<usize> = 256..=512;
/// The algorithms of an RSA key. The first one is that of a key without `alg`.
const RSA: [Algorithm; 6] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

/// The prefix of a point that is written with both coordinates (SEC 1, section 2.3.3).
const UNCOMPRESSED: [u8; 1] = [4];

/// The usable keys of an issuer. Invariant: there is at least one.
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: KeyId,
    /// Never empty.
    algorithms: Vec<Algorithm>,
    /// The issuer for whose tokens Microsoft publishes the key. `{tenantid}` in it stands for any tenant.
    issuer: Option<String>,
    decoding: DecodingKey,
}

enum KeyId {
    /// The `kid` of a published key, which a token names.
    Published(Option<String>),
    /// The only secret of its issuer. Some issuers write a `kid`, which has no meaning for the server.
    Secret,
}

/// The part of a token that selects a key.
#[derive(Clone, Copy)]
pub(super) struct KeyQuery<'a> {
    pub(super) id: Option<&'a str>,
    pub(super) algorithm: Algorithm,
    /// `iss`, if the issuer's entry has a placeholder. Such an entry has the keys of many tenants.
    pub(super) tenant_issuer: Option<&'a str>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// The members of a JSON Web Key that this server reads. `n`, `e`, `x` and `y` are numbers in base64url.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    issuer: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    /// Reads a key set.
    ///
    /// # Errors
    ///
    /// A description of the problem. A set without a usable key is an error.
    pub(super) fn read(text: &[u8], allowed: Option<&[Algorithm]>) -> Result<Self, String> {
        let set: KeySet = serde_json::from_slice(text).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
        let keys: Vec<Key> = set.keys.into_iter().filter_map(|jwk| Key::read(jwk, allowed)).collect();
        if keys.is_empty() {
            return Err("the JSON Web Key Set has no key for a supported and allowed algorithm".to_owned());
        }
        Ok(Self(keys))
    }

    /// The number of usable keys.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The secret of an issuer, for the algorithms that its entry allows.
    pub(super) fn secret(secret: &Secret, issuer: &Issuer) -> Self {
        let allowed =
            Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_symmetric() && issuer.allows(*algorithm));
        Self(vec![Key {
            id: KeyId::Secret,
            algorithms: allowed.collect(),
            issuer: None,
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
        }])
    }

    /// The key for the algorithm with the id of the query. Without an id, the only key for the algorithm.
    ///
    /// # Errors
    ///
    /// [`TokenProblem::UnknownKey`] if no key matches, and if more than one does: a token must not be tried against several
    /// keys.
    pub(super) fn find(&self, query: KeyQuery<'_>) -> Result<&DecodingKey, TokenError> {
        let mut fitting = self.0.iter().filter(|key| key.fits(query));
        let problem = match (fitting.next(), fitting.next()) {
            (Some(key), None) => return Ok(&key.decoding),
            (None, _) => "no key",
            (Some(_), Some(_)) => "more than one key",
        };
        let id = query.id.map_or_else(|| "without kid".to_owned(), |id| format!("with kid {:?}", shown(id)));
        let keys: Vec<String> = self.0.iter().map(Key::describe).collect();
        Err(TokenProblem::UnknownKey.because(format!(
            "{problem} of the issuer fits a token {id} and alg {}; the issuer publishes {}",
            query.algorithm,
            shown(&keys.join(", "))
        )))
    }
}

impl Key {
    fn read(jwk: Value, allowed: Option<&[Algorithm]>) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let point = |bytes: usize| {
            Some([UNCOMPRESSED.to_vec(), coordinate(&jwk.x, bytes)?, coordinate(&jwk.y, bytes)?].concat())
        };
        let (possible, decoding) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => {
                let modulus = number(&jwk.n).filter(|modulus| RSA_BYTES.contains(&modulus.len()))?;
                (RSA.as_slice(), DecodingKey::from_rsa_raw_components(&modulus, &number(&jwk.e)?))
            }
            ("EC", Some("P-256")) => ([Algorithm::ES256].as_slice(), DecodingKey::from_ec_der(&point(32)?)),
            ("EC", Some("P-384")) => ([Algorithm::ES384].as_slice(), DecodingKey::from_ec_der(&point(48)?)),
            ("EC", Some("P-521")) => ([Algorithm::ES512].as_slice(), DecodingKey::from_ec_der(&point(66)?)),
            ("OKP", Some("Ed25519")) => {
                ([Algorithm::EdDSA].as_slice(), DecodingKey::from_ed_der(&coordinate(&jwk.x, 32)?))
            }
            _ => return None,
        };
        let is_meant = jwk.purpose.is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        if !is_meant {
            return None;
        }
        let algorithms: Vec<Algorithm> = match (jwk.alg, allowed) {
            (Some(alg), _) => possible.iter().filter(|one| one.to_string() == alg).copied().collect(),
            (None, Some(_)) => possible.to_vec(),
            (None, None) => possible.first().copied().into_iter().collect(),
        };
        let is_allowed = |algorithm: &Algorithm| allowed.is_none_or(|allowed| allowed.contains(algorithm));
        let algorithms: Vec<Algorithm> = algorithms.into_iter().filter(is_allowed).collect();
        (!algorithms.is_empty()).then_some(Self {
            id: KeyId::Published(jwk.kid),
            algorithms,
            issuer: jwk.issuer,
            decoding,
        })
    }

    fn fits(&self, query: KeyQuery<'_>) -> bool {
        let has_id = match &self.id {
            KeyId::Published(own) => query.id.is_none() || own.as_deref() == query.id,
            KeyId::Secret => true,
        };
        let is_for_issuer = match (&self.issuer, query.tenant_issuer) {
            (Some(own), Some(iss)) => names_issuer(own, iss),
            _ => true,
        };
        has_id && is_for_issuer && self.algorithms.contains(&query.algorithm)
    }

    /// The id and the algorithms, for a message.
    fn describe(&self) -> String {
        let algorithms: Vec<String> = self.algorithms.iter().map(ToString::to_string).collect();
        let id = match &self.id {
            KeyId::Published(Some(id)) => format!("{id:?}"),
            KeyId::Published(None) => "a key without kid".to_owned(),
            KeyId::Secret => "a secret".to_owned(),
        };
        format!("{id} ({})", algorithms.join(", "))
    }
}

/// Whether the `issuer` of a key of Microsoft's, which may have the placeholder `{tenantid}`, is `iss`.
fn names_issuer(issuer: &str, iss: &str) -> bool {
    match issuer.split_once("{tenantid}") {
        Some((before, after)) => {
            let tenant = iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            tenant.is_some_and(|tenant| !tenant.is_empty() && !tenant.contains('/'))
        }
        None => issuer == iss,
    }
}

/// Decodes a number and drops leading zero bytes, which some issuers write.
fn number(text: &Option<String>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.as_ref()?).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn coordinate(text: &Option<String>, length: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.as_ref()?).ok().filter(|bytes| bytes.len() == length)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base64(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![7; bytes])
    }

    fn rsa() -> Value {
        json!({ "kty": "RSA", "kid": "a", "n": base64(256), "e": "AQAB" })
    }

    fn ec() -> Value {
        ec_of("P-256", 32)
    }

    fn ec_of(curve: &str, bytes: usize) -> Value {
        json!({ "kty": "EC", "crv": curve, "kid": "a", "x": base64(bytes), "y": base64(bytes) })
    }

    fn ed() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": base64(32) })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn read(keys: &[Value]) -> Result<Keys, String> {
        read_allowed(keys, None)
    }

    fn read_allowed(keys: &[Value], allowed: Option<&[Algorithm]>) -> Result<Keys, String> {
        Keys::read(json!({ "keys": keys }).to_string().as_bytes(), allowed)
    }

    fn has(keys: &Keys, id: Option<&str>, algorithm: Algorithm) -> bool {
        keys.find(KeyQuery { id, algorithm, tenant_issuer: None }).is_ok()
    }

    #[test]
    fn find_matches_only_the_algorithm_of_the_key_type() {
        let keys = read(&[rsa(), ec(), ec_of("P-384", 48), ec_of("P-521", 66), ed()]).unwrap();
        for algorithm in Algorithm::ALL {
            let is_default = [Algorithm::RS256, Algorithm::ES256, Algorithm::ES384, Algorithm::ES512, Algorithm::EdDSA]
                .contains(&algorithm);
            for id in [Some("a"), None] {
                assert_eq!(has(&keys, id, algorithm), is_default, "{algorithm}");
            }
            assert!(!has(&keys, Some("b"), algorithm));
        }
    }

    #[test]
    fn alg_of_a_key_and_allowed_algorithms_select_its_algorithms() {
        use Algorithm as A;
        for (alg, allowed, expected) in [
            (None, None, vec![A::RS256]),
            (None, Some([A::PS256, A::RS512]), vec![A::RS512, A::PS256]),
            (None, Some([A::HS256, A::ES256]), vec![]),
            (Some("PS512"), None, vec![A::PS512]),
            (Some("PS512"), Some([A::PS256, A::PS512]), vec![A::PS512]),
            (Some("PS512"), Some([A::PS256, A::RS512]), vec![]),
            (Some("HS256"), Some([A::HS256, A::RS256]), vec![]),
            (Some("ES256"), None, vec![]),
        ] {
            let key = alg.map_or_else(rsa, |alg| with(rsa(), "alg", json!(alg)));
            let keys = read_allowed(&[key], allowed.as_ref().map(<[_; 2]>::as_slice));
            let found = Algorithm::ALL.into_iter().filter(|one| keys.as_ref().is_ok_and(|keys| has(keys, None, *one)));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{alg:?} {allowed:?}");
        }
    }

    #[test]
    fn issuer_of_a_key_counts_only_for_an_entry_with_a_placeholder() {
        let key = |issuer: &str| read(&[with(ed(), "issuer", json!(issuer))]).unwrap();
        let find = |keys: &Keys, tenant_issuer| {
            keys.find(KeyQuery { id: Some("a"), algorithm: Algorithm::EdDSA, tenant_issuer }).is_ok()
        };
        let any = key("https://login.example.com/{tenantid}/v2.0");
        let one = key("https://login.example.com/b/v2.0");
        assert!(find(&any, None) && find(&one, None));
        assert!(find(&any, Some("https://login.example.com/a/v2.0")));
        assert!(!find(&any, Some("https://login.example.com/a/b/v2.0")));
        assert!(!find(&any, Some("https://login.example.com//v2.0")));
        assert!(find(&one, Some("https://login.example.com/b/v2.0")));
        assert!(!find(&one, Some("https://login.example.com/a/v2.0")));
    }

    #[test]
    fn find_fails_if_more_than_one_key_matches() {
        let keys = read(&[ed(), with(ed(), "kid", json!("b")), ec(), ec()]).unwrap();
        assert!(has(&keys, Some("a"), Algorithm::EdDSA));
        assert!(!has(&keys, None, Algorithm::EdDSA), "two keys are for EdDSA");
        assert!(!has(&keys, Some("a"), Algorithm::ES256), "two keys have this id");
    }

    #[test]
    fn read_accepts_keys_that_allow_verification() {
        for key in [
            with(rsa(), "alg", json!("RS256")),
            with(rsa(), "use", json!("sig")),
            with(rsa(), "key_ops", json!(["encrypt", "verify"])),
            with(rsa(), "n", json!(URL_SAFE_NO_PAD.encode([&[0][..], &[7; 256]].concat()))),
            with(rsa(), "x5c", json!(["…"])),
        ] {
            assert!(read(std::slice::from_ref(&key)).is_ok(), "{key}");
        }
    }

    #[test]
    fn read_skips_unusable_keys() {
        for key in [
            json!("no object"),
            json!({ "kty": "oct", "kid": "a", "k": base64(32) }),
            with(rsa(), "alg", json!("HS256")),
            with(rsa(), "use", json!("enc")),
            with(rsa(), "key_ops", json!(["sign"])),
            with(rsa(), "n", json!(base64(128))),
            with(rsa(), "n", json!(URL_SAFE_NO_PAD.encode([&[0; 128][..], &[7; 128]].concat()))),
            with(rsa(), "n", json!(base64(1024))),
            with(rsa(), "e", Value::Null),
            with(rsa(), "kid", json!(5)),
            with(ec(), "crv", json!("P-384")),
            with(ec(), "crv", json!("secp256k1")),
            with(ec(), "y", json!(base64(31))),
            with(ec(), "kty", json!("OKP")),
            with(ed(), "crv", json!("X25519")),
            with(ed(), "x", json!(base64(31))),
            with(ed(), "x", json!("not base64")),
            with(ed(), "alg", json!("ES256")),
        ] {
            assert!(read(std::slice::from_ref(&key)).is_err(), "{key}");
            assert!(read(&[key.clone(), with(ed(), "kid", json!("good"))]).is_ok(), "{key}");
        }
    }

    #[test]
    fn read_rejects_text_that_is_not_a_key_set() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            assert!(Keys::read(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}
