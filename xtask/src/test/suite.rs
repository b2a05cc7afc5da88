//! The suites, and the commands that run them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow};
use clap::ValueEnum;

use super::checks;
use super::output::Output;
use super::preparation::Preparation;
use crate::browsers::{Browser, Engine};
use crate::run::run_watched;
use crate::tools;
use crate::workspace::Workspace;

/// The test binaries that are suites of their own, or that run in a browser.
const OTHER_SUITES: [&str; 3] = ["browser", "e2e", "schema"];
/// The tests of the whole path that use no more than every driver offers. The others use the DevTools of Chromium: its
/// counters, its network, its media, its accessibility tree.
const EVERYWHERE: [&str; 6] = ["whole_path::", "bad_luck::", "client::", "examples::", "strict_pages::", "framed::"];

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Format, lints natively and for wasm32, documentation, and the download size.
    Checks,
    /// Tests of all crates on this machine, with the examples in their documentation.
    Native,
    /// The server against requests that are generated from its own description (tests/schema/), by schemathesis.
    Schema,
    /// Tests of the widget inside a browser (tests/browser/), by wasm-pack.
    Browser,
    /// The whole path: pages, server and database, in a browser (tests/e2e/).
    E2e,
}

/// Which tests of a suite run.
#[derive(clap::Args)]
pub(crate) struct Filter {
    /// Run only tests whose names contain NAME.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Run only the test whose name is NAME.
    #[arg(long, requires = "name")]
    exact: bool,
}

/// How many tests of the whole path run at once. They wait for browsers most of the time.
const E2E_THREADS: &str = "10";

/// A suite, where it runs.
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

    /// The arguments of a test harness; `default` are its filters when the caller has none.
    fn arguments<'a>(&'a self, default: &[&'a str]) -> Vec<&'a str> {
        let names = self.name.as_ref().map_or_else(|| default.to_vec(), |name| vec![name.as_str()]);
        if self.exact { [vec!["--exact"], names].concat() } else { names }
    }
}

impl Run {
    /// Runs it once. An error says why it could not run.
    pub(crate) fn run(self, workspace: &Workspace, preparation: &Preparation, filter: &Filter) -> Result<Output> {
        let evidence = self.evidence(workspace);
        let commands = match self {
            Self::Checks => return Ok(checks::run_checks(workspace, preparation, filter)),
            Self::Native => native(workspace, filter)?,
            Self::Schema => vec![schema(workspace, filter)?],
            Self::Browser(engine) => vec![browser(workspace, engine, filter, &evidence)?],
            Self::E2e(engine) => {
                preparation.widget.as_ref().map_err(|problem| anyhow!("there is no widget to test: {problem}"))?;
                vec![e2e(workspace, engine, filter, &evidence)?]
            }
        };
        let mut output = Output::default();
        for mut command in commands {
            let status = run_watched(&mut command, |line| output.read(line))?;
            output.has_error |= !status.success();
        }
        Ok(output)
    }

    /// The command that runs one of its tests alone.
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

    /// The folder in which a failed test of this run leaves a screenshot and the page's console.
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
            Self::Checks => f.write_str("format, lints, documentation and size"),
            Self::Native => f.write_str("the native tests"),
            Self::Schema => f.write_str("the server against generated requests"),
            Self::Browser(engine) => write!(f, "the widget's tests in {engine}"),
            Self::E2e(engine) => write!(f, "the tests of the whole path in {engine}"),
        }
    }
}

/// `cargo test`, up to the targets and the arguments of their harness.
pub(crate) fn cargo_test(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo_for_tests("test");
    cargo.arg("--no-fail-fast");
    cargo
}

/// The flags that select the test binaries of the native suite.
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

/// The command that developers of other widgets type, in a terminal whose `PATH` has the tools.
fn browser(workspace: &Workspace, engine: Engine, filter: &Filter, evidence: &Path) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    tools::build_test_tools(workspace)?;
    let mut wasm_pack = workspace.command(workspace.built("debug", "wasm-pack"));
    wasm_pack.args(["test", "--headless"]);
    match engine {
        Engine::Chromium => wasm_pack.arg("--chrome"),
        Engine::Firefox => wasm_pack.arg("--firefox"),
        // WebKitGTK's driver takes the little that the test runner says to Safari's.
        Engine::WebKit => wasm_pack.args(["--safari", "--safaridriver"]).arg(&browser.driver),
    };
    let arguments = filter.arguments(&[]);
    if !arguments.is_empty() {
        wasm_pack.args([".", "--test", "browser", "--"]).args(arguments);
    }
    tools::put_test_tools_on_path(workspace, &mut wasm_pack, &browser, evidence)?;
    Ok(browser.with_screen(workspace, wasm_pack))
}

fn e2e(workspace: &Workspace, engine: Engine, filter: &Filter, evidence: &Path) -> Result<Command> {
    let browser = Browser::ensure(workspace, engine)?;
    let mut cargo = cargo_test(workspace);
    let default = match engine {
        Engine::Chromium => &[][..],
        Engine::Firefox | Engine::WebKit => &EVERYWHERE,
    };
    cargo
        .args(["--test", "e2e", "--"])
        .args(filter.arguments(default))
        .env("SCANLOGIN_BROWSER", engine.to_string().to_lowercase())
        .env("SCANLOGIN_FAILED_TESTS", evidence)
        .env("RUST_TEST_THREADS", E2E_THREADS)
        .envs(browser.programs.iter().map(|(variable, program)| (variable, program)));
    Ok(browser.with_screen(workspace, cargo))
}
