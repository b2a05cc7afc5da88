//! The widget in a real browser: its view, its slots, what goes over to JavaScript, and its end.
//!
//! The network is scripted inside the page; the real server takes part in `tests/e2e`.

#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected should stop where it stands"
)]

mod page;

mod clock;

mod life;

mod client;

mod trouble;

mod looks;

mod i18n;

mod options;

mod end;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
