//! The server, tested through its public interface: its settings, its router, its stores and its program.
//!
//! All of these tests are one binary, because each binary links the whole server. They run at the same time in one
//! process, so that no test may change what belongs to the process: an environment variable, a limit, the working
//! directory. A test that needs that starts the program as a child process.
#![allow(missing_docs, reason = "the names of tests are sentences")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, and clippy takes no helper for one"
)]

mod support;

mod attacks;
mod config;
mod documents;
mod http;
mod settings;
mod stores;

// These start the program.
mod authorities;
mod commands;
mod few_files;
