//! The published keys of an issuer: a JSON Web Key Set (RFC 7517), read into the keys that may verify a signature.
//!
//! A key is for one algorithm, which its own kind decides and never the token. What is not for RS256, ES256 or EdDSA is
//! passed over, as the RFC asks: secrets (`oct`), other curves, keys to encrypt to. Deliberately absent: certificates.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// The shortest and the longest RSA modulus, in bytes: less is not safe (RFC 7518, 3.3), more is not verified.
const RSA_BYTES: core::ops::RangeInclusive<usize> = 256..=512;
/// The length of an Ed25519 key, and of a coordinate on P-256.
const CURVE_BYTES: usize = 32;

/// How a point of which both coordinates follow begins (SEC 1, 2.3.3).
const UNCOMPRESSED: [u8; 1] = [4];

/// All keys of an issuer that we can use: one at least.
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

/// The members of a key that are looked at. In `n`, `e`, `x` and `y` are numbers in base64.
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
    /// What is wrong with it. A set of which nothing can be used is taken for a mistake.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let set: KeySet = serde_json::from_slice(text).map_err(|error| format!("no JSON Web Key Set: {error}"))?;
        let keys: Vec<Key> = set.keys.into_iter().filter_map(Key::read).collect();
        if keys.is_empty() {
            return Err("a JSON Web Key Set without a key for RS256, ES256 or EdDSA".to_owned());
        }
        Ok(Self(keys))
    }

    /// The one key for `algorithm` that is called `id`, or the only one when the token does not say. Of several none: a
    /// token must not be tried on one after the other.
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

/// Without the zeros in front that some issuers write.
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
    fn the_kind_of_a_key_decides_which_algorithm_it_is_for() {
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
    fn of_two_keys_that_fit_none_is_taken() {
        let keys = read(&[ed(), with(ed(), "kid", json!("b")), ec(), ec()]).unwrap();
        assert!(keys.find(Some("a"), Algorithm::EdDSA).is_some());
        assert!(keys.find(None, Algorithm::EdDSA).is_none(), "it could be either");
        assert!(keys.find(Some("a"), Algorithm::ES256).is_none(), "two of one name");
    }

    #[test]
    fn what_a_key_says_of_its_purpose_is_respected() {
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
    fn keys_that_can_not_be_used_are_passed_over() {
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
    fn what_is_no_key_set_is_refused() {
        for text in ["", "<html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            assert!(Keys::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
