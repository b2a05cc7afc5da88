//! `cargo xtask dist`: the widget as browsers load it, in `pkg/dist/`.
//!
//! `wasm-pack build` would do the same and then empty the npm package (it rewrites `package.json` and ignores all).

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run::{read, run, step};
use crate::size::Files;
use crate::workspace::Workspace;
use crate::{tools, widget};

/// The hand-written files through which a page comes in: `pkg/` has them, `pkg/dist/` gets them as one file each, with
/// what they share in them, and their types as they are.
const DOORS: [&str; 4] = ["index", "element", "inline", "global"];
/// What the doors share.
const SHARED: [&str; 7] = ["attributes.js", "box.js", "door.js", "load.js", "look.js", "pending.js", "words.js"];
/// The look, which esbuild puts into them as text.
const STYLE: &str = "style.css";
/// What npm takes along only when it lies in the package.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
const WASM: &str = "scanlogin.wasm";
/// The decoder that the phone page loads: the module, what it imports, and the licences they ask us to keep with them.
const DECODER: [&str; 4] = ["decode.js", "index.js", "LICENSE", "LICENSE-MIT"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build the package twice, from nothing, in two folders below the target folder, and compare the files byte by byte.
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run_command(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.verify { verify(workspace) } else { dist(workspace) }
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

pub(crate) fn dist(workspace: &Workspace) -> Result<()> {
    let doors = workspace.path("pkg");
    let scripts = DOORS.map(|door| format!("{door}.js"));
    let types = DOORS.map(|door| format!("{door}.d.ts"));
    let sources = || scripts.iter().map(String::as_str).chain(SHARED);
    for source in sources().chain([STYLE]).chain(types.iter().map(String::as_str)) {
        if !doors.join(source).is_file() {
            bail!(
                "pkg/{source} is missing: without it no page can load the widget. Restore it, for instance from git."
            );
        }
    }
    let dist = workspace.path("pkg/dist");
    let bound = workspace.target("bound");
    // What is there stays until there is something better.
    let compiled = widget::compile(workspace)?;
    empty(&bound)?;
    let wasm = widget::bind(workspace, &compiled, &bound)?;
    empty(&dist)?;
    widget::optimize(workspace, &wasm, &dist.join(WASM))?;

    step("Bundling the doors with esbuild and terser, into pkg/dist");
    let node_modules = tools::ensure_node_modules(workspace)?;
    copy(&dist, &bound, WASM)?;
    for source in sources() {
        copy(&doors, &bound, source)?;
    }
    let esbuild = || {
        let mut esbuild = workspace.command(node_modules.join("esbuild/bin/esbuild"));
        esbuild.args(["--minify", "--log-level=warning"]);
        esbuild
    };
    run(
        esbuild().arg(doors.join(STYLE)).arg(format!("--outfile={}", bound.join(STYLE).display())),
        "esbuild failed at pkg/style.css: see its message above.",
    )?;
    for door in &scripts {
        let bundle = bound.join(door).with_extension("bundle.js");
        run(
            esbuild()
                .arg(bound.join(door))
                // Written in ASCII: a script is read in the encoding of its page unless its server tells another.
                .args(["--bundle", "--charset=ascii", "--loader:.wasm=binary", "--loader:.css=text"])
                // A browser that is too old for the wasm can still say so. It does not come by a module then.
                .args(["--target=es2018", "--supported:import-meta=true"])
                // With a door of its own the element would bring a wasm of its own.
                .arg("--external:./index.js")
                .arg(if door == "global.js" { "--format=iife" } else { "--format=esm" })
                .arg(format!("--outfile={}", bundle.display())),
            "esbuild failed: see its message above.",
        )?;
        // It finds what esbuild has left: one byte in thirty.
        run(
            workspace
                .command("node")
                .arg(node_modules.join("terser/bin/terser"))
                .arg(bundle)
                .args(["--module", "--ecma=2018", "--compress=passes=2", "--mangle", "--format=ascii_only=true"])
                .arg("--output")
                .arg(dist.join(door)),
            "terser failed: see its message above.",
        )?;
    }
    for types in &types {
        copy(&doors, &dist, types)?;
    }
    for licence in LICENCES {
        copy(&workspace.path("."), &doors, licence)?;
    }

    step("Adding the QR decoder of the phone page");
    let vendor = workspace.path("www/vendor/qr");
    empty(&vendor)?;
    for file in DECODER {
        copy(&node_modules.join("qr"), &vendor, file)?;
    }

    Files::of(workspace)?.print();
    Ok(())
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
