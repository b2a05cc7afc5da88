//! `cargo xtask size`: reports the download sizes of the package and the parts of the wasm, and checks the size budget.
//!
//! The program `size-report` of `tools/` reads the wasm.

use anyhow::{Result, bail};

use crate::package_files::{PackageFiles, grouped};
use crate::run::{run, step};
use crate::workspace::Workspace;
use crate::{dist, tools, widget};

/// The files that a page downloads with a script tag.
const SCRIPT_TAG: [&str; 2] = ["global.js", "scanlogin.wasm"];
/// The file of them that shows the code.
const SCRIPT: [&str; 1] = ["global.js"];
/// The files that a page downloads with the module.
const MODULE: [&str; 2] = ["index.js", "scanlogin.wasm"];

/// The maximum download of a page with a script tag, in bytes compressed by Brotli.
pub(crate) const BUDGET: u64 = 56_600;
/// The maximum size of global.js, which shows the code, in bytes compressed by Brotli. A server sends a smaller script without
/// waiting for an acknowledgment of the browser: docs/decisions/0103.
const SCRIPT_BUDGET: u64 = 15_700;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The maximum size of global.js and scanlogin.wasm together, in bytes compressed by Brotli.
    #[arg(long, value_name = "BYTES", default_value_t = BUDGET)]
    budget: u64,
}

pub(crate) fn size(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let bound = dist::dist(workspace)?;

    let named = workspace.target("scanlogin.named.wasm");
    widget::optimize_with_names(workspace, &bound, &named)?;
    let size_report = tools::build(workspace, "size-report")?;
    step("Measuring the parts of scanlogin.wasm before compression");
    run(workspace.command(size_report).arg(named), "The size report failed: see its message above.")?;

    let files = PackageFiles::measure(workspace)?;
    println!("\nDownload in bytes, compressed by Brotli:");
    for (bytes, what) in [
        (files.brotli(&SCRIPT_TAG), "page with a script tag"),
        (files.brotli(&MODULE), "page with a module"),
        (files.brotli(&["element.js"]), "<scan-login>, in addition to the module"),
        (arguments.budget, "budget for a page with a script tag"),
        (files.brotli(&SCRIPT), "global.js"),
        (SCRIPT_BUDGET, "budget for global.js"),
    ] {
        println!("{:>9} {what}", grouped(bytes));
    }
    check(&files, arguments.budget)
}

/// Fails if a page with a script tag downloads more than `budget` bytes of the package, or if global.js is larger than
/// [`SCRIPT_BUDGET`]. Both are compressed by Brotli.
pub(crate) fn check_budget(workspace: &Workspace, budget: u64) -> Result<()> {
    check(&PackageFiles::measure(workspace)?, budget)
}

fn check(files: &PackageFiles, budget: u64) -> Result<()> {
    for (what, bytes, budget) in [
        ("The widget", files.brotli(&SCRIPT_TAG), budget),
        ("global.js, which shows the code,", files.brotli(&SCRIPT), SCRIPT_BUDGET),
    ] {
        if let Some(excess @ 1..) = bytes.checked_sub(budget) {
            bail!(
                "{what} exceeds its size budget by {} bytes: make it smaller. `cargo xtask size` lists the sizes of \
                 its parts, and `git bisect run cargo xtask size` finds the commit that exceeds the budget.",
                grouped(excess)
            );
        }
    }
    Ok(())
}
