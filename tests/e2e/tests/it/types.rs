//! The package as TypeScript and Node.js see it: `tests/types/` has code that must compile and code that must not, and the
//! tools that know how others resolve a package. The code in the documents must compile, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

/// The latest minors, by their names in package.json.
const COMPILERS: [&str; 3] = ["typescript-5.9", "typescript-6.0", "typescript-7.0"];

/// `tests/types/`, with what its lock file says installed in it.
fn folder() -> Result<&'static Path> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    installed.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn install() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../types");
    let lock = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/.installed-from");
    if !fs::read(&installed).is_ok_and(|from| from == lock) {
        run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder))?;
        fs::write(installed, lock)?;
    }
    Ok(folder)
}

/// Runs a program that must find nothing to complain of.
fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} does not start"))?;
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    ensure!(output.status.success(), "{command:?} says:\n{said}");
    Ok(())
}

fn tool(path: &str) -> Result<Command> {
    let folder = folder()?;
    let mut command = Command::new("node");
    command.arg(folder.join("node_modules").join(path)).current_dir(folder);
    Ok(command)
}

#[test]
fn the_latest_compilers_take_what_is_right_and_nothing_else() -> Result<()> {
    for compiler in COMPILERS {
        run(&mut tool(&format!("{compiler}/bin/tsc"))?)?;
    }
    Ok(())
}

/// What the code in the documents takes for granted, and who knows what a script tag defines.
const OF_THE_READER: &str = "import 'scanlogin/global.js';
    declare global { function signIn(ticket: string): void; }";
/// JavaScript, as its readers write it: what is not there may be wrong at run time, but names and arguments have to be right.
const AS_JAVASCRIPT: &str = r#"{ "extends": "../../tsconfig.json", "include": ["*.ts"], "exclude": [],
    "compilerOptions": { "strict": false, "exactOptionalPropertyTypes": false } }"#;

#[test]
fn the_code_in_the_documents_compiles() -> Result<()> {
    // Here the package is found, and git overlooks it.
    let sources = folder()?.join("node_modules/.documents");
    if sources.exists() {
        fs::remove_dir_all(&sources)?;
    }
    fs::create_dir(&sources)?;
    fs::write(sources.join("tsconfig.json"), AS_JAVASCRIPT)?;
    fs::write(sources.join("reader.d.ts"), OF_THE_READER)?;
    for (document, path) in [("README", "README.md"), ("pkg-README", "js/README.md")] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path))?;
        let scripts = scripts_in(&text);
        ensure!(scripts.len() > 4, "{path} has {} scripts", scripts.len());
        for (line, script) in scripts {
            fs::write(sources.join(format!("{document}-line-{line}.ts")), script + "\nexport {};\n")?;
        }
    }
    run(tool(&format!("{}/bin/tsc", COMPILERS[0]))?.args(["--project", "node_modules/.documents"]))
}

/// The scripts in the fenced blocks of a document, those inside of HTML included, and the lines where the blocks begin.
fn scripts_in(text: &str) -> Vec<(usize, String)> {
    let mut scripts = Vec::new();
    let mut line = 1;
    for block in text.split("\n```") {
        let (language, code) = block.split_once('\n').unwrap_or_default();
        match language {
            "js" | "ts" => scripts.push((line, code.to_owned())),
            "html" => {
                let elements = code.split("<script").skip(1).filter_map(|rest| rest.split("</script>").next());
                let script: String = elements.filter_map(|element| Some(element.split_once('>')?.1)).collect();
                scripts.push((line, script));
            }
            _ => {}
        }
        line += block.matches('\n').count() + 1;
    }
    scripts
}

#[test]
fn who_resolves_the_package_and_who_publishes_it_has_nothing_to_complain_of() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg");
    // Left to themselves, both tools pack it where it lies, where other tests pack it too.
    run(Command::new("npm").args(["pack", "--pack-destination"]).arg(folder.path()).current_dir(package))?;
    let tarball = fs::read_dir(folder.path())?.next().context("npm has packed nothing")??.path();
    // The wasm has no types: what it is to an import is the business of bundlers.
    run(tool("@arethetypeswrong/cli/dist/index.js")?.arg(&tarball).args([
        "--profile",
        "esm-only",
        "--exclude-entrypoints",
        "./scanlogin.wasm",
    ]))?;
    run(tool("publint/src/cli.js")?.arg("--strict").arg(&tarball))
}
