//! The widget's way from Rust to the wasm that pages download: compiled, bound to JavaScript, optimized for size.
//!
//! Deliberately absent: the doors around it, which `dist` bundles.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run::{run, step};
use crate::tools::{self, WASM_TARGET};
use crate::workspace::Workspace;

/// What every browser of the last years reads. With `--all-features` wasm-opt writes what none reads.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What makes it smallest when it is compressed, which is not what makes it smallest before: code that is alike compresses
/// well, whereas inlined code is less alike, and what is computed once and kept costs more than what is written twice.
const PASSES: [&str; 6] =
    ["--one-caller-inline-max-function-size=8", "--skip-pass=local-cse", "--flatten", "--rereloop", "-Os", "-Os"];

/// Gets what `compile` would fetch.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    run(
        cargo(workspace).args(["fetch", "--locked", "--target", WASM_TARGET]),
        "Not all crates of the standard library were fetched: check the network.",
    )
}

/// Compiles the crate, with the standard library, and returns where the wasm is. Nothing that the environment says to the
/// compiler for other builds has a say here, so that all get the same bytes.
pub(crate) fn compile(workspace: &Workspace) -> Result<PathBuf> {
    // In a target folder of its own: the crates of the machine that look whether rustc is a stable one would be built
    // anew whenever this build comes after another.
    let target = workspace.target("widget");
    step("Compiling the widget, and the standard library with it (some minutes at the first time)");
    run(
        cargo(workspace)
            .args(["build", "--locked", "--profile", "wasm", "--target", WASM_TARGET])
            .args(["--package", "scanlogin", "--lib", "--target-dir"])
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
        "The widget did not compile: see the compiler's message above. The options of this \
         build, in xtask/widget.toml, are those of the version of Rust in rust-toolchain.toml.",
    )?;
    Ok(target.join(WASM_TARGET).join("wasm/scanlogin.wasm"))
}

/// Writes `scanlogin.js`, what JavaScript has to know of the wasm, and `scanlogin_bg.wasm` into a folder; returns the
/// latter.
pub(crate) fn bind(workspace: &Workspace, compiled: &Path, folder: &Path) -> Result<PathBuf> {
    let bindgen = tools::build(workspace, "bindgen")?;
    step("Binding it to JavaScript");
    run(
        workspace.command(bindgen).args([compiled, folder]).arg("scanlogin"),
        "wasm-bindgen did not understand the compiled widget: see its message above.",
    )?;
    Ok(folder.join("scanlogin_bg.wasm"))
}

/// Makes the bound wasm small.
pub(crate) fn optimize(workspace: &Workspace, bound: &Path, optimized: &Path) -> Result<()> {
    let jumbled = bound.with_extension("small.wasm");
    wasm_opt(workspace, &["--strip-debug", "--strip-producers", "--strip-target-features"], bound, &jumbled)?;
    let arrange = tools::build(workspace, "arrange")?;
    run(
        workspace.command(arrange).args([&jumbled, optimized]),
        "The functions of the widget could not be put into another order: see the message above.",
    )
}

/// The same, with the names of functions left in: for looking at it.
pub(crate) fn optimize_with_names(workspace: &Workspace, bound: &Path, optimized: &Path) -> Result<()> {
    wasm_opt(workspace, &["--debuginfo"], bound, optimized)
}

fn wasm_opt(workspace: &Workspace, names: &[&str], bound: &Path, optimized: &Path) -> Result<()> {
    let node_modules = tools::ensure_node_modules(workspace)?;
    step("Optimizing it for size with wasm-opt");
    run(
        workspace
            .command("node")
            .arg(node_modules.join("binaryen/bin/wasm-opt"))
            .args(WASM_FEATURES)
            .args(names)
            .args(PASSES)
            .args([bound, "-o".as_ref(), optimized]),
        "wasm-opt failed: see its message above. If it asks for a feature, the list stands in xtask/src/widget.rs.",
    )
}

/// The cargo that compiles what pages download.
fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.env("RUSTC_BOOTSTRAP", "1").args(["--config", "xtask/widget.toml"]);
    cargo
}
