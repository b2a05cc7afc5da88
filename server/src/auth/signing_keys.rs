//! The Ed25519 keys that this server signs tokens with. All servers on one store share them.
//!
//! The first server on a store creates the first key. A new key is published before it signs, so that verifiers with a
//! cached key set know it by then. A superseded key stays published until the last token that it signed has expired.
//!
//! Deliberately absent: automatic rotation. An operator rotates the keys with `scanlogin-server keys`.

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::auth::error::SigningError;
use crate::clock::{Clock, later, rfc3339};
use crate::secrets::{Secret, random_bytes};
use crate::store::user::User;
use crate::store::{KeyPurpose, Store, StoreError, StoredKey};
use crate::telemetry::measured_store::MeasuredStore;

/// The lifetime of a token that a site's backend gets for a ticket.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long clients may cache the published keys.
pub const KEY_SET_MAX_AGE: Duration = Duration::from_secs(5 * 60);
/// How long a key is published before it signs. One minute is for the other servers to read it from the store; after it,
/// caches of the previous key set need up to [`KEY_SET_MAX_AGE`] to expire.
const PUBLISHED_AHEAD: Duration = KEY_SET_MAX_AGE.saturating_add(Duration::from_secs(60));
/// How long a superseded key stays in the store. It signs until its successor does; then its last token has to expire.
/// One minute is a margin for clocks that are late.
const RETENTION: Duration = PUBLISHED_AHEAD.saturating_add(TOKEN_LIFETIME).saturating_add(Duration::from_secs(60));
/// The JWS algorithm of all keys.
const ALGORITHM: &str = "EdDSA";

/// The signing keys, as last read from the store.
pub struct SigningKeys {
    store: MeasuredStore,
    clock: Clock,
    /// Newest first. Empty before the first read.
    keys: RwLock<Arc<[Arc<SigningKey>]>>,
}

/// A key that signs now, signed before, or will sign.
pub struct SigningKey {
    public: PublicKey,
    created_at: Timestamp,
    encoding: EncodingKey,
}

/// The public part of a key: a JSON Web Key (RFC 7517, RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    kid: String,
    alg: &'static str,
    #[serde(rename = "use")]
    purpose: &'static str,
}

/// The keys that verify the tokens of this server: a JSON Web Key Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKeys {
    keys: Vec<PublicKey>,
}

impl SigningKeys {
    /// Uses the keys in `store`. It does not read the store yet.
    pub fn new(store: MeasuredStore, clock: Clock) -> Self {
        Self { store, clock, keys: RwLock::new(Arc::new([])) }
    }

    /// Reads the keys from the store. Creates the first key, and deletes superseded keys that are no longer needed.
    ///
    /// # Errors
    ///
    /// If the store or the random number generator fails, or the store has a malformed key.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.read().await.map(drop)
    }

    /// Creates a key and returns its id. All servers publish the key within a minute, and sign with it after six.
    ///
    /// # Errors
    ///
    /// If the store or the random number generator fails.
    pub async fn rotate(&self) -> Result<String, StoreError> {
        let key = new_key(self.clock.now())?;
        let id = key.id.clone();
        self.store.call("add_key", |store| store.add_key(key)).await?;
        self.refresh().await?;
        Ok(id)
    }

    /// The key that signs now: the newest that has been published long enough, or else the oldest.
    ///
    /// # Errors
    ///
    /// If the keys were never read, and the store fails.
    pub async fn current(&self) -> Result<Arc<SigningKey>, StoreError> {
        let keys = self.known().await?;
        let now = self.clock.now();
        let current = keys.iter().find(|key| later(key.created_at, PUBLISHED_AHEAD) <= now).or(keys.last());
        current.cloned().ok_or_else(|| StoreError::new("the store has no signing key"))
    }

    /// The public parts of all keys, newest first.
    ///
    /// # Errors
    ///
    /// If the keys were never read, and the store fails.
    pub async fn published(&self) -> Result<PublicKeys, StoreError> {
        Ok(PublicKeys { keys: self.known().await?.iter().map(|key| key.public.clone()).collect() })
    }

    /// One line per key, newest first: id, algorithm, time of creation, and `signs` or `published`.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub async fn list(&self) -> Result<Vec<String>, StoreError> {
        let keys = self.read().await?;
        let current = self.current().await?;
        let line = |key: &Arc<SigningKey>| {
            let state = if key.public == current.public { "signs" } else { "published" };
            format!("{} {ALGORITHM} {} {state}", key.public.kid, rfc3339(key.created_at))
        };
        Ok(keys.iter().map(line).collect())
    }

    async fn known(&self) -> Result<Arc<[Arc<SigningKey>]>, StoreError> {
        let known = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_empty() { self.read().await } else { Ok(known) }
    }

    /// Replaces the keys by one with which no token can be signed.
    #[cfg(test)]
    pub(crate) fn break_for_test(&self) {
        let mut key = SigningKey::read(&new_key(self.clock.now()).unwrap()).unwrap();
        // The key is for HMAC, and the algorithm of the token is EdDSA.
        key.encoding = EncodingKey::from_secret(b"");
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new([Arc::new(key)]);
    }

    async fn read(&self) -> Result<Arc<[Arc<SigningKey>]>, StoreError> {
        let now = self.clock.now();
        let superseded_before = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
        let delete = |store| Store::delete_superseded_keys(store, KeyPurpose::Signing, superseded_before);
        self.store.call("delete_superseded_keys", delete).await?;
        let mut stored = self.store.call("keys", |store| store.keys(KeyPurpose::Signing)).await?;
        if stored.is_empty() {
            let new = new_key(now)?;
            stored = vec![self.store.call("get_or_insert_key", |store| store.get_or_insert_key(new)).await?];
        }
        let keys = stored.iter().map(|key| SigningKey::read(key).map(Arc::new)).collect::<Result<Arc<_>, _>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(keys)
    }
}

