//! `cargo xtask size`: what pages download of the widget, beside what they may, and what the bytes are.
//!
//! Deliberately absent: reading wasm, which `anatomy` of `tools/` does.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::run::{read, run, step};
use crate::workspace::Workspace;
use crate::{dist, tools, widget};

/// Everything that pages may download, but for the types.
const FILES: [&str; 5] = ["element.js", "global.js", "index.js", "inline.js", "scanlogin.wasm"];
/// What a page with a script tag downloads.
const BY_TAG: [&str; 2] = ["global.js", "scanlogin.wasm"];
/// What the makers of the service that speaks our protocol offer to scripts: it is among the npm packages, for tests.
const SDK: &str = "authing-js-sdk/build/browser/index.min.js";
/// What their whole login box, Guard, comes to, compressed by brotli. Nothing here needs it, so it is not among the packages.
const GUARD: u64 = 517_835;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many bytes global.js and scanlogin.wasm may come to, compressed by brotli.
    #[arg(long, value_name = "BYTES", default_value_t = BUDGET)]
    budget: u64,
}

/// How many bytes a page with a script tag may download, compressed by brotli.
pub(crate) const BUDGET: u64 = 50_000;

pub(crate) fn size(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    dist::dist(workspace)?;

    let bound = workspace.target("bound/scanlogin_bg.wasm");
    let named = workspace.target("scanlogin.named.wasm");
    widget::optimize_with_names(workspace, &bound, &named)?;
    let anatomy = tools::build(workspace, "anatomy")?;
    step("Looking at what the bytes of scanlogin.wasm are, before compression");
    run(workspace.command(anatomy).arg(named), "The wasm was not understood: see the message above.")?;

    let files = Files::of(workspace)?;
    let sdk = tools::ensure_node_modules(workspace)?.join(SDK);
    let sdk = weigh(workspace, vec![sdk])?.iter().map(|weight| weight.brotli).sum();
    let by_tag = files.brotli(&BY_TAG);
    let by_module = files.brotli(&["index.js", "scanlogin.wasm"]);
    println!("\nCompressed by brotli,");
    for (bytes, what) in [
        (by_tag, "are what a page with a script tag downloads"),
        (arguments.budget, "are what it may"),
        (sdk, "are authing-js-sdk, which shows such codes without their states"),
        (GUARD, "are Guard, which is a whole login box"),
        (files.brotli(&["element.js"]), "are the element, beside index.js"),
        (by_tag.saturating_sub(by_module), "are what global.js has more than index.js"),
    ] {
        println!("{:>9} {what}", grouped(bytes));
    }
    files.check_budget(arguments.budget)
}

/// Fails if a page with a script tag downloads more than `budget` bytes of the package, compressed by brotli.
pub(crate) fn check_budget(workspace: &Workspace, budget: u64) -> Result<()> {
    Files::of(workspace)?.check_budget(budget)
}

/// What is in `pkg/dist/`, weighed.
pub(crate) struct Files(Vec<(&'static str, Weight)>);

struct Weight {
    raw: u64,
    gzip: u64,
    brotli: u64,
    hash: String,
}

impl Files {
    pub(crate) fn of(workspace: &Workspace) -> Result<Self> {
        let dist = workspace.path("pkg/dist");
        let weights = weigh(workspace, FILES.map(|file| dist.join(file)).to_vec())?;
        Ok(Self(FILES.into_iter().zip(weights).collect()))
    }

    /// Prints the sizes of all, and the hashes that a page may demand.
    pub(crate) fn print(&self) {
        println!("{:<16}{:>9} {:>9} {:>9}", "bytes", "raw", "gzip", "brotli");
        for (file, Weight { raw, gzip, brotli, .. }) in &self.0 {
            println!("{file:<16}{:>9} {:>9} {:>9}", grouped(*raw), grouped(*gzip), grouped(*brotli));
        }
        println!();
        for (file, Weight { hash, .. }) in self.0.iter().filter(|(file, _)| BY_TAG.contains(file)) {
            println!("{file:<16}integrity=\"{hash}\"");
        }
    }

    fn check_budget(&self, budget: u64) -> Result<()> {
        if let Some(excess @ 1..) = self.brotli(&BY_TAG).checked_sub(budget) {
            bail!(
                "The widget is {} bytes larger than it may be. `cargo xtask size` lists what the bytes are; \
                 `git bisect run cargo xtask size` finds the commit.",
                grouped(excess)
            );
        }
        Ok(())
    }

    fn brotli(&self, files: &[&str]) -> u64 {
        self.0.iter().filter(|(file, _)| files.contains(file)).map(|(_, weight)| weight.brotli).sum()
    }
}

fn weigh(workspace: &Workspace, files: Vec<PathBuf>) -> Result<Vec<Weight>> {
    let lines = read(workspace.command("node").arg(workspace.path("xtask/weigh.mjs")).args(files))?;
    let weights: Option<_> = lines.lines().map(Weight::of_line).collect();
    weights.context("xtask/weigh.mjs prints what xtask/src/size.rs can't read")
}

impl Weight {
    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut bytes = || words.next()?.parse().ok();
        Some(Self { raw: bytes()?, gzip: bytes()?, brotli: bytes()?, hash: words.next()?.to_owned() })
    }
}

/// A number as people read it: 12,345.
fn grouped(number: u64) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", grouped(thousands), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 97_107, 1_000_009].map(grouped), ["0", "999", "1,000", "97,107", "1,000,009"]);
    }
}
