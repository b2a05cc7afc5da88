//! Integration tests of the server's public interface: settings, router, stores and the built program.
//!
//! All tests are one binary, because each test binary links the whole server. They run concurrently in one process.
//! Invariant: no test changes process-wide state, such as environment variables, resource limits or the working
//! directory. A test that needs such a change starts the program as a child process.
#![allow(missing_docs, reason = "test names are descriptive")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy.toml allows these in tests, but clippy does not treat shared functions as tests"
)]

mod support;

mod attacks;
mod attacks_on_approvals;
mod documentation;
mod flags;
mod http;
mod settings;
mod stores;

// Modules that test only the built program.
mod certificate_authorities;
mod commands;
mod file_descriptor_limit;
mod full_disk;
mod memory_limits;
mod real_issuer;
mod token_check;
