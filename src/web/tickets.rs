//! Which poll token belongs to which ticket.
//!
//! A browser that exchanges a ticket has to prove that the code was its own (CONTRACT §2), but
//! `exchangeUserInfo(ticket)` is given the ticket alone. Deliberately absent: anything that outlives the page.

use core::cell::RefCell;
use std::collections::VecDeque;

/// How many tickets are remembered: a page signs one person in.
const REMEMBERED: usize = 8;

thread_local! {
    static TICKETS: RefCell<VecDeque<(String, String)>> = const { RefCell::new(VecDeque::new()) };
}

pub(super) fn remember(ticket: &str, poll_token: Option<&str>) {
    let Some(poll_token) = poll_token else { return };
    TICKETS.with_borrow_mut(|tickets| {
        tickets.truncate(REMEMBERED - 1);
        tickets.push_front((ticket.to_owned(), poll_token.to_owned()));
    });
}

pub(super) fn poll_token(ticket: &str) -> Option<String> {
    TICKETS.with_borrow(|tickets| {
        tickets.iter().find(|(known, _)| known == ticket).map(|(_, poll_token)| poll_token.clone())
    })
}
