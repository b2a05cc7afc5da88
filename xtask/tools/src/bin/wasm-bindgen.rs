//! `wasm-bindgen`: wasm-pack reads its version, and looks for the test runner in the same folder.

use std::process::ExitCode;

fn main() -> ExitCode {
    tools::exit_code(wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(std::env::args_os()))
}
