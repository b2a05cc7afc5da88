//! The scanlogin widget: sign in to a web page by scanning a QR code.
//!
//! The page shows a code. The person scans and approves it with a signed-in phone, and the page receives the user.
//!
//! # Where to start
//!
//! Read the modules in this order. All except `web` are pure: they use no clock, no network and no DOM, and they also
//! compile natively.
//!
//! 1. [`error`]: all errors, with stable codes.
//! 2. [`client::reader`] and [`client::writer`]: read and write JSON values field by field.
//! 3. [`options`] and [`format`](mod@format): the options of a page, and how a code is drawn.
//! 4. [`session`]: the state machine, from the request for a code to the user.
//! 5. [`client::request`] and [`client::response`]: requests of the session as HTTP, and HTTP responses as replies.
//! 6. [`view_model`]: what a person sees, as data.
//! 7. [`payload`]: parses the text of a code for `parseCode`. [`address`]: which addresses are links.
//! 8. `web`, only on wasm32: the functions that JavaScript calls, and the access to the browser.
//!
//! The crate `scanlogin-protocol` has the messages of the protocol and the states of a code, and `scanlogin-qr` draws
//! codes. The server uses both crates too.

// The macros and methods in clippy.toml add code for formatting to the wasm (docs/decisions/0050).
#![cfg_attr(all(target_arch = "wasm32", not(test)), warn(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod address;
pub mod client;
pub mod error;
pub mod format;
mod number;
pub mod options;
pub mod payload;
pub mod session;
pub mod view_model;
#[cfg(target_arch = "wasm32")]
pub mod web;
