//! Writes the licences of the third-party code in the package, and in the decoder of the phone page.
//!
//! The list of crates is what cargo reports that it compiled for wasm32, the standard library included. Invariant: each
//! of them has a licence text in the file, or the build fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::run::read;
use crate::tools::{self, WASM_TARGET};
use crate::workspace::Workspace;

/// The licences that the code is used under, each with words that identify its text. If a crate offers a choice, the
/// first one in this list applies.
const LICENCES: [(&str, &str); 4] = [
    ("MIT", "Permission is hereby granted, free of charge"),
    ("Apache-2.0", "Apache License Version 2.0"),
    ("Zlib", "This software is provided 'as-is'"),
    ("Unicode-3.0", "UNICODE LICENSE V3"),
];
/// Texts in `xtask/licences/` for crates whose published files contain none. They come from the repositories of the
/// crates.
const TEXTS: [(&str, &str); 4] =
    [("gloo-net", "gloo.txt"), ("gloo-timers", "gloo.txt"), ("gloo-utils", "gloo.txt"), ("rlsf", "rlsf.txt")];
/// The name of the file.
pub(crate) const FILE: &str = "THIRD-PARTY-NOTICES.txt";
const INTRODUCTION: &str = "\
The wasm and the scripts contain code of the projects below. Each list of projects is followed by their licence.
";
const LINE: &str = "--------------------------------------------------------------------------------";

/// Third-party code with the texts of its licences.
struct Project {
    name: String,
    texts: Vec<String>,
}

/// Returns the text of the file. `messages` are the JSON messages that cargo printed when it compiled the wasm.
pub(crate) fn notices(workspace: &Workspace, messages: &str) -> Result<String> {
    let sysroot = PathBuf::from(read(workspace.command("rustc").args(["--print", "sysroot"]))?.trim());
    let library = sysroot.join("lib/rustlib/src/rust/library");
    let mut projects = vec![standard_library(workspace, &sysroot, &library)?, esbuild(workspace)?];
    for folder in crates(messages)? {
        let is_own = folder.starts_with(workspace.path("."));
        if !is_own && !folder.starts_with(&library) {
            projects.push(project(workspace, &folder)?);
        }
    }
    Ok(write(projects))
}

/// The folders of the crates that cargo compiled for wasm32.
fn crates(messages: &str) -> Result<BTreeSet<PathBuf>> {
    let mut folders = BTreeSet::new();
    for line in messages.lines() {
        let message: Value = serde_json::from_str(line).context("cargo printed a message that is not valid JSON")?;
        let text = |value: &Value| value.as_str().map(PathBuf::from);
        let files = message.get("filenames").and_then(Value::as_array).into_iter().flatten().filter_map(text);
        // Programs that run during the build, such as macros, have no folder with the name of the target in their path.
        if files.into_iter().any(|file| file.iter().any(|part| part == WASM_TARGET)) {
            let manifest = message.get("manifest_path").and_then(text).context("a message of cargo has no path")?;
            folders.extend(manifest.parent().map(Path::to_owned));
        }
    }
    if folders.is_empty() {
        bail!("cargo did not report which crates the wasm contains");
    }
    Ok(folders)
}

fn project(workspace: &Workspace, folder: &Path) -> Result<Project> {
    let manifest = read_text(&folder.join("Cargo.toml"))?;
    let field = |key: &str| {
        let value = manifest.lines().find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
        value.map(|value| value.trim().trim_matches('"')).with_context(|| format!("{} has no {key}", folder.display()))
    };
    let (name, version, licence) = (field("name")?, field("version")?, field("license")?);
    let mut texts = licence_texts(folder)?;
    if let Some((_, file)) = TEXTS.iter().find(|(crate_name, _)| *crate_name == name) {
        texts.push(read_text(&workspace.path("xtask/licences").join(file))?);
    }
    let texts = chosen(licence)
        .and_then(|chosen| chosen.into_iter().map(|licence| text_of(licence, &texts)).collect())
        .with_context(|| format!("The licence of {name} {version} can't be included in the package"))?;
    Ok(Project { name: format!("{name} {version}"), texts })
}

/// The licences that apply, out of an SPDX expression such as `(MIT OR Apache-2.0) AND Unicode-3.0`.
fn chosen(expression: &str) -> Result<Vec<&'static str>> {
    let choose = |part: &str| {
        let offered: Vec<_> = part.trim_matches(['(', ')']).split(" OR ").flat_map(|part| part.split('/')).collect();
        let known = LICENCES.iter().map(|(licence, _)| *licence).find(|licence| offered.contains(licence));
        known.with_context(|| format!("xtask/src/notices.rs does not know the licence {part}"))
    };
    expression.split(" AND ").map(choose).collect()
}

