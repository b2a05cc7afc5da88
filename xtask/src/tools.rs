//! The programs that the commands call: where they are, and how they come there when they are missing.
//!
//! What cargo can build is built from `tools/`, at the versions of `Cargo.lock`; what npm has comes from there, at the
//! versions of `package-lock.json`; what PyPI has, at those of `tests/schema/requirements.txt`; Redis comes from Debian.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::browsers::Browser;
use crate::machine::{find_program, install};
use crate::run::{read, run, step};
use crate::workspace::Workspace;

/// The programs that run the widget's tests.
const TEST_TOOLS: [&str; 4] = ["wasm-pack", "wasm-bindgen", "wasm-bindgen-test-runner", "webdriver"];

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Checks that the toolchain of `rust-toolchain.toml` has all of its parts. Rustup installs them with the toolchain, but adds
/// none to one that is already there when automatic installation is switched off.
pub(crate) fn ensure_toolchain(workspace: &Workspace) -> Result<()> {
    let sysroot = PathBuf::from(read(workspace.command("rustc").args(["--print", "sysroot"]))?.trim());
    let program = |name: &str| format!("bin/{name}{}", std::env::consts::EXE_SUFFIX);
    let parts = [
        ("rust-src", "lib/rustlib/src/rust/library/Cargo.lock".to_owned()),
        (WASM_TARGET, format!("lib/rustlib/{WASM_TARGET}/lib")),
        ("rustfmt", program("cargo-fmt")),
        ("clippy", program("cargo-clippy")),
    ];
    for (part, path) in parts {
        if !sysroot.join(path).exists() {
            bail!("The Rust toolchain has no {part}: run `rustup toolchain install` in this repository to add it.");
        }
    }
    Ok(())
}

/// Sees to it that `xtask/node_modules` is what `xtask/package-lock.json` says, and returns it.
pub(crate) fn ensure_node_modules(workspace: &Workspace) -> Result<PathBuf> {
    let lock = fs::read(workspace.path("xtask/package-lock.json")).context("xtask/package-lock.json cannot be read")?;
    let modules = workspace.path("xtask/node_modules");
    let installed = modules.join(".installed-from");
    if fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(modules);
    }
    step("Installing wasm-opt, esbuild, terser, a QR decoder and what tests need from npm into xtask/node_modules");
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

/// esbuild, which bundles and minifies JavaScript.
pub(crate) fn esbuild(workspace: &Workspace) -> Result<Command> {
    let mut esbuild = workspace.command(ensure_node_modules(workspace)?.join("esbuild/bin/esbuild"));
    esbuild.arg("--log-level=warning");
    Ok(esbuild)
}

/// Sees to it that tests can start a Redis of their own.
pub(crate) fn ensure_redis(workspace: &Workspace) -> Result<()> {
    // The tests look there too.
    let is_named = std::env::var_os("REDIS_SERVER").is_some();
    if is_named || find_program("redis-server").is_some() {
        return Ok(());
    }
    install(
        workspace,
        "Redis",
        &["redis-server"],
        "install Redis 7 or newer. On Debian that is `apt-get install redis-server`; elsewhere see https://redis.io. \
         A redis-server that is not on the PATH can be named in the variable REDIS_SERVER.",
    )
}

/// Builds one of our own programs of `tools/`, and returns where it is.
pub(crate) fn build(workspace: &Workspace, program: &str) -> Result<PathBuf> {
    step(format_args!("Building {program}, with the libraries of Cargo.lock (a minute at the first time)"));
    run(
        workspace.build_tools().args(["--bin", program]),
        &format!("{program} did not build: see cargo's message above."),
    )?;
    Ok(workspace.built("debug", program))
}

/// Builds wasm-pack, and the programs that it looks for.
pub(crate) fn build_test_tools(workspace: &Workspace) -> Result<()> {
    step("Building wasm-pack and wasm-bindgen at the versions of Cargo.lock (some minutes at the first time)");
    run(
        workspace.build_tools().args(TEST_TOOLS.iter().flat_map(|program| ["--bin", program])),
        "wasm-pack did not build: see cargo's message above.",
    )
}

/// Gives a command a `PATH` on which wasm-pack finds wasm-bindgen and a driver: one that keeps evidence of failed tests,
/// and drives the browser by `browser.driver`.
pub(crate) fn put_test_tools_on_path(
    workspace: &Workspace,
    command: &mut Command,
    browser: &Browser,
    evidence: &Path,
) -> Result<()> {
    let drivers = workspace.target("drivers");
    fs::create_dir_all(&drivers).context("The target folder cannot be written to")?;
    for name in ["chromedriver", "geckodriver"] {
        // Another run may execute the old driver, which then can't be written to, but can be replaced.
        let copy = drivers.join(format!("{name}-{}", std::process::id()));
        fs::copy(workspace.built("debug", "webdriver"), &copy)
            .and_then(|_| fs::rename(&copy, drivers.join(name)))
            .context("The driver cannot be put into the target folder")?;
    }
    let machine = std::env::var_os("PATH").unwrap_or_default();
    let folders = [drivers, workspace.target("debug")].into_iter().chain(std::env::split_paths(&machine));
    let path = std::env::join_paths(folders).context("The name of the target folder cannot stand in PATH")?;
    command.env("PATH", path).env("SCANLOGIN_DRIVER", &browser.driver).env("SCANLOGIN_FAILED_TESTS", evidence);
    Ok(())
}

/// Sees to it that schemathesis is there as `tests/schema/requirements.txt` has it, and returns the program.
pub(crate) fn ensure_schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    let list = workspace.path("tests/schema/requirements.txt");
    let requirements = fs::read(&list).context("tests/schema/requirements.txt cannot be read")?;
    let environment = workspace.target("schemathesis");
    let installed = environment.join(".installed-from");
    let program = environment.join("bin/schemathesis");
    if fs::read(&installed).is_ok_and(|from| from == requirements) {
        return Ok(program);
    }
    // Debian has what makes environments in a package of its own.
    if !workspace.command("python3").args(["-c", "import ensurepip"]).status().is_ok_and(|status| status.success()) {
        let advice =
            "install Python 3.10 or newer with its module venv. On Debian that is `apt-get install python3-venv`.";
        install(workspace, "Python's module venv", &["python3-venv"], advice)?;
    }
    step("Installing schemathesis from PyPI into the target folder");
    run(
        workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&environment),
        "Python made no environment for schemathesis: see its message above.",
    )?;
    run(
        workspace.command(environment.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(list),
        "schemathesis was not installed: check the network, and see pip's message above.",
    )?;
    fs::write(installed, requirements).context("The environment of schemathesis cannot be written to")?;
    Ok(program)
}
