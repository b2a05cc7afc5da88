//! `wasm-pack`: builds the wasm tests and runs them with the test runner. Unlike the published program, it does not
//! check for a newer version.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    tools::exit_code(wasm_pack::command::run_wasm_pack(wasm_pack::Cli::parse().cmd))
}
