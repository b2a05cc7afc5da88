//! Runs other programs, and prints progress lines.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context as _, Error, Result, anyhow, bail};

/// Prints a progress line before a step that takes time.
pub(crate) fn step(description: impl Display) {
    println!("==> {description} …");
}

/// Runs a program and waits for its end. If it fails, the error message begins with `failure`: what failed, and what to
/// do.
pub(crate) fn run(command: &mut Command, failure: &str) -> Result<()> {
    let status = command.status().map_err(|error| start_error(command, error))?;
    if !status.success() {
        bail!("{failure} ({} ended with {status}.)", program_name(command));
    }
    Ok(())
}

/// Runs a program and returns its standard output. Its standard error goes to the terminal.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| start_error(command, error))?;
    if !output.status.success() {
        bail!("{} ended with {}: see its message above.", program_name(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program, copies its standard output to the terminal as it arrives, and calls `on_line` with each line.
pub(crate) fn run_with_lines(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| start_error(command, error))?;
    let copied = copy_output(&mut child, &mut on_line);
    let status = child.wait().with_context(|| format!("The exit status of {} can't be read", program_name(command)))?;
    copied.with_context(|| format!("The output of {} can't be copied to the terminal", program_name(command)))?;
    Ok(status)
}

fn copy_output(child: &mut Child, on_line: &mut impl FnMut(&str)) -> std::io::Result<()> {
    let Some(output) = child.stdout.take() else { return Ok(()) };
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line)? > 0 {
        let mut terminal = std::io::stdout().lock();
        terminal.write_all(&line)?;
        terminal.flush()?;
        on_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// The error of a program that did not start. For programs that a developer has to install, it says where to get them.
pub(crate) fn start_error(command: &Command, error: std::io::Error) -> Error {
    let name = program_name(command);
    if error.kind() != ErrorKind::NotFound {
        return anyhow!("{name} did not start: {error}.");
    }
    match name.as_str() {
        "node" | "npm" | "npm.cmd" => {
            anyhow!("{name} is missing: install Node.js 20 or newer from https://nodejs.org.")
        }
        "rustup" => anyhow!("rustup is missing: install it from https://rustup.rs."),
        _ => anyhow!("{name} is missing: install it, and add its folder to the PATH."),
    }
}

fn program_name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}
