//! The test suites and their names.

use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::browsers::Engine;
use crate::workspace::Workspace;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Format, lints natively and for wasm32, documentation, download size, and packing of the crates.
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
    /// Run the tests that take minutes, too: the package in projects of large frameworks.
    #[arg(long)]
    all: bool,
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
    pub(super) fn arguments<'a>(&'a self, default: &[&'a str]) -> Vec<&'a str> {
        let names = self.name.as_ref().map_or_else(|| default.to_vec(), |name| vec![name.as_str()]);
        if self.exact { [vec!["--exact"], names].concat() } else { names }
    }

    /// Whether tests that take minutes run, too. A name selects them like other tests.
    pub(super) fn includes_slow_tests(&self) -> bool {
        self.all || self.name.is_some()
    }
}

impl Run {
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
