//! `cargo xtask`: everything in this repository that is done by a command is done by this one.
//!
//! One module per command, each with its steps in the order they run; [`tools`] and [`browsers`] find or build the
//! programs they call, [`machine`] installs them, [`run`] runs them. Deliberately absent: anything heavy to compile (see
//! `tools/`), and shell scripts.

mod bench;
mod demo;
mod dist;
mod setup;
mod size;
mod test;

mod browsers;
mod machine;
mod package_files;
mod run;
mod timing;
mod tools;
mod widget;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, shows and tests scanlogin.
///
/// Every command says what it does while it works, and fetches what it needs when it is missing: wasm-opt and a QR decoder
/// from npm (at the versions of xtask/package-lock.json), wasm-bindgen and wasm-pack from crates (at the versions of
/// Cargo.lock), oha and geckodriver from crates too, schemathesis from PyPI (at the versions of
/// tests/schema/requirements.txt), browsers and Redis from Debian's apt (as root). You need rustup, which installs the
/// toolchain of rust-toolchain.toml, and Node.js 20 or newer.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch and build everything that the other commands need, for instance before a journey without network.
    Setup(setup::Arguments),
    /// Build the widget into pkg/dist/: compile to wasm32, bind to JavaScript, optimize, and print the sizes.
    Dist(dist::Arguments),
    /// Build the widget, say what pages download of it, and fail if that is more than the budget.
    ///
    /// Says too what the bytes of the wasm are: by section, by crate, the largest functions and the largest pieces of data.
    /// Those lists are of the wasm before compression, whereas the budget is of what servers send: compressed by brotli.
    /// A function that is listed twice was compiled for two types; one that is missing was inlined where it is called.
    Size(size::Arguments),
    /// Measure how fast the server is, beside what could be had at most; fail if that is less than what is wanted.
    Bench(bench::Arguments),
    /// Build the widget and the server, and run both with demo users on your machine.
    Demo(demo::Arguments),
    /// Run all checks and tests; the last line says `N passed, N failed`.
    Test(test::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                 see it: a login page and a phone page on http://127.0.0.1:8787
  cargo xtask test                 test everything, as the gate does
  cargo xtask size                 see what makes the widget as large as it is
  cargo xtask test --only native   the tests that need no browser
  cargo xtask test --browsers all  those that need one, in Firefox and WebKit too
  cargo xtask test --only e2e --repeat 20 --busy
                                   find tests that fail by chance
  cargo test -p scanlogin          while working on the core, plain cargo does";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    Workspace::find().and_then(|workspace| run_command(workspace, &arguments.command)).unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}

fn run_command(workspace: Workspace, command: &Command) -> Result<ExitCode> {
    tools::ensure_toolchain(&workspace)?;
    match command {
        Command::Setup(arguments) => setup::setup(&workspace.with_test_tools(), arguments)?,
        Command::Dist(arguments) => dist::run_command(&workspace, arguments)?,
        Command::Size(arguments) => size::size(&workspace, arguments)?,
        Command::Bench(arguments) => return bench::bench(&workspace, arguments),
        Command::Demo(arguments) => demo::demo(&workspace, arguments)?,
        Command::Test(arguments) => return Ok(test::test(&workspace.with_test_tools(), arguments)),
    }
    Ok(ExitCode::SUCCESS)
}
