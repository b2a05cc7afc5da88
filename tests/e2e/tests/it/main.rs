//! The end-to-end tests. They are one binary, because linking the server again for each module takes seconds.
//!
//! `cargo xtask test` selects the modules that run in every browser by name, as in `whole_path::`.

#![expect(clippy::indexing_slicing, reason = "a test that meets the unexpected should stop where it stands")]

mod accessibility;
mod bad_luck;
mod client;
mod defects;
mod documents;
mod doors;
mod examples;
mod framed;
mod looks;
mod many_widgets;
// Starting and ending a tool's processes is written for Unix only.
#[cfg(unix)]
mod packed;
mod resilience;
mod sdk_in_the_field;
mod session_and_router;
mod strict_pages;
mod themes;
mod types;
mod wasm_trouble;
mod whole_path;
