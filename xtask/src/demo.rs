//! `cargo xtask demo`: the widget and the server on your own machine, with people to sign in as.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::dist;
use crate::run::{run, step};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The port to listen on, on this machine only.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The file to keep codes in; one in the target folder unless given.
    #[arg(long, value_name = "PATH")]
    store: Option<PathBuf>,
}

pub(crate) fn demo(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    // The server runs in the root of the repository; the path is meant from where the command was given.
    let store = match &arguments.store {
        Some(path) => std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))?,
        None => workspace.target("demo.db"),
    };
    let mut store_address = OsString::from("sqlite:");
    store_address.push(&store);

    dist::dist(workspace)?;

    // Without optimization: it is soon there, and fast enough for one person.
    step("Building the server (a few minutes at the first time)");
    run(
        workspace.cargo().args(["build", "--package", "scanlogin-server"]),
        "The server did not build: see the compiler's message above.",
    )?;

    let port = arguments.port;
    step(format_args!("Starting the server on port {port}, with its database in {}", store.display()));
    println!(
        "
  Open the login page       http://127.0.0.1:{port}/
  and, as the phone,        http://127.0.0.1:{port}/phone.html
  Ways of using it          http://127.0.0.1:{port}/examples/
  Sign in on the phone as   alice or bob, the password is the name
  Stop with                 Ctrl-C
"
    );
    let mut server = workspace.command(workspace.built("debug", "scanlogin-server"));
    server
        .args(["--listen", &format!("127.0.0.1:{port}"), "--demo", "--www", "www", "--package", "pkg/dist"])
        .arg("--store")
        .arg(store_address);
    become_(&mut server)
}

/// Lets the server take our place, so that Ctrl-C reaches it alone and the terminal waits until it has said goodbye.
#[cfg(unix)]
fn become_(server: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    let error = server.exec();
    Err(crate::run::not_started(server, error))
}

#[cfg(not(unix))]
fn become_(server: &mut Command) -> Result<()> {
    run(server, "The server ended with an error: see its message above.")
}