fn text_of(licence: &str, texts: &[String]) -> Result<String> {
    let words = LICENCES.iter().find(|(name, _)| *name == licence).map_or(licence, |(_, words)| words);
    let is_text = |text: &&String| text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words);
    texts.iter().find(is_text).cloned().with_context(|| {
        format!("no file has the text of the licence {licence}: add it to xtask/licences/ and to xtask/src/notices.rs")
    })
}

/// The contents of the licence files in a folder.
fn licence_texts(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if ["LICENSE", "LICENCE", "COPYING"].iter().any(|prefix| name.starts_with(prefix)) && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    files.iter().map(|file| read_text(file)).collect()
}

/// The standard library, as its own `COPYRIGHT-library.html` describes it. Its dependencies are crates of the registry.
fn standard_library(workspace: &Workspace, sysroot: &Path, library: &Path) -> Result<Project> {
    let version = read(workspace.command("rustc").arg("--version"))?;
    let version = version.split(' ').nth(1).context("rustc printed no version")?;
    let files = [
        workspace.path("xtask/licences/rust.txt"),
        library.join("compiler-builtins/LICENSE.txt"),
        sysroot.join("share/doc/rust/licenses/Unicode-3.0.txt"),
    ];
    let texts = files.iter().map(|file| read_text(file)).collect::<Result<_>>()?;
    Ok(Project { name: format!("the Rust standard library {version}"), texts })
}

/// The bundler writes functions of its own into the scripts.
fn esbuild(workspace: &Workspace) -> Result<Project> {
    let folder = tools::ensure_node_modules(workspace)?.join("esbuild");
    let manifest: Value = serde_json::from_str(&read_text(&folder.join("package.json"))?)?;
    let version = manifest.get("version").and_then(Value::as_str).context("esbuild has no version")?;
    Ok(Project { name: format!("esbuild {version}"), texts: vec![text_of("MIT", &licence_texts(&folder)?)?] })
}

/// Projects with equal texts share a section.
fn write(projects: Vec<Project>) -> String {
    let mut sections: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for Project { name, texts } in projects {
        let texts = texts.iter().map(|text| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
        sections.entry(texts.map(|text| text.trim_matches('\n').to_owned()).collect()).or_default().insert(name);
    }
    let mut sections: Vec<_> = sections.into_iter().map(|(texts, names)| (names, texts)).collect();
    sections.sort();
    let mut notices = INTRODUCTION.to_owned();
    for (names, texts) in sections {
        let names = names.into_iter().collect::<Vec<_>>().join("\n");
        notices += &format!("\n{LINE}\n{names}\n{LINE}\n\n{}\n", texts.join("\n\n"));
    }
    notices
}

fn read_text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("{} can't be read", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_known_licence_of_each_part_is_chosen() -> Result<()> {
        assert_eq!(chosen("Apache-2.0 OR MIT")?, ["MIT"]);
        assert_eq!(chosen("MIT/Apache-2.0")?, ["MIT"]);
        assert_eq!(chosen("(MIT OR Apache-2.0) AND Unicode-3.0")?, ["MIT", "Unicode-3.0"]);
        Ok(())
    }

    #[test]
    fn unknown_licence_is_an_error() {
        assert!(chosen("GPL-3.0-only").is_err());
        assert!(chosen("MIT AND GPL-3.0-only").is_err());
        assert!(chosen("Apache-2.0 WITH LLVM-exception").is_err());
    }

    #[test]
    fn licence_without_its_text_is_an_error() {
        assert!(text_of("MIT", &[]).is_err());
        assert!(text_of("MIT", &["Apache License".to_owned()]).is_err());
    }

    #[test]
    fn text_is_found_across_line_breaks() -> Result<()> {
        let texts = ["Apache License", "Permission is hereby\n granted, free of charge, to any"].map(str::to_owned);
        assert_eq!(text_of("MIT", &texts)?, texts[1]);
        Ok(())
    }

    #[test]
    fn crates_are_those_that_were_compiled_for_the_wasm() -> Result<()> {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/r/itoa/Cargo.toml","filenames":["/t/wasm32-unknown-unknown/wasm/deps/libitoa.rlib"]}
{"reason":"compiler-artifact","manifest_path":"/r/syn/Cargo.toml","filenames":["/t/wasm/deps/libsyn.rlib"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(crates(messages)?, [PathBuf::from("/r/itoa")].into());
        assert!(crates(r#"{"reason":"build-finished","success":true}"#).is_err());
        Ok(())
    }
}
