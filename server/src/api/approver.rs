//! `POST scanned`, `confirm` and `cancel`: what the phone of a signed-in user asks for.
//!
//! The `status` that they answer is another scale than that of `check`.

use std::sync::Arc;

use axum::extract::State;
use scanlogin::lifecycle::Action;
use scanlogin::protocol::{ApproverData, ApproverRequest};

use crate::api::Answer;
use crate::error::Refusal;
use crate::extract::{ApiJson, Approver, required};
use crate::service::Service;

type Call = ApiJson<ApproverRequest>;
/// What is wrong with the request itself is said before who may ask it.
type Caller = Result<Approver, Refusal>;
type Told = Answer<ApproverData>;

pub(super) async fn scanned(service: State<Arc<Service>>, caller: Caller, call: Call) -> Result<Told, Refusal> {
    act(service, caller, call, Action::Scan, 0, "scanned; confirm or cancel").await
}

pub(super) async fn confirm(service: State<Arc<Service>>, caller: Caller, call: Call) -> Result<Told, Refusal> {
    act(service, caller, call, Action::Confirm, 1, "confirmed; the page signs in").await
}

pub(super) async fn cancel(service: State<Arc<Service>>, caller: Caller, call: Call) -> Result<Told, Refusal> {
    act(service, caller, call, Action::Cancel, -1, "cancelled; the page does not sign in").await
}

async fn act(
    State(service): State<Arc<Service>>,
    caller: Caller,
    ApiJson(request): Call,
    action: Action,
    status: i32,
    description: &'static str,
) -> Result<Told, Refusal> {
    let random = required("random", Some(request.random))?;
    let Approver(user) = caller?;
    service.meters.approver_call(&user.id, &random)?;
    // In a task of its own: a phone that hangs up half-way must not keep the waiting page from its news.
    let acting = {
        let random = random.clone();
        tokio::spawn(async move { service.act(action, &random, &user).await })
    };
    let record = acting.await.map_err(|_| Refusal::Internal)??;
    Ok(Answer {
        message: description,
        data: ApproverData {
            random,
            status,
            description: description.to_owned(),
            requester: (action == Action::Scan).then_some(record.requester),
        },
    })
}
