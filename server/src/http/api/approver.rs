//! `POST scanned`, `confirm` and `cancel`: the calls of an approver, the phone of a signed-in user.
//!
//! Their `status` has another scale than the `status` of `check`: docs/protocol.md, "scanned".

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use scanlogin_protocol::lifecycle::Action;
use scanlogin_protocol::wire::{API_PATH, ApproverData, ApproverRequest};

use crate::client::{Browser, is_same_network};
use crate::clock::elapsed;
use crate::codes::act::Attempt;
use crate::http::api::shown_data::shown_data;
use crate::http::api::{Success, run_to_end};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Approver, required};
use crate::http::state::AppState;
use crate::store::user::User;
use crate::telemetry::audit::Event;

/// Marks the code as scanned by the user of the token.
#[utoipa::path(
    post, path = "/scanned", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The user owns the code, or a business refusal"))
)]
pub(super) async fn scanned(
    State(state): State<Arc<AppState>>,
    call: ApproverCall,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call, Action::Scan)).await
}

/// Signs the page in as the owner of the code.
#[utoipa::path(
    post, path = "/confirm", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The page can sign in, or a business refusal"))
)]
pub(super) async fn confirm(
    State(state): State<Arc<AppState>>,
    call: ApproverCall,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call, Action::Confirm)).await
}

/// Declines the sign-in of the page.
#[utoipa::path(
    post, path = "/cancel", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The code is cancelled, or a business refusal"))
)]
pub(super) async fn cancel(
    State(state): State<Arc<AppState>>,
    call: ApproverCall,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call, Action::Cancel)).await
}

/// A call of an approver. A part that is invalid is an error in its field, because the audit log records such attempts
/// too.
pub(super) struct ApproverCall {
    /// The id of the code.
    random: Result<String, ApiError>,
    /// The user of the token.
    user: Result<User, ApiError>,
    phone: Browser,
}

impl FromRequest<Arc<AppState>> for ApproverCall {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let user = Approver::from_request_parts(&mut parts, state).await.map(|Approver(user)| user);
        let Ok(phone) = Browser::from_request_parts(&mut parts, state).await;
        let body = ApiJson::<ApproverRequest>::from_request(Request::from_parts(parts, body), state).await;
        let random = body.and_then(|ApiJson(request)| required("random", Some(request.random)));
        Ok(Self { random, user, phone })
    }
}

async fn act(state: Arc<AppState>, call: ApproverCall, action: Action) -> Result<Success<ApproverData>, ApiError> {
    let (mut code, mut approver) = (None, None);
    let attempt = async {
        // An error of the request itself comes before an error of authentication.
        let random = call.random.as_ref().map_err(Clone::clone)?;
        let user = call.user.as_ref().map_err(Clone::clone)?;
        approver = Some(user);
        state.rate_limiters.approver_call(user, random)?;
        let Attempt { code: found, outcome } = state.codes.act(action, random, user).await;
        code = found;
        Ok(outcome?)
    };
    let outcome = attempt.await;
    let (name, status, description) = action_fields(action);
    let requester = code.as_ref().and_then(|code| code.requester.read().ok());
    Event {
        action: name,
        outcome: outcome.as_ref().err().map_or("ok", ApiError::reason),
        client: &call.phone,
        random: call.random.as_deref().ok(),
        app_id: code.as_ref().map(|code| code.app_id.as_str()),
        requester: requester.as_ref(),
        user: approver,
    }
    .write();
    let record = outcome?;
    let mut data = ApproverData {
        random: record.random.clone(),
        status,
        description: description.to_owned(),
        requester: None,
        age: None,
        same_network: None,
        custom_data: None,
        expires_in: None,
    };
    if action == Action::Scan {
        let now = state.codes.now();
        data.same_network = requester.as_ref().and_then(|browser| is_same_network(&browser.ip, &call.phone.ip));
        data.custom_data = shown_data(&state, &record)?;
        data.requester = requester;
        // The clock of the server that created the code may be ahead.
        data.age = Some(elapsed(record.created_at, now).unwrap_or_default().as_secs());
        let expires_in = |at| elapsed(now, at).unwrap_or_default();
        data.expires_in = record.expires_by_itself_at().map(|at| whole_seconds(expires_in(at)));
    }
    Ok(Success { message: description, data })
}

/// The duration in seconds, rounded up.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The name of the action in the audit log, its status on the wire, and its description.
fn action_fields(action: Action) -> (&'static str, i32, &'static str) {
    match action {
        Action::Scan => ("scan", 0, "scanned; confirm or cancel"),
        Action::Confirm => ("confirm", 1, "confirmed; the page signs in"),
        Action::Cancel => ("cancel", -1, "cancelled; the page does not sign in"),
    }
}
