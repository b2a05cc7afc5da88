//! `cargo xtask`: the commands that build, run and test this repository.
//!
//! Each command has a module, with its steps in the order in which they run. [`tools`] and [`browsers`] find or build
//! the programs that the steps call, [`machine`] installs packages, and [`run`] runs programs. This crate has few
//! dependencies, so that the first command starts soon. Libraries that take long to compile are dependencies of the
//! package `tools`.

mod bench;
mod demo;
mod dist;
mod pictures;
mod setup;
mod size;
mod test;

mod browsers;
mod decoder;
mod folders;
mod machine;
mod notices;
mod package_files;
mod run;
mod timing;
mod tools;
mod wasm_module;
mod widget;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Builds, runs and tests scanlogin.
///
/// Requirements: rustup, which installs the toolchain of rust-toolchain.toml, and Node.js 20 or newer. Each command
/// installs the other programs that it needs: wasm-opt, esbuild and terser from npm (versions in
/// xtask/package-lock.json), and the libraries that the benchmarks compare (bench/browser/package-lock.json); wasm-bindgen
/// and wasm-pack from crates.io (versions in Cargo.lock); oha and geckodriver from crates.io; schemathesis from PyPI
/// (versions in tests/schema/requirements.txt); browsers, Redis and proxies with apt, as root.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch and build everything that the other commands need, so that they work without a network.
    Setup(setup::Arguments),
    /// Build the npm package in pkg/ and the decoder of the phone page, and print the sizes of their files.
    Dist(dist::Arguments),
    /// Build the npm package, report download sizes, and fail above the size budget.
    ///
    /// Also prints the sizes of the sections, the crates, the largest functions and the largest data segments of the
    /// wasm. Those sizes are before compression; the budget is for files compressed by Brotli, as servers send them. A
    /// generic function is listed once for each type that it is compiled for. An inlined function counts as part of its
    /// callers.
    Size(size::Arguments),
    /// Measure the server, and the widget beside other pages in Chromium. Fail if a result of the server misses its limit.
    Bench(bench::Arguments),
    /// Build the widget and the server, and run the server with demo users on this machine.
    Demo(demo::Arguments),
    /// Start a demo and take the pictures of the README, in docs/pictures/.
    Pictures,
    /// Run all checks and tests. The last line of the output is `N passed, N failed`.
    Test(test::Arguments),
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo                 serve a login page and a phone page on http://127.0.0.1:8787
  cargo xtask test                 run all checks and tests, as the gate does
  cargo xtask size                 report the download size of the widget and its largest parts
  cargo xtask test --only native   run the tests that need no browser
  cargo xtask test --browsers all  run the tests that need a browser in Firefox and WebKit too
  cargo xtask test --all           run the tests with large frameworks too (Angular, Nuxt, Astro and others)
  cargo xtask test --only e2e --repeat 20 --busy
                                   find flaky tests
  cargo test -p scanlogin          run the native tests of the widget, with cargo alone";

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
        Command::Pictures => pictures::pictures(&workspace)?,
        Command::Test(arguments) => return Ok(test::test(&workspace.with_test_tools(), arguments)),
    }
    Ok(ExitCode::SUCCESS)
}
