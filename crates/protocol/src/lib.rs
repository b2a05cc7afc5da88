//! What the widget, the server and an approver's app agree on.
//!
//! - [`wire`]: paths, headers, codes, and the messages of each call.
//! - [`lifecycle`]: the states of a code, and the transitions between them.
//! - [`payload`]: the text in the QR code.
//!
//! Invariant: nothing in this crate does input or output, reads a clock, or knows a browser.

pub mod lifecycle;
pub mod payload;
pub mod wire;
