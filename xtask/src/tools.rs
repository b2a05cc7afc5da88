//! Finds the programs that the commands call, and builds or installs missing ones.
//!
//! - Rust programs: cargo builds them from `tools/`, at the versions of `Cargo.lock`.
//! - npm packages: at the versions of `xtask/package-lock.json` and `bench/browser/package-lock.json`.
//! - schemathesis: from PyPI, at the versions of `tests/schema/requirements.txt`.
//! - Redis, and the proxies nginx, Caddy and HAProxy: from Debian.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::browsers::Browser;
use crate::machine::{find_program, install, program_in};
use crate::run::{read, run, step};
use crate::workspace::Workspace;

/// The programs that run the widget's tests.
const TEST_TOOLS: [&str; 4] = ["wasm-pack", "wasm-bindgen", "wasm-bindgen-test-runner", "webdriver"];

pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Checks that the toolchain of `rust-toolchain.toml` has all its components. Rustup installs them together with the
/// toolchain. With automatic installation disabled, it does not add missing ones to an installed toolchain.
pub(crate) fn ensure_toolchain(workspace: &Workspace) -> Result<()> {
    let sysroot = PathBuf::from(read(workspace.command("rustc").args(["--print", "sysroot"]))?.trim());
    let program = |name: &str| format!("bin/{name}{}", std::env::consts::EXE_SUFFIX);
    let components = [
        ("rust-src", "lib/rustlib/src/rust/library/Cargo.lock".to_owned()),
        (WASM_TARGET, format!("lib/rustlib/{WASM_TARGET}/lib")),
        ("rustfmt", program("cargo-fmt")),
        ("clippy", program("cargo-clippy")),
    ];
    for (component, path) in components {
        if !sysroot.join(path).exists() {
            bail!(
                "The Rust toolchain has no {component}: run `rustup toolchain install` in this repository to add it."
            );
        }
    }
    Ok(())
}

/// Installs the npm packages of `xtask/package-lock.json`, unless they are installed. Returns the path of
/// `node_modules`.
pub(crate) fn ensure_node_modules(workspace: &Workspace) -> Result<PathBuf> {
    install_node_modules(workspace, "xtask", "wasm-opt, esbuild, terser and test dependencies")
}

/// Installs the npm packages that the benchmarks in a browser compare, unless they are installed.
pub(crate) fn ensure_bench_modules(workspace: &Workspace) -> Result<PathBuf> {
    install_node_modules(workspace, "bench/browser", "the libraries that the benchmarks compare")
}

/// Installs the npm packages of the lock file in `folder`, unless they are installed. Returns the path of
/// `node_modules`.
fn install_node_modules(workspace: &Workspace, folder: &str, packages: &str) -> Result<PathBuf> {
    let lock = fs::read(workspace.path(folder).join("package-lock.json"))
        .with_context(|| format!("{folder}/package-lock.json can't be read"))?;
    let modules = workspace.path(folder).join("node_modules");
    let installed = modules.join(".installed-from");
    if fs::read(&installed).is_ok_and(|from| from == lock) {
        return Ok(modules);
    }
    step(format_args!("Installing {packages} from npm into {folder}/node_modules"));
    run(
        workspace
            .command(npm())
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(workspace.path(folder)),
        &format!(
            "The npm packages were not installed: check the network, and run `npm ci` in {folder}/ to see the details."
        ),
    )?;
    fs::write(&installed, lock).with_context(|| format!("{folder}/node_modules can't be written to"))?;
    Ok(modules)
}

/// The name of the program npm.
pub(crate) fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// The command that runs esbuild, which bundles and minifies JavaScript.
pub(crate) fn esbuild(workspace: &Workspace) -> Result<Command> {
    let mut esbuild = workspace.command(ensure_node_modules(workspace)?.join("esbuild/bin/esbuild"));
    esbuild.arg("--log-level=warning");
    Ok(esbuild)
}

/// Installs the proxies that are missing. The tests start proxies of their own. Returns the variables for the tests: the
/// paths of the programs, unless the environment has them.
pub(crate) fn ensure_proxies(workspace: &Workspace) -> Result<Vec<(String, PathBuf)>> {
    let is_named = |proxy: &str| std::env::var_os(proxy.to_uppercase()).is_some();
    // On Debian, two of them are in a folder that only root has on the PATH.
    let find = |proxy: &str| find_program(proxy).or_else(|| program_in(Path::new("/usr/sbin"), proxy));
    let mut proxies = vec!["nginx", "caddy", "haproxy"];
    proxies.retain(|proxy| !is_named(proxy));
    let missing: Vec<_> = proxies.iter().copied().filter(|proxy| find(proxy).is_none()).collect();
    if !missing.is_empty() {
        install(
            workspace,
            &missing.join(", "),
            &missing,
            "install nginx, Caddy and HAProxy. On Debian, run `apt-get install nginx caddy haproxy`. If one is not on \
             the PATH, set the environment variable NGINX, CADDY or HAPROXY to its path.",
        )?;
    }
    Ok(proxies.into_iter().filter_map(|proxy| Some((proxy.to_uppercase(), find(proxy)?))).collect())
}

