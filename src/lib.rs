//! Sign in to a web page by scanning its QR code.
//!
//! A page shows a code, a phone that is signed in scans and approves it, and the page has its user. This crate is
//! the widget in that page, and the half of the server that both ends must agree on.
//!
//! # Where to start
//!
//! Read the modules in this order. All but the last are pure: no clock, no network, no DOM. They compile natively and
//! give the server its wire types, its table of a code's life and the picture of a code.
//!
//! 1. [`protocol`]: what goes over the wire.
//! 2. [`lifecycle`]: what may happen to a code, and to whom.
//! 3. [`payload`]: the text in the QR code.
//! 4. [`qr`]: from text to one SVG path.
//! 5. [`color`]: which colours of a code a camera can tell apart.
//! 6. [`error`]: everything that can go wrong, under stable names.
//! 7. [`fields`]: reads what others have made.
//! 8. [`options`]: what a page may ask for.
//! 9. [`session`]: the state machine between "a page asks for a code" and "the page has its user".
//! 10. [`request`] and [`reply`]: between the session and HTTP.
//! 11. [`view_model`]: what a person sees and reads.
//! 12. `web`, only on wasm32: the browser around all of it.

pub mod protocol;

pub mod lifecycle;

pub mod payload;

pub mod qr;

pub mod color;

pub mod error;

pub mod fields;

pub mod options;

pub mod session;

pub mod request;

pub mod reply;

pub mod view_model;

mod codewords;

mod number;

#[cfg(target_arch = "wasm32")]
pub mod web;
