//! The widget in a browser: its view, its requests, its callbacks, and its end.
//!
//! A script inside the page replaces the network. `tests/e2e` tests the widget with the server.

#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at unexpected data")]

mod authentication_client;
mod clock;
mod early_code;
mod failures;
mod i18n;
mod layout;
mod options;
mod page;
mod pending;
mod same_device;
mod sign_in;
mod teardown;
mod view;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
