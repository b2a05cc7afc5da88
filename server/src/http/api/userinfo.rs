//! `POST userinfo`: the site's backend exchanges a ticket for the user.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use scanlogin_protocol::wire::{API_PATH, UserInfoRequest};
use serde::Serialize;
use utoipa::ToSchema;

use crate::client::Browser;
use crate::clock::rfc3339;
use crate::codes::Service;
use crate::config::app::App;
use crate::http::api::Answer;
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Backend, Caller, PollToken, required};
use crate::secrets::{Hash, Secret};
use crate::store::record::Record;
use crate::store::user::Profile;
use crate::store::{Redeemed, Redemption};
use crate::telemetry::audit::{Event, audited};

type Call = Result<ApiJson<UserInfoRequest>, ApiError>;

const NOT_THE_BACKEND: ApiError =
    ApiError::Forbidden("a ticket is exchanged by the site's backend, with the app's id and secret");

/// The site's backend exchanges a ticket for the user. A browser may where its app lets browsers.
#[utoipa::path(
    post, path = "/userinfo", context_path = API_PATH, tag = "backend", security(("backend" = []), ()),
    params(Caller, PollToken),
    request_body = UserInfoRequest,
    responses((status = 200, body = SignedInUser, description = "The user, or a business refusal"))
)]
pub(super) async fn userinfo(
    State(service): State<Arc<Service>>,
    caller: Result<Caller, ApiError>,
    backend: Backend,
    PollToken(poll_token): PollToken,
    browser: Browser,
    call: Call,
) -> Result<Answer<SignedInUser>, ApiError> {
    let mut event = Event::new("exchange", browser);
    let user = audited(async move {
        let outcome = exchange(&service, caller, backend, poll_token.as_ref(), call, &mut event).await;
        (event, outcome)
    })
    .await?;
    Ok(Answer { message: "Successful in exchange for user information", data: user })
}

async fn exchange(
    service: &Service,
    caller: Result<Caller, ApiError>,
    backend: Backend,
    poll_token: Option<&Secret>,
    call: Call,
    event: &mut Event,
) -> Result<SignedInUser, ApiError> {
    let caller = caller?;
    let ApiJson(request) = call?;
    let ticket = Hash::of(&required("ticket", Some(request.ticket))?);
    let record = service.store.find_by_ticket(ticket).await?;
    if let Some(record) = &record {
        event.is_about(record)?;
        record.life.owner().into_iter().for_each(|owner| event.is_of(owner));
    }
    let app = match backend {
        Backend::Proved(app) => app,
        Backend::Silent => allow_browser(service, &caller, record, poll_token)?,
        Backend::Wrong => return Err(NOT_THE_BACKEND),
    };
    let key = service.signing_keys.current().await?;
    let now = service.clock.now();
    // Whatever may be refused has been, so that a refusal never costs the ticket.
    let redemption = service.store.redeem(ticket, &app.id, now).await?;
    service.metrics.count_ticket(&app.id, &redemption);
    match redemption {
        Redemption::Redeemed(redeemed) => {
            let (token, expires_at) = key.sign(&redeemed.user, &service.config.base_url(), &app.id, now)?;
            Ok(SignedInUser::new(*redeemed, &token, expires_at))
        }
        Redemption::Unknown => Err(ApiError::UnknownTicket),
        Redemption::Used => Err(ApiError::TicketUsed),
        Redemption::Expired => Err(ApiError::TicketExpired),
        Redemption::Blocked => Err(ApiError::Blocked),
    }
}

/// Lets the browser pass that asked for the code of this ticket, where the app lets browsers exchange.
fn allow_browser(
    service: &Service,
    caller: &Caller,
    record: Option<Record>,
    poll_token: Option<&Secret>,
) -> Result<Arc<App>, ApiError> {
    let app = match &record {
        Some(record) => service.apps().find(&record.app_id).cloned(),
        None => caller.app().ok(),
    };
    let app = app.filter(|app| app.allow_exchange_from_browser).ok_or(NOT_THE_BACKEND)?;
    caller.is_for(&app)?;
    let record = record.ok_or(ApiError::UnknownTicket)?;
    match poll_token {
        Some(poll_token) if record.poll_token_hash.is_of(poll_token.expose()) => Ok(app),
        _ => Err(ApiError::Forbidden("this ticket belongs to another browser: the poll token is missing or wrong")),
    }
}

/// What the site's backend gets for a ticket: the user, a token in their name, and what the server remembers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedInUser {
    #[serde(flatten)]
    profile: Profile,
    token: String,
    token_expired_at: String,
    logins_count: i64,
    last_ip: String,
    signed_up: String,
    blocked: bool,
    is_deleted: bool,
}

impl SignedInUser {
    /// Puts together what a redeemed ticket brings.
    fn new(redeemed: Redeemed, token: &Secret, token_expires_at: Timestamp) -> Self {
        let Redeemed { user, account } = redeemed;
        Self {
            profile: user.profile(),
            token: token.expose().to_owned(),
            token_expired_at: rfc3339(token_expires_at),
            logins_count: account.logins_count,
            last_ip: account.last_ip,
            signed_up: rfc3339(account.signed_up),
            blocked: account.is_blocked,
            is_deleted: false,
        }
    }
}
