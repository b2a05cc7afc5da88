//! The HTTP layer of the server: routes, handlers, extractors, middleware and errors.

pub mod api;
pub(crate) mod cors;
pub mod demo;
pub mod error;
pub mod extract;
pub mod metrics_endpoint;
pub(crate) mod middleware;
pub(crate) mod openapi;
pub mod state;
pub mod static_files;
