//! The poll tokens of the codes and tickets that this page has received.
//!
//! The methods of `AuthenticationClient` name a code or a ticket by its id alone. A browser that polls a code or
//! exchanges a ticket must prove that it requested the code: docs/protocol.md, "Poll token".

use core::cell::RefCell;
use std::rc::Rc;

use scanlogin_protocol::lifecycle::MAX_CODE_LIFETIME;

use super::js_value::Js;
use crate::session::{CheckResponse, Code, Instant, Reply, Request, StatusUpdate};

/// The maximum number of codes, and of tickets. A page that shows codes itself shows one or two.
const MAX_ENTRIES: usize = 16;

thread_local! {
    static CREDENTIALS: RefCell<Credentials> =
        const { RefCell::new(Credentials { codes: Vec::new(), tickets: Vec::new() }) };
}

/// The newest entries are first.
struct Credentials {
    /// The codes, and when they were received.
    codes: Vec<(Code, Instant)>,
    /// The tickets, and the poll tokens of their codes.
    tickets: Vec<(Rc<str>, Rc<str>)>,
}

/// Remembers the code or the ticket in the reply to `request`, which was received at `now`.
pub(super) fn remember(reply: &Reply<Js>, request: &Request, now: Instant) {
    CREDENTIALS.with_borrow_mut(|credentials| match (reply, request) {
        (Reply::Code(code), _) => {
            insert(&mut credentials.codes, (Code { picture: None, link: None, ..code.clone() }, now));
        }
        (
            Reply::Checked(CheckResponse { update: StatusUpdate::Authorised { ticket }, .. }),
            Request::Check { poll_token: Some(poll_token), .. }
            | Request::Complete { poll_token: Some(poll_token), .. },
        ) => insert(&mut credentials.tickets, (ticket.clone(), poll_token.clone())),
        (Reply::Checked(_) | Reply::User(_), _) => {}
    });
}

/// Returns the code `random`, with the lifetime that is left at `now`. A code that this page has not received has no
/// poll token, and the longest lifetime that a code can have.
pub(super) fn code(random: &str, now: Instant) -> Code {
    let known = CREDENTIALS
        .with_borrow(|credentials| credentials.codes.iter().find(|(code, _)| &*code.random == random).cloned());
    match known {
        Some((code, received_at)) => {
            let lifetime = code.lifetime.saturating_sub(now.since(received_at));
            Code { lifetime, ..code }
        }
        None => Code {
            random: random.into(),
            url: Rc::default(),
            lifetime: MAX_CODE_LIFETIME,
            poll_token: None,
            picture: None,
            link: None,
            response_code: None,
        },
    }
}

/// Returns the poll token of the code `random`, or `None` for a code that this page has not received.
pub(super) fn poll_token_of_code(random: &str) -> Option<Rc<str>> {
    CREDENTIALS.with_borrow(|credentials| {
        credentials.codes.iter().find(|(code, _)| &*code.random == random).and_then(|(code, _)| code.poll_token.clone())
    })
}

/// Returns the poll token for `ticket`, or `None` for a ticket that this page has not received.
pub(super) fn poll_token_of_ticket(ticket: &str) -> Option<Rc<str>> {
    CREDENTIALS.with_borrow(|credentials| {
        credentials.tickets.iter().find(|(known, _)| &**known == ticket).map(|(_, poll_token)| poll_token.clone())
    })
}

fn insert<T>(entries: &mut Vec<T>, entry: T) {
    entries.truncate(MAX_ENTRIES - 1);
    entries.insert(0, entry);
}
