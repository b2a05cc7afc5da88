//! `wasm-pack`: builds the wasm tests and hands them to the test runner. It looks for no newer version of itself.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    tools::end(wasm_pack::command::run_wasm_pack(wasm_pack::Cli::parse().cmd))
}
