//! Parses a token, a JSON Web Signature in its compact form (RFC 7515), and verifies its signature.
//!
//! Invariant: [`Token::verified_by`] is the only function that returns claims as verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use p521::ecdsa::signature::Verifier as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::auth::claims::{Claims, shown};
use crate::auth::error::{TokenError, TokenProblem};
use crate::config::algorithm::Algorithm;

/// The longest token that the server verifies. The limit bounds the work per request; usual tokens are much shorter.
pub(super) const MAX_BYTES: usize = 8 * 1024;
/// The accepted values of `typ`, in lower case: that of RFC 7519, and that of RFC 9068 in both spellings.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// A token with a well-formed header and claims. Its signature is not verified.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// The header. It only selects the key.
    pub(crate) header: TokenHeader,
    /// The claims. They only select the key.
    pub(crate) unverified_claims: Claims,
    signed: &'a str,
    signature: &'a str,
}

/// The parameters of a header that the server reads. It ignores keys and addresses of keys.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TokenHeader {
    /// The name of the algorithm.
    pub(crate) alg: String,
    /// The id of the key.
    pub(crate) kid: Option<String>,
    /// The kind of token.
    pub(crate) typ: Option<String>,
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    /// Parses `text`.
    pub(crate) fn parse(text: &'a str) -> Result<Self, TokenError> {
        if text.len() > MAX_BYTES {
            let length = text.len();
            return Err(TokenProblem::TooLong.because(format!("it has {length} bytes; the limit is {MAX_BYTES} bytes")));
        }
        let malformed = |explanation: &str| Err(TokenProblem::Malformed.because(explanation));
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            return malformed(match parts.len() {
                1 => "it has no dots, so it is not a JSON Web Token; the server can't verify an opaque token",
                5 => "it has five parts, so it is encrypted (JWE); the server can't decrypt it",
                _ => "a signed JSON Web Token has three parts, separated by dots",
            });
        };
        let signed_length = header.len() + 1 + claims.len();
        let Some((signed, _)) = text.split_at_checked(signed_length) else { return malformed("it is not ASCII") };
        Ok(Self { header: decode("header", header)?, unverified_claims: decode("claims", claims)?, signed, signature })
    }

    /// The algorithm of the header, if the server supports the token.
    pub(crate) fn algorithm(&self) -> Result<Algorithm, TokenError> {
        if let Some(critical) = &self.header.crit {
            let explanation = format!("crit is {}; the server supports no extension", shown(&critical.to_string()));
            return Err(TokenProblem::UnsupportedExtension.because(explanation));
        }
        if let Some(typ) = self.header.typ.as_ref().filter(|typ| !TYPES.contains(&typ.to_ascii_lowercase().as_str())) {
            let explanation = format!("typ is \"{}\"; the server accepts JWT and at+jwt", shown(typ));
            return Err(TokenProblem::UnsupportedType.because(explanation));
        }
        self.header.alg.parse().map_err(|_| {
            let supported: Vec<String> = Algorithm::ALL.iter().map(ToString::to_string).collect();
            TokenProblem::UnsupportedAlgorithm.because(format!(
                "alg is \"{}\"; the server supports {}",
                shown(&self.header.alg),
                supported.join(", ")
            ))
        })
    }

    /// The claims, if `key` verifies the signature. The caller has chosen `algorithm` for the key, not for the token.
    pub(super) fn verified_by(&self, key: &DecodingKey, algorithm: Algorithm) -> Result<&Claims, TokenError> {
        let is_valid = match jws_algorithm(algorithm) {
            Some(algorithm) => {
                jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, algorithm).unwrap_or(false)
            }
            None => self.is_signed_with_es512(key).unwrap_or(false),
        };
        if is_valid {
            return Ok(&self.unverified_claims);
        }
        Err(TokenProblem::WrongSignature.because(format!("the key does not verify the signature ({algorithm})")))
    }

    /// `None` if the key or the signature is malformed.
    fn is_signed_with_es512(&self, key: &DecodingKey) -> Option<bool> {
        let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(key.try_get_as_bytes().ok()?).ok()?;
        let signature = p521::ecdsa::Signature::from_slice(&URL_SAFE_NO_PAD.decode(self.signature).ok()?).ok()?;
        Some(key.verify(self.signed.as_bytes(), &signature).is_ok())
    }
}

fn decode<T: DeserializeOwned>(part: &str, text: &str) -> Result<T, TokenError> {
    let malformed = |problem: String| TokenProblem::Malformed.because(format!("its {part} is malformed: {problem}"));
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|error| malformed(format!("not base64url: {error}")))?;
    // serde also deserializes a struct from an array.
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| malformed(format!("not JSON: {error}")))?;
    if !value.is_object() {
        return Err(malformed("not a JSON object".to_owned()));
    }
    serde_json::from_value(value).map_err(|error| malformed(shown(&error.to_string())))
}

/// The algorithm in the crate `jsonwebtoken`, which has no ES512.
fn jws_algorithm(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    Some(match algorithm {
        Algorithm::HS256 => jsonwebtoken::Algorithm::HS256,
        Algorithm::HS384 => jsonwebtoken::Algorithm::HS384,
        Algorithm::HS512 => jsonwebtoken::Algorithm::HS512,
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::ES512 => return None,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    })
}
