//! Telemetry for operators: log, audit log and metrics.

pub mod audit;
pub mod log;
pub mod measured_store;
pub mod metrics;
