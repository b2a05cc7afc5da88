//! The stored record of a code, and the deadlines that follow from it.
//!
//! `scanlogin_protocol::lifecycle` decides which actions of an approver a code allows.

use core::time::Duration;

use jiff::Timestamp;
use scanlogin_protocol::lifecycle::{CodeState, RETENTION, SCANNED_GRACE};
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{Requester, Scene, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{elapsed, later, rfc3339};
use crate::secrets::Hash;
use crate::store::raw_json::RawJson;
use crate::store::user::User;

/// The stored data of one code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The id of the code.
    pub random: String,
    /// The id of the app that the code signs in to.
    pub app_id: String,
    /// The creation time.
    pub created_at: Timestamp,
    /// The code can't be scanned from this time on. A scanned code expires [`SCANNED_GRACE`] later.
    pub expires_at: Timestamp,
    /// The state, with the owner. Invariant: its stored name stays `life`, because existing stores contain it.
    #[serde(rename = "life", with = "StoredState")]
    pub state: CodeState<User>,
    /// When the owner confirmed or cancelled. `None` before that.
    pub ended_at: Option<Timestamp>,
    /// The ticket can't be exchanged from this time on. `None` if the code is not authorised.
    pub ticket_expires_at: Option<Timestamp>,
    /// Verifies the response code of the last confirm on the device of the page. `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code_hash: Option<Hash>,
    /// Random, drawn at the scan: the numbers of number matching follow from it. `None` if the code has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_seed: Option<Hash>,
    /// The address of the page, to which the approver returns on the same device. `None` if the code has no link for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Data from the page for the approver, part of the QR code. `None` if the page sent none.
    pub custom_data: Option<RawJson<Map<String, Value>>>,
    /// The browser that created the code.
    pub requester: RawJson<Requester>,
    /// Verifies the poll token of the browser.
    pub poll_token_hash: Hash,
    /// Verifies the ticket. It is set at creation; the ticket is not valid before the code is authorised.
    pub ticket_hash: Hash,
}

/// The serialized form of [`CodeState`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "CodeState", rename_all = "lowercase")]
enum StoredState<O> {
    Unused,
    Scanned(O),
    Opened(O),
    Returning(O),
    Authorised(O),
    Cancelled(O),
    Failed(O),
}

impl Record {
    /// The record after a transition to `state` at `now`. `ticket_lifetime` is used if `state` is authorised.
    pub fn with_state(&self, state: CodeState<User>, now: Timestamp, ticket_lifetime: Duration) -> Self {
        let (ended_at, ticket_expires_at) = match state {
            CodeState::Unused | CodeState::Scanned(_) | CodeState::Opened(_) | CodeState::Returning(_) => (None, None),
            CodeState::Authorised(_) => (Some(now), Some(later(now, ticket_lifetime))),
            CodeState::Cancelled(_) | CodeState::Failed(_) => (Some(now), None),
        };
        Self { state, ended_at, ticket_expires_at, ..self.clone() }
    }

    /// How long ago [`expires_at`](Self::expires_at) was. `None` before that time.
    pub fn expired_for(&self, now: Timestamp) -> Option<Duration> {
        elapsed(self.expires_at, now)
    }

    /// The status that `check` returns at `now`.
    pub fn status(&self, now: Timestamp) -> Status {
        self.state.status(self.expired_for(now))
    }

    /// When the status becomes expired if there is no further action. `None` if the code has ended.
    pub fn expires_by_itself_at(&self) -> Option<Timestamp> {
        match self.state {
            CodeState::Unused => Some(self.expires_at),
            CodeState::Scanned(_) | CodeState::Opened(_) | CodeState::Returning(_) => {
                Some(later(self.expires_at, SCANNED_GRACE))
            }
            CodeState::Authorised(_) | CodeState::Cancelled(_) | CodeState::Failed(_) => None,
        }
    }

