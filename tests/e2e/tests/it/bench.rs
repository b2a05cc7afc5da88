//! The benchmarks in a browser still work. Their results are not checked here, because they depend on the machine.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

const BENCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bench/browser");
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/dist");
const DECODER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/decoder");
/// The benchmarks that need no long wait and no other wasm.
const PARTS: [&str; 6] = ["download", "time-loopback", "confirm", "mounts", "robustness", "phone"];
const PAGES: [&str; 4] = ["scanlogin", "authing-js-sdk", "do-it-yourself, polling", "do-it-yourself, long poll"];

#[tokio::test]
async fn quick_bench_measures_every_page() -> Result<()> {
    let server = env::var("SCANLOGIN_SERVER").context("run the test by `cargo xtask test`, which builds the server")?;
    let folder = tempfile::tempdir()?;
    let mut bench = Command::new("node");
    bench.arg(Path::new(BENCH).join("main.js"));
    bench.arg("--quick").args(["--server", &server, "--package", PACKAGE, "--decoder", DECODER]);
    bench.args(["--chromium", &env::var("CHROME").unwrap_or_else(|_| "chromium".to_owned())]);
    bench.arg("--results").arg(folder.path()).args(PARTS.iter().flat_map(|part| ["--only", part]));
    let output = run(bench).await?;
    for page in PAGES {
        ensure!(output.contains(&format!("| {page} |")), "the results have no row for {page}:\n{output}");
    }
    ensure!(!output.contains("NaN") && !output.contains("undefined"), "a result is no number:\n{output}");
    Ok(())
}

#[tokio::test]
async fn unit_tests_of_the_bench_pass() -> Result<()> {
    let files = fs::read_dir(Path::new(BENCH).join("test"))?;
    let mut tests = Command::new("node");
    tests.arg("--test").args(files.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?);
    run(tests).await.map(drop)
}

/// Runs a program and returns its output. Fails with the output if the program fails.
async fn run(mut command: Command) -> Result<String> {
    let output = command.kill_on_drop(true).output().await.context("Node.js can't be started")?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    ensure!(output.status.success(), "{command:?} ended with {}:\n{text}", output.status);
    Ok(text)
}
