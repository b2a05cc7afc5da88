//! `wasm-bindgen-test-runner`: what `cargo test` runs a wasm test with; it drives a browser.

use std::process::ExitCode;

fn main() -> ExitCode {
    tools::end(wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os()))
}
