//! Rate limits, connection limits and timeouts: the section `[limits]` of the settings file.

use core::num::NonZeroU32;
use core::time::Duration;

use serde::{Deserialize, Deserializer};

/// A rate limit: a burst, and a rate after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The number of requests that may come at once.
    pub burst: NonZeroU32,
    /// The number of requests per second after the burst.
    pub per_second: NonZeroU32,
}

/// The section `[limits]` of the settings file.
///
/// An address is an IPv4 address, or the /64 network of an IPv6 address. The file gives durations in whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Created codes per address.
    pub codes_per_address: Rate,
    /// Wrong guesses per address: unknown codes, tickets and apps, wrong tokens, secrets and passwords. After a start with
    /// an empty store, each page that polls makes one.
    pub wrong_guesses_per_address: Rate,
    /// Polls per code and poll token; per code and address for a poll without a token. The shortest interval of the widget
    /// makes about ten polls a second.
    pub checks_per_code: Rate,
    /// Images of codes per address.
    pub images_per_address: Rate,
    /// Requests `scanned`, `confirm` and `cancel` per user. Requests for passkeys of the demo count, too.
    pub approver_calls_per_user: Rate,
    /// Requests `scanned`, `confirm` and `cancel` per code, of all users together.
    pub approver_calls_per_code: Rate,
    /// Open connections per address. It does not apply to trusted proxies. A browser opens up to six connections.
    pub connections_per_address: NonZeroU32,
    /// The timeout of a request head, from its first byte on.
    #[serde(deserialize_with = "seconds")]
    pub head_timeout: Duration,
    /// The timeout of a request body.
    #[serde(deserialize_with = "seconds")]
    pub body_timeout: Duration,
    /// The timeout of a write that waits until the client reads.
    #[serde(deserialize_with = "seconds")]
    pub write_timeout: Duration,
    /// How long a connection may have no request. The default is longer than the usual idle timeout of proxies, one minute:
    /// if the server closes a connection first, a request that the proxy sends at that moment is lost.
    #[serde(deserialize_with = "seconds")]
    pub idle_timeout: Duration,
    /// The timeout of a response, including the wait of a long poll.
    #[serde(deserialize_with = "seconds")]
    pub response_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            codes_per_address: rate(2_000, 50),
            wrong_guesses_per_address: rate(2_000, 10),
            checks_per_code: rate(40, 20),
            images_per_address: rate(2_000, 50),
            approver_calls_per_user: rate(30, 1),
            approver_calls_per_code: rate(20, 2),
            connections_per_address: number(4_000),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            response_timeout: Duration::from_secs(45),
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
    fn missing_limits_have_their_defaults() {
        let set = json!({ "codes_per_address": { "burst": 7, "per_second": 1 }, "head_timeout": 3 });
        let limits: Limits = from_value(set).unwrap();
        assert_eq!(limits.codes_per_address, rate(7, 1));
        assert_eq!(limits.head_timeout, Duration::from_secs(3));
        assert_eq!(limits.approver_calls_per_user, Limits::default().approver_calls_per_user);
        assert_eq!(from_value::<Limits>(json!({})).unwrap(), Limits::default());
    }

    #[test]
    fn zero_and_malformed_limits_are_rejected() {
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
