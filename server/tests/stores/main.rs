//! What every store must do, run against each of them, and what is each one's own.
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, and clippy takes no helper for one"
)]

mod sqlite_file;
