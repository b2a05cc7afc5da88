//! `POST userinfo`: the site's backend exchanges a ticket for the user.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use scanlogin_protocol::wire::{API_PATH, UserInfoRequest};
use serde::Serialize;
use utoipa::ToSchema;

use crate::client::Browser;
use crate::clock::rfc3339;
use crate::codes::KnownCode;
use crate::config::app::App;
use crate::http::api::{Answer, run_to_end};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, Backend, Caller, PollToken, required};
use crate::http::state::AppState;
use crate::secrets::{Hash, Secret};
use crate::store::record::Record;
use crate::store::user::Profile;
use crate::store::{Redeemed, Redemption};
use crate::telemetry::audit::Event;

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
    State(state): State<Arc<AppState>>,
    caller: Result<Caller, ApiError>,
    backend: Backend,
    PollToken(poll_token): PollToken,
    browser: Browser,
    call: Call,
) -> Result<Answer<SignedInUser>, ApiError> {
    let user = run_to_end(async move {
        let found = find_code(&state, caller, call).await;
        let outcome = match &found {
            Ok(found) => exchange(&state, found, backend, poll_token.as_ref()).await,
            Err(error) => Err(error.clone()),
        };
        let code = found.as_ref().ok().and_then(|found| found.code.as_ref());
        Event {
            action: "exchange",
            outcome: outcome.as_ref().err().map_or("ok", ApiError::reason),
            caller: &browser,
            random: code.map(|(record, _)| record.random.as_str()),
            app_id: code.map(|(record, _)| record.app_id.as_str()),
            requester: code.map(|(_, known)| &known.requester),
            user: code.and_then(|(record, _)| record.life.owner()),
        }
        .write();
        outcome
    })
    .await?;
    Ok(Answer { message: "Successful in exchange for user information", data: user })
}

/// A ticket, and the code that it belongs to.
struct FoundTicket {
    caller: Caller,
    ticket: Hash,
    code: Option<(Record, KnownCode)>,
}

async fn find_code(state: &AppState, caller: Result<Caller, ApiError>, call: Call) -> Result<FoundTicket, ApiError> {
    let caller = caller?;
    let ApiJson(request) = call?;
    let ticket = Hash::of(&required("ticket", Some(request.ticket))?);
    let record = state.codes.find_by_ticket(ticket).await?;
    let code = record.map(|record| KnownCode::of(&record).map(|known| (record, known))).transpose()?;
    Ok(FoundTicket { caller, ticket, code })
}

async fn exchange(
    state: &AppState,
    FoundTicket { caller, ticket, code }: &FoundTicket,
    backend: Backend,
    poll_token: Option<&Secret>,
) -> Result<SignedInUser, ApiError> {
    let app = match backend {
        Backend::Proved(app) => app,
        Backend::Silent => allow_browser(state, caller, code.as_ref().map(|(record, _)| record), poll_token)?,
        Backend::Wrong => return Err(NOT_THE_BACKEND),
    };
    let key = state.signing_keys.current().await?;
    // Everything that can be refused has been checked: a refusal never consumes the ticket.
    match state.codes.redeem(*ticket, &app.id).await? {
        Redemption::Redeemed(redeemed) => {
            let (token, expires_at) = key.sign(&redeemed.user, &state.config.base_url(), &app.id, state.clock.now())?;
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
    state: &AppState,
    caller: &Caller,
    record: Option<&Record>,
    poll_token: Option<&Secret>,
) -> Result<Arc<App>, ApiError> {
    let app = match &record {
        Some(record) => state.apps().find(&record.app_id).cloned(),
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
