//! Programs of others, as binaries of this workspace, so that `Cargo.lock` alone says their versions.
//!
//! Each file in `bin/` calls the library that is the program. Only `xtask` calls them.

use std::process::ExitCode;

/// Ends a program, with its error in words; a backtrace, which `RUST_BACKTRACE` would add, tells a user nothing.
pub fn end(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
