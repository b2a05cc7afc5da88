//! The real router with a real SQLite store, called as a browser, a phone and a site's backend would.
//!
//! Almost all of it runs without a socket and on a clock that the test pushes, so that nothing here waits.

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
