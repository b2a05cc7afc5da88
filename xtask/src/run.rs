//! Running other programs: saying so beforehand, and saying what failed and what to do when one fails.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Error, Result, anyhow, bail};

/// Says what is being done.
pub(crate) fn step(what: impl Display) {
    println!("==> {what} …");
}

/// Runs a program to its end. `failure` is the sentence for when it fails: what failed, and what to do.
pub(crate) fn run(command: &mut Command, failure: &str) -> Result<()> {
    let status = command.status().map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("{failure} ({} ended with {status}.)", name(command));
    }
    Ok(())
}

/// Runs a program and returns what it prints; its errors go to the terminal.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, error))?;
    if !output.status.success() {
        bail!("{} ended with {}.", name(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program whose output goes to the terminal as it comes, while `watch` sees every line of it.
pub(crate) fn run_watched(command: &mut Command, mut watch: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| not_started(command, error))?;
    let passed_on = pass_on(&mut child, &mut watch);
    let status = child.wait().with_context(|| format!("{} was lost", name(command)))?;
    passed_on.with_context(|| format!("The output of {} was lost", name(command)))?;
    Ok(status)
}

fn pass_on(child: &mut Child, watch: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let Some(output) = child.stdout.take() else { return Ok(()) };
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        let mut terminal = std::io::stdout().lock();
        terminal.write_all(&line)?;
        terminal.flush()?;
        watch(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// Why a program did not start, and for the ones we expect on a machine, where to get them.
pub(crate) fn not_started(command: &Command, error: std::io::Error) -> Error {
    let name = name(command);
    if error.kind() != ErrorKind::NotFound {
        return anyhow!("{name} could not be started: {error}.");
    }
    match name.as_str() {
        "node" | "npm" | "npm.cmd" => {
            anyhow!("{name} is missing: install Node.js 20 or newer, from https://nodejs.org.")
        }
        "rustup" => anyhow!("rustup is missing: install it from https://rustup.rs."),
        _ => anyhow!("{name} is missing."),
    }
}

fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}
