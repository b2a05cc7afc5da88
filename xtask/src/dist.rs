//! `cargo xtask dist`: builds the npm package in `pkg/`, and the decoder of the phone page. The files of the package that
//! browsers load are in `pkg/dist/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::folders::{copy, empty, entry_names};
use crate::package_files::{PackageFiles, compress};
use crate::run::{read, run, step};
use crate::widget::{Bound, Passes};
use crate::workspace::Workspace;
use crate::{decoder, notices, tools, widget};

/// The entry points of the package. Their scripts and types are in `js/`. Each becomes one script that contains its
/// imports.
const ENTRY_POINTS: [&str; 4] = ["index", "element", "inline", "global"];
/// The files of the package outside `dist`, each with its source folder. npm requires the licences in the package's
/// folder.
const METADATA: [(&str, &str); 5] =
    [("js", "package.json"), ("js", "README.md"), (".", "CHANGELOG.md"), (".", "LICENSE-APACHE"), (".", "LICENSE-MIT")];
/// The entry points that tools without support for `exports` look for in folders of these names.
const FOLDERS: [&str; 2] = ["element", "inline"];
const WASM: &str = "scanlogin.wasm";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Build the package twice from scratch, in two folders below the target folder, and compare the files byte by
    /// byte.
    #[arg(long)]
    verify: bool,
}

pub(crate) fn run_command(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.verify { verify(workspace) } else { dist(workspace).map(drop) }
}

/// Fails if the package depends on the folder that it is built in, or on files of an earlier build.
fn verify(workspace: &Workspace) -> Result<()> {
    // The paths differ in length too, so that a path in the wasm would change its size.
    let folders = ["verify/first", "verify/the-second"].map(|folder| workspace.target(folder));
    let sources = read(workspace.command("git").args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]))?;
    // Both copies are made first, so that a file that changes during the builds makes no difference.
    for folder in &folders {
        empty(folder)?;
        for source in sources.split_terminator('\0').filter(|source| workspace.path(source).is_file()) {
            if let Some(parent) = folder.join(source).parent() {
                fs::create_dir_all(parent).with_context(|| format!("{} can't be created", parent.display()))?;
            }
            copy(&workspace.path("."), folder, source)?;
        }
    }
    for folder in &folders {
        step(format_args!("Building the package in {}", folder.display()));
        run(
            workspace.cargo().args(["xtask", "dist"]).current_dir(folder).env_remove("CARGO_TARGET_DIR"),
            "The package was not built: see the message above.",
        )?;
    }
    let built = |folder: &PathBuf| {
        let mut files = contents(&folder.join("pkg"))?;
        files.extend(contents(&folder.join(decoder::FOLDER))?);
        anyhow::Ok(files)
    };
    let [first, second] = &folders;
    let (first, second) = (built(first)?, built(second)?);
    let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
    let different: Vec<_> =
        names.filter(|name| first.get(*name) != second.get(*name)).map(|name| name.display().to_string()).collect();
    if !different.is_empty() {
        bail!("Two builds of the same sources differ in {}: compare them in target/verify.", different.join(", "));
    }
    println!("\nBoth builds produced the same {} files, byte by byte.", first.len());
    Ok(())
}

/// The content of each file of a folder and of the folders in it, by path.
fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for name in entry_names(folder)? {
        let path = folder.join(&name);
        if path.is_dir() {
            files.extend(contents(&path)?.into_iter().map(|(inner, content)| (Path::new(&name).join(inner), content)));
        } else {
            let content = fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?;
            files.insert(name.into(), content);
        }
    }
    Ok(files)
}

/// Builds the package and the decoder, and prints the sizes of their files. Returns the bound wasm of the widget, for the size
/// report.
pub(crate) fn dist(workspace: &Workspace) -> Result<Bound> {
    let compiled = widget::compile(workspace)?;
    let folder = workspace.target("bound");
    empty(&folder)?;
    let bound = widget::bind(workspace, &compiled, &folder)?;
    widget::optimize(workspace, Passes::Size, &bound, &bound.optimized())?;

    step("Bundling the entry points into pkg/dist/ with esbuild and terser");
    let package = workspace.path("pkg");
    empty_package(&package)?;
    let dist = package.join("dist");
    empty(&dist)?;
    let sources = workspace.path("js");
    copy_scripts(&sources, &folder)?;
    minify_styles(workspace, &folder)?;
    for entry_point in ENTRY_POINTS {
        bundle(workspace, &bound, &folder.join(entry_point).with_extension("js"), &dist)?;
        copy(&sources, &dist, &format!("{entry_point}.d.ts"))?;
    }
    fs::copy(bound.optimized(), dist.join(WASM)).context("pkg/dist can't be written to")?;
    for (from, file) in METADATA {
        copy(&workspace.path(from), &package, file)?;
    }
    let notices = notices::notices(workspace, &compiled.messages)?;
    fs::write(package.join(notices::FILE), notices).context("pkg can't be written to")?;
    for entry_point in FOLDERS {
        write_folder(&package, entry_point)?;
    }
    name_repository(workspace, &package)?;

    step("Compressing the files that browsers load");
    let compressed = compress(workspace)?;
    PackageFiles::measure(workspace)?.print();
    compressed.print();
    decoder::build(workspace)?;
    Ok(bound)
}

