//! The audit log: one event for each scan, confirm, cancel, complete and exchange that a client attempts, whatever its outcome.
//!
//! An event is a line of the log with the target `audit`. It has these fields; unknown ones are left out:
//!
//! | field | meaning |
//! | --- | --- |
//! | `action` | `scan`, `confirm`, `cancel`, `complete` or `exchange` |
//! | `outcome` | `ok`, or the `reason` of the error |
//! | `app_id` | the app that the code signs in to |
//! | `user_pool_id`, `user_id` | the user who acts; in a completion and an exchange, the owner of the code |
//! | `code` | the same for all events of a code: 64 bits of the SHA-256 of its id |
//! | `ip`, `origin`, `user_agent` | the client: the phone, the page that completes, or the caller of the exchange |
//! | `browser_ip`, `browser_origin`, `browser_user_agent` | the browser that created the code |
//! | `request_id`, in the span | the `x-request-id` header of the response |
//!
//! Invariant: the ids of codes, tickets and tokens are never written. A reader of the log could act with them.

use scanlogin_protocol::wire::Requester;

use crate::client::Browser;
use crate::secrets::Hash;
use crate::store::user::User;

/// A finished attempt.
pub(crate) struct Event<'a> {
    /// `scan`, `confirm`, `cancel`, `complete` or `exchange`.
    pub action: &'static str,
    /// `ok`, or the reason of the error.
    pub outcome: &'static str,
    /// The client that made the attempt.
    pub client: &'a Browser,
    /// The id of the code that the client named, whether it exists or not.
    pub random: Option<&'a str>,
    /// The app that the code signs in to.
    pub app_id: Option<&'a str>,
    /// The browser that created the code.
    pub requester: Option<&'a Requester>,
    /// The user who acts; in a completion and an exchange, the owner of the code.
    pub user: Option<&'a User>,
}

impl Event<'_> {
    /// Writes the event to the log.
    pub(crate) fn write(&self) {
        let Self { action, outcome, client, random, app_id, requester, user } = *self;
        tracing::info!(
            target: "audit",
            action,
            outcome,
            app_id,
            user_pool_id = user.map(|user| &user.user_pool_id),
            user_id = user.map(|user| &user.id),
            code = random.map(pseudonym),
            ip = client.ip,
            origin = client.origin,
            user_agent = client.user_agent,
            browser_ip = requester.map(|browser| &browser.ip),
            browser_origin = requester.and_then(|browser| browser.origin.as_ref()),
            browser_user_agent = requester.and_then(|browser| browser.user_agent.as_ref()),
            "audit"
        );
    }
}

/// The `code` field: the first 64 bits of the SHA-256 of the code's id, as 16 hexadecimal digits.
fn pseudonym(random: &str) -> String {
    let [a, b, c, d, e, f, g, h, ..] = *Hash::of(random).as_bytes();
    format!("{:016x}", u64::from_be_bytes([a, b, c, d, e, f, g, h]))
}
