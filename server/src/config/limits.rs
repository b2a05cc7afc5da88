//! Rate limits, connection limits and timeouts: the section `[limits]` of the settings file.

use core::num::NonZeroU32;
use core::time::Duration;

use serde::{Deserialize, Deserializer};

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// So many times at once.
    pub burst: NonZeroU32,
    /// And so many times a second from then on.
    pub per_second: NonZeroU32,
}

/// The section `[limits]` of the settings. An address is an IPv4 address or the /64 of an IPv6 one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The codes that an address may ask for.
    pub codes_per_address: Rate,
    /// The unknown codes and tickets, and wrong tokens and secrets, that an address may come with. After a start with an
    /// empty store each page that waits does so once.
    pub wrong_guesses_per_address: Rate,
    /// The polls of one code by the browser that asked for it, and of its image. The shortest interval that the widget
    /// can be given makes ten a second.
    pub checks_per_code: Rate,
    /// The scans, confirmations and cancellations of a user.
    pub approver_calls_per_user: Rate,
    /// The scans, confirmations and cancellations of one code, whoever asks for them.
    pub approver_calls_per_code: Rate,
    /// The connections that an address may have open; a trusted proxy may have all. A browser has up to six.
    pub connections_per_address: NonZeroU32,
    /// How long the head of a request may take from its first byte on.
    #[serde(deserialize_with = "seconds")]
    pub head_timeout: Duration,
    /// How long a body may take.
    #[serde(deserialize_with = "seconds")]
    pub body_timeout: Duration,
    /// How long a client may take to read before there is room to write on.
    #[serde(deserialize_with = "seconds")]
    pub write_timeout: Duration,
    /// How long a connection may be without a request. Proxies keep theirs for a minute, and must be the ones who end
    /// it: a request that crosses our end is lost.
    #[serde(deserialize_with = "seconds")]
    pub idle_timeout: Duration,
    /// How long an answer may take, the wait of a poll included.
    #[serde(deserialize_with = "seconds")]
    pub answer_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            codes_per_address: rate(2_000, 50),
            wrong_guesses_per_address: rate(2_000, 10),
            checks_per_code: rate(40, 20),
            approver_calls_per_user: rate(30, 1),
            approver_calls_per_code: rate(20, 2),
            connections_per_address: number(4_000),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            answer_timeout: Duration::from_secs(45),
        }
    }
}

const fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(number - 1)
}

const fn rate(burst: u32, per_second: u32) -> Rate {
    Rate { burst: number(burst), per_second: number(per_second) }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    NonZeroU32::deserialize(deserializer).map(|seconds| Duration::from_secs(seconds.get().into()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;

    #[test]
    fn what_is_not_set_stays_as_it_is() {
        let set = json!({ "codes_per_address": { "burst": 7, "per_second": 1 }, "head_timeout": 3 });
        let limits: Limits = from_value(set).unwrap();
        assert_eq!(limits.codes_per_address, rate(7, 1));
        assert_eq!(limits.head_timeout, Duration::from_secs(3));
        assert_eq!(limits.approver_calls_per_user, Limits::default().approver_calls_per_user);
        assert_eq!(from_value::<Limits>(json!({})).unwrap(), Limits::default());
    }

    #[test]
    fn what_would_let_nobody_in_is_refused() {
        for wrong in [
            json!({ "codes_per_address": { "burst": 0, "per_second": 1 } }),
            json!({ "codes_per_address": { "burst": 1, "per_second": 0 } }),
            json!({ "codes_per_address": { "burst": 1 } }),
            json!({ "codes_per_address": { "burst": 1, "per_second": 1, "per_minute": 1 } }),
            json!({ "codes_per_adress": { "burst": 1, "per_second": 1 } }),
            json!({ "connections_per_address": 0 }),
            json!({ "body_timeout": 0 }),
            json!({ "body_timeout": -1 }),
            json!({ "body_timeout": "10s" }),
        ] {
            assert!(from_value::<Limits>(Value::clone(&wrong)).is_err(), "{wrong}");
        }
    }
}
