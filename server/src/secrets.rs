//! The secrets of codes and apps: how the server creates, derives and stores ids, poll tokens and tickets.
//!
//! The server stores no poll token and no ticket. It derives them, and stores hashes. The process has one random key, which
//! it creates at its start.
//!
//! - `pollToken = HMAC(key, "poll-token" ‖ random)`. The browser gets the token, and the store gets its SHA-256. After a
//!   restart, and at another server, the key is a different one. The hash still verifies the token.
//! - `ticket = HMAC(pollToken, "ticket" ‖ random)`. The store gets its SHA-256 when the code is created. The ticket is not
//!   valid before the code is authorised. `check` derives it from the poll token that the browser sends.
//! - A client may send no poll token if its app has `compat.poll_without_token`. The server then derives the poll token
//!   again. For such apps only, the key is one that all servers share. The store contains that key, so a reader of the
//!   store can derive the tickets of these apps.
//! - A response code is random. Each confirm on the device of the page has a new one, and the store gets the SHA-256 of the
//!   last.
//!
//! Plain SHA-256 is sufficient for these hashes: the hashed secrets have 256 bits of entropy, and can't be guessed.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::{Key, KeyInit};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const HASH_PREFIX: &str = "sha256:";

/// The random number generator of the system failed.
pub type RandomError = getrandom::Error;

/// A secret text. `Debug` does not print it. [`is`](Self::is) is the only way to compare it:
///
/// ```compile_fail,E0369
/// use scanlogin_server::secrets::Secret;
/// let _ = Secret::new("a") == Secret::new("b");
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`, so that `Debug` does not print it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A random secret with 256 bits, which are 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// If the random number generator of the system fails.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?)))
    }

    /// The text, to send it or to sign with it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is this secret. The duration does not depend on how much of it is correct.
    pub fn is(&self, candidate: &str) -> bool {
        Hash::of(&self.0).is_of(candidate)
    }

    /// The length in bytes.
    pub fn length(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret. The server stores this instead of the secret. `==` takes constant time.
///
/// The text form is `sha256:` and 43 characters of base64url.
#[derive(Debug, Clone, Copy, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// The hash of `secret`.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// A hash from the store.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether this is the hash of `candidate`, in constant time.
    pub fn is_of(&self, candidate: &str) -> bool {
        *self == Self::of(candidate)
    }

    /// 64 bits for the purpose `label`. They tell nothing about the hash, and nothing about those of another label.
    pub(crate) fn derive(&self, label: &str) -> u64 {
        let digest: [u8; 32] = Sha256::new().chain_update(label).chain_update(self.0).finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{HASH_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.strip_prefix(HASH_PREFIX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok())
            .map(Self)
            .ok_or("a hash must be sha256: and 43 characters of base64url")
    }
}

/// A key that derives poll tokens.
pub struct PollKey([u8; 32]);

impl PollKey {
    /// A random key.
    ///
    /// # Errors
    ///
    /// If the random number generator of the system fails.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self(random_bytes()?))
    }

    /// A key from the store. `None` if `bytes` does not have 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The poll token of the code `random`. It proves that a browser created the code.
    pub fn poll_token(&self, random: &str) -> Secret {
        authenticate(&self.0, "poll-token", random)
    }
}

/// The ticket of the code `random`. The site's backend exchanges it for the user who authorised the code.
pub fn ticket(poll_token: &Secret, random: &str) -> Secret {
    authenticate(poll_token.0.as_bytes(), "ticket", random)
}

/// A random id of a code: 192 bits, which are 32 characters of base64url. It contains no time and no counter.
///
/// # Errors
///
/// If the random number generator of the system fails.
pub fn random_id() -> Result<String, RandomError> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<24>()?))
}

/// A random id of a request: 128 bits in hexadecimal. It is not a secret, so it does not need the generator of the system.
pub fn request_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Random bytes from the generator of the system.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// Invariant: a key has at most 64 bytes, the block size of SHA-256. HMAC pads it with zeros to that size (RFC 2104).
fn authenticate(key: &[u8], purpose: &str, random: &str) -> Secret {
    let mut block = Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut hmac = <Hmac<Sha256> as KeyInit>::new(&block);
    hmac.update(purpose.as_bytes());
    hmac.update(random.as_bytes());
    Secret(URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn authenticate_equals_hmac_with_keys_of_both_lengths() {
        for key in [&[7; 32][..], &[b'k'; 43]] {
            let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).unwrap();
            hmac.update(b"ticketid");
            let expected = URL_SAFE_NO_PAD.encode(hmac.finalize().into_bytes());
            assert!(authenticate(key, "ticket", "id").is(&expected));
        }
    }

    #[test]
    fn random_ids_are_unique_and_url_safe() {
        let ids: HashSet<String> = (0..1_000).map(|_| random_id().unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        for id in ids {
            assert_eq!(id.len(), 32);
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{id}");
        }
    }

    #[test]
    fn poll_tokens_and_tickets_differ_by_code_and_by_key() {
        let (key, other_key) = (PollKey([1; 32]), PollKey([2; 32]));
        let poll_token = key.poll_token("a");
        let secrets = [
            poll_token.clone(),
            key.poll_token("b"),
            other_key.poll_token("a"),
            ticket(&poll_token, "a"),
            ticket(&poll_token, "b"),
        ];
        let distinct: HashSet<&str> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(distinct.len(), secrets.len());
        let again = ticket(&key.poll_token("a"), "a");
        assert!(again.is(ticket(&poll_token, "a").expose()), "the derivation is deterministic");
    }

    #[test]
    fn hash_matches_only_its_secret() {
        let hash = Hash::of("secret");
        assert!(hash.is_of("secret"));
        assert!(!hash.is_of("secreT"));
        assert!(!hash.is_of(""));
        assert_eq!(Hash::from_bytes(*hash.as_bytes()), hash);
    }

    #[test]
    fn debug_does_not_print_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(…)");
    }
}
