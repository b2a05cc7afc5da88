//! The built program: its commands, the reload of its settings on SIGHUP, and its use of system limits.

mod app;
mod check_config;
mod running_server;
mod store;

use std::path::Path;
use std::process::{Command, Output};

use scanlogin_server::config::settings::Settings;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
    command.args(arguments).current_dir(folder).env("SCANLOGIN_JWT_SECRET", SECRET);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

/// Runs a command that must succeed, and returns its stdout (without the last newline) and its stderr.
#[track_caller]
fn run_ok(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(folder, arguments);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{stderr}");
    (stdout.trim_end().to_owned(), stderr)
}

/// Runs a command that must fail without output on stdout, and returns its stderr.
#[track_caller]
fn run_err(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(!output.status.success() && output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const ADD_SHOP: [&str; 9] = [
    "app",
    "add",
    "shop",
    "--name",
    "The Shop",
    "--user-pool-id",
    "customers",
    "--allowed-origin",
    "https://shop.example",
];

fn settings(folder: &Path) -> Settings {
    Settings::read(&folder.join("scanlogin.toml")).unwrap()
}
