//! Reads the published keys of an issuer, a JSON Web Key Set (RFC 7517), into keys that verify signatures.
//!
//! Invariant: a key verifies one algorithm. The type of the key decides which; the token has no influence on it.
//!
//! The reader skips keys that are not for RS256, ES256 or EdDSA, as the RFC recommends: shared secrets (`oct`), other
//! curves, encryption keys. It ignores certificates (`x5c`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The accepted lengths of an RSA modulus, in bytes. RFC 7518, section 3.3, requires at least 2048 bits. The crate `rsa`
/// verifies at most 4096 bits.
const RSA_BYTES: core::ops::RangeInclusive<usize> = 256..=512;
/// The length of an Ed25519 key and of a P-256 coordinate, in bytes.
const CURVE_BYTES: usize = 32;

/// The prefix of a point that is written with both coordinates (SEC 1, section 2.3.3).
const UNCOMPRESSED: [u8; 1] = [4];

/// The usable keys of an issuer. Invariant: there is at least one.
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    decoding: DecodingKey,
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
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let set: KeySet = serde_json::from_slice(text).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("the JSON Web Key Set has no key for RS256, ES256 or EdDSA".to_owned());
        }
        Ok(Self(keys))
    }

    /// The number of usable keys.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The key for `algorithm` with the id `id`, or, without an `id`, the only key for `algorithm`.
    ///
    /// `None` if no key matches, and if more than one does: a token must not be tried against several keys.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let fits = |key: &&Key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(&key.decoding),
            _ => None,
        }
    }
}

impl Key {
    fn read(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let (name, algorithm, decoding) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => {
                let modulus = number(jwk.n).filter(|modulus| RSA_BYTES.contains(&modulus.len()))?;
                let key = DecodingKey::from_rsa_raw_components(&modulus, &number(jwk.e)?);
                ("RS256", Algorithm::RS256, key)
            }
            ("EC", Some("P-256")) => {
                let point = [UNCOMPRESSED.to_vec(), coordinate(jwk.x)?, coordinate(jwk.y)?].concat();
                ("ES256", Algorithm::ES256, DecodingKey::from_ec_der(&point))
            }
            ("OKP", Some("Ed25519")) => ("EdDSA", Algorithm::EdDSA, DecodingKey::from_ed_der(&coordinate(jwk.x)?)),
            _ => return None,
        };
        let is_meant = jwk.alg.is_none_or(|alg| alg == name)
            && jwk.purpose.is_none_or(|purpose| purpose == "sig")
            && jwk.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
        is_meant.then_some(Self { id: jwk.kid, algorithm, decoding })
    }
}

/// Decodes a number and drops leading zero bytes, which some issuers write.
fn number(text: Option<String>) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text?).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn coordinate(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok().filter(|bytes| bytes.len() == CURVE_BYTES)
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
        json!({ "kty": "EC", "crv": "P-256", "kid": "a", "x": base64(32), "y": base64(32) })
    }

    fn ed() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": base64(32) })
    }

    fn with(mut key: Value, name: &str, value: Value) -> Value {
        key[name] = value;
        key
    }

    fn read(keys: &[Value]) -> Result<Keys, String> {
        Keys::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn find_matches_only_the_algorithm_of_the_key_type() {
        let keys = read(&[rsa(), ec(), ed()]).unwrap();
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            for id in [Some("a"), None] {
                assert!(keys.find(id, algorithm).is_some(), "{algorithm:?}");
            }
            assert!(keys.find(Some("b"), algorithm).is_none());
        }
        for algorithm in [Algorithm::HS256, Algorithm::RS384, Algorithm::PS256, Algorithm::ES384] {
            assert!(keys.find(Some("a"), algorithm).is_none(), "{algorithm:?}");
        }
    }

    #[test]
    fn find_returns_none_if_more_than_one_key_matches() {
        let keys = read(&[ed(), with(ed(), "kid", json!("b")), ec(), ec()]).unwrap();
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(keys.find(None, Algorithm::EdDSA).is_none(), "two keys are for EdDSA");
        assert!(keys.find(Some("a"), Algorithm::ES256).is_none(), "two keys have this id");
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
            with(rsa(), "alg", json!("PS256")),
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
            assert!(Keys::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
