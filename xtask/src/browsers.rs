//! Finds the browsers that run the tests, and their drivers, and installs missing ones from Debian's packages.
//!
//! Debian has no package of geckodriver, so cargo builds it. Only geckodriver has a pinned version.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::machine::{find_program, install, program_in};
use crate::run::{run, step};
use crate::workspace::Workspace;

const GECKODRIVER_VERSION: &str = "0.37.1";

/// The option `--browsers`: one browser, or all of them one after the other.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Browsers {
    Chromium,
    Firefox,
    #[value(name = "webkit")]
    WebKit,
    All,
}

impl Browsers {
    pub(crate) fn engines(self) -> &'static [Engine] {
        match self {
            Self::Chromium => &[Engine::Chromium],
            Self::Firefox => &[Engine::Firefox],
            Self::WebKit => &[Engine::WebKit],
            Self::All => &[Engine::Chromium, Engine::Firefox, Engine::WebKit],
        }
    }
}

/// A browser that can run the tests. `WebKit` is WebKitGTK, which runs on Linux.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

/// A program that the tests in a browser need.
struct Program {
    /// The environment variable that can contain its path. The tests read it too.
    variable: &'static str,
    /// Its possible names on the `PATH`, or paths. The first that exists is used.
    names: &'static [&'static str],
    /// The Debian packages that contain it. Empty for geckodriver.
    packages: &'static [&'static str],
}

impl Engine {
    /// The programs of this browser. The first is the driver.
    fn programs(self) -> &'static [Program] {
        match self {
            Self::Chromium => &[
                Program { variable: "CHROMEDRIVER", names: &["chromedriver"], packages: &["chromium-driver"] },
                Program {
                    variable: "CHROME",
                    // The headless shell is first: it draws no browser window, so the tests take half the CPU time.
                    names: &[
                        "chromium-headless-shell",
                        "chrome-headless-shell",
                        "chromium",
                        "chromium-browser",
                        "google-chrome",
                        "google-chrome-stable",
                        "chrome",
                        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
                    ],
                    packages: &["chromium-headless-shell"],
                },
            ],
            Self::Firefox => &[
                Program { variable: "GECKODRIVER", names: &["geckodriver"], packages: &[] },
                Program {
                    variable: "FIREFOX",
                    names: &["firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox"],
                    packages: &["firefox-esr"],
                },
            ],
            // The driver finds its browser by itself.
            Self::WebKit => &[
                Program { variable: "WEBKITWEBDRIVER", names: &["WebKitWebDriver"], packages: &["webkit2gtk-driver"] },
                Program { variable: "XVFB_RUN", names: &["xvfb-run"], packages: &["xvfb", "xauth"] },
            ],
        }
    }

    /// How to install the programs by hand, as a part of error messages.
    fn advice(self) -> &'static str {
        match self {
            Self::Chromium => {
                "install Chromium (or Chrome) and the chromedriver of the same version. On Debian, run `apt-get \
                 install chromium-headless-shell chromium-driver`; on other systems, see \
                 https://googlechromelabs.github.io/chrome-for-testing. If the programs are not on the PATH, set the \
                 environment variables CHROME and CHROMEDRIVER to their paths."
            }
            Self::Firefox => {
                "install Firefox. On Debian, run `apt-get install firefox-esr`; on other systems, see \
                 https://www.mozilla.org/firefox. `cargo xtask` builds geckodriver. If the programs are not on the \
                 PATH, set the environment variables FIREFOX and GECKODRIVER to their paths."
            }
            Self::WebKit => {
                "install the driver of WebKitGTK, and Xvfb, on Linux. On Debian, run `apt-get install \
                 webkit2gtk-driver xvfb xauth`. If the programs are not on the PATH, set the environment variables \
                 WEBKITWEBDRIVER and XVFB_RUN to their paths."
            }
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chromium => "Chromium",
            Self::Firefox => "Firefox",
            Self::WebKit => "WebKit",
        })
    }
}

/// An installed browser.
pub(crate) struct Browser {
    pub(crate) driver: PathBuf,
    /// The path of each program, with the environment variable that names it for the tests.
    pub(crate) programs: Vec<(&'static str, PathBuf)>,
    /// The program that runs a command with a virtual display. `None` when the browser can run without a display.
    xvfb_run: Option<PathBuf>,
}

impl Browser {
    /// Finds a browser and its driver. On systems with apt, root gets the missing programs installed.
    pub(crate) fn ensure(workspace: &Workspace, engine: Engine) -> Result<Self> {
        let is_missing = |program: &&Program| find(workspace, program).is_none();
        let missing: Vec<_> = engine.programs().iter().filter(is_missing).collect();
        let packages: Vec<_> = missing.iter().flat_map(|program| program.packages).copied().collect();
        if !packages.is_empty() {
            install(workspace, &engine.to_string(), &packages, engine.advice())?;
        }
        if missing.iter().any(|program| program.packages.is_empty()) {
            build_geckodriver(workspace)?;
        }
        let found = |program: &Program| Some((program.variable, find(workspace, program)?));
        let programs: Option<Vec<_>> = engine.programs().iter().map(found).collect();
        let programs =
            programs.with_context(|| format!("{engine} was installed but can't be found: {}", engine.advice()))?;
        let path = |variable| programs.iter().find(|(name, _)| *name == variable).map(|(_, path)| path.clone());
        let (_, driver) = programs.first().context("the list of programs is empty")?.clone();
        Ok(Self { driver, xvfb_run: path("XVFB_RUN"), programs })
    }

    /// Returns a command that runs `command` with a virtual display, or `command` if this browser needs no display.
    pub(crate) fn with_display(&self, workspace: &Workspace, command: Command) -> Command {
        let Some(xvfb_run) = &self.xvfb_run else { return command };
        let mut with_display = workspace.command(xvfb_run);
        with_display
            .args(["--auto-servernum", "--server-args=-screen 0 1280x1024x24"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => with_display.env(name, value),
                None => with_display.env_remove(name),
            };
        }
        with_display
    }
}

/// The path of a program: the value of its environment variable, otherwise on the `PATH`, otherwise as built by cargo.
fn find(workspace: &Workspace, program: &Program) -> Option<PathBuf> {
    let named = std::env::var_os(program.variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let built = geckodriver_root(workspace).join("bin");
    named.or_else(|| program.names.iter().find_map(|name| find_program(name).or_else(|| program_in(&built, name))))
}

/// The folder into which cargo installs geckodriver.
fn geckodriver_root(workspace: &Workspace) -> PathBuf {
    workspace.target(&format!("geckodriver-{GECKODRIVER_VERSION}"))
}

/// Installs geckodriver from crates.io. It has no library, so it can't be a dependency of `tools/`, and `Cargo.lock`
/// can't pin its version.
fn build_geckodriver(workspace: &Workspace) -> Result<()> {
    step(format_args!("Building geckodriver {GECKODRIVER_VERSION} (some minutes)"));
    run(
        workspace
            .cargo()
            .args(["install", "--quiet", "--debug", "--locked", "--version", GECKODRIVER_VERSION, "geckodriver"])
            .arg("--root")
            .arg(geckodriver_root(workspace)),
        "geckodriver did not build: see cargo's message above, or install geckodriver and set the environment variable \
         GECKODRIVER to its path.",
    )
}
