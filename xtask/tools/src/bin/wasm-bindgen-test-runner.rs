//! `wasm-bindgen-test-runner`: the runner that cargo calls for a wasm test binary. It runs the tests in a browser.

use std::process::ExitCode;

fn main() -> ExitCode {
    tools::exit_code(wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(std::env::args_os()))
}
