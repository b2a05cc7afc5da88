//! Builds the wasm of the widget in three steps: [`compile`], [`bind`] to JavaScript, and [`optimize`] for size.
//!
//! The module `dist` bundles the JavaScript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{read, run, step};
use crate::tools::{self, WASM_TARGET};
use crate::workspace::Workspace;

/// The wasm features of all supported browsers. With `--all-features` wasm-opt would use newer ones.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The passes of wasm-opt that give the smallest file after compression. Little inlining and no elimination of common
/// subexpressions keep similar code similar, which compresses better.
const SIZE_PASSES: [&str; 6] =
    ["--one-caller-inline-max-function-size=8", "--skip-pass=local-cse", "--flatten", "--rereloop", "-Os", "-Os"];
const STRIP: [&str; 3] = ["--strip-debug", "--strip-producers", "--strip-target-features"];

/// What wasm-opt optimizes for.
#[derive(Clone, Copy)]
pub(crate) enum Passes {
    /// The smallest file after compression.
    Size,
    Speed,
}

impl Passes {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Size => &SIZE_PASSES,
            Self::Speed => &["-O3"],
        }
    }
}

/// The names of wasm-bindgen's imports and exports, as esbuild's `--mangle-props` expects them.
const BOUND_NAMES: &str = "^(__(wb|externref|abort|instance)|scanhandle_|wasm_bindgen_)";
/// The module from which a bound wasm imports, as wasm-bindgen names it.
const BOUND_MODULE: &str = "./scanlogin_bg.js";

/// Downloads the crates that `compile` needs.
pub(crate) fn fetch(workspace: &Workspace) -> Result<()> {
    run(
        cargo(workspace).args(["fetch", "--locked", "--target", WASM_TARGET]),
        "Some crates of the standard library were not fetched: check the network.",
    )
}

/// The compiled crate.
pub(crate) struct Compiled {
    wasm: PathBuf,
    /// The JSON messages of cargo, one per line. They name the compiled crates.
    pub(crate) messages: String,
}

/// Compiles the crate and the standard library. The compiler flags in the environment are ignored, so that the result
/// is the same for everybody.
pub(crate) fn compile(workspace: &Workspace) -> Result<Compiled> {
    compile_package(workspace, "scanlogin")
}

