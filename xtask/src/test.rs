//! `cargo xtask test`: all tests, and one sum of them.
//!
//! The sum counts what the test harnesses report. Where they report nothing although something is wrong (it does not
//! compile, no test ran, a test is ignored), that counts as one failed test, so that `0 failed` means what it says.

mod tally;

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use self::tally::Tally;
use crate::run::{run_watched, step};
use crate::workspace::Workspace;
use crate::{dist, tools};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run one suite instead of all.
    #[arg(long, value_enum)]
    only: Option<Suite>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Tests of all crates on this machine, with the examples in their documentation.
    Native,
    /// Tests of the widget inside a browser (tests/browser/), by wasm-pack.
    Browser,
    /// The whole path: pages, server and database, in a browser (tests/e2e/).
    E2e,
}

/// Runs the suites, whatever becomes of the others, and ends with the line `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, arguments: &Arguments) -> ExitCode {
    let mut sum = Tally::default();
    let mut troubles = Vec::new();
    for suite in Suite::value_variants() {
        if arguments.only.is_some_and(|only| only != *suite) {
            continue;
        }
        let (tally, trouble) = run_suite(workspace, *suite);
        sum += tally;
        troubles.extend(trouble.map(|trouble| format!("{}: {trouble}", suite.name())));
    }

    println!();
    for trouble in &troubles {
        println!("error: {trouble}");
    }
    println!("{sum}");
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Trouble is what no failed test tells of; it counts as one.
fn run_suite(workspace: &Workspace, suite: Suite) -> (Tally, Option<String>) {
    let outcome = suite.prepare(workspace).and_then(|mut command| {
        step(format_args!("Running {}", suite.name()));
        let mut tally = Tally::default();
        let status = run_watched(&mut command, |line| tally += Tally::of_line(line))?;
        let trouble = tally.trouble(status.success());
        Ok((tally, trouble))
    });
    let (mut tally, trouble) = outcome.unwrap_or_else(|error| (Tally::default(), Some(format!("{error:#}"))));
    if trouble.is_some() {
        tally.failed += 1;
    }
    (tally, trouble)
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Native => "the native tests",
            Self::Browser => "the widget's tests in a browser",
            Self::E2e => "the tests of the whole path",
        }
    }

    /// Gets ready what the suite needs, and returns the command that runs it.
    fn prepare(self, workspace: &Workspace) -> Result<Command> {
        match self {
            Self::Native => Ok(native(workspace)),
            Self::Browser => browser(workspace),
            Self::E2e => e2e(workspace),
        }
    }
}

fn native(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast", "--workspace", "--exclude", "scanlogin-e2e", "--exclude", "tools"]);
    cargo
}

fn browser(workspace: &Workspace) -> Result<Command> {
    let browser = tools::ensure_browser(workspace)?;
    tools::ensure_wasm_target(workspace)?;
    let path = tools::build_test_tools(workspace)?;
    // Chrome's arguments stand in webdriver.json, which the test runner reads in the folder it runs in.
    let mut wasm_pack = workspace.command(workspace.built("debug", "wasm-pack"));
    wasm_pack
        .args(["test", "--headless", "--chrome", "--mode", "no-install", "--chromedriver"])
        .arg(browser.chromedriver)
        .args([".", "--package", "scanlogin", "--test", "browser"])
        .env("PATH", path)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    Ok(wasm_pack)
}

fn e2e(workspace: &Workspace) -> Result<Command> {
    let browser = tools::ensure_browser(workspace)?;
    dist::dist(workspace).context("There is no widget to test")?;
    let mut cargo = workspace.cargo();
    cargo
        .args(["test", "--no-fail-fast", "--package", "scanlogin-e2e"])
        .env("CHROME", browser.chrome)
        .env("CHROMEDRIVER", browser.chromedriver)
        .env("SCANLOGIN_ROOT", workspace.root());
    Ok(cargo)
}
