//! The audit: one event for each scan, confirm, cancel and exchange that somebody tried, whatever became of it.
//!
//! An event is a line of the log with the target `audit`. These are its fields; what is not known is left out:
//!
//! | field | meaning |
//! | --- | --- |
//! | `action` | `scan`, `confirm`, `cancel` or `exchange` |
//! | `outcome` | `ok`, or the `reason` of the refusal |
//! | `app_id` | the app that the code signs in to |
//! | `user_pool_id`, `user_id` | who scans, confirms or cancels; in an exchange, who has confirmed |
//! | `code` | the same for all events of a code: 64 bits of the SHA-256 of its id |
//! | `ip`, `origin`, `user_agent` | who calls: the phone, or whoever exchanges |
//! | `browser_ip`, `browser_origin`, `browser_user_agent` | who asked for the code |
//! | `request_id`, in the span | the `x-request-id` of the answer |
//!
//! Deliberately absent: the ids of codes, tickets and tokens, with which somebody who reads the log could act.

use scanlogin_protocol::wire::Requester;
use tracing::Instrument as _;

use crate::client::Browser;
use crate::http::error::ApiError;
use crate::secrets::Hash;
use crate::store::record::Record;
use crate::store::user::User;

/// What somebody tries, as far as it is known by now.
pub struct Event {
    action: &'static str,
    caller: Browser,
    code: Option<String>,
    app_id: Option<String>,
    browser: Option<Requester>,
    user: Option<User>,
}

impl Event {
    /// `caller` tries `action`.
    pub fn new(action: &'static str, caller: Browser) -> Self {
        Self { action, caller, code: None, app_id: None, browser: None, user: None }
    }

    /// The caller names a code, which there may not be.
    pub fn names(&mut self, random: &str) {
        let [a, b, c, d, e, f, g, h, ..] = *Hash::of(random).as_bytes();
        self.code = Some(format!("{:016x}", u64::from_be_bytes([a, b, c, d, e, f, g, h])));
    }

    /// There is such a code.
    ///
    /// # Errors
    ///
    /// When it can't be read who asked for it. Then nothing must become of the attempt.
    pub fn is_about(&mut self, record: &Record) -> serde_json::Result<()> {
        self.names(&record.random);
        self.app_id = Some(record.app_id.clone());
        self.browser = Some(record.requester.read()?);
        Ok(())
    }

    /// It is known whose doing it is.
    pub fn is_of(&mut self, user: &User) {
        self.user = Some(user.clone());
    }

    fn write<T>(&self, outcome: &Result<T, ApiError>) {
        let Self { action, caller, code, app_id, browser, user } = self;
        tracing::info!(
            target: "audit",
            action,
            outcome = outcome.as_ref().err().map_or("ok", ApiError::reason),
            app_id,
            user_pool_id = user.as_ref().map(|user| &user.user_pool_id),
            user_id = user.as_ref().map(|user| &user.id),
            code,
            ip = caller.ip,
            origin = caller.origin,
            user_agent = caller.user_agent,
            browser_ip = browser.as_ref().map(|browser| &browser.ip),
            browser_origin = browser.as_ref().and_then(|browser| browser.origin.as_ref()),
            browser_user_agent = browser.as_ref().and_then(|browser| browser.user_agent.as_ref()),
            "audit"
        );
    }
}

/// Sees an attempt through to its end, and writes its event. In a task of its own: a caller that hangs up half-way must
/// keep neither the waiting page from its news nor the audit from its event.
///
/// # Errors
///
/// Those of the attempt, and [`ApiError::Internal`] when it panics.
pub(crate) async fn audited<T: Send + 'static>(
    attempt: impl Future<Output = (Event, Result<T, ApiError>)> + Send + 'static,
) -> Result<T, ApiError> {
    let written = async {
        let (event, outcome) = attempt.await;
        event.write(&outcome);
        outcome
    };
    tokio::spawn(written.in_current_span()).await.map_err(|_| ApiError::Internal)?
}
