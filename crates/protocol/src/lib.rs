//! The protocol of the widget, the server and approver apps.
//!
//! - [`wire`]: paths, headers, error codes, and the request and response bodies of each call.
//! - [`lifecycle`]: the states of a code, and the transitions between them.
//! - [`payload`] and [`link`]: the two forms of the text in the QR code.
//! - [`display`]: what a page may show of the user who scanned.
//!
//! Invariant: nothing in this crate does input or output, reads a clock, or depends on a browser.

// The macros and methods in clippy.toml add code for formatting to the wasm (docs/decisions/0050).
#![cfg_attr(all(target_arch = "wasm32", not(test)), warn(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod display;
pub mod lifecycle;
pub mod link;
pub mod payload;
pub mod wire;