/// Copies the scripts of `js/` into the folder of the bound wasm. wasm-bindgen has already copied the scripts that the
/// wasm imports into `snippets/`. This function replaces those copies with re-exports, so that a bundle contains each
/// module once.
fn copy_scripts(sources: &Path, folder: &Path) -> Result<()> {
    for script in entry_names(sources)?.iter().filter(|name| name.ends_with(".js")) {
        copy(sources, folder, script)?;
    }
    let snippets = folder.join("snippets");
    for package in entry_names(&snippets)? {
        let scripts = snippets.join(package).join("js");
        for script in entry_names(&scripts)? {
            let reference = format!("export * from \"../../../{script}\";\n");
            fs::write(scripts.join(script), reference).context("the target folder can't be written to")?;
        }
    }
    Ok(())
}

/// Shrinks the style sheet, which is a text in a script. esbuild does not change texts by itself.
fn minify_styles(workspace: &Workspace, folder: &Path) -> Result<()> {
    tools::ensure_node_modules(workspace)?;
    run(
        workspace.command("node").arg(workspace.path("xtask/minify-styles.mjs")).arg(folder.join("style_sheet.js")),
        "The style sheet can't be shrunk: see the message above.",
    )
}

/// Writes the script of an entry point into `dist`.
fn bundle(workspace: &Workspace, bound: &Bound, entry_point: &Path, dist: &Path) -> Result<()> {
    let name = entry_point.file_name().unwrap_or_default();
    let bundle = entry_point.with_extension("bundle.js");
    // `element.js` is the only script without the code of wasm-bindgen.
    let injected =
        (name != "element.js").then(|| format!("--inject:{}", entry_point.with_file_name("text_coding.js").display()));
    run(
        tools::esbuild(workspace)?
            .arg(entry_point)
            // ASCII, because a browser decodes a script with the encoding of the page if the server names none.
            .args(["--bundle", "--minify", "--charset=ascii", "--loader:.wasm=binary"])
            // A browser that is too old for the wasm can still run the script, which then reports an error.
            .args(["--target=es2018", "--supported:import-meta=true"])
            .args(injected)
            // `element.js` imports `index.js` at run time, so that both use the same wasm.
            .arg("--external:./index.js")
            .arg(if name == "global.js" { "--format=iife" } else { "--format=esm" })
            .args(bound.mangle_options())
            .arg(format!("--outfile={}", bundle.display())),
        "esbuild failed: see its message above.",
    )?;
    // terser makes the output of esbuild 3 % smaller.
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

/// Writes the folder of an entry point. Parcel 2 and webpack 4 do not read `exports`, and open it for
/// `scanlogin/inline`.
fn write_folder(package: &Path, entry_point: &str) -> Result<()> {
    let manifest = format!(
        "{{\n  \"main\": \"../dist/{entry_point}.js\",\n  \"types\": \"../dist/{entry_point}.d.ts\",\n  \
         \"type\": \"module\"\n}}\n"
    );
    let folder = package.join(entry_point);
    empty(&folder)?;
    fs::write(folder.join("package.json"), manifest).context("pkg can't be written to")
}

/// Adds the links that npm shows for a package, if `repository` in Cargo.toml is set.
fn name_repository(workspace: &Workspace, package: &Path) -> Result<()> {
    let Some(address) = workspace.repository() else { return Ok(()) };
    run(
        workspace.command(tools::npm()).current_dir(package).args(["pkg", "set"]).args([
            "repository.type=git".to_owned(),
            format!("repository.url=git+{address}.git"),
            format!("homepage={address}#readme"),
            format!("bugs.url={address}/issues"),
        ]),
        "npm did not write the address of the repository into package.json: see its message above.",
    )
}

/// Removes everything from the package's folder except the tracked `.gitignore`.
fn empty_package(package: &Path) -> Result<()> {
    for name in entry_names(package)?.iter().filter(|name| *name != ".gitignore") {
        let path = package.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.with_context(|| format!("{} can't be removed", path.display()))?;
    }
    Ok(())
}
