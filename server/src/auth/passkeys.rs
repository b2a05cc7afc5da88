//! Passkeys (WebAuthn): a phone registers one, and later proves with it that its lock was opened by its user.
//!
//! `webauthn_rp` checks the responses of browsers. This module keeps the passkeys and the challenges, in memory: it is for
//! the demo.
//!
//! Invariant: a challenge is for one user and one answer, whatever the result. Both lists are bounded, also for each user: one
//! user can't evict the passkeys and challenges of the others.

use core::time::Duration;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::time::Instant;
use webauthn_rp::bin::{Decode as _, Encode as _};
use webauthn_rp::request::auth::{
    AllowedCredentials, AuthenticationVerificationOptions, NonDiscoverableAuthenticationServerState,
    NonDiscoverableCredentialRequestOptions,
};
use webauthn_rp::request::register::{
    AuthenticatorAttachmentReq, AuthenticatorSelectionCriteria, Nickname, PlatformHint,
    PublicKeyCredentialCreationOptions, PublicKeyCredentialUserEntity, RegistrationServerState,
    RegistrationVerificationOptions, ResidentKeyRequirement, UserHandle16, Username,
};
use webauthn_rp::request::{
    AsciiDomain, BackupReq, Credentials as _, PublicKeyCredentialDescriptor, RpId, TimedCeremony,
    UserVerificationRequirement,
};
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId, SentChallenge};
use webauthn_rp::{AuthenticatedCredential, NonDiscoverableAuthentication16, Registration};

use crate::auth::claims::shown;
use crate::auth::error::PasskeyError;
use crate::config::origin::Origin;
use crate::store::user::User;

/// The maximum number of passkeys. A new one above it removes the oldest.
const MAX_PASSKEYS: usize = 1_000;
/// The maximum number of passkeys of one user. A new one above it removes the oldest of this user. A verification offers all.
const MAX_PASSKEYS_PER_USER: usize = 8;
/// The maximum number of open challenges of each kind. A new one above it removes the oldest. A user has one of each kind.
const MAX_CHALLENGES: usize = 1_000;
/// How long a challenge can be answered.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(2 * 60);
/// The length of a user handle in bytes.
const HANDLE_BYTES: usize = 16;

/// A public key as it is kept.
type PublicKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// The site that passkeys belong to.
pub(crate) struct RelyingParty {
    id: RpId,
    /// The origin of its pages.
    origin: String,
}

impl RelyingParty {
    /// The site with the pages of `origin`. `None` if browsers have no passkeys there: they need a domain name, and
    /// `https` or `localhost`. An address such as `127.0.0.1` has no domain name.
    pub(crate) fn of(origin: &Origin) -> Option<Self> {
        let host = origin.host().filter(|host| host.parse::<IpAddr>().is_err())?;
        let is_secure = origin.is_https() || (origin.is_web() && host == "localhost");
        let domain = is_secure.then(|| AsciiDomain::try_from(host).ok())??;
        Some(Self { id: RpId::Domain(domain), origin: origin.as_str().to_owned() })
    }
}

/// The passkeys of the users, and the open challenges.
#[derive(Default)]
pub(crate) struct Passkeys(Mutex<State>);

/// Oldest first.
#[derive(Default)]
struct State {
    passkeys: VecDeque<Passkey>,
    registrations: VecDeque<Challenge<RegistrationServerState<HANDLE_BYTES>>>,
    verifications: VecDeque<Challenge<NonDiscoverableAuthenticationServerState>>,
}

struct Passkey {
    owner: Owner,
    handle: UserHandle16,
    id: CredentialId<Vec<u8>>,
    transports: AuthTransports,
    /// A [`StaticState`] as bytes, because the type of the library can't be copied.
    key: Vec<u8>,
    state: DynamicState,
}

/// An open challenge, and what `webauthn_rp` needs to check its answer.
struct Challenge<T> {
    owner: Owner,
    ends_at: Instant,
    ceremony: T,
}

/// The id of a user and the id of the user pool.
#[derive(Clone, PartialEq, Eq)]
struct Owner(String, String);