/// Installs Redis, unless it is installed. The tests start Redis servers of their own.
pub(crate) fn ensure_redis(workspace: &Workspace) -> Result<()> {
    // The tests read this variable too.
    let is_named = std::env::var_os("REDIS_SERVER").is_some();
    if is_named || find_program("redis-server").is_some() {
        return Ok(());
    }
    install(
        workspace,
        "Redis",
        &["redis-server"],
        "install Redis 7 or newer. On Debian, run `apt-get install redis-server`; on other systems, see \
         https://redis.io. If redis-server is not on the PATH, set the environment variable REDIS_SERVER to its path.",
    )
}

/// Builds a program of `tools/` that the commands `dist` and `size` need. Returns its path.
pub(crate) fn build(workspace: &Workspace, program: &str) -> Result<PathBuf> {
    step(format_args!("Building {program}, with the libraries of Cargo.lock (a minute the first time)"));
    run(
        workspace.build_tools().args(["--bin", program]),
        &format!("{program} did not build: see cargo's message above."),
    )?;
    Ok(workspace.built("debug", program))
}

/// Builds the server together with the tests, for a test that starts it as a process. Returns its path.
pub(crate) fn build_test_server(workspace: &Workspace) -> Result<PathBuf> {
    step("Building the server for the tests");
    run(
        workspace.build_tools().args(["--bin", "scanlogin-server"]),
        "The server did not build: see the compiler's message above.",
    )?;
    Ok(workspace.built("debug", "scanlogin-server"))
}

/// Builds wasm-pack, and the programs that it looks for on the `PATH`.
pub(crate) fn build_test_tools(workspace: &Workspace) -> Result<()> {
    step("Building wasm-pack and wasm-bindgen at the versions of Cargo.lock (some minutes the first time)");
    run(
        workspace.build_tools().args(TEST_TOOLS.iter().flat_map(|program| ["--bin", program])),
        "wasm-pack did not build: see cargo's message above.",
    )
}

/// Sets the `PATH` of a command so that wasm-pack finds wasm-bindgen, and a driver that saves evidence of failed tests
/// in the folder `evidence`. That driver passes the commands on to `browser.driver`.
pub(crate) fn put_test_tools_on_path(
    workspace: &Workspace,
    command: &mut Command,
    browser: &Browser,
    evidence: &Path,
) -> Result<()> {
    let drivers = workspace.target("drivers");
    fs::create_dir_all(&drivers).context("The target folder can't be written to")?;
    for name in ["chromedriver", "geckodriver"] {
        // While another process runs the old driver, its file can't be written to, but it can be replaced.
        let copy = drivers.join(format!("{name}-{}", std::process::id()));
        fs::copy(workspace.built("debug", "webdriver"), &copy)
            .and_then(|_| fs::rename(&copy, drivers.join(name)))
            .context("The driver can't be copied into the target folder")?;
    }
    let path = path_after(&[drivers, workspace.target("debug")])?;
    command.env("PATH", path).env("SCANLOGIN_DRIVER", &browser.driver).env("SCANLOGIN_FAILED_TESTS", evidence);
    command.envs(browser.programs.iter().map(|(variable, program)| (variable, program)));
    Ok(())
}

/// Sets the `PATH` of a command so that it finds wasm-pack, and wasm-pack finds wasm-bindgen.
pub(crate) fn put_wasm_pack_on_path(workspace: &Workspace, command: &mut Command) -> Result<()> {
    command.env("PATH", path_after(&[workspace.target("debug")])?);
    Ok(())
}

/// The `PATH` of this process, after these folders.
fn path_after(folders: &[PathBuf]) -> Result<OsString> {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.iter().cloned().chain(std::env::split_paths(&inherited));
    std::env::join_paths(folders).context("The path of the target folder is not allowed in PATH")
}

/// Installs schemathesis at the versions of `tests/schema/requirements.txt`, unless it is installed. Returns the path
/// of the program.
pub(crate) fn ensure_schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    let list = workspace.path("tests/schema/requirements.txt");
    let requirements = fs::read(&list).context("tests/schema/requirements.txt can't be read")?;
    let environment = workspace.target("schemathesis");
    let installed = environment.join(".installed-from");
    let program = environment.join("bin/schemathesis");
    if fs::read(&installed).is_ok_and(|from| from == requirements) {
        return Ok(program);
    }
    // On Debian, `ensurepip`, which `venv` needs, is in a package of its own.
    if !workspace.command("python3").args(["-c", "import ensurepip"]).status().is_ok_and(|status| status.success()) {
        let advice =
            "install Python 3.10 or newer with its module venv. On Debian, run `apt-get install python3-venv`.";
        install(workspace, "Python's module venv", &["python3-venv"], advice)?;
    }
    step("Installing schemathesis from PyPI into the target folder");
    run(
        workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&environment),
        "Python did not create a virtual environment for schemathesis: see its message above.",
    )?;
    run(
        workspace.command(environment.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(list),
        "schemathesis was not installed: check the network, and see pip's message above.",
    )?;
    fs::write(installed, requirements).context("The virtual environment of schemathesis can't be written to")?;
    Ok(program)
}
