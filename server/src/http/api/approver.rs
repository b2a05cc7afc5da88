//! `POST scanned`, `confirm` and `cancel`: what the phone of a signed-in user asks for.
//!
//! The `status` that they answer is another scale than that of `check`.

use std::sync::Arc;

use axum::extract::State;
use scanlogin_protocol::lifecycle::Action;
use scanlogin_protocol::wire::{API_PATH, ApproverData, ApproverRequest};

use crate::client::Browser;
use crate::codes::Service;
use crate::http::api::Answer;
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Approver, required};
use crate::store::record::Record;
use crate::telemetry::audit::{Event, audited};

// Results, since what is refused before a code is looked for belongs into the audit too. What is wrong with the request
// itself is said before who may ask it.
type Call = Result<ApiJson<ApproverRequest>, ApiError>;
type Caller = Result<Approver, ApiError>;
type Told = Answer<ApproverData>;

/// The phone of a signed-in user has scanned the code.
#[utoipa::path(
    post, path = "/scanned", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The code is this user's now, or a business refusal"))
)]
pub(super) async fn scanned(
    service: State<Arc<Service>>,
    caller: Caller,
    phone: Browser,
    call: Call,
) -> Result<Told, ApiError> {
    act(service, caller, phone, call, Action::Scan, 0, "scanned; confirm or cancel").await
}

/// The user lets the page sign in.
#[utoipa::path(
    post, path = "/confirm", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The page signs in, or a business refusal"))
)]
pub(super) async fn confirm(
    service: State<Arc<Service>>,
    caller: Caller,
    phone: Browser,
    call: Call,
) -> Result<Told, ApiError> {
    act(service, caller, phone, call, Action::Confirm, 1, "confirmed; the page signs in").await
}

/// The user does not let the page sign in.
#[utoipa::path(
    post, path = "/cancel", context_path = API_PATH, tag = "phone", security(("user" = [])),
    request_body = ApproverRequest,
    responses((status = 200, body = ApproverData, description = "The page does not sign in, or a business refusal"))
)]
pub(super) async fn cancel(
    service: State<Arc<Service>>,
    caller: Caller,
    phone: Browser,
    call: Call,
) -> Result<Told, ApiError> {
    act(service, caller, phone, call, Action::Cancel, -1, "cancelled; the page does not sign in").await
}

async fn act(
    State(service): State<Arc<Service>>,
    caller: Caller,
    phone: Browser,
    call: Call,
    action: Action,
    status: i32,
    description: &'static str,
) -> Result<Told, ApiError> {
    let mut event = Event::new(word(action), phone);
    let record = audited(async move {
        let outcome = attempt(&service, caller, call, action, &mut event).await;
        (event, outcome)
    })
    .await?;
    let requester = (action == Action::Scan).then(|| record.requester.read()).transpose()?;
    Ok(Answer {
        message: description,
        data: ApproverData { random: record.random, status, description: description.to_owned(), requester },
    })
}

async fn attempt(
    service: &Service,
    caller: Caller,
    call: Call,
    action: Action,
    event: &mut Event,
) -> Result<Record, ApiError> {
    let ApiJson(request) = call?;
    let random = required("random", Some(request.random))?;
    event.names(&random);
    let Approver(user) = caller?;
    event.is_of(&user);
    service.meters.approver_call(&user, &random)?;
    service.act(action, &random, &user, event).await
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Scan => "scan",
        Action::Confirm => "confirm",
        Action::Cancel => "cancel",
    }
}
