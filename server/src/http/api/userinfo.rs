//! `POST userinfo`: the site's backend exchanges a ticket for the user.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use scanlogin_protocol::wire::{API_PATH, UserInfoRequest};
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::rfc3339;
use crate::config::app::App;
use crate::http::api::{Success, run_to_end};
use crate::http::error::ApiError;
use crate::http::extract::{ApiJson, BackendAuth, Caller, PageCall, PollToken, required};
use crate::http::state::AppState;
use crate::secrets::{Hash, Secret};
use crate::store::record::Record;
use crate::store::user::Profile;
use crate::store::{Redeemed, Redemption};
use crate::telemetry::audit::Event;

const NOT_THE_BACKEND: ApiError =
    ApiError::Forbidden("a ticket is exchanged by the site's backend, with the app's id and secret");

/// Exchanges a ticket for the user.
///
/// The caller is the backend of the site. A browser may call where the app allows it.
#[utoipa::path(
    post, path = "/userinfo", context_path = API_PATH, tag = "backend", security(("backend" = []), ()),
    params(Caller, PollToken),
    request_body = UserInfoRequest,
    responses((status = 200, body = SignedInUser, description = "The user, or a business refusal"))
)]
pub(super) async fn userinfo(
    State(state): State<Arc<AppState>>,
    backend: BackendAuth,
    call: PageCall,
    body: Result<ApiJson<UserInfoRequest>, ApiError>,
) -> Result<Success<SignedInUser>, ApiError> {
    let user = run_to_end(async move {
        let PageCall { caller, poll_token, browser, .. } = call;
        let found = find_code(&state, caller, body).await;
        let outcome = match &found {
            Ok(found) => exchange(&state, found, backend, poll_token.as_ref()).await,
            Err(error) => Err(error.clone()),
        };
        let code = found.as_ref().ok().and_then(|found| found.code.as_ref());
        let requester = code.and_then(|code| code.requester.read().ok());
        Event {
            action: "exchange",
            outcome: outcome.as_ref().err().map_or("ok", ApiError::reason),
            client: &browser,
            random: code.map(|code| code.random.as_str()),
            app_id: code.map(|code| code.app_id.as_str()),
            requester: requester.as_ref(),
            user: code.and_then(|code| code.state.owner()),
        }
        .write();
        outcome
    })
    .await?;
    Ok(Success { message: "Successful in exchange for user information", data: user })
}

/// A ticket, and the code that it belongs to. `code` is `None` when no authorised code has the ticket.
struct FoundTicket {
    caller: Caller,
    ticket: Hash,
    code: Option<Arc<Record>>,
}

async fn find_code(
    state: &AppState,
    caller: Result<Caller, ApiError>,
    body: Result<ApiJson<UserInfoRequest>, ApiError>,
) -> Result<FoundTicket, ApiError> {
    let caller = caller?;
    let ApiJson(request) = body?;
    let ticket = Hash::of(&required("ticket", Some(request.ticket))?);
    let code = state.codes.find_by_ticket(ticket).await?;
    Ok(FoundTicket { caller, ticket, code })
}

async fn exchange(
    state: &AppState,
    FoundTicket { caller, ticket, code }: &FoundTicket,
    backend: BackendAuth,
    poll_token: Option<&Secret>,
) -> Result<SignedInUser, ApiError> {
    let app = match backend {
        BackendAuth::Authenticated(app) => app,
        BackendAuth::Missing => allow_browser(state, caller, code.as_deref(), poll_token)?,
        BackendAuth::Invalid => return Err(ApiError::WrongCredentials),
    };
    let Some((code, user)) = code.as_deref().and_then(|code| Some((code, code.state.authorised_user()?))) else {
        state.codes.count_unknown_ticket(&app.id);
        return Err(ApiError::UnknownTicket);
    };
    // Invariant: a refusal or a fault never consumes the ticket. Everything that can fail comes first: the checks of the
    // caller, the address of the requester, which becomes the last address of the user, and the token.
    code.requester.read()?;
    let key = state.signing_keys.current().await?;
    let (token, expires_at) = key.sign(user, &state.config.base_url(), &app.id, state.clock.now())?;
    match state.codes.redeem(*ticket, &app.id).await? {
        Redemption::Redeemed(redeemed) => Ok(SignedInUser::new(*redeemed, &token, expires_at)),
        Redemption::Unknown => Err(ApiError::UnknownTicket),
        Redemption::Used => Err(ApiError::TicketUsed),
        Redemption::Expired => Err(ApiError::TicketExpired),
        Redemption::Blocked => Err(ApiError::Blocked),
    }
}

/// Checks that a browser may exchange the ticket, and returns the app. The app must allow it, and the browser must be
/// the one that created the code.
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

/// The `data` of an exchange: the user, a token of the user, and the sign-ins of the user at this server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SignedInUser {
    #[serde(flatten)]
    profile: Profile,
    /// A JWT of the user, signed by this server.
    token: String,
    /// When `token` expires: RFC 3339 in UTC with milliseconds.
    token_expired_at: String,
    /// How often the user has signed in at this server, this time included.
    logins_count: i64,
    /// The address of the browser that created the code.
    last_ip: String,
    /// When the user first signed in at this server: RFC 3339 in UTC with milliseconds.
    signed_up: String,
    /// Always `false`: the exchange of a blocked user is refused.
    blocked: bool,
    /// Always `false`.
    is_deleted: bool,
}

impl SignedInUser {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::authentication::{Authentication, VerifiedUser};
    use crate::client::Browser;
    use crate::clock::Clock;
    use crate::codes::act::ApproverAction;
    use crate::config::Config;
    use crate::store::sqlite::SqliteStore;
    use crate::store::user::User;

    #[tokio::test]
    async fn ticket_stays_valid_when_its_token_cannot_be_signed() {
        let store = Arc::new(SqliteStore::in_memory().unwrap());
        let state = AppState::new(Config::demo().unwrap(), store, Clock::system()).unwrap();
        let app = Arc::clone(state.apps().only().unwrap());
        let browser = || Browser { origin: None, ip: "::1".to_owned(), user_agent: None };
        let (code, poll_token) = state.codes.create(&app, None, browser(), None).await.unwrap();
        let user = User { id: "alice".to_owned(), user_pool_id: app.user_pool_id.clone(), ..User::default() };
        let alice = VerifiedUser { user, authentication: Authentication::default() };
        for action in [ApproverAction::Scan, ApproverAction::Confirm(None)] {
            state.codes.act(action, &code.random, &alice).await.outcome.unwrap();
        }
        let ticket = Hash::of(crate::secrets::ticket(&poll_token, &code.random).expose());
        let exchange = async || {
            let code = state.codes.find_by_ticket(ticket).await.unwrap();
            let found = FoundTicket { caller: Caller::of_server(), ticket, code };
            exchange(&state, &found, BackendAuth::Authenticated(Arc::clone(&app)), None).await
        };
        state.signing_keys.break_for_test();
        assert_eq!(exchange().await.err(), Some(ApiError::Internal));
        state.signing_keys.refresh().await.unwrap();
        assert_eq!(exchange().await.map(|user| user.logins_count), Ok(1));
    }
}
