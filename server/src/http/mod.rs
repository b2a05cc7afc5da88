//! The HTTP layer of the server: routes, handlers, extractors, middleware and errors.

pub mod api;
pub(crate) mod cors;
pub(crate) mod demo;
pub(crate) mod demo_step_up;
pub(crate) mod error;
pub(crate) mod extract;
pub(crate) mod image_threads;
pub mod metrics_endpoint;
pub(crate) mod middleware;
pub(crate) mod openapi;
pub(crate) mod readiness;
pub(crate) mod state;
pub(crate) mod static_files;
