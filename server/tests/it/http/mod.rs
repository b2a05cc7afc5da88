//! The HTTP interface: the router with a SQLite store, and requests as a browser, a phone or a backend sends them.
//!
//! Most tests need no socket and no real time: they call the router directly and advance a paused clock.

mod whole_path;

mod life;

mod races;

mod long_poll;

mod poll_token;

mod ticket;

mod identity;

pub(crate) mod signing_keys;

mod blocked;

mod bad_input;

mod cross_origin;

mod limits;

mod slow_clients;

mod pages;

mod demo;

mod running;

mod logs;

mod audit;

mod metrics;

mod openapi;

mod health;
