//! The tools that `xtask` calls, as binaries of this workspace, so that `Cargo.lock` pins the versions of their
//! libraries.
//!
//! Some files in `bin/` only call the library of an existing tool, such as wasm-pack.

use std::process::ExitCode;

/// Converts the result of a program to its exit code, and prints an error without a backtrace, even if `RUST_BACKTRACE`
/// is set.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
