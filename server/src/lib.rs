//! The server behind scanlogin: codes, their life, tickets.
//!
//! # Where to start
//!
//! [`app()`] builds the router, and a test can call it without a socket. [`start`] does what `main` does: it opens the
//! store, builds the router, and serves it until [`Running::shutdown`]. Then, in this order:
//!
//! 1. [`config`], [`settings`], [`mod@app`]: what can be set, for the process and for each app; [`commands`]: what the
//!    program does instead of serving.
//! 2. [`service`]: what every call works with; a code is made, found, and moved along its life.
//! 3. [`api`]: the calls of the protocol, one file each; [`extract`], what they read of a request; `openapi`, what
//!    others are told of both.
//! 4. [`record`], [`unread`], [`store`]: a code, and where it is kept.
//! 5. [`waiters`]: who waits for news of which code.
//! 6. [`identity`], [`user`]: whose token it is that a phone brings. [`secrets`], [`signing_keys`]: what we hand out.
//! 7. [`client_address`], [`limits`], [`meter`]: where a request comes from, and what is too much.
//! 8. [`error`]: every refusal.
//! 9. `serve`: the socket, and patience with clients, which has an end.
//! 10. `observe`, [`log`], [`audit`], [`metrics`]: what the people who run the server are told.
//! 11. [`pages`], [`demo`]: what stands around the protocol.
//!
//! The wire types, the table of a code's life and the picture of a code are those of the widget's crate, `scanlogin`.

pub mod config;

pub mod settings;

pub mod app;

pub mod origin;

pub mod commands;

pub mod service;

pub mod api;

pub mod extract;

mod openapi;

pub mod record;

pub mod unread;

pub mod store;

pub mod waiters;

pub mod clock;

pub mod secrets;

pub mod signing_keys;

pub mod identity;

pub mod user;

pub mod client_address;

pub mod limits;

pub mod meter;

pub mod error;

pub mod log;

pub mod audit;

pub mod metrics;

mod observe;

pub mod pages;

pub mod demo;

mod run;

mod serve;

mod patience;

use std::sync::Arc;

use axum::Router;

pub use config::Config;
pub use run::{Running, StartError, start, start_with};
pub use service::Service;

use crate::observe::Observe;

/// Everything that the server answers.
pub fn app(service: &Arc<Service>) -> Router {
    let api = api::routes(service);
    let mut pages = pages::routes(&service.config);
    if let Some(demo) = &service.config.demo {
        pages = pages.merge(demo::routes(service, demo, api.clone()));
    }
    pages.layer(Observe::new(service)).merge(api)
}
