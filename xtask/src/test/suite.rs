//! The test suites, and the commands that run them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use super::checks;
use super::output::Output;
use super::preparation::Preparation;
use crate::browsers::{Browser, Engine};
use crate::run::run_with_lines;
use crate::tools;
use crate::workspace::Workspace;

/// The test binaries that do not belong to the suite `native`.
const OTHER_SUITES: [&str; 3] = ["browser", "e2e", "schema"];
/// The modules of the suite `e2e` that run in every browser. The other modules use Chromium's DevTools: performance
/// counters, network conditions, media features or the accessibility tree.
const CROSS_BROWSER_MODULES: [&str; 6] = [
    "sign_in::",
    "server_failures::",
    "authentication_client::",
    "examples::",
    "content_security_policy::",
    "frame_ancestors::",
];
/// The number of `e2e` tests that run at the same time. They wait for browsers most of the time.
const E2E_THREADS: &str = "10";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Format, lints natively and for wasm32, documentation, and download size.
    Checks,
    /// Native tests of all crates, and the examples in their documentation.
    Native,
    /// The server against requests that schemathesis generates from its OpenAPI document (tests/schema/).
    Schema,
    /// Tests of the widget in a browser (tests/browser/), run by wasm-pack.
    Browser,
    /// End-to-end tests of pages, server and database in a browser (tests/e2e/).
    E2e,
}

/// Selects the tests of a suite.
#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Run only tests whose names contain NAME.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Run only the test whose name is NAME.
    #[arg(long, requires = "name")]
    exact: bool,
}

/// A suite, with the browser in which it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Checks,
    Native,
    Schema,
    Browser(Engine),
    E2e(Engine),
}

impl Suite {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    pub(crate) fn runs(self, engines: &[Engine]) -> Vec<Run> {
        match self {
            Self::Checks => vec![Run::Checks],
            Self::Native => vec![Run::Native],
            Self::Schema => vec![Run::Schema],
            Self::Browser => engines.iter().copied().map(Run::Browser).collect(),
            Self::E2e => engines.iter().copied().map(Run::E2e).collect(),
        }
    }
}

impl Filter {
    pub(crate) fn matches(&self, test: &str) -> bool {
        self.name.as_ref().is_none_or(|name| if self.exact { test == name } else { test.contains(name) })
    }

    /// The arguments for a test harness. `default` are the filters if the developer gave none.
    fn arguments<'a>(&'a self, default: &[&'a str]) -> Vec<&'a str> {
        let names = self.name.as_ref().map_or_else(|| default.to_vec(), |name| vec![name.as_str()]);
        if self.exact { [vec!["--exact"], names].concat() } else { names }
    }
}

impl Run {
    /// Runs the suite once. Returns an error if it could not be run at all.
    pub(crate) fn run(self, workspace: &Workspace, preparation: &Preparation, filter: &Filter) -> Result<Output> {
        let evidence = self.evidence(workspace);
        let commands = match self {
            Self::Checks => return Ok(checks::run_checks(workspace, preparation, filter)),
            Self::Native => native(workspace, filter)?,
            Self::Schema => vec![schema(workspace, filter)?],
            Self::Browser(engine) => vec![browser(workspace, engine, filter, &evidence)?],
            Self::E2e(engine) => {
                preparation.widget.as_ref().map_err(|problem| anyhow!("the widget was not built: {problem}"))?;
                vec![e2e(workspace, engine, filter, &evidence)?]
            }
        };
        let mut output = Output::default();
        for mut command in commands {
            let status = run_with_lines(&mut command, |line| output.read(line))?;
            output.has_error |= !status.success();
        }
        Ok(output)
    }

    /// The command line that runs only the test `test`.
    pub(crate) fn command_for(self, test: &str) -> String {
        let suite = self.suite();
        let browser = match self {
            Self::Browser(engine) | Self::E2e(engine) if engine != Engine::Chromium => {
                format!(" --browsers {}", engine.to_string().to_lowercase())
            }
            _ => String::new(),
        };
        format!("cargo xtask test --only {suite}{browser} --exact '{test}'")
    }

