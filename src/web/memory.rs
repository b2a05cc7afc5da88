//! What the calls for a page's own code have to know again, since they are given an id alone, as they always were.
//!
//! A browser that asks for the status of a code, or exchanges a ticket, has to prove that the code was its own (CONTRACT
//! §2). Deliberately absent: anything that outlives the page.

use core::cell::RefCell;
use std::rc::Rc;

use crate::session::Code;

/// How many codes and tickets are remembered: a page that draws its own shows one or two, and signs one person in.
const REMEMBERED: usize = 8;

thread_local! {
    static CODES: RefCell<Vec<Code>> = const { RefCell::new(Vec::new()) };
    static TICKETS: RefCell<Vec<(Rc<str>, Rc<str>)>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn remember_code(code: Code) {
    CODES.with_borrow_mut(|codes| remember(codes, code));
}

pub(super) fn code(random: &str) -> Option<Code> {
    CODES.with_borrow(|codes| codes.iter().find(|code| &*code.random == random).cloned())
}

pub(super) fn remember_ticket(ticket: &Rc<str>, poll_token: Option<Rc<str>>) {
    let Some(poll_token) = poll_token else { return };
    TICKETS.with_borrow_mut(|tickets| remember(tickets, (ticket.clone(), poll_token)));
}

pub(super) fn poll_token(ticket: &str) -> Option<Rc<str>> {
    TICKETS.with_borrow(|tickets| {
        tickets.iter().find(|(known, _)| &**known == ticket).map(|(_, poll_token)| poll_token.clone())
    })
}

fn remember<T>(all: &mut Vec<T>, one: T) {
    all.truncate(REMEMBERED - 1);
    all.insert(0, one);
}
