//! The programs that the commands call: where they are, and how they come there when they are missing.
//!
//! What cargo can build is built from `tools/`, at the versions of `Cargo.lock`; what npm has comes from there, at the
//! versions of `package-lock.json`. Only a browser is taken as the machine has it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::run::{read, run, step};
use crate::workspace::Workspace;

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// A browser and the program that drives it.
pub(crate) struct Browser {
    pub(crate) chrome: PathBuf,
    pub(crate) chromedriver: PathBuf,
}

/// Sees to it that rustc can compile for the browser.
pub(crate) fn ensure_wasm_target(workspace: &Workspace) -> Result<()> {
    let library = read(workspace.command("rustc").args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    if Path::new(library.trim()).is_dir() {
        return Ok(());
    }
    step(format_args!("Adding the target {WASM_TARGET} to your Rust toolchain"));
    run(
        workspace.command("rustup").args(["target", "add", WASM_TARGET]),
        "The wasm target was not installed: check the network, then run `rustup target add wasm32-unknown-unknown` \
         yourself to see more.",
    )
}

/// Sees to it that `xtask/node_modules` is what `xtask/package-lock.json` says, and returns it.
pub(crate) fn ensure_node_modules(workspace: &Workspace) -> Result<PathBuf> {
    let lock = fs::read(workspace.path("xtask/package-lock.json")).context("xtask/package-lock.json cannot be read")?;
    let modules = workspace.path("xtask/node_modules");
    let installed = modules.join(".installed-from");
    if fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(modules);
    }
    step("Installing wasm-opt, esbuild and a QR decoder from npm into xtask/node_modules");
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    run(
        workspace
            .command(npm)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(workspace.path("xtask")),
        "The npm packages were not installed: check the network, then run `npm ci` in xtask/ yourself to see more.",
    )?;
    fs::write(&installed, lock).context("xtask/node_modules cannot be written to")?;
    Ok(modules)
}

/// Builds what turns the compiled widget into a JavaScript module, and returns where it is.
pub(crate) fn build_bindgen(workspace: &Workspace) -> Result<PathBuf> {
    step("Building wasm-bindgen at the version of Cargo.lock (a minute at the first time)");
    run(
        workspace.cargo().args(["build", "--package", "tools", "--bin", "bindgen"]),
        "wasm-bindgen did not build: see cargo's message above.",
    )?;
    Ok(workspace.built("debug", "bindgen"))
}

/// Builds wasm-pack, and wasm-bindgen for it to find, and returns the `PATH` that has both in front.
pub(crate) fn build_test_tools(workspace: &Workspace) -> Result<OsString> {
    step("Building wasm-pack and wasm-bindgen at the versions of Cargo.lock (some minutes at the first time)");
    run(
        workspace.cargo().args(["build", "--package", "tools", "--features", "test"]),
        "wasm-pack did not build: see cargo's message above.",
    )?;
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(workspace.target("debug")).chain(std::env::split_paths(&machine));
    std::env::join_paths(folders).context("The name of the target folder cannot stand in PATH")
}

/// Finds Chrome or Chromium and its driver; on Debian and its like, root gets them installed.
pub(crate) fn ensure_browser(workspace: &Workspace) -> Result<Browser> {
    if let Some(browser) = find_browser() {
        return Ok(browser);
    }
    const INSTALL: &str = "install Chromium (or Chrome) and the chromedriver of the same version. On Debian that is \
        `apt-get install chromium chromium-driver`; elsewhere see https://googlechromelabs.github.io/chrome-for-testing. \
        Programs that are not on the PATH can be named in the variables CHROME and CHROMEDRIVER.";
    if find_program("apt-get").is_none() || read(workspace.command("id").arg("-u"))?.trim() != "0" {
        bail!("The tests in a browser need one: {INSTALL}");
    }
    step("Installing chromium and chromium-driver with apt");
    let apt = |arguments: &[&str]| {
        let failure = format!("apt did not install a browser: {INSTALL}");
        run(workspace.command("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), &failure)
    };
    apt(&["update", "--quiet"])?;
    apt(&["install", "--yes", "--quiet", "--no-install-recommends", "chromium", "chromium-driver"])?;
    find_browser().with_context(|| format!("apt installed something, but no browser that we know: {INSTALL}"))
}

fn find_browser() -> Option<Browser> {
    const CHROMES: [&str; 6] = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
        "chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ];
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let chrome = named("CHROME").or_else(|| CHROMES.into_iter().find_map(find_program))?;
    let chromedriver = named("CHROMEDRIVER").or_else(|| find_program("chromedriver"))?;
    Some(Browser { chrome, chromedriver })
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|candidate| candidate.is_file())
}
