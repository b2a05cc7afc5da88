//! `POST userinfo`: the site's backend exchanges a ticket for the user.

use std::sync::Arc;

use axum::extract::State;
use scanlogin_protocol::wire::{API_PATH, UserInfoRequest};

use crate::codes::Service;
use crate::config::app::App;
use crate::http::api::Answer;
use crate::http::error::Refusal;
use crate::http::extract::{ApiJson, Backend, Browser, Caller, PollToken, required};
use crate::secrets::{Hash, Secret};
use crate::store::Redemption;
use crate::store::record::Record;
use crate::store::user::SignedInUser;
use crate::telemetry::audit::{Event, audited};

type Call = Result<ApiJson<UserInfoRequest>, Refusal>;

const NOT_THE_BACKEND: Refusal =
    Refusal::Forbidden("a ticket is exchanged by the site's backend, with the app's id and secret");

/// The site's backend exchanges a ticket for the user. A browser may where its app lets browsers.
#[utoipa::path(
    post, path = "/userinfo", context_path = API_PATH, tag = "backend", security(("backend" = []), ()),
    params(Caller, PollToken),
    request_body = UserInfoRequest,
    responses((status = 200, body = SignedInUser, description = "The user, or a business refusal"))
)]
pub(super) async fn userinfo(
    State(service): State<Arc<Service>>,
    caller: Result<Caller, Refusal>,
    backend: Backend,
    PollToken(poll_token): PollToken,
    browser: Browser,
    call: Call,
) -> Result<Answer<SignedInUser>, Refusal> {
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
    caller: Result<Caller, Refusal>,
    backend: Backend,
    poll_token: Option<&Secret>,
    call: Call,
    event: &mut Event,
) -> Result<SignedInUser, Refusal> {
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
        Redemption::Unknown => Err(Refusal::UnknownTicket),
        Redemption::Used => Err(Refusal::TicketUsed),
        Redemption::Expired => Err(Refusal::TicketExpired),
        Redemption::Blocked => Err(Refusal::Blocked),
    }
}

/// Lets the browser pass that asked for the code of this ticket, where the app lets browsers exchange.
fn allow_browser(
    service: &Service,
    caller: &Caller,
    record: Option<Record>,
    poll_token: Option<&Secret>,
) -> Result<Arc<App>, Refusal> {
    let app = match &record {
        Some(record) => service.apps().find(&record.app_id).cloned(),
        None => caller.app().ok(),
    };
    let app = app.filter(|app| app.allow_exchange_from_browser).ok_or(NOT_THE_BACKEND)?;
    caller.is_for(&app)?;
    let record = record.ok_or(Refusal::UnknownTicket)?;
    match poll_token {
        Some(poll_token) if record.poll_token_hash.is_of(poll_token.expose()) => Ok(app),
        _ => Err(Refusal::Forbidden("this ticket belongs to another browser: the poll token is missing or wrong")),
    }
}