    /// Whether the owner has opened the code on the device of the page. Unknown for a code that has ended otherwise than by
    /// the response code.
    pub fn is_on_same_device(&self) -> bool {
        matches!(self.state, CodeState::Opened(_)) || self.response_code_hash.is_some()
    }

    /// From this time on the server treats the code as unknown.
    pub fn visible_until(&self) -> Timestamp {
        let end = self.expires_by_itself_at().or(self.ended_at).unwrap_or(self.expires_at);
        later(end, RETENTION)
    }

    /// When the store may delete the record. An authorised code is kept until [`RETENTION`] after the expiry of its ticket,
    /// so that an expired ticket is distinguished from an unknown one.
    pub fn purge_at(&self) -> Timestamp {
        let ticket = self.ticket_expires_at.map(|at| later(at, RETENTION));
        ticket.map_or(self.visible_until(), |ticket| ticket.max(self.visible_until()))
    }

    /// The content of the QR code.
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

    /// An unused code, created at second 0, with a lifetime of 120 seconds.
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
            state: CodeState::Unused,
            ended_at: None,
            ticket_expires_at: None,
            response_code_hash: None,
            number_seed: None,
            return_url: None,
            custom_data: None,
            requester: RawJson::of(&requester).unwrap(),
            poll_token_hash: Hash::of("p"),
            ticket_hash: Hash::of("t"),
        }
    }

    #[test]
    fn codes_in_every_state_are_remembered_for_five_minutes_after_their_end() {
        let alice = || User { id: "alice".to_owned(), ..User::default() };
        let ticket_lifetime = Duration::from_secs(300);
        for (state, step_at, visible_until, forget_at) in [
            (CodeState::Unused, 0, 420, 420),
            (CodeState::Scanned(alice()), 10, 480, 480),
            (CodeState::Opened(alice()), 10, 480, 480),
            (CodeState::Returning(alice()), 10, 480, 480),
            (CodeState::Cancelled(alice()), 20, 320, 320),
            (CodeState::Failed(alice()), 20, 320, 320),
            (CodeState::Authorised(alice()), 20, 320, 620),
        ] {
            let record = record().with_state(state.clone(), at(step_at), ticket_lifetime);
            assert_eq!(record.visible_until(), at(visible_until), "{state:?}");
            assert_eq!(record.purge_at(), at(forget_at), "{state:?}");
        }
    }

    #[test]
    fn record_of_an_older_version_is_read_and_a_usual_record_is_written_as_before() {
        let old = r#"{"random":"r","app_id":"app","created_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T00:02:00Z",
            "life":{"scanned":{"sub":"alice","email_verified":false}},"ended_at":null,"ticket_expires_at":null,
            "custom_data":null,
            "requester":{"appName":"Demo","origin":null,"ip":"::1","userAgent":null,"createdAt":"2026-01-01T00:00:00.000Z"},
            "poll_token_hash":"sha256:FI3pxaekTRnlbNmuGlVL9nhHr7DFj24S-imsfd_KmUA",
            "ticket_hash":"sha256:47mKTaMaEn1L3m5DAz9muidMqw636xxw7EFAK_YnPdg"}"#;
        let read: Record = serde_json::from_str(old).unwrap();
        let alice = User { id: "alice".to_owned(), ..User::default() };
        let record = record().with_state(CodeState::Scanned(alice), at(10), Duration::ZERO);
        assert_eq!(read, record);
        let names = |json: &Value| json.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let (old, new) = (serde_json::from_str(old).unwrap(), serde_json::to_value(&record).unwrap());
        assert_eq!(names(&new), names(&old), "a server of the older version, on the same Redis, reads it");
    }

    #[test]
    fn unused_code_is_expired_from_expires_at_on() {
        assert_eq!(record().status(at(119)), Status::Unused);
        assert_eq!(record().status(at(120)), Status::Expired);
        assert_eq!(record().expires_by_itself_at(), Some(at(120)));
    }
}