/// The same for another crate of the workspace: the benchmarks measure parts of the widget alone.
pub(crate) fn compile_package(workspace: &Workspace, package: &str) -> Result<Compiled> {
    // A separate target folder, because other builds use other compiler options. With a shared folder, cargo would
    // rebuild the build scripts that depend on the options at each change between the builds.
    let target = workspace.target("widget");
    step(format_args!("Compiling {package} and the standard library for browsers (some minutes the first time)"));
    let messages = read(
        cargo(workspace)
            .args(["build", "--locked", "--profile", "wasm", "--target", WASM_TARGET])
            .args(["--message-format", "json-render-diagnostics", "--package", package, "--lib", "--target-dir"])
            .arg(&target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
    )
    .context(
        "The wasm did not compile. The compiler options in xtask/widget.toml need the version of Rust in \
         rust-toolchain.toml",
    )?;
    let wasm = target.join(WASM_TARGET).join("wasm").join(package.replace('-', "_")).with_extension("wasm");
    Ok(Compiled { wasm, messages })
}

/// A folder with the bound wasm and its JavaScript: `scanlogin.js`, and the modules that it imports in `snippets/`.
pub(crate) struct Bound {
    folder: PathBuf,
}

impl Bound {
    /// The wasm with short names, not optimized.
    fn wasm(&self) -> PathBuf {
        self.folder.join("scanlogin.renamed.wasm")
    }

    /// The optimized wasm, which `inline.js` imports.
    pub(crate) fn optimized(&self) -> PathBuf {
        self.folder.join("scanlogin.wasm")
    }

    /// The JSON object from long names to short names, which esbuild writes.
    fn names(&self) -> PathBuf {
        self.folder.join("names.json")
    }

    /// Options with which esbuild shortens the names of imports and exports in a script that contains `scanlogin.js`.
    pub(crate) fn mangle_options(&self) -> [String; 2] {
        [format!("--mangle-props={BOUND_NAMES}"), format!("--mangle-cache={}", self.names().display())]
    }
}

/// Binds the compiled wasm to JavaScript in `folder`, and gives its imports and exports short names.
pub(crate) fn bind(workspace: &Workspace, compiled: &Compiled, folder: &Path) -> Result<Bound> {
    let [bindgen, rename] = [tools::build(workspace, "bindgen")?, tools::build(workspace, "rename")?];
    step("Binding the wasm to JavaScript");
    run(
        workspace.command(bindgen).args([compiled.wasm.as_path(), folder]).arg("scanlogin"),
        "wasm-bindgen failed: see its message above.",
    )?;
    let bound = Bound { folder: folder.to_owned() };

    // esbuild adds the names that it shortens to this object.
    fs::write(bound.names(), "{}").context("The target folder can't be written to")?;
    run(
        tools::esbuild(workspace)?
            .arg(folder.join("scanlogin.js"))
            .args(bound.mangle_options())
            .arg(format!("--outfile={}", folder.join("names.js").display())),
        "esbuild failed: see its message above.",
    )?;
    // The short names of two versions can be equal. A module name with a hash makes a script refuse the wasm of another
    // version.
    let module = hash_of(&[folder.join("scanlogin_bg.wasm")])?;
    rename_module(&folder.join("scanlogin.js"), &module)?;
    run(
        workspace.command(rename).args([folder.join("scanlogin_bg.wasm"), bound.names()]).arg(module).arg(bound.wasm()),
        "The imports of the wasm could not be renamed: see the message above.",
    )?;
    Ok(bound)
}

/// A hash of files, as 16 hexadecimal digits.
pub(crate) fn hash_of(files: &[PathBuf]) -> Result<String> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).with_context(|| format!("{} can't be read", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Replaces the name of the imported module in the script.
fn rename_module(script: &Path, module: &str) -> Result<()> {
    let text = fs::read_to_string(script).with_context(|| format!("{} can't be read", script.display()))?;
    let [before, after] = text.split(BOUND_MODULE).collect::<Vec<_>>()[..] else {
        bail!(
            "scanlogin.js does not contain {BOUND_MODULE} exactly once: set BOUND_MODULE in xtask/src/widget.rs to the \
             name that this version of wasm-bindgen uses"
        );
    };
    fs::write(script, [before, module, after].concat())
        .with_context(|| format!("{} can't be written", script.display()))
}

/// Optimizes the wasm, and removes the names of functions.
pub(crate) fn optimize(workspace: &Workspace, passes: Passes, bound: &Bound, optimized: &Path) -> Result<()> {
    wasm_opt(workspace, &[&STRIP, passes.options()].concat(), bound, optimized)
}

/// Optimizes the wasm for size, and keeps the names of functions, for the size report.
pub(crate) fn optimize_with_names(workspace: &Workspace, bound: &Bound, optimized: &Path) -> Result<()> {
    wasm_opt(workspace, &[&["--debuginfo"], Passes::Size.options()].concat(), bound, optimized)
}

fn wasm_opt(workspace: &Workspace, options: &[&str], bound: &Bound, optimized: &Path) -> Result<()> {
    let node_modules = tools::ensure_node_modules(workspace)?;
    step("Optimizing the wasm with wasm-opt");
    run(
        workspace
            .command("node")
            .arg(node_modules.join("binaryen/bin/wasm-opt"))
            .args(WASM_FEATURES)
            .args(options)
            .args([bound.wasm().as_path(), "-o".as_ref(), optimized]),
        "wasm-opt failed: see its message above. If it reports a disabled wasm feature, see the list in \
         xtask/src/widget.rs.",
    )
}

/// The command that runs cargo with the options of `xtask/widget.toml`. Some of them are unstable, and
/// `RUSTC_BOOTSTRAP` enables them on a stable toolchain.
fn cargo(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo();
    cargo.env("RUSTC_BOOTSTRAP", "1").args(["--config", "xtask/widget.toml"]);
    cargo
}
