//! `POST scanned`, `confirm` and `cancel`: the calls of an approver, the phone of a signed-in user.
//!
//! Their `status` has another scale than the `status` of `check`: docs/protocol.md, "scanned".

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use scanlogin_protocol::link::return_address;
use scanlogin_protocol::wire::{API_PATH, ApproverData, CancelRequest, ConfirmRequest, ScannedRequest};
use serde::de::DeserializeOwned;

use crate::auth::authentication::VerifiedUser;
use crate::client::{Browser, is_behind_unknown_proxy, is_same_network};
use crate::clock::elapsed;
use crate::codes::act::{Applied, ApproverAction, Attempt};
use crate::codes::number::Numbers;
use crate::config::step_up::StepUp;
use crate::http::api::shown_data::shown_data;
use crate::http::api::{Success, run_to_end};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Approver};
use crate::http::state::AppState;
use crate::store::record::Record;
use crate::telemetry::audit::Event;

/// Marks the code as scanned by the user of the token.
#[utoipa::path(
    post, path = "/scanned", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ScannedRequest,
    responses((status = 200, body = ApproverData, description = "The user owns the code, or a business refusal"))
)]
pub(super) async fn scanned(
    State(state): State<Arc<AppState>>,
    call: ApproverCall<ScannedRequest>,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call)).await
}

/// Signs the page in as the owner of the code.
#[utoipa::path(
    post, path = "/confirm", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ConfirmRequest,
    responses((status = 200, body = ApproverData, description = "The page can sign in, or a business refusal"))
)]
pub(super) async fn confirm(
    State(state): State<Arc<AppState>>,
    call: ApproverCall<ConfirmRequest>,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call)).await
}

/// Declines the sign-in of the page.
#[utoipa::path(
    post, path = "/cancel", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = CancelRequest,
    responses((status = 200, body = ApproverData, description = "The code is cancelled, or a business refusal"))
)]
pub(super) async fn cancel(
    State(state): State<Arc<AppState>>,
    call: ApproverCall<CancelRequest>,
) -> Result<Success<ApproverData>, ApiError> {
    run_to_end(act(state, call)).await
}

/// The body of a call of an approver.
trait ApproverRequest: DeserializeOwned {
    /// The name of the call in the audit log.
    const NAME: &'static str;
    /// The `status` of the response: docs/protocol.md, "scanned".
    const STATUS: i32;
    /// The `description` of the response.
    const DESCRIPTION: &'static str;

    /// The id of the code.
    fn random(&self) -> &str;

    /// The requested action, or an error that names the invalid parameter.
    fn action(&self) -> Result<ApproverAction, ApiError>;
}

impl ApproverRequest for ScannedRequest {
    const NAME: &'static str = "scan";
    const STATUS: i32 = 0;
    const DESCRIPTION: &'static str = "scanned; confirm or cancel";

    fn random(&self) -> &str {
        &self.random
    }

    fn action(&self) -> Result<ApproverAction, ApiError> {
        Ok(if self.same_device == Some(true) { ApproverAction::Open } else { ApproverAction::Scan })
    }
}

impl ApproverRequest for ConfirmRequest {
    const NAME: &'static str = "confirm";
    const STATUS: i32 = 1;
    const DESCRIPTION: &'static str = "confirmed; the page signs in";

    fn random(&self) -> &str {
        &self.random
    }

    fn action(&self) -> Result<ApproverAction, ApiError> {
        let number = self.number.as_deref().filter(|number| !number.is_empty());
        let invalid = |problem: &str| ApiError::InvalidParameter { name: "number".into(), problem: problem.to_owned() };
        Ok(ApproverAction::Confirm(number.map(str::parse).transpose().map_err(invalid)?))
    }
}

impl ApproverRequest for CancelRequest {
    const NAME: &'static str = "cancel";
    const STATUS: i32 = -1;
    const DESCRIPTION: &'static str = "cancelled; the page does not sign in";

    fn random(&self) -> &str {
        &self.random
    }

    fn action(&self) -> Result<ApproverAction, ApiError> {
        Ok(ApproverAction::Cancel)
    }
}

