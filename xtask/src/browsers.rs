//! The browsers that tests run in, and the programs that drive them: as the machine has them, or as Debian has them.
//!
//! Deliberately absent: versions, but for Firefox's driver, which Debian lacks and cargo builds.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::machine::{find_program, install, program_in};
use crate::run::{run, step};
use crate::workspace::Workspace;

const GECKODRIVER_VERSION: &str = "0.37.1";

/// One browser, or one after the other.
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

/// What makes one browser different from another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

/// A program that it takes to test in a browser.
struct Program {
    /// The variable that may say where it is; the tests read it too.
    variable: &'static str,
    /// What it is called, on the `PATH` or elsewhere.
    names: &'static [&'static str],
    /// Debian's packages with it. There is none of Firefox's driver.
    packages: &'static [&'static str],
}

impl Engine {
    /// Its driver first.
    fn programs(self) -> &'static [Program] {
        match self {
            Self::Chromium => &[
                Program { variable: "CHROMEDRIVER", names: &["chromedriver"], packages: &["chromium-driver"] },
                Program {
                    variable: "CHROME",
                    // The headless shell comes first: it paints no browser window, and the tests take half of the CPU time in it.
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
            // The driver knows where its browser is.
            Self::WebKit => &[
                Program { variable: "WEBKITWEBDRIVER", names: &["WebKitWebDriver"], packages: &["webkit2gtk-driver"] },
                Program { variable: "XVFB_RUN", names: &["xvfb-run"], packages: &["xvfb", "xauth"] },
            ],
        }
    }

    /// How to get it by hand.
    fn advice(self) -> &'static str {
        match self {
            Self::Chromium => {
                "install Chromium (or Chrome) and the chromedriver of the same version. On Debian that is `apt-get \
                 install chromium-headless-shell chromium-driver`; elsewhere see \
                 https://googlechromelabs.github.io/chrome-for-testing. Programs that are not on the PATH can be named \
                 in the variables CHROME and CHROMEDRIVER."
            }
            Self::Firefox => {
                "install Firefox. On Debian that is `apt-get install firefox-esr`; elsewhere see \
                 https://www.mozilla.org/firefox. Its driver is built for you; programs that are not on the PATH can \
                 be named in the variables FIREFOX and GECKODRIVER."
            }
            Self::WebKit => {
                "install WebKitGTK's driver and a screen for it, on Linux: on Debian, `apt-get install \
                 webkit2gtk-driver xvfb xauth`. Programs that are not on the PATH can be named in the variables \
                 WEBKITWEBDRIVER and XVFB_RUN."
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

/// A browser that is there.
pub(crate) struct Browser {
    pub(crate) driver: PathBuf,
    /// All its programs, by their variables.
    pub(crate) programs: Vec<(&'static str, PathBuf)>,
    /// What runs a command with a screen, for a browser that can't be without.
    screen: Option<PathBuf>,
}

impl Browser {
    /// Finds a browser and its driver; on Debian and its like, root gets installed what is missing.
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
            programs.with_context(|| format!("What was installed for {engine} is not there: {}", engine.advice()))?;
        let path = |variable| programs.iter().find(|(name, _)| *name == variable).map(|(_, path)| path.clone());
        let (_, driver) = programs.first().context("a browser has a driver")?.clone();
        Ok(Self { driver, screen: path("XVFB_RUN"), programs })
    }

    /// Gives the browsers of a command a screen, if they need one.
    pub(crate) fn with_screen(&self, workspace: &Workspace, command: Command) -> Command {
        let Some(screen) = &self.screen else { return command };
        let mut with_screen = workspace.command(screen);
        with_screen
            .args(["--auto-servernum", "--server-args=-screen 0 1280x1024x24"])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => with_screen.env(name, value),
                None => with_screen.env_remove(name),
            };
        }
        with_screen
    }
}

fn find(workspace: &Workspace, program: &Program) -> Option<PathBuf> {
    let named = std::env::var_os(program.variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let built = geckodriver(workspace).join("bin");
    named.or_else(|| program.names.iter().find_map(|name| find_program(name).or_else(|| program_in(&built, name))))
}

/// Where Firefox's driver is built.
fn geckodriver(workspace: &Workspace) -> PathBuf {
    workspace.target(&format!("geckodriver-{GECKODRIVER_VERSION}"))
}

/// It is no library, so `tools/` can't have it, nor `Cargo.lock` its version.
fn build_geckodriver(workspace: &Workspace) -> Result<()> {
    step(format_args!("Building geckodriver {GECKODRIVER_VERSION} (some minutes)"));
    run(
        workspace
            .cargo()
            .args(["install", "--quiet", "--debug", "--locked", "--version", GECKODRIVER_VERSION, "geckodriver"])
            .arg("--root")
            .arg(geckodriver(workspace)),
        "geckodriver did not build: see cargo's message above, or install it and name it in GECKODRIVER.",
    )
}
