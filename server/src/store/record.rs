//! A code as the server keeps it, and what time does to it.
//!
//! Deliberately absent: what an approver may do to it, which `scanlogin_protocol::lifecycle` decides.

use core::time::Duration;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::{Life, REMEMBERED, SCANNED_GRACE};
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{Requester, Scene, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{elapsed, later, rfc3339};
use crate::secrets::Hash;
use crate::store::raw_json::RawJson;
use crate::store::user::User;

/// A code and all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The id of the code.
    pub random: String,
    /// The app that the code signs in to.
    pub app_id: String,
    /// When the code was made.
    pub created_at: Timestamp,
    /// When nobody can scan it any more.
    pub expires_at: Timestamp,
    /// Where it stands, and whose it is.
    #[serde(with = "StoredLife")]
    pub life: Life<User>,
    /// When its owner confirmed or cancelled.
    pub ended_at: Option<Timestamp>,
    /// When its ticket can no longer be exchanged; known once it is authorised.
    pub ticket_expires_at: Option<Timestamp>,
    /// What the page wants the approver to read.
    pub custom_data: Option<RawJson<Map<String, Value>>>,
    /// The browser that asked.
    pub requester: RawJson<Requester>,
    /// Knows the browser again.
    pub poll_token_hash: Hash,
    /// Knows the ticket again.
    pub ticket_hash: Hash,
}

/// How a life is stored.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Life", rename_all = "lowercase")]
enum StoredLife<O> {
    Unused,
    Scanned(O),
    Authorised(O),
    Cancelled(O),
    Failed(O),
}

impl Record {
    /// The record after a step of its life at `now`.
    pub fn step(self, life: Life<User>, now: Timestamp, ticket_lifetime: Duration) -> Self {
        let (ended_at, ticket_expires_at) = match life {
            Life::Unused | Life::Scanned(_) => (None, None),
            Life::Authorised(_) => (Some(now), Some(later(now, ticket_lifetime))),
            Life::Cancelled(_) | Life::Failed(_) => (Some(now), None),
        };
        Self { life, ended_at, ticket_expires_at, ..self }
    }

    /// How long ago the code expired, `None` while it lives.
    pub fn past_expiry(&self, now: Timestamp) -> Option<Duration> {
        elapsed(self.expires_at, now)
    }

    /// What `check` tells at `now`.
    pub fn status(&self, now: Timestamp) -> Status {
        self.life.status(self.past_expiry(now))
    }

    /// When the status changes without anybody doing anything.
    pub fn expires_by_itself_at(&self) -> Option<Timestamp> {
        match self.life {
            Life::Unused => Some(self.expires_at),
            Life::Scanned(_) => Some(later(self.expires_at, SCANNED_GRACE)),
            Life::Authorised(_) | Life::Cancelled(_) | Life::Failed(_) => None,
        }
    }

    /// Until when the code is remembered: from then on it is as if it had never been.
    pub fn remembered_until(&self) -> Timestamp {
        let end = self.expires_by_itself_at().or(self.ended_at).unwrap_or(self.expires_at);
        later(end, REMEMBERED)
    }

    /// When the store may drop it: a ticket that came too late must still be told from one that never was.
    pub fn forget_at(&self) -> Timestamp {
        let ticket = self.ticket_expires_at.map(|at| later(at, REMEMBERED));
        ticket.map_or(self.remembered_until(), |ticket| ticket.max(self.remembered_until()))
    }

    /// What the QR code says.
    pub fn payload(&self, user_pool_id: &str) -> Payload<&RawJson<Map<String, Value>>> {
        Payload {
            scene: Scene::App,
            random: self.random.clone(),
            user_pool_id: Some(user_pool_id.to_owned()),
            created_at: Some(rfc3339(self.created_at)),
            expire_at: Some(rfc3339(self.expires_at)),
            expires_in: None,
            custom_data: self.custom_data.as_ref(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        later("2026-01-01T00:00:00Z".parse().unwrap(), Duration::from_secs(second))
    }

    /// Made at second 0, for 120 seconds.
    pub(crate) fn record() -> Record {
        let requester = Requester {
            app_name: "Demo".to_owned(),
            origin: None,
            ip: "::1".to_owned(),
            user_agent: None,
            created_at: rfc3339(at(0)),
        };
        Record {
            random: "r".to_owned(),
            app_id: "app".to_owned(),
            created_at: at(0),
            expires_at: at(120),
            life: Life::Unused,
            ended_at: None,
            ticket_expires_at: None,
            custom_data: None,
            requester: RawJson::of(&requester).unwrap(),
            poll_token_hash: Hash::of("p"),
            ticket_hash: Hash::of("t"),
        }
    }

    #[test]
    fn a_code_is_remembered_for_five_minutes_after_its_end_whichever_it_is() {
        let alice = || User { id: "alice".to_owned(), ..User::default() };
        let ticket_lifetime = Duration::from_secs(300);
        for (life, step_at, remembered_until, forget_at) in [
            (Life::Unused, 0, 420, 420),
            (Life::Scanned(alice()), 10, 480, 480),
            (Life::Cancelled(alice()), 20, 320, 320),
            (Life::Failed(alice()), 20, 320, 320),
            (Life::Authorised(alice()), 20, 320, 620),
        ] {
            let record = record().step(life.clone(), at(step_at), ticket_lifetime);
            assert_eq!(record.remembered_until(), at(remembered_until), "{life:?}");
            assert_eq!(record.forget_at(), at(forget_at), "{life:?}");
        }
    }

    #[test]
    fn an_unused_code_expires_on_the_millisecond() {
        assert_eq!(record().status(at(119)), Status::Unused);
        assert_eq!(record().status(at(120)), Status::Expired);
        assert_eq!(record().expires_by_itself_at(), Some(at(120)));
    }
}
