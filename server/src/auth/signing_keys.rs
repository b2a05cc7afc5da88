//! The keys that this server signs with: Ed25519, made at the first start, kept in the store, shared by all servers on it.
//!
//! A new key is published for a while before it signs, so that whoever has fetched the keys of before knows it by then.
//! An old one stays published until every token that it has signed has expired. Deliberately absent: who asks for a
//! rotation, and tokens of others ([`crate::auth`]).

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

use crate::auth::error::AuthError;
use crate::clock::{Clock, later, rfc3339};
use crate::secrets::{Secret, random_bytes};
use crate::store::user::User;
use crate::store::{KeyPurpose, Store, StoreError, StoredKey};

/// How long a token that is handed out is good.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// How long others may keep what [`SigningKeys::published`] says.
pub const CACHED: Duration = Duration::from_secs(5 * 60);
/// How long a key is published before it signs: until the other servers have read it from the store, and nobody has a
/// copy of what was published before.
const PUBLISHED_AHEAD: Duration = CACHED.saturating_add(Duration::from_secs(60));
/// How long a key is kept once there is a newer one: while it still signs, and then until its last token has expired, by
/// clocks that are a minute late.
const KEPT: Duration = PUBLISHED_AHEAD.saturating_add(TOKEN_LIFETIME).saturating_add(Duration::from_secs(60));
/// What all keys are used with.
const ALGORITHM: &str = "EdDSA";

/// The keys in the store, as last read.
pub struct SigningKeys {
    store: Arc<dyn Store>,
    clock: Clock,
    /// Newest first. None before they are first read.
    keys: RwLock<Arc<[Arc<SigningKey>]>>,
}

/// A key that signs, has signed, or will sign.
pub struct SigningKey {
    public: PublicKey,
    created_at: Timestamp,
    encoding: EncodingKey,
}

/// What everybody may know of a key: a JSON Web Key (RFC 7517, RFC 8037).
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

/// All keys by which a token of this server can be verified: a JSON Web Key Set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKeys {
    keys: Vec<PublicKey>,
}

impl SigningKeys {
    /// The keys in `store`, which is not read yet.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock, keys: RwLock::new(Arc::new([])) }
    }

    /// Reads the keys again, makes the first, and drops those that nobody needs any more.
    ///
    /// # Errors
    ///
    /// When the store fails, or holds what is no key.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        self.read().await.map(drop)
    }

    /// Makes a new key, which all servers publish within a minute and sign with soon after, and tells its id.
    ///
    /// # Errors
    ///
    /// When the store or the random numbers fail.
    pub async fn rotate(&self) -> Result<String, StoreError> {
        let key = new_key(self.clock.now())?;
        let id = key.id.clone();
        self.store.add_key(key).await?;
        self.refresh().await?;
        Ok(id)
    }

    /// The key to sign with now.
    ///
    /// # Errors
    ///
    /// When the keys have never been read, and the store fails.
    pub async fn current(&self) -> Result<Arc<SigningKey>, StoreError> {
        let keys = self.known().await?;
        let now = self.clock.now();
        let current = keys.iter().find(|key| later(key.created_at, PUBLISHED_AHEAD) <= now).or(keys.last());
        current.cloned().ok_or_else(|| StoreError::new("the store keeps no signing key"))
    }

    /// What others verify tokens of this server with.
    ///
    /// # Errors
    ///
    /// When the keys have never been read, and the store fails.
    pub async fn published(&self) -> Result<PublicKeys, StoreError> {
        Ok(PublicKeys { keys: self.known().await?.iter().map(|key| key.public.clone()).collect() })
    }

    /// A line about each key, newest first, for whoever rotates them.
    ///
    /// # Errors
    ///
    /// When the store fails.
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

    async fn read(&self) -> Result<Arc<[Arc<SigningKey>]>, StoreError> {
        let now = self.clock.now();
        self.store.drop_keys(KeyPurpose::Signing, now.checked_sub(KEPT).unwrap_or(Timestamp::MIN)).await?;
        let mut stored = self.store.keys(KeyPurpose::Signing).await?;
        if stored.is_empty() {
            stored = vec![self.store.key_or(new_key(now)?).await?];
        }
        let keys = stored.iter().map(|key| SigningKey::read(key).map(Arc::new)).collect::<Result<Arc<_>, _>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&keys);
        Ok(keys)
    }
}

impl SigningKey {
    /// A token of `issuer` that tells `audience` who `user` is, and when it expires.
    ///
    /// # Errors
    ///
    /// [`AuthError::Signing`] when it can't be signed.
    pub fn sign(
        &self,
        user: &User,
        issuer: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp), AuthError> {
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
                Err(AuthError::Signing)
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
        // RFC 7638: the members that make the key, in the order of the alphabet, without spaces.
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
    fn a_key_is_called_by_its_thumbprint() {
        // RFC 8037, A.1 and A.3.
        let secret = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = PublicKey::of(&ed25519_dalek::SigningKey::from_bytes(&secret.try_into().unwrap()));
        assert_eq!(key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_no_key_is_refused_by_name() {
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