impl SigningKey {
    /// A token of `issuer` for `audience` that describes `user`, and the time at which it expires.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if the signing fails.
    pub fn sign(
        &self,
        user: &User,
        issuer: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp), SigningError> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iss: &'a str,
            aud: &'a str,
            iat: i64,
            exp: i64,
            #[serde(flatten)]
            user: &'a User,
        }
        let expires_at = later(now, TOKEN_LIFETIME);
        let claims = Claims { iss: issuer, aud: audience, iat: now.as_second(), exp: expires_at.as_second(), user };
        let header = Header { kid: Some(self.public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        match jsonwebtoken::encode(&header, &claims, &self.encoding) {
            Ok(token) => Ok((Secret::new(token), expires_at)),
            Err(error) => {
                tracing::error!(%error, "a token can't be signed");
                Err(SigningError)
            }
        }
    }

    fn read(stored: &StoredKey) -> Result<Self, StoreError> {
        let unreadable = |problem: String| StoreError::new(format_args!("the signing key {}: {problem}", stored.id));
        if stored.algorithm != ALGORITHM {
            return Err(unreadable(format!("it is for {}, which this version does not know", stored.algorithm)));
        }
        let key =
            ed25519_dalek::SigningKey::from_pkcs8_der(&stored.secret).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            public: PublicKey::of(&key),
            created_at: stored.created_at,
            encoding: EncodingKey::from_ed_der(&stored.secret),
        })
    }
}

impl PublicKey {
    fn of(key: &ed25519_dalek::SigningKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        // RFC 7638: the hash covers the required members, in alphabetical order and without whitespace.
        let members = json!({ "crv": "Ed25519", "kty": "OKP", "x": x }).to_string();
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(members));
        Self { kty: "OKP", crv: "Ed25519", x, kid, alg: ALGORITHM, purpose: "sig" }
    }
}

fn new_key(now: Timestamp) -> Result<StoredKey, StoreError> {
    let key = ed25519_dalek::SigningKey::from_bytes(&random_bytes().map_err(StoreError::new)?);
    Ok(StoredKey {
        id: PublicKey::of(&key).kid,
        purpose: KeyPurpose::Signing,
        algorithm: ALGORITHM.to_owned(),
        secret: key.to_pkcs8_der().map_err(StoreError::new)?.as_bytes().to_vec(),
        created_at: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kid_is_the_thumbprint_of_rfc_7638() {
        // RFC 8037, A.1 and A.3.
        let secret = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = PublicKey::of(&ed25519_dalek::SigningKey::from_bytes(&secret.try_into().unwrap()));
        assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn read_rejects_a_malformed_key_with_its_id() {
        let key = new_key(Timestamp::UNIX_EPOCH).unwrap();
        assert!(SigningKey::read(&key).is_ok());
        for wrong in [
            StoredKey { algorithm: "ES512".to_owned(), ..key.clone() },
            StoredKey { secret: vec![1, 2, 3], ..key.clone() },
        ] {
            let error = SigningKey::read(&wrong).err().unwrap().to_string();
            assert!(error.starts_with(&format!("the signing key {}: ", key.id)), "{error}");
        }
    }
}