    /// The folder for evidence of failed tests: screenshots, and the console output of the page.
    pub(crate) fn evidence(self, workspace: &Workspace) -> PathBuf {
        let browser = match self {
            Self::Browser(engine) | Self::E2e(engine) => format!("-{}", engine.to_string().to_lowercase()),
            Self::Checks | Self::Native | Self::Schema => String::new(),
        };
        workspace.target(&format!("failed-tests/{}{browser}", self.suite()))
    }

    fn suite(self) -> &'static str {
        match self {
            Self::Checks => "checks",
            Self::Native => "native",
            Self::Schema => "schema",
            Self::Browser(_) => "browser",
            Self::E2e(_) => "e2e",
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checks => f.write_str("checks"),
            Self::Native => f.write_str("native tests"),
            Self::Schema => f.write_str("schema tests"),
            Self::Browser(engine) => write!(f, "browser tests in {engine}"),
            Self::E2e(engine) => write!(f, "end-to-end tests in {engine}"),
        }
    }
}

/// `cargo test`. The caller adds the targets and the arguments of the test harness.
pub(crate) fn cargo_test(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo_for_tests("test");
    cargo.arg("--no-fail-fast");
    cargo
}

/// The flags of `cargo test` that select the test binaries of the suite `native`.
pub(crate) fn native_targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut flags = vec!["--lib".to_owned()];
    for kind in ["bin", "test"] {
        let mut targets = workspace.tested_targets(kind)?;
        targets.retain(|target| !OTHER_SUITES.contains(&target.as_str()));
        flags.extend(targets.into_iter().flat_map(|target| [format!("--{kind}"), target]));
    }
    Ok(flags)
}

fn native(workspace: &Workspace, filter: &Filter) -> Result<Vec<Command>> {
    tools::ensure_redis(workspace)?;
    let mut tests = cargo_test(workspace);
    tests.args(native_targets(workspace)?).arg("--").args(filter.arguments(&[]));
    let mut examples = cargo_test(workspace);
    examples.args(["--doc", "--"]).args(filter.arguments(&[]));
    Ok(vec![tests, examples])
}

fn schema(workspace: &Workspace, filter: &Filter) -> Result<Command> {
    let mut cargo = cargo_test(workspace);
    cargo
        .args(["--test", "schema", "--"])
        .args(filter.arguments(&[]))
        .env("SCHEMATHESIS", tools::ensure_schemathesis(workspace)?);
    Ok(cargo)
}

/// `wasm-pack test`, as a developer can call it too, with a `PATH` that contains the tools.
fn browser(workspace: &Workspace, engine: Engine, filter: &Filter, evidence: &Path) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    tools::build_test_tools(workspace)?;
    let mut wasm_pack = workspace.command(workspace.built("debug", "wasm-pack"));
    wasm_pack.args(["test", "--headless"]);
    match engine {
        Engine::Chromium => wasm_pack.arg("--chrome"),
        Engine::Firefox => wasm_pack.arg("--firefox"),
        // wasm-pack has no option for WebKitGTK. The driver of WebKitGTK accepts the commands for Safari's driver.
        Engine::WebKit => wasm_pack.args(["--safari", "--safaridriver"]).arg(&browser.driver),
    };
    let arguments = filter.arguments(&[]);
    if !arguments.is_empty() {
        wasm_pack.args([".", "--test", "browser", "--"]).args(arguments);
    }
    tools::put_test_tools_on_path(workspace, &mut wasm_pack, &browser, evidence)?;
    Ok(browser.with_display(workspace, wasm_pack))
}

fn e2e(workspace: &Workspace, engine: Engine, filter: &Filter, evidence: &Path) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    tools::build_test_tools(workspace)?;
    let mut cargo = cargo_test(workspace);
    tools::put_wasm_pack_on_path(workspace, &mut cargo)?;
    let default = match engine {
        Engine::Chromium => &[][..],
        Engine::Firefox | Engine::WebKit => &CROSS_BROWSER_MODULES,
    };
    cargo
        .args(["--test", "e2e", "--"])
        .args(filter.arguments(default))
        .env("SCANLOGIN_BROWSER", engine.to_string().to_lowercase())
        .env("SCANLOGIN_FAILED_TESTS", evidence)
        .env("RUST_TEST_THREADS", E2E_THREADS)
        .envs(browser.programs.iter().map(|(variable, program)| (variable, program)));
    Ok(browser.with_display(workspace, cargo))
}
