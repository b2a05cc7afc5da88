//! The types and the exports of the package. `tests/types/` has code that must compile, code that must not compile, and
//! tools that check the exports. The code in the documents must compile, too.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::documents::documents_with_scripts;
use crate::npm::{installed, run};

/// The latest minor versions of TypeScript, by their names in package.json.
const COMPILERS: [&str; 3] = ["typescript-5.9", "typescript-6.0", "typescript-7.0"];

/// A command that runs a tool of `tests/types/`.
fn tool(path: &str) -> Result<Command> {
    let folder = installed("types")?;
    let mut command = Command::new("node");
    command.arg(folder.join("node_modules").join(path)).current_dir(folder);
    Ok(command)
}

#[test]
fn each_compiler_accepts_valid_code_and_rejects_mistakes() -> Result<()> {
    for compiler in COMPILERS {
        run(&mut tool(&format!("{compiler}/bin/tsc"))?)?;
    }
    Ok(())
}

/// Declarations that the code in the documents uses.
const DECLARATIONS: &str = "import 'scanlogin/global.js';
    declare global { function signIn(ticket: string): void; }";
/// The code is JavaScript: names and arguments are checked, but not whether a value may be `null` or `undefined`.
const TSCONFIG: &str = r#"{ "extends": "../../tsconfig.json", "include": ["*.ts"], "exclude": [],
    "compilerOptions": { "strict": false, "exactOptionalPropertyTypes": false } }"#;

#[test]
fn code_in_the_documents_compiles() -> Result<()> {
    // In node_modules, TypeScript finds the package and git ignores the files.
    let sources = installed("types")?.join("node_modules/.documents");
    if sources.exists() {
        fs::remove_dir_all(&sources)?;
    }
    fs::create_dir(&sources)?;
    fs::write(sources.join("tsconfig.json"), TSCONFIG)?;
    fs::write(sources.join("declarations.d.ts"), DECLARATIONS)?;
    let mut count = 0;
    for document in documents_with_scripts()? {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(&document))?;
        for (line, script) in scripts_in(&text) {
            let file = format!("{}-line-{line}.ts", document.replace('/', "-"));
            fs::write(sources.join(file), script + "\nexport {};\n")?;
            count += 1;
        }
    }
    ensure!(count > 12, "the documents have only {count} scripts");
    run(tool(&format!("{}/bin/tsc", COMPILERS[0]))?.args(["--project", "node_modules/.documents"])).map(drop)
}

/// The scripts in the fenced blocks of a document, including those in HTML, with the lines where the blocks start.
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
fn arethetypeswrong_and_publint_report_no_problem() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkg");
    // By default, both tools pack the package in its own folder, where other tests do the same.
    run(Command::new("npm").args(["pack", "--pack-destination"]).arg(folder.path()).current_dir(package))?;
    let tarball = fs::read_dir(folder.path())?.next().context("npm pack created no file")??.path();
    // The entry point of the wasm has no types. Only bundlers use it.
    run(tool("@arethetypeswrong/cli/dist/index.js")?.arg(&tarball).args([
        "--profile",
        "esm-only",
        "--exclude-entrypoints",
        "./scanlogin.wasm",
    ]))?;
    run(tool("publint/src/cli.js")?.arg("--strict").arg(&tarball)).map(drop)
}
