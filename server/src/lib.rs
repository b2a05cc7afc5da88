//! The server of scanlogin: codes, their states, and tickets.
//!
//! # Where to start
//!
//! [`app()`] builds the router; a test can call it without a socket. [`start`] does what `main` does: it opens the store,
//! builds the router, and serves it until [`Running::shutdown`]. Then read, from the outside in:
//!
//! 1. [`cli`]: flags and commands. [`config`]: their values, and the settings file.
//! 2. [`http`]: routes, handlers, extractors, middleware and errors. `net`: the listener and its timeouts.
//! 3. [`codes`]: creates and finds codes, and applies actions to them.
//! 4. [`auth`]: tokens of approvers, and the keys of this server. `rate_limit`: limits per address, user and code.
//! 5. [`telemetry`]: log, audit log and metrics.
//! 6. [`store`]: records of codes, accounts and keys, and the stores for them.
//! 7. [`clock`], [`secrets`], `client`, `file_lock`: the parts that all layers use.
//!
//! The crate `scanlogin-protocol` defines the messages and the states of a code. The crate `scanlogin-qr` draws codes.

pub mod auth;
pub mod cli;
mod client;
pub mod clock;
pub mod codes;
pub mod config;
mod file_lock;
pub mod http;
mod net;
mod rate_limit;
mod run;
pub mod secrets;
pub mod store;
pub mod telemetry;

use std::sync::Arc;

use axum::Router;

pub use config::Config;
pub use http::state::AppState;
pub use run::{Running, StartError, start, start_with};

use crate::http::middleware::Middleware;
use crate::http::{api, demo, static_files};

/// The router of the server: the API, the pages, and the demo if `state` has one.
pub fn app(state: &Arc<AppState>) -> Router {
    let api = api::routes(state);
    let mut pages = static_files::routes(&state.config);
    if let Some(demo) = &state.config.demo {
        pages = pages.merge(demo::routes(state, demo, api.clone()));
    }
    pages.layer(Middleware::new(state)).merge(api)
}
