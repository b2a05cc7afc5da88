//! The real router with a real SQLite store, called as a browser, a phone and a site's backend would.
//!
//! Almost all of it runs without a socket and on a clock that the test pushes, so that nothing here waits.
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, and clippy takes no helper for one"
)]

mod common;

mod kept_log;

mod description;

mod stores;

mod whole_path;

mod life;

mod races;

mod long_poll;

mod poll_token;

mod ticket;

mod provider;

mod identity;

mod signing_keys;

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
