//! Runs a suite with the commands of its tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::cargo_test::{cargo_test, native_targets};
use super::checks;
use super::output::Output;
use super::preparation::Preparation;
use super::suite::{Filter, Run};
use crate::browsers::{Browser, Engine};
use crate::run::run_with_lines;
use crate::tools;
use crate::workspace::Workspace;

/// The modules of the suite `e2e` that run in every browser. The other modules use Chromium's DevTools: performance
/// counters, network conditions, media features or the accessibility tree.
const CROSS_BROWSER_MODULES: [&str; 7] = [
    "sign_in::",
    "back_forward::",
    "server_failures::",
    "authentication_client::",
    "examples::",
    "content_security_policy::",
    "frame_ancestors::",
];
/// The module of the suite `e2e` that does not run in Chromium: its headless shell has no back/forward cache.
const NO_CHROMIUM_MODULE: &str = "back_forward::";
/// The module of the suite `e2e` that takes minutes.
const SLOW_MODULE: &str = "packed::frameworks::";
/// The number of `e2e` tests that run at the same time. They wait for browsers most of the time.
const E2E_THREADS: &str = "10";

/// Runs a suite once. Returns an error if it could not be run at all.
pub(super) fn run_suite(
    run: Run,
    workspace: &Workspace,
    preparation: &Preparation<'_>,
    filter: &Filter,
) -> Result<Output> {
    let evidence = run.evidence(workspace);
    let commands = match run {
        Run::Checks => return Ok(checks::run_checks(workspace, preparation, filter)),
        Run::Native => native(workspace, filter)?,
        Run::Schema => vec![schema(workspace, filter)?],
        Run::Browser(engine) => vec![browser(workspace, engine, filter, &evidence)?],
        Run::E2e(engine) => {
            preparation.build_widget()?;
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
    let proxies = tools::ensure_proxies(workspace)?;
    tools::build_test_tools(workspace)?;
    let mut cargo = cargo_test(workspace);
    tools::put_wasm_pack_on_path(workspace, &mut cargo)?;
    // `bench` starts the server as a process.
    cargo.env("SCANLOGIN_SERVER", tools::build_test_server(workspace)?);
    tools::ensure_bench_modules(workspace)?;
    let default = match engine {
        Engine::Chromium => &[][..],
        Engine::Firefox | Engine::WebKit => &CROSS_BROWSER_MODULES,
    };
    cargo
        .args(["--test", "e2e", "--"])
        .args(filter.arguments(default))
        .args(if filter.includes_slow_tests() { &[][..] } else { &["--skip", SLOW_MODULE] })
        .args(if engine == Engine::Chromium { &["--skip", NO_CHROMIUM_MODULE][..] } else { &[] })
        .env("SCANLOGIN_BROWSER", engine.to_string().to_lowercase())
        .env("SCANLOGIN_FAILED_TESTS", evidence)
        .env("RUST_TEST_THREADS", E2E_THREADS)
        .envs(proxies)
        .envs(browser.programs.iter().map(|(variable, program)| (variable, program)));
    Ok(browser.with_display(workspace, cargo))
}
