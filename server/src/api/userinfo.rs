//! `POST userinfo`: the site's backend exchanges a ticket for the user.

use std::sync::Arc;

use axum::extract::State;
use scanlogin::protocol::UserInfoRequest;

use crate::api::Answer;
use crate::error::Refusal;
use crate::extract::{ApiJson, Backend, ClientApp, PollToken, required};
use crate::secrets::{Hash, Secret};
use crate::service::Service;
use crate::store::Redemption;
use crate::user::SignedInUser;

pub(super) async fn userinfo(
    State(service): State<Arc<Service>>,
    _: ClientApp,
    backend: Backend,
    PollToken(poll_token): PollToken,
    ApiJson(request): ApiJson<UserInfoRequest>,
) -> Result<Answer<SignedInUser>, Refusal> {
    let ticket = Hash::of(&required("ticket", Some(request.ticket))?);
    match backend {
        Backend::Proved => {}
        Backend::Silent if service.config.allow_exchange_from_browser => {
            allow_browser(&service, ticket, poll_token.as_ref()).await?;
        }
        Backend::Wrong | Backend::Silent => {
            return Err(Refusal::Forbidden(
                "a ticket is exchanged by the site's backend, with the app's id and secret",
            ));
        }
    }
    // Whatever may be refused has been, so that a refusal never costs the ticket.
    match service.store.redeem(ticket, &service.config.app.id, service.clock.now()).await? {
        Redemption::Redeemed(redeemed) => {
            let (token, expires_at) = service.tokens.sign(&redeemed.user)?;
            Ok(Answer {
                message: "Successful in exchange for user information",
                data: SignedInUser::new(*redeemed, &token, expires_at),
            })
        }
        Redemption::Unknown => Err(Refusal::UnknownTicket),
        Redemption::Used => Err(Refusal::TicketUsed),
        Redemption::Expired => Err(Refusal::TicketExpired),
    }
}

/// Lets the browser pass that asked for the code of this ticket.
async fn allow_browser(service: &Service, ticket: Hash, poll_token: Option<&Secret>) -> Result<(), Refusal> {
    let record = service.store.find_by_ticket(ticket).await?.ok_or(Refusal::UnknownTicket)?;
    match poll_token {
        Some(poll_token) if record.poll_token_hash.is_of(poll_token.expose()) => Ok(()),
        _ => Err(Refusal::Forbidden("this ticket belongs to another browser: the poll token is missing or wrong")),
    }
}