/// A call of an approver. A part that is invalid is an error in its field, because the audit log records such attempts
/// too.
pub(super) struct ApproverCall<T> {
    request: Result<T, ApiError>,
    /// The user of the token.
    user: Result<VerifiedUser, ApiError>,
    phone: Browser,
    /// The address of the phone may be that of a proxy.
    is_behind_unknown_proxy: bool,
}

impl<T: ApproverRequest> FromRequest<Arc<AppState>> for ApproverCall<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &Arc<AppState>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let user = Approver::from_request_parts(&mut parts, state).await.map(|Approver(user)| user);
        let Ok(phone) = Browser::from_request_parts(&mut parts, state).await;
        let proxies = &state.config.trusted_proxies;
        let is_behind_unknown_proxy = is_behind_unknown_proxy(&parts.extensions, &parts.headers, proxies);
        let body = ApiJson::<T>::from_request(Request::from_parts(parts, body), state).await;
        let request = body.and_then(|ApiJson(request)| match request.random() {
            "" => Err(ApiError::MissingParameter("random".into())),
            _ => Ok(request),
        });
        Ok(Self { request, user, phone, is_behind_unknown_proxy })
    }
}

async fn act<T: ApproverRequest>(
    state: Arc<AppState>,
    call: ApproverCall<T>,
) -> Result<Success<ApproverData>, ApiError> {
    let (mut code, mut approver) = (None, None);
    let attempt = async {
        // An error of the request itself comes before an error of authentication.
        let request = call.request.as_ref().map_err(Clone::clone)?;
        let action = request.action()?;
        let verified = call.user.as_ref().map_err(Clone::clone)?;
        approver = Some(&verified.user);
        state.rate_limiters.approver_call(&verified.user, request.random())?;
        let Attempt { code: found, outcome } = state.codes.act(action, request.random(), verified).await;
        code = found;
        Ok((action, outcome?))
    };
    let outcome = attempt.await;
    let requester = code.as_ref().and_then(|code| code.requester.read().ok());
    Event {
        action: T::NAME,
        outcome: outcome.as_ref().err().map_or("ok", ApiError::reason),
        client: &call.phone,
        random: call.request.as_ref().ok().map(T::random),
        app_id: code.as_ref().map(|code| code.app_id.as_str()),
        requester: requester.as_ref(),
        user: approver,
    }
    .write();
    let (action, applied) = outcome?;
    let record = &applied.record;
    let mut data = ApproverData {
        random: record.random.clone(),
        status: T::STATUS,
        description: T::DESCRIPTION.to_owned(),
        ..ApproverData::default()
    };
    match action {
        ApproverAction::Scan | ApproverAction::Open => {
            let now = state.codes.now();
            // Behind an unknown proxy, all have one address. A browser has it too only if it is behind the same proxy.
            let browser = requester.as_ref().filter(|_| !call.is_behind_unknown_proxy);
            data.same_network = browser.and_then(|browser| is_same_network(&browser.ip, &call.phone.ip));
            data.same_device = record.is_on_same_device().then_some(true);
            data.custom_data = shown_data(&state, record)?;
            data.requester = requester;
            // The clock of the server that created the code may be ahead.
            data.age = Some(elapsed(record.created_at, now).unwrap_or_default().as_secs());
            let expires_in = |at| elapsed(now, at).unwrap_or_default();
            data.expires_in = record.expires_by_itself_at().map(|at| whole_seconds(expires_in(at)));
            data.step_up = applied.app.step_up.as_ref().map(StepUp::to_wire);
            let numbers = Numbers::of(&applied.app, record);
            data.numbers = numbers.map(|numbers| numbers.offered.map(|number| number.to_string()));
        }
        ApproverAction::Confirm(_) | ApproverAction::Cancel => {
            data.return_url = code.and_then(|before| return_url(&before, &applied));
        }
    }
    Ok(Success { message: T::DESCRIPTION, data })
}

/// The address that the approver of a code on the device of the page opens. It has the response code, if there is one.
fn return_url(before: &Record, applied: &Applied) -> Option<String> {
    let address = before.return_url.as_ref().filter(|_| before.is_on_same_device())?;
    Some(match &applied.response_code {
        Some(response_code) => return_address(address, &before.random, response_code.expose()),
        None => address.clone(),
    })
}

/// The duration in seconds, rounded up.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
