//! `cargo xtask demo`: builds the widget and the server, and runs the server with demo users on this machine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::dist;
use crate::run::{run, step};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port to listen on. The server accepts connections from this machine only.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The SQLite file for codes and users. The default is demo.db in the target folder.
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
}

pub(crate) fn demo(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    // A relative path is relative to the current folder, but the server runs in the root of the repository.
    let store = match &arguments.store {
        Some(path) => std::path::absolute(path).with_context(|| format!("--store {} is not a path", path.display()))?,
        None => workspace.target("demo.db"),
    };
    let mut store_address = OsString::from("sqlite:");
    store_address.push(&store);

    dist::dist(workspace)?;

    // Without optimization, because that compiles faster and the server is fast enough for one person.
    step("Building the server (a few minutes the first time)");
    run(
        workspace.cargo().args(["build", "--package", "scanlogin-server"]),
        "The server did not build: see the compiler's message above.",
    )?;

    let port = arguments.port;
    step(format_args!("Starting the server on port {port}, with its database in {}", store.display()));
    println!(
        "
  Login page    http://127.0.0.1:{port}/
  Phone page    http://127.0.0.1:{port}/phone.html
  Examples      http://127.0.0.1:{port}/examples/
  Users         alice and bob; the password is the name
  Stop with     Ctrl-C
"
    );
    let mut server = workspace.command(workspace.built("debug", "scanlogin-server"));
    server
        .args(["--listen", &format!("127.0.0.1:{port}"), "--demo", "--www", "www", "--package", "pkg/dist"])
        .arg("--store")
        .arg(store_address);
    run_server(&mut server)
}

/// Replaces this process with the server. Ctrl-C then reaches only the server, and the terminal waits for its shutdown.
#[cfg(unix)]
fn run_server(server: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    let error = server.exec();
    Err(crate::run::start_error(server, error))
}

/// Runs the server as a child process, because a process can be replaced on Unix only.
#[cfg(not(unix))]
fn run_server(server: &mut Command) -> Result<()> {
    run(server, "The server ended with an error: see its message above.")
}
