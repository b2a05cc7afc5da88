//! Tests on a virtual clock.

mod host;
mod model;
mod polling;
mod properties;
mod same_device;
mod scenarios;
