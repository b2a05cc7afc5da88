//! The scanlogin widget: sign in to a web page by scanning its QR code.
//!
//! A page shows a code, a signed-in phone scans and approves it, and the page receives the user.
//!
//! # Where to start
//!
//! Read the modules in this order. All but the last are pure: no clock, no network, no DOM. They compile natively too.
//!
//! 1. [`error`]: every error, with a stable code.
//! 2. [`fields`] and [`writer`]: read and write JSON values.
//! 3. [`options`] and [`format`](mod@format): what a page can ask for.
//! 4. [`session`]: the state machine from "a page asks for a code" to "the page has its user".
//! 5. [`request`] and [`reply`]: between the session and HTTP.
//! 6. [`view_model`]: what a person sees and reads.
//! 7. `web`, only on wasm32: the browser.
//!
//! The crate `scanlogin-protocol` has the messages and the life of a code; `scanlogin-qr` draws codes. The server uses both.

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
