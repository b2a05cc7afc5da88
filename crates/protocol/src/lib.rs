//! The protocol of the widget, the server and approver apps.
//!
//! - [`wire`]: paths, headers, error codes, and the request and response bodies of each call.
//! - [`lifecycle`]: the states of a code, and the transitions between them.
//! - [`payload`]: the text in the QR code.
//!
//! Invariant: nothing in this crate does input or output, reads a clock, or depends on a browser.

pub mod lifecycle;
pub mod payload;
pub mod wire;
