//! `GET check`: returns the status of a code, as a short poll or as a long poll.

use core::time::Duration;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_protocol::wire::{API_PATH, CheckData, MAX_WAIT_SECONDS, ScannedResult, Status, code};
use serde::Deserialize;
use serde_json::{Value, json, to_value};
use tokio::time::{Instant, sleep_until};
use utoipa::IntoParams;

use crate::client::ClientAddress;
use crate::clock::elapsed;
use crate::codes::find::Found;
use crate::codes::number::Numbers;
use crate::config::app::App;
use crate::http::api::Success;
use crate::http::error::ApiError;
use crate::http::extract::{ApiQuery, Caller, PollToken, required};
use crate::http::middleware::access_log::HeldFor;
use crate::http::state::AppState;
use crate::secrets::{Secret, ticket};
use crate::store::record::Record;

/// The query. Numbers are read as text, so that an error can name the parameter.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CheckQuery {
    /// The id of the code.
    #[param(required, value_type = String)]
    random: Option<String>,
    /// The maximum time in seconds that the server holds the request. Values above 30 count as 30.
    #[param(value_type = Option<u32>)]
    wait: Option<String>,
    /// The status that the page knows already. The server holds the request until the status differs.
    #[param(value_type = Option<i32>)]
    status: Option<String>,
}

/// Returns the status of a code.
///
/// With `wait` and `status`, the server holds the request until the status differs from `status`.
#[utoipa::path(
    get, path = "/check", context_path = API_PATH, tag = "page",
    params(CheckQuery, Caller, PollToken),
    responses((status = 200, body = CheckData<Value>, description = "The status of the code, or a business refusal"))
)]
pub(super) async fn check(
    State(state): State<Arc<AppState>>,
    caller: Caller,
    PollToken(poll_token): PollToken,
    client: ClientAddress,
    ApiQuery(query): ApiQuery<CheckQuery>,
) -> (Extension<HeldFor>, Result<Success<CheckData<Value>>, ApiError>) {
    let sent_token = poll_token.as_ref();
    let mut held_for = HeldFor::default();
    let outcome = async {
        let random = required("random", query.random)?;
        let wait = number::<u32>("wait", query.wait)?.unwrap_or(0).min(MAX_WAIT_SECONDS);
        // Without a known status, the response is sent at once.
        let known = number::<i32>("status", query.status)?;

        state.rate_limiters.check(&random, sent_token, client)?;
        let until = (wait > 0).then(|| Instant::now() + Duration::from_secs(wait.into()));
        // Invariant: both subscriptions start before the first read, so that no later change is missed.
        let mut subscriptions = until.map(|until| (until, state.codes.notifier.subscribe(&random), state.stopping()));
        loop {
            let Found { record, app, now, .. } = state.codes.find(&random).await?;
            caller.is_for(&app)?;
            let poll_token = allow(&state, &app, &record, sent_token).await?;
            let status = record.status(now);

            let has_changed = known != Some(status.number());
            match &mut subscriptions {
                Some((until, subscription, stopping))
                    if !has_changed && Instant::now() < *until && !*stopping.borrow() =>
                {
                    let begin = Instant::now();
                    let end = time_until_expiry(&record, now).map_or(*until, |left| (begin + left).min(*until));
                    tokio::select! {
                        () = subscription.changed() => {}
                        () = sleep_until(end) => {}
                        _ = stopping.changed() => {}
                    }
                    held_for.0 += begin.elapsed();
                }
                _ => {
                    let mut data = check_data(&app, &record, status, &poll_token)?;
                    // Every person who sees the code could poll without the token, and would then know the number.
                    if status == Status::Scanned && sent_token.is_some() {
                        data.number = Numbers::of(&app, &record).map(|numbers| numbers.shown.to_string());
                    }
                    return Ok(Success { message: message(status), data });
                }
            }
        }
    };
    let outcome = outcome.await;
    (Extension(held_for), outcome)
}

/// Checks the poll token that the request has, and returns it. Where the app allows polls without one, derives the poll
/// token again.
async fn allow(state: &AppState, app: &App, record: &Record, sent_token: Option<&Secret>) -> Result<Secret, ApiError> {
    match sent_token {
        None if app.compat.poll_without_token => {
            state.codes.poll_token_again(record).await?.ok_or(ApiError::UnknownCode)
        }
        _ => own_token(record, sent_token).cloned(),
    }
}

/// The poll token that a request has, if it is that of `record`.
///
/// # Errors
///
/// [`ApiError::Forbidden`] when it is missing or wrong.
pub(super) fn own_token<'a>(record: &Record, sent_token: Option<&'a Secret>) -> Result<&'a Secret, ApiError> {
    sent_token
        .filter(|poll_token| record.poll_token_hash.is_of(poll_token.expose()))
        .ok_or(ApiError::Forbidden("this code belongs to another browser: the poll token is missing or wrong"))
}

/// The `data` of a response, without the number.
pub(super) fn check_data(
    app: &App,
    record: &Record,
    status: Status,
    poll_token: &Secret,
) -> Result<CheckData<Value>, ApiError> {
    let has_full_user_info = app.return_full_user_info;
    let owner = record.state.owner();
    Ok(CheckData {
        status: status.number(),
        ticket: (status == Status::Authorised).then(|| ticket(poll_token, &record.random).expose().to_owned()),
        user_info: Some(match owner {
            None => json!({}),
            Some(owner) if has_full_user_info => to_value(owner.profile())?,
            Some(owner) => to_value(owner.person())?,
        }),
        scanned_user_id: owner.filter(|_| has_full_user_info).map(|owner| owner.id.clone()),
        scanned_result: match record.state {
            CodeState::Failed(_) => Some(to_value(ScannedResult::<()> {
                code: Some(code::FAILED),
                message: Some(message(status).to_owned()),
                errmsg: Some(message(status).to_owned()),
                data: None,
            })?),
            CodeState::Unused
            | CodeState::Scanned(_)
            | CodeState::Opened(_)
            | CodeState::Returning(_)
            | CodeState::Authorised(_)
            | CodeState::Cancelled(_) => None,
        },
        number: None,
        random: Some(record.random.clone()),
    })
}

/// The `message` of a response.
pub(super) fn message(status: Status) -> &'static str {
    match status {
        Status::Expired => "the code has expired",
        Status::Unused => "nobody has scanned the code yet",
        Status::Scanned => "scanned; waiting for the user to confirm",
        Status::Authorised => "the user has confirmed",
        Status::Cancelled => "the user has cancelled",
        Status::NeedsMfa => "a second factor is needed",
        Status::Failed => "the user has confirmed, and the sign-in failed",
    }
}

/// The time until the code expires. `None` for a code that has expired or does not expire any more: its status is final.
fn time_until_expiry(record: &Record, now: Timestamp) -> Option<Duration> {
    let left = elapsed(now, record.expires_by_itself_at()?).filter(|left| !left.is_zero())?;
    // Timers of tokio have a resolution of 1 ms. A shorter wait could end before the status changes.
    Some(left.max(Duration::from_millis(1)))
}

fn number<T: core::str::FromStr>(name: &'static str, text: Option<String>) -> Result<Option<T>, ApiError> {
    let parse = |text: String| {
        text.parse()
            .map_err(|_| ApiError::InvalidParameter { name: name.into(), problem: "must be a whole number".to_owned() })
    };
    text.map(parse).transpose()
}
