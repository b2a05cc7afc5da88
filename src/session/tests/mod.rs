//! Tests on a virtual clock.

mod host;
mod model;
mod properties;
mod scenarios;
