//! What every store must do, run against each of them, and what is each one's own.
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, and clippy takes no helper for one"
)]

mod redis_server;

mod server_process;

mod every_store;

mod sqlite_file;

mod redis_itself;

mod redis_away;

mod two_servers;
