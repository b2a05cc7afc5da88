//! The demo's identity provider has passkeys: a phone registers one after the sign-in. When its user opens the lock, it gets a
//! token that says how and when the user has signed in.
//!
//! A user of a site with `step_up` gets such a token from the site's own identity provider.

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::auth::authentication::VerifiedUser;
use crate::auth::error::PasskeyError;
use crate::auth::passkeys::{Passkeys, RelyingParty};
use crate::config::origin::Origin;
use crate::config::step_up::StepUp;
use crate::http::api::{Success, method_not_allowed};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Approver, BodyTimeout, RequestOrigin};
use crate::http::state::AppState;
use crate::store::user::User;

/// The methods of a sign-in with a passkey and the lock of the device (RFC 8176). They name no kind of lock: the device does
/// not tell it.
const METHODS: [&str; 3] = ["pop", "user", "mfa"];
/// The lifetime of a token from a sign-in with a passkey. It is for one confirm.
const TOKEN_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How long after a sign-in a passkey can be registered. A stolen token of an older sign-in must not be enough for that.
const REGISTRATION_TIME: Duration = Duration::from_secs(5 * 60);

/// The calls for passkeys, which the demo adds to its own.
pub(crate) fn routes(state: &Arc<AppState>) -> Router {
    let provider = Arc::new(Provider { state: Arc::clone(state), passkeys: Passkeys::default() });
    Router::new()
        .route("/demo/passkeys/options", post(start_registration))
        .route("/demo/passkeys", post(finish_registration))
        .route("/demo/step-up/options", post(start_step_up))
        .route("/demo/step-up", post(finish_step_up))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(provider)
}

struct Provider {
    state: Arc<AppState>,
    passkeys: Passkeys,
}

impl FromRef<Arc<Provider>> for BodyTimeout {
    fn from_ref(provider: &Arc<Provider>) -> Self {
        Self::from_ref(&provider.state)
    }
}

/// The user of a request, and the site of the page that sent it.
struct PasskeyCall {
    verified: VerifiedUser,
    site: RelyingParty,
}

impl FromRequestParts<Arc<Provider>> for PasskeyCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, provider: &Arc<Provider>) -> Result<Self, ApiError> {
        let Approver(verified) = Approver::from_request_parts(parts, &provider.state).await?;
        provider.state.rate_limiters.approver(&verified.user)?;
        let site = page_origin(&parts.headers, &provider.state)?;
        let site = RelyingParty::of(&site).ok_or(PasskeyError::Unavailable)?;
        Ok(Self { verified, site })
    }
}

/// The origin of the server's own page that sent the request: the public address. Without a configured one, `origin`, which
/// counts for `localhost` only, as every name could lead to this machine.
fn page_origin(headers: &HeaderMap, state: &AppState) -> Result<Origin, ApiError> {
    let RequestOrigin::Same(page) = RequestOrigin::read(headers, &state.config) else {
        return Err(ApiError::OriginNotAllowed);
    };
    if let Some(public_url) = &state.config.public_url {
        return Ok(public_url.clone());
    }
    page.filter(Origin::is_local).ok_or(ApiError::Passkey(PasskeyError::Unavailable))
}

/// The answer of a browser.
#[derive(Deserialize)]
struct Answer {
    credential: Value,
}

async fn start_registration(
    State(provider): State<Arc<Provider>>,
    call: PasskeyCall,
) -> Result<Success<Value>, ApiError> {
    call.require_recent_sign_in()?;
    let options = provider.passkeys.start_registration(&call.site, &call.verified.user)?;
    Ok(Success { message: "create a passkey", data: json!({ "publicKey": options }) })
}

async fn finish_registration(
    State(provider): State<Arc<Provider>>,
    call: PasskeyCall,
    ApiJson(answer): ApiJson<Answer>,
) -> Result<Success<Value>, ApiError> {
    call.require_recent_sign_in()?;
    provider.passkeys.finish_registration(&call.site, &call.verified.user, &answer.credential)?;
    provider.token("the passkey is registered", &call.verified.user)
}

async fn start_step_up(State(provider): State<Arc<Provider>>, call: PasskeyCall) -> Result<Success<Value>, ApiError> {
    let options = provider.passkeys.start_verification(&call.site, &call.verified.user)?;
    Ok(Success { message: "open the lock of the device", data: json!({ "publicKey": options }) })
}

async fn finish_step_up(
    State(provider): State<Arc<Provider>>,
    call: PasskeyCall,
    ApiJson(answer): ApiJson<Answer>,
) -> Result<Success<Value>, ApiError> {
    provider.passkeys.finish_verification(&call.site, &call.verified.user, &answer.credential)?;
    provider.token("the user is verified", &call.verified.user)
}

impl Provider {
    /// A response with a token of `user`, who has just opened the lock of the device.
    fn token(&self, message: &'static str, user: &User) -> Result<Success<Value>, ApiError> {
        let token = self.state.identity.sign_authenticated(user, TOKEN_LIFETIME, &METHODS)?;
        Ok(Success { message, data: json!({ "token": token.expose() }) })
    }
}

impl PasskeyCall {
    fn require_recent_sign_in(&self) -> Result<(), ApiError> {
        let required = StepUp { max_age: Some(REGISTRATION_TIME), amr: Vec::new(), acr_values: Vec::new() };
        self.verified.authentication.meets(&required).map_err(|_| ApiError::StepUpRequired(required.to_wire()))
    }
}
