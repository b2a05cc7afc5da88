//! What the calls for a page's own code have to know again, since they are given an id alone, as they always were.
//!
//! A browser that asks for the status of a code, or exchanges a ticket, has to prove that the code was its own (CONTRACT
//! §2). Deliberately absent: anything that outlives the page.

use core::cell::RefCell;
use std::rc::Rc;

use crate::lifecycle::MAX_CODE_LIFETIME;
use crate::session::Code;

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

/// A ticket is remembered as a code is: both are an id, and what a browser proves itself with that uses it.
pub(super) fn remember_ticket(ticket: Rc<str>, poll_token: Option<Rc<str>>) {
    remember(Code { poll_token, ..unknown(ticket) });
}

/// The code or the ticket `id`, with what is known of it: all of one that the page asked for, otherwise its id.
pub(super) fn code(id: &str) -> Code {
    let known = CODES.with_borrow(|codes| codes.iter().find(|code| &*code.random == id).cloned());
    known.unwrap_or_else(|| unknown(id.into()))
}

fn unknown(random: Rc<str>) -> Code {
    Code { random, url: Rc::default(), lifetime: MAX_CODE_LIFETIME, poll_token: None, picture: None }
}