impl Owner {
    fn of(user: &User) -> Self {
        Self(user.id.clone(), user.user_pool_id.clone())
    }
}

impl Passkeys {
    /// The options with which the browser of `user` creates a passkey: `PublicKeyCredentialCreationOptionsJSON`.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::Unavailable`] if the options can't be made.
    pub(crate) fn start_registration(&self, site: &RelyingParty, user: &User) -> Result<Value, PasskeyError> {
        let owner = Owner::of(user);
        let mut state = self.lock();
        let handle = state.newest_of(&owner).next().map_or_else(UserHandle16::new, |passkey| passkey.handle);
        let mut entity = PublicKeyCredentialUserEntity::from(&handle);
        if let Ok(name) = Username::try_from(user.username.as_deref().unwrap_or(&user.id)) {
            entity.name = name;
        }
        entity.display_name = user.nickname.as_deref().and_then(|name| Nickname::try_from(name).ok());
        let known = state.newest_of(&owner).map(Passkey::descriptor).collect();
        let mut options = PublicKeyCredentialCreationOptions::second_factor(&site.id, entity, known);
        options.authenticator_selection = AuthenticatorSelectionCriteria {
            authenticator_attachment: AuthenticatorAttachmentReq::Platform(PlatformHint::ClientDevice),
            resident_key: ResidentKeyRequirement::Discouraged,
            user_verification: UserVerificationRequirement::Required,
        };
        options.extensions.cred_props = None;
        let (ceremony, client) = options.start_ceremony().map_err(unavailable)?;
        let options = serde_json::to_value(&client).map_err(unavailable)?;
        add(&mut state.registrations, owner, ceremony);
        Ok(options)
    }

    /// Keeps the passkey that the browser of `user` has created: a `RegistrationResponseJSON`.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::Rejected`] unless it answers an open challenge of this user, with the user verified.
    pub(crate) fn finish_registration(
        &self,
        site: &RelyingParty,
        user: &User,
        response: &Value,
    ) -> Result<(), PasskeyError> {
        let response = Registration::from_json_relaxed(response.to_string().as_bytes()).map_err(rejected)?;
        let challenge = response.challenge_relaxed().map_err(rejected)?;
        let owner = Owner::of(user);
        let mut state = self.lock();
        let ceremony = take(&mut state.registrations, challenge, &owner)?;
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[&site.origin],
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let registered = ceremony.verify(&site.id, &response, &options).map_err(rejected)?;
        if state.passkeys.iter().any(|passkey| passkey.id.as_ref() == registered.id().as_ref()) {
            return Err(rejected("the passkey is registered already"));
        }
        let Ok(key) = registered.static_state().encode();
        state.make_room_for(&owner);
        let passkey = Passkey {
            owner,
            handle: *registered.user_id(),
            id: registered.id().into(),
            transports: registered.transports(),
            key,
            state: registered.dynamic_state(),
        };
        state.passkeys.push_back(passkey);
        if state.passkeys.len() > MAX_PASSKEYS {
            state.passkeys.pop_front();
        }
        Ok(())
    }

    /// The options with which the browser of `user` asks for the lock: `PublicKeyCredentialRequestOptionsJSON`.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::None`] if the user has no passkey. [`PasskeyError::Unavailable`] if the options can't be made.
    pub(crate) fn start_verification(&self, site: &RelyingParty, user: &User) -> Result<Value, PasskeyError> {
        let owner = Owner::of(user);
        let mut state = self.lock();
        let mut known = AllowedCredentials::with_capacity(MAX_PASSKEYS_PER_USER);
        for passkey in state.newest_of(&owner) {
            known.push(passkey.descriptor().into());
        }
        let mut options =
            NonDiscoverableCredentialRequestOptions::second_factor(&site.id, known).map_err(|_| PasskeyError::None)?;
        options.options().user_verification = UserVerificationRequirement::Required;
        let (ceremony, client) = options.start_ceremony().map_err(unavailable)?;
        let options = serde_json::to_value(&client).map_err(unavailable)?;
        add(&mut state.verifications, owner, ceremony);
        Ok(options)
    }

