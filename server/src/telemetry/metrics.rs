//! What the server counts, and the listener of its own where Prometheus reads it.
//!
//! Whatever happens is counted once, by the process that does it, so that the sum over all processes is true.
//! Deliberately absent: codes that have expired, since nobody does that (they are those made that are neither
//! authorised nor cancelled nor failed after their lifetime), and labels that a caller could make up: ids, addresses,
//! methods.

use core::fmt;
use core::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use scanlogin_protocol::lifecycle::Life;

use crate::store::Redemption;
use crate::store::record::Record;

type Seconds<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// The counts of one process.
pub struct Metrics {
    registry: Registry,
    codes: Family<Ending, Counter>,
    tickets: Family<Ending, Counter>,
    refusals: Family<Reason, Counter>,
    requests: Family<Answered, Counter>,
    request_seconds: Seconds<Route>,
    waiters: Gauge,
    /// What a [`MeasuredStore`](crate::telemetry::measured_store::MeasuredStore) counts.
    pub(crate) store: StoreMetrics,
}

/// What is counted of a store.
#[derive(Clone)]
pub(crate) struct StoreMetrics {
    pub(crate) seconds: Seconds<Operation>,
    pub(crate) errors: Family<Operation, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ending {
    app: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Operation {
    pub(crate) operation: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("scanlogin");
        let metrics = Self {
            codes: Family::default(),
            tickets: Family::default(),
            refusals: Family::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(histogram),
            waiters: Gauge::default(),
            store: StoreMetrics { seconds: Family::new_with_constructor(histogram), errors: Family::default() },
            registry: Registry::default(),
        };
        registry.register("build", "The program that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("codes", "Codes, by what was done to them", metrics.codes.clone());
        registry.register("tickets", "Tickets that were brought, by what became of them", metrics.tickets.clone());
        registry.register("refusals", "Requests that were refused, by reason", metrics.refusals.clone());
        registry.register("waiters", "Codes that somebody waits for now", metrics.waiters.clone());
        registry.register("http_requests", "Requests, by what was answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took, without the time in which they waited for news",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register_with_unit(
            "store_operation_duration",
            "How long the store took",
            Unit::Seconds,
            metrics.store.seconds.clone(),
        );
        registry.register("store_errors", "Operations in which the store failed", metrics.store.errors.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Writes all counts in the OpenMetrics format; `waiters` is the number of codes that are waited for now.
    ///
    /// # Errors
    ///
    /// When a metric can't be written.
    pub(crate) fn encode(&self, waiters: usize) -> Result<String, fmt::Error> {
        self.waiters.set(i64::try_from(waiters).unwrap_or(i64::MAX));
        let mut lines = String::new();
        text::encode(&mut lines, &self.registry)?;
        Ok(lines)
    }

    /// A code has come to where it stands now.
    pub(crate) fn count_code(&self, record: &Record) {
        let outcome = match record.life {
            Life::Unused => "made",
            Life::Scanned(_) => "scanned",
            Life::Authorised(_) => "authorised",
            Life::Cancelled(_) => "cancelled",
            Life::Failed(_) => "failed",
        };
        self.codes.get_or_create(&Ending { app: record.app_id.clone(), outcome }).inc();
    }

    /// A ticket was brought in the name of the app `app_id`.
    pub(crate) fn count_ticket(&self, app_id: &str, redemption: &Redemption) {
        let outcome = match redemption {
            Redemption::Redeemed(_) => "redeemed",
            Redemption::Unknown => "unknown",
            Redemption::Used => "used",
            Redemption::Expired => "expired",
            Redemption::Blocked => "blocked",
        };
        self.tickets.get_or_create(&Ending { app: app_id.to_owned(), outcome }).inc();
    }

    /// Counts a request that came by `route` and was answered with `status` after it `took` so long; `reason` is that of a
    /// refusal.
    pub(crate) fn count_request(&self, route: &str, status: u16, reason: Option<&'static str>, took: Duration) {
        let route = route.to_owned();
        if let Some(reason) = reason {
            self.refusals.get_or_create(&Reason { reason }).inc();
        }
        self.request_seconds.get_or_create(&Route { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { route, status }).inc();
    }
}

/// From a quarter of a millisecond to four seconds.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 4.0, 8))
}
