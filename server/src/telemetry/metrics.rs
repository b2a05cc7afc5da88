//! The metrics of the server, in the OpenMetrics format.
//!
//! Invariant: each event is counted once, by the process that performs it. The sum over all processes is therefore correct.
//!
//! Invariant: no label has a value that a client can choose freely, such as an id, an address or a method. The number of
//! time series is therefore bounded.
//!
//! Deliberately absent: a count of expired codes. No process performs an expiry. The count follows from the others:
//! created codes that did not become authorised, cancelled or failed within their lifetime.

use core::fmt;
use core::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use scanlogin_protocol::lifecycle::CodeState;

use crate::store::Redemption;
use crate::store::record::Record;

type Seconds<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// The metrics of one process.
pub(crate) struct Metrics {
    registry: Registry,
    codes: Family<OutcomeLabels, Counter>,
    tickets: Family<OutcomeLabels, Counter>,
    refusals: Family<ReasonLabels, Counter>,
    requests: Family<ResponseLabels, Counter>,
    request_seconds: Seconds<RouteLabels>,
    waiters: Gauge,
    /// [`MeasuredStore`](crate::telemetry::measured_store::MeasuredStore) updates these.
    pub(crate) store: StoreMetrics,
}

/// The metrics of store operations, by the name of the operation.
#[derive(Clone)]
pub(crate) struct StoreMetrics {
    pub(crate) seconds: Seconds<OperationLabels>,
    pub(crate) errors: Family<OperationLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    app: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResponseLabels {
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OperationLabels {
    pub(crate) operation: &'static str,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        Self { seconds: Family::new_with_constructor(histogram), errors: Family::default() }
    }
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
            store: StoreMetrics::default(),
            registry: Registry::default(),
        };
        registry.register("build", "Version of the server", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("codes", "Creations and transitions of codes, by app and outcome", metrics.codes.clone());
        registry.register("tickets", "Attempts to redeem a ticket, by app and outcome", metrics.tickets.clone());
        registry.register("refusals", "Error responses, by reason", metrics.refusals.clone());
        registry.register("waiters", "Codes with at least one waiting poll", metrics.waiters.clone());
        registry.register("http_requests", "HTTP requests, by route and status", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Duration of HTTP requests, without the time that polls wait for a change",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register_with_unit(
            "store_operation_duration",
            "Duration of store operations",
            Unit::Seconds,
            metrics.store.seconds.clone(),
        );
        registry.register("store_errors", "Failed store operations", metrics.store.errors.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// Encodes all metrics in the OpenMetrics format. `waiters` is the number of codes with at least one waiting poll.
    ///
    /// # Errors
    ///
    /// When a metric can't be encoded.
    pub(crate) fn encode(&self, waiters: usize) -> Result<String, fmt::Error> {
        self.waiters.set(i64::try_from(waiters).unwrap_or(i64::MAX));
        let mut lines = String::new();
        text::encode(&mut lines, &self.registry)?;
        Ok(lines)
    }

    /// Counts the creation of a code, or its transition to the current state.
    pub(crate) fn count_code(&self, record: &Record) {
        let outcome = match record.state {
            CodeState::Unused => "created",
            CodeState::Scanned(_) | CodeState::Opened(_) => "scanned",
            CodeState::Returning(_) => "returning",
            CodeState::Authorised(_) => "authorised",
            CodeState::Cancelled(_) => "cancelled",
            CodeState::Failed(_) => "failed",
        };
        self.codes.get_or_create(&OutcomeLabels { app: record.app_id.clone(), outcome }).inc();
    }

    /// Counts an attempt of the app `app_id` to redeem a ticket.
    pub(crate) fn count_ticket(&self, app_id: &str, redemption: &Redemption) {
        let outcome = match redemption {
            Redemption::Redeemed(_) => "redeemed",
            Redemption::Unknown => "unknown",
            Redemption::Used => "used",
            Redemption::Expired => "expired",
            Redemption::Blocked => "blocked",
        };
        self.tickets.get_or_create(&OutcomeLabels { app: app_id.to_owned(), outcome }).inc();
    }

    /// Counts a finished request. `took` excludes the time that a poll waited. `reason` is the reason of an error,
    /// `None` for a success.
    pub(crate) fn count_request(&self, route: &str, status: u16, reason: Option<&'static str>, took: Duration) {
        let route = route.to_owned();
        if let Some(reason) = reason {
            self.refusals.get_or_create(&ReasonLabels { reason }).inc();
        }
        self.request_seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&ResponseLabels { route, status }).inc();
    }
}

/// A histogram of seconds. The upper bounds of its buckets grow by a factor of 4, from 0.25 ms to about 4.1 s.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 4.0, 8))
}