    /// Checks the answer of the browser of `user`, an `AuthenticationResponseJSON`: the user has opened the lock.
    ///
    /// # Errors
    ///
    /// [`PasskeyError::Rejected`] unless a passkey of this user answers an open challenge of this user, with the user
    /// verified.
    pub(crate) fn finish_verification(
        &self,
        site: &RelyingParty,
        user: &User,
        response: &Value,
    ) -> Result<(), PasskeyError> {
        let json = response.to_string();
        let response = NonDiscoverableAuthentication16::from_json_relaxed(json.as_bytes()).map_err(rejected)?;
        let challenge = response.challenge_relaxed().map_err(rejected)?;
        let owner = Owner::of(user);
        let mut state = self.lock();
        let ceremony = take(&mut state.verifications, challenge, &owner)?;
        let passkey = state
            .passkeys
            .iter_mut()
            .find(|passkey| passkey.owner == owner && passkey.id.as_ref() == response.raw_id().as_ref())
            .ok_or_else(|| rejected("the passkey is unknown, or that of another user"))?;
        let key = StaticState::<PublicKey>::decode(&passkey.key).map_err(rejected)?;
        let mut credential = AuthenticatedCredential::new((&passkey.id).into(), &passkey.handle, key, passkey.state)
            .map_err(rejected)?;
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[&site.origin],
            backup_requirement: Some(BackupReq::None),
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        ceremony.verify(&site.id, &response, &mut credential, &options).map_err(rejected)?;
        passkey.state = credential.dynamic_state();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The passkeys of a user, newest first.
    fn newest_of(&self, owner: &Owner) -> impl Iterator<Item = &Passkey> {
        self.passkeys.iter().rev().filter(move |passkey| passkey.owner == *owner)
    }

    /// Removes the oldest passkey of a user who can't have another one.
    fn make_room_for(&mut self, owner: &Owner) {
        if self.newest_of(owner).count() >= MAX_PASSKEYS_PER_USER
            && let Some(oldest) = self.passkeys.iter().position(|passkey| passkey.owner == *owner)
        {
            self.passkeys.remove(oldest);
        }
    }
}

impl Passkey {
    fn descriptor(&self) -> PublicKeyCredentialDescriptor<Vec<u8>> {
        PublicKeyCredentialDescriptor { id: self.id.clone(), transports: self.transports }
    }
}

/// Adds a challenge in place of that of the same owner, and removes those that have ended.
fn add<T>(challenges: &mut VecDeque<Challenge<T>>, owner: Owner, ceremony: T) {
    challenges.retain(|challenge| challenge.owner != owner && Instant::now() < challenge.ends_at);
    challenges.push_back(Challenge { owner, ends_at: Instant::now() + CHALLENGE_LIFETIME, ceremony });
    if challenges.len() > MAX_CHALLENGES {
        challenges.pop_front();
    }
}

/// Removes the challenge, so that it has no second answer.
fn take<T: TimedCeremony>(
    challenges: &mut VecDeque<Challenge<T>>,
    sent: SentChallenge,
    owner: &Owner,
) -> Result<T, PasskeyError> {
    let index = challenges.iter().position(|challenge| challenge.ceremony.sent_challenge() == sent);
    let challenge = index.and_then(|index| challenges.remove(index));
    challenge
        .filter(|challenge| challenge.owner == *owner && Instant::now() < challenge.ends_at)
        .map(|challenge| challenge.ceremony)
        .ok_or_else(|| rejected("the challenge is unknown, answered, too old, or that of another user"))
}

/// Logs why an answer is rejected. The response does not say it.
fn rejected(explanation: impl ToString) -> PasskeyError {
    tracing::info!(explanation = shown(&explanation.to_string()), "the answer of a passkey is rejected");
    PasskeyError::Rejected
}

/// Logs why options can't be made.
fn unavailable(error: impl ToString) -> PasskeyError {
    tracing::error!(error = error.to_string(), "the options for a passkey can't be made");
    PasskeyError::Unavailable
}
