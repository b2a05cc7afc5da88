//! The end-to-end tests. They are one binary, because linking the server for each module takes seconds.
//!
//! `cargo xtask test` runs the modules that are listed in `xtask/src/test/suite.rs` in all browsers, and the others in
//! Chromium.

#![expect(clippy::indexing_slicing, reason = "a test stops at unexpected data")]

mod accessibility;
mod authentication_client;
mod back_forward;
mod bench;
mod content_security_policy;
mod documents;
mod entry_points;
mod examples;
mod first_code;
mod frame_ancestors;
mod many_widgets;
mod npm;
// It ends the process groups of tools, which needs Unix.
#[cfg(unix)]
mod packed;
mod passkeys;
mod phone;
mod phone_alone;
mod phone_app;
mod phone_camera;
mod phone_decide;
mod phone_links;
mod phone_modules;
mod phone_reading;
mod phone_scanner;
mod phone_tabs;
// The proxies are programs of Unix.
#[cfg(unix)]
mod proxies;
mod rendering;
mod resilience;
mod same_device;
mod scanning;
mod sdk_comparison;
mod sdk_compatibility;
mod served_package;
mod server_failures;
mod session_and_router;
mod sign_in;
mod themes;
mod types;
mod wasm_loading;
