//! The HTTP interface: the router with a SQLite store, and requests of a requester, an approver and a backend.
//!
//! Most tests need no socket and no real time: they call the router directly and advance a paused clock.

mod sign_in;

mod code_modules;

mod links;

mod native_apps;

mod transitions;

mod races;

mod long_poll;

mod clock_changes;

mod poll_token;

mod ticket;

mod same_device;

mod number_matching;

mod issuer_tokens;

mod issuer_settings;

mod token_rejections;

pub(crate) mod signing_keys;

mod step_up;

mod blocked_users;

mod invalid_requests;

mod cross_origin;

mod rate_limits;

mod connection_limits;

mod static_files;

mod demo;

mod passkeys;

mod start_and_shutdown;

mod access_log;

mod audit_log;

pub(crate) mod metrics;

mod openapi;

mod health;
