//! What the calls for a page's own code have to know again, since they are given an id alone, as they always were.
//!
//! A browser that asks for the status of a code, or exchanges a ticket, has to prove that the code was its own
//! (docs/protocol.md, "Poll token"). Deliberately absent: anything that outlives the page.

use core::cell::RefCell;
use std::rc::Rc;

use super::value::Js;
use crate::session::{Checked, Code, News, Reply, Request};
use scanlogin_protocol::lifecycle::MAX_CODE_LIFETIME;

/// How many codes and tickets are remembered: a page that draws its own shows one or two, and signs one person in.
const REMEMBERED: usize = 16;

thread_local! {
    static CODES: RefCell<Vec<Code>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn remember(code: Code) {
    CODES.with_borrow_mut(|codes| {
        codes.truncate(REMEMBERED - 1);
        codes.insert(0, code);
    });
}

/// Remembers the ticket in an answer as a code: both are an id, and what a browser proves itself with that uses it.
pub(super) fn remember_ticket(reply: &Reply<Js>, request: &Request) {
    if let (
        Reply::Checked(Checked { news: News::Authorised { ticket }, .. }),
        Request::Check { poll_token: Some(poll_token), .. },
    ) = (reply, request)
    {
        remember(Code { poll_token: Some(poll_token.clone()), ..unknown(ticket.clone()) });
    }
}

/// The code or the ticket `id`, with what is known of it: all of one that the page asked for, otherwise its id.
pub(super) fn code(id: &str) -> Code {
    let known = CODES.with_borrow(|codes| codes.iter().find(|code| &*code.random == id).cloned());
    known.unwrap_or_else(|| unknown(id.into()))
}

fn unknown(random: Rc<str>) -> Code {
    Code { random, url: Rc::default(), lifetime: MAX_CODE_LIFETIME, poll_token: None, picture: None }
}
