//! Telemetry for operators: log, audit log and metrics.

pub(crate) mod audit;
pub mod log;
pub mod measured_store;
pub(crate) mod metrics;
