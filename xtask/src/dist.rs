//! `cargo xtask dist`: assembles the npm package in `pkg/`, with the widget as browsers load it in `pkg/dist/`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::package_files::PackageFiles;
use crate::run::{read, run, step};
use crate::widget::Bound;
use crate::workspace::Workspace;
use crate::{tools, widget};

/// The entry points of the package: `js/` has their scripts and types. Each becomes one script that contains all that it
/// imports.
const ENTRY_POINTS: [&str; 4] = ["index", "element", "inline", "global"];
/// The files of the package besides `dist`. npm needs the licences in the folder of the package.
const METADATA: [(&str, &str); 4] =
    [("js", "package.json"), ("js", "README.md"), (".", "LICENSE-APACHE"), (".", "LICENSE-MIT")];
const WASM: &str = "scanlogin.wasm";
/// The decoder that the phone page loads: the module, its import, and their licences.
const DECODER: [&str; 4] = ["decode.js", "index.js", "LICENSE", "LICENSE-MIT"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build the package twice, from nothing, in two folders below the target folder, and compare the files byte by byte.
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run_command(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.verify { verify(workspace) } else { dist(workspace).map(drop) }
}

/// Fails if the package depends on the folder that it is built in, or on what an earlier build has left.
fn verify(workspace: &Workspace) -> Result<()> {
    // Of different length, since paths could find their way into the wasm.
    let folders = ["verify/first", "verify/the-second"].map(|folder| workspace.target(folder));
    let sources = read(workspace.command("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]))?;
    for folder in &folders {
        step(format_args!("Building the package in {}", folder.display()));
        empty(folder)?;
        for source in sources.split_terminator('\0').filter(|source| workspace.path(source).is_file()) {
            if let Some(parent) = folder.join(source).parent() {
                fs::create_dir_all(parent).with_context(|| format!("{} could not be created", parent.display()))?;
            }
            copy(&workspace.path("."), folder, source)?;
        }
        run(
            workspace.cargo().args(["xtask", "dist"]).current_dir(folder).env_remove("CARGO_TARGET_DIR"),
            "The package was not built: see the message above.",
        )?;
    }
    let [first, second] = &folders;
    let (first, second) = (files(&first.join("pkg/dist"))?, files(&second.join("pkg/dist"))?);
    let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
    let different: Vec<_> = names.filter(|name| first.get(*name) != second.get(*name)).map(String::as_str).collect();
    if !different.is_empty() {
        bail!("Two builds of the same sources differ in {}: compare them in target/verify.", different.join(", "));
    }
    println!("\nBoth folders have the same {} files, byte by byte.", first.len());
    Ok(())
}

/// The content of each file of a folder, by its name.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} could not be read", folder.display()))?;
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
        })
        .collect()
}

pub(crate) fn dist(workspace: &Workspace) -> Result<Bound> {
    let compiled = widget::compile(workspace)?;
    let folder = workspace.target("bound");
    empty(&folder)?;
    let bound = widget::bind(workspace, &compiled, &folder)?;
    widget::optimize(workspace, &bound, &bound.optimized())?;

    step("Bundling the entry points with esbuild and terser, into pkg/");
    let package = workspace.path("pkg");
    empty_package(&package)?;
    let dist = package.join("dist");
    empty(&dist)?;
    let sources = workspace.path("js");
    copy_scripts(&sources, &folder)?;
    for entry_point in ENTRY_POINTS {
        bundle(workspace, &bound, &folder.join(entry_point).with_extension("js"), &dist)?;
        copy(&sources, &dist, &format!("{entry_point}.d.ts"))?;
    }
    fs::copy(bound.optimized(), dist.join(WASM)).context("pkg/dist can't be written to")?;
    for (from, file) in METADATA {
        copy(&workspace.path(from), &package, file)?;
    }

    step("Copying the QR decoder of the phone page");
    let vendor = workspace.path("www/vendor/qr");
    empty(&vendor)?;
    let node_modules = tools::ensure_node_modules(workspace)?;
    for file in DECODER {
        copy(&node_modules.join("qr"), &vendor, file)?;
    }

    PackageFiles::measure(workspace)?.print();
    Ok(bound)
}

/// Copies the scripts of `js/` beside the bound wasm. wasm-bindgen has copied those that the wasm imports already, into
/// `snippets/`. These copies become references, so that each module is in a bundle once.
fn copy_scripts(sources: &Path, folder: &Path) -> Result<()> {
    for script in names(sources)?.iter().filter(|name| name.ends_with(".js")) {
        copy(sources, folder, script)?;
    }
    let snippets = folder.join("snippets");
    for package in names(&snippets)? {
        let scripts = snippets.join(package).join("js");
        for script in names(&scripts)? {
            let reference = format!("export * from \"../../../{script}\";\n");
            fs::write(scripts.join(script), reference).context("the target folder can't be written to")?;
        }
    }
    Ok(())
}

/// Writes the script of an entry point into `dist`.
fn bundle(workspace: &Workspace, bound: &Bound, entry_point: &Path, dist: &Path) -> Result<()> {
    let name = entry_point.file_name().unwrap_or_default();
    let bundle = entry_point.with_extension("bundle.js");
    run(
        tools::esbuild(workspace)?
            .arg(entry_point)
            // ASCII, because browsers read a script in the encoding of the page if the server names no other.
            .args(["--bundle", "--minify", "--charset=ascii", "--loader:.wasm=binary"])
            // A browser that is too old for the wasm can still run the script and report that.
            .args(["--target=es2018", "--supported:import-meta=true"])
            // The element shares the wasm with `index.js`.
            .arg("--external:./index.js")
            .arg(if name == "global.js" { "--format=iife" } else { "--format=esm" })
            .args(bound.mangle_options())
            .arg(format!("--outfile={}", bundle.display())),
        "esbuild failed: see its message above.",
    )?;
    // terser removes another 3 % of what esbuild leaves.
    run(
        workspace
            .command("node")
            .arg(tools::ensure_node_modules(workspace)?.join("terser/bin/terser"))
            .arg(bundle)
            .args(["--module", "--ecma=2018", "--compress=passes=2", "--mangle", "--format=ascii_only=true"])
            .arg("--output")
            .arg(dist.join(name)),
        "terser failed: see its message above.",
    )
}

/// Removes everything from the folder of the package except the tracked `.gitignore`.
fn empty_package(package: &Path) -> Result<()> {
    for name in names(package)?.iter().filter(|name| *name != ".gitignore") {
        let path = package.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("{} can't be removed", path.display()))?;
    }
    Ok(())
}

/// The names of the entries of a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Makes an empty folder, whatever was there.
fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} could not be cleared", folder.display()));
        }
        _ => {}
    }
    fs::create_dir_all(folder).with_context(|| format!("{} could not be created", folder.display()))
}

fn copy(from: &Path, to: &Path, file: &str) -> Result<()> {
    let source = from.join(file);
    fs::copy(&source, to.join(file))
        .with_context(|| format!("{} could not be copied to {}", source.display(), to.display()))?;
    Ok(())
}
