//! `POST complete`: signs the page in with the response code that an approver on the same device handed back.

use std::sync::Arc;

use axum::extract::State;
use scanlogin_protocol::wire::{API_PATH, CheckData, CompleteRequest, Status};
use serde_json::Value;

use crate::http::api::check::{check_data, message, own_token};
use crate::http::api::{Success, run_to_end};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Caller, PageCall, PollToken, required};
use crate::http::state::AppState;
use crate::secrets::Secret;
use crate::telemetry::audit::Event;

/// Signs the page in with the response code of a confirm on the same device.
#[utoipa::path(
    post, path = "/complete", context_path = API_PATH, tag = "page",
    params(Caller, PollToken),
    request_body = CompleteRequest,
    responses((status = 200, body = CheckData<Value>, description = "The ticket of the code, or a business refusal"))
)]
pub(super) async fn complete(
    State(state): State<Arc<AppState>>,
    call: PageCall,
    body: Result<ApiJson<CompleteRequest>, ApiError>,
) -> Result<Success<CheckData<Value>>, ApiError> {
    run_to_end(async move {
        let PageCall { caller, poll_token, client, browser } = call;
        let random = body.as_ref().ok().map(|ApiJson(request)| request.random.clone());
        let mut code = None;
        let attempt = async {
            let caller = caller?;
            let ApiJson(request) = body?;
            let random = required("random", Some(request.random))?;
            let response_code = Secret::new(required("responseCode", Some(request.response_code))?);
            state.rate_limiters.check(&random, poll_token.as_ref(), client)?;
            let found = state.codes.find(&random).await?;
            code = Some(Arc::clone(&found.record));
            caller.is_for(&found.app)?;
            // No app allows this call without the poll token: the response code is what an attacker may have.
            let poll_token = own_token(&found.record, poll_token.as_ref())?;
            let app = Arc::clone(&found.app);
            let record = state.codes.complete(found, &response_code).await?;
            check_data(&app, &record, Status::Authorised, poll_token)
        };
        let outcome = attempt.await;
        let requester = code.as_ref().and_then(|code| code.requester.read().ok());
        Event {
            action: "complete",
            outcome: outcome.as_ref().err().map_or("ok", ApiError::reason),
            client: &browser,
            random: random.as_deref().filter(|random| !random.is_empty()),
            app_id: code.as_ref().map(|code| code.app_id.as_str()),
            requester: requester.as_ref(),
            user: code.as_ref().and_then(|code| code.state.owner()),
        }
        .write();
        Ok(Success { message: message(Status::Authorised), data: outcome? })
    })
    .await
}
