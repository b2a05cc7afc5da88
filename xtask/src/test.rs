//! `cargo xtask test`: all tests, and one sum of them.
//!
//! The sum counts what the test harnesses report. Where they report nothing although something is wrong (it does not
//! compile, no test ran, a test is ignored), that counts as one failed test, so that `0 failed` means what it says.

mod tally;

use std::fmt;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use self::tally::Tally;
use crate::browsers::{Browser, Browsers, Engine};
use crate::run::{run_watched, step};
use crate::workspace::Workspace;
use crate::{dist, tools};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run one suite instead of all.
    #[arg(long, value_enum)]
    only: Option<Suite>,
    /// Where to run the suites that need a browser.
    #[arg(long, value_enum, default_value_t = Browsers::Chromium)]
    browsers: Browsers,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// Tests of all crates on this machine, with the examples in their documentation.
    Native,
    /// The server against requests that are made up from its own description (tests/schema/), by schemathesis.
    Schema,
    /// Tests of the widget inside a browser (tests/browser/), by wasm-pack.
    Browser,
    /// The whole path: pages, server and database, in a browser (tests/e2e/).
    E2e,
}

/// The tests of the whole path that ask no more of a browser than every driver offers. The others look into Chromium by
/// its DevTools: at its counters, its network, its media, the tree that a screen reader gets.
const EVERYWHERE: [&str; 6] = ["whole_path", "bad_luck", "client", "examples", "strict_pages", "framed"];

/// A suite, where it runs.
#[derive(Clone, Copy)]
enum Run {
    Native,
    Schema,
    Browser(Engine),
    E2e(Engine),
}

/// Runs the suites, whatever becomes of the others, and ends with the line `N passed, N failed`.
pub(crate) fn test(workspace: &Workspace, arguments: &Arguments) -> ExitCode {
    let mut sum = Tally::default();
    let mut lines = Vec::new();
    let suites = Suite::value_variants().iter().filter(|suite| arguments.only.is_none_or(|only| only == **suite));
    for run in suites.flat_map(|suite| suite.runs(arguments.browsers.engines())) {
        let (tally, trouble) = run.counted(workspace);
        sum += tally;
        lines.push(format!("{tally}: {run}"));
        lines.extend(trouble.map(|trouble| format!("error: {run}: {trouble}")));
    }

    println!();
    for line in &lines {
        println!("{line}");
    }
    println!("{sum}");
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Suite {
    fn runs(self, engines: &[Engine]) -> Vec<Run> {
        match self {
            Self::Native => vec![Run::Native],
            Self::Schema => vec![Run::Schema],
            Self::Browser => engines.iter().copied().map(Run::Browser).collect(),
            Self::E2e => engines.iter().copied().map(Run::E2e).collect(),
        }
    }
}

impl Run {
    /// Trouble is what no failed test tells of; it counts as one.
    fn counted(self, workspace: &Workspace) -> (Tally, Option<String>) {
        let outcome = self.prepare(workspace).and_then(|mut command| {
            step(format_args!("Running {self}"));
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

    /// Gets ready what the suite needs, and returns the command that runs it.
    fn prepare(self, workspace: &Workspace) -> Result<Command> {
        match self {
            Self::Native => native(workspace),
            Self::Schema => schema(workspace),
            Self::Browser(engine) => browser(workspace, engine),
            Self::E2e(engine) => e2e(workspace, engine),
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => f.write_str("the native tests"),
            Self::Schema => f.write_str("the server's description, against thousands of requests"),
            Self::Browser(engine) => write!(f, "the widget's tests in {engine}"),
            Self::E2e(engine) => write!(f, "the tests of the whole path in {engine}"),
        }
    }
}

fn native(workspace: &Workspace) -> Result<Command> {
    tools::ensure_redis(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--no-fail-fast", "--workspace"]);
    // Those of other suites, and what has no tests and takes long to build.
    cargo.args(["scanlogin-e2e", "scanlogin-schema", "tools"].iter().flat_map(|package| ["--exclude", *package]));
    Ok(cargo)
}

fn schema(workspace: &Workspace) -> Result<Command> {
    let schemathesis = tools::ensure_schemathesis(workspace)?;
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--package", "scanlogin-schema", "--", "--nocapture"]).env("SCHEMATHESIS", schemathesis);
    Ok(cargo)
}

fn browser(workspace: &Workspace, engine: Engine) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    tools::ensure_wasm_target(workspace)?;
    let path = tools::build_test_tools(workspace)?;
    // Chrome's arguments stand in webdriver.json, which the test runner reads in the folder it runs in. WebKitGTK's
    // driver takes the little that the runner says to Safari's.
    let (flag, driver_flag) = match engine {
        Engine::Chromium => ("--chrome", "--chromedriver"),
        Engine::Firefox => ("--firefox", "--geckodriver"),
        Engine::WebKit => ("--safari", "--safaridriver"),
    };
    let mut wasm_pack = browser.command(workspace, workspace.built("debug", "wasm-pack"));
    wasm_pack
        .args(["test", "--headless", "--mode", "no-install", flag, driver_flag])
        .arg(browser.driver)
        .args([".", "--package", "scanlogin", "--test", "browser"])
        .env("PATH", path)
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    Ok(wasm_pack)
}

fn e2e(workspace: &Workspace, engine: Engine) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    dist::dist(workspace).context("There is no widget to test")?;
    let mut cargo = browser.command(workspace, workspace.cargo().get_program().into());
    cargo
        .args(["test", "--no-fail-fast", "--package", "scanlogin-e2e"])
        .args(match engine {
            Engine::Chromium => Vec::new(),
            Engine::Firefox | Engine::WebKit => EVERYWHERE.iter().flat_map(|test| ["--test", *test]).collect(),
        })
        .env("SCANLOGIN_BROWSER", engine.to_string().to_lowercase())
        .envs(browser.programs);
    Ok(cargo)
}
