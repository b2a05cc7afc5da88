//! Documents match the program: links and pictures exist, tables match the sources, requests get the documented responses, and
//! the documented Content Security Policy is sufficient.
//!
//! `types.rs` compiles the scripts in the documents.

mod approver;
mod policy;
mod samples;
mod transcripts;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use scanlogin::view_model::MESSAGE_NAMES;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Site};
use serde_json::Value;

/// The documents outside of `docs/`.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "js/README.md",
    "server/README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "bench/RESULTS.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("{path} can't be read"))
}

/// The paths of the documents in a folder, without those in its subfolders.
fn documents_in(folder: &str) -> Result<Vec<String>> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(root().join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            documents.push(format!("{folder}/{name}"));
        }
    }
    documents.sort();
    Ok(documents)
}

/// The documents whose scripts must compile. Those of `docs/protocol.md` are signatures, those of `docs/approver.md` are for React
/// Native, see [`samples`].
pub(crate) fn documents_with_scripts() -> Result<Vec<String>> {
    let mut documents = documents_in("docs")?;
    documents.retain(|document| !["docs/protocol.md", "docs/approver.md"].contains(&document.as_str()));
    documents.extend(["README.md", "js/README.md"].map(str::to_owned));
    Ok(documents)
}

/// The text between the first `start` and the next `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Result<&'a str> {
    let (_, rest) = text.split_once(start).with_context(|| format!("there is no `{start}`"))?;
    let (found, _) = rest.split_once(end).with_context(|| format!("there is no `{end}` after `{start}`"))?;
    Ok(found)
}

/// The text below a heading of the second level.
fn section(path: &str, heading: &str) -> Result<String> {
    let text = read(path)? + "\n## ";
    between(&text, &format!("\n## {heading}\n"), "\n## ").map(str::to_owned).with_context(|| path.to_owned())
}

/// The contents of the fenced blocks with this language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    text.split(start.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// The cells of the rows of the only table in a text, without its head.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(2);
    // An escaped character does not separate cells.
    let cells = |line: &str| line.replace("\\|", "\u{0}").trim_matches('|').split('|').map(cell).collect();
    lines.map(cells).collect()
}

fn cell(text: &str) -> String {
    text.replace('\u{0}', "|").trim().to_owned()
}

/// The text without backticks.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// The targets of the links and pictures of a document, without those in fenced blocks.
fn targets(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    let starts = ["](", " src=\"", " srcset=\""];
    let found = prose.flat_map(|prose| starts.into_iter().flat_map(move |start| prose.split(start).skip(1)));
    found.filter_map(|rest| rest.split([')', '"']).next()).collect()
}

/// The members of an interface of `js/index.d.ts`: name, type and default.
fn members(interface: &str) -> Result<Vec<[String; 3]>> {
    let types = read("js/index.d.ts")?;
    let body = between(&types, &format!("export interface {interface} {{\n"), "\n}")?;
    let mut members = Vec::new();
    let mut default = "–".to_owned();
    for line in body.lines() {
        if let Some((_, value)) = line.split_once("@default ") {
            default = plain(value);
        } else if let Some((name, kind)) = line.trim_start().split_once('?')
            && name.chars().all(char::is_alphanumeric)
        {
            let kind = kind.trim_start_matches(": ").trim_end_matches(';').to_owned();
            members.push([name.to_owned(), kind, std::mem::replace(&mut default, "–".to_owned())]);
        }
    }
    Ok(members)
}

/// The anchor that hosts of repositories give to a heading.
fn anchor_of(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.to_lowercase().replace(' ', "-");
    Some(heading.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect())
}

#[test]
fn targets_of_links_and_pictures_exist() -> Result<()> {
    let mut documents = DOCUMENTS.map(str::to_owned).to_vec();
    documents.extend(documents_in("docs")?);
    documents.extend(documents_in("docs/decisions")?);
    for document in documents {
        let text = read(&document)?;
        for target in targets(&text) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(&document).parent().context("a file has a folder")?.to_owned();
            let path = if file.is_empty() { root().join(&document) } else { folder.join(file) };
            assert!(path.exists(), "{document}: there is no {target}");
            if !anchor.is_empty() {
                let anchors: Vec<_> = fs::read_to_string(&path)?.lines().filter_map(anchor_of).collect();
                assert!(anchors.iter().any(|other| other == anchor), "{document}: there is no {target}");
            }
        }
    }
    Ok(())
}

#[test]
fn links_of_the_npm_page_do_not_need_the_repository() -> Result<()> {
    for target in targets(&read("js/README.md")?) {
        assert!(target.starts_with(['#', 'h']), "{target}");
    }
    Ok(())
}

#[test]
fn the_table_of_contents_links_to_every_document_of_the_folder() -> Result<()> {
    let contents = read("docs/README.md")?;
    let linked: BTreeSet<_> = targets(&contents).into_iter().map(|target| format!("docs/{target}")).collect();
    for document in documents_in("docs")? {
        assert!(document == "docs/README.md" || linked.contains(&document), "{document}");
    }
    Ok(())
}

#[test]
fn documented_tarballs_have_the_version_of_the_package() -> Result<()> {
    let package: Value = serde_json::from_str(&read("js/package.json")?)?;
    let version = package["version"].as_str().context("the package has no version")?;
    for document in ["README.md", "js/README.md", "docs/bundlers.md"] {
        let text = read(document)?;
        assert_eq!(between(&text, "npm install ./scanlogin-", ".tgz")?, version, "{document}");
    }
    Ok(())
}

#[test]
fn the_table_of_options_matches_the_types() -> Result<()> {
    let mut options = members("StartOptions")?;
    options.retain(|[name, ..]| !name.starts_with("on"));
    let table = rows(&section("docs/options.md", "All options")?);
    let documented: Vec<_> = table.iter().map(|row| [0, 1, 2].map(|cell| plain(&row[cell]))).collect();
    assert_eq!(documented, options);
    Ok(())
}

#[test]
fn the_table_of_callbacks_matches_the_types() -> Result<()> {
    let mut callbacks = members("StartOptions")?;
    callbacks.retain(|[name, ..]| name.starts_with("on"));
    let arguments = |kind: &str| -> Result<String> {
        let list = between(kind, "(", "):")?;
        let names: Vec<_> = list.split(", ").filter_map(|argument| argument.split(':').next()).collect();
        Ok(format!("({})", names.join(", ")))
    };
    let expected: Result<Vec<_>> = callbacks.into_iter().map(|[name, kind, _]| Ok([name, arguments(&kind)?])).collect();

    let table = rows(&section("docs/callbacks.md", "All callbacks")?);
    let documented: Vec<_> = table.iter().map(|row| [0, 1].map(|cell| plain(&row[cell]))).collect();
    assert_eq!(documented, expected?);
    Ok(())
}

#[test]
fn the_tables_of_the_handle_and_its_states_match_the_types() -> Result<()> {
    let names = |heading| -> Result<Vec<String>> {
        let table = rows(&section("docs/callbacks.md", heading)?);
        Ok(table.iter().filter_map(|row| plain(&row[0]).split('(').next().map(str::to_owned)).collect())
    };
    let types = read("js/index.d.ts")?;

    let handle = between(&types, "export interface ScanHandle {\n", "\n}")?;
    let members = handle.lines().map(str::trim_start).filter(|line| !line.starts_with(['/', '*']));
    let members: Vec<_> =
        members.filter_map(|line| line.trim_start_matches("readonly ").split(['(', ':']).next()).collect();
    assert_eq!(names("Handle")?, members);

    let states = between(&types, "export type ScanState =\n", ";\n")?;
    let states: Vec<_> = states.lines().filter_map(|line| line.strip_prefix("  | \"")?.strip_suffix('"')).collect();
    assert_eq!(names("States")?, states);
    Ok(())
}

#[test]
fn the_table_of_messages_has_all_names_and_their_english_texts() -> Result<()> {
    let table = rows(&section("docs/messages.md", "Messages")?);
    let names: Vec<_> = table.iter().map(|row| plain(&row[0])).collect();
    assert_eq!(names, MESSAGE_NAMES);
    let members: BTreeSet<_> = members("Tips")?.into_iter().map(|[name, ..]| name).collect();
    assert_eq!(members, MESSAGE_NAMES.map(str::to_owned).into());

    // Long messages are on lines of their own.
    let first = read("js/i18n.js")?.replace("[\n    ", "[");
    let later = read("src/web/messages.json")?;
    for row in &table {
        let (name, text) = (plain(&row[0]), &row[1]);
        let is_first = first.contains(&format!("  {name}: [\"{text}\", "));
        let is_later = later.contains(&format!("  \"{name}\": [\"{text}\", "));
        assert!(is_first != is_later, "js/i18n.js or src/web/messages.json must have {name}: {text}");
    }
    Ok(())
}

#[test]
fn tables_of_errors_have_all_codes() -> Result<()> {
    let loader = read("js/loader.js")?;
    let of_the_loader = loader.split("failure(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let of_the_loader: BTreeSet<_> = of_the_loader.map(|code| format!("wasm-{code}")).collect();
    let mut codes = of_the_loader.clone();
    let errors = read("src/error.rs")?;
    let errors = between(&errors, "impl ErrorCode {", "\n}\n")?;
    codes.extend(errors.split('"').skip(1).step_by(2).map(str::to_owned));
    assert!(codes.len() > of_the_loader.len() && of_the_loader.len() > 1, "{codes:?}");

    let types = read("js/index.d.ts")?;
    let types = between(&types, "export type ErrorCode =", "(string & {})")?;
    let typed: BTreeSet<_> =
        types.lines().filter_map(|line| line.strip_prefix("  | \"")?.strip_suffix('"')).map(str::to_owned).collect();
    assert_eq!(typed, codes);

    let documented = |path, heading| -> Result<BTreeSet<String>> {
        Ok(rows(&section(path, heading)?).iter().map(|row| plain(&row[0])).collect())
    };
    assert_eq!(documented("docs/troubleshooting.md", "Error codes")?, codes);
    assert_eq!(documented("js/README.md", "If the wasm can't be loaded")?, of_the_loader);
    Ok(())
}

#[test]
fn the_table_of_custom_properties_matches_the_style_sheet() -> Result<()> {
    let styles = read("js/style_sheet.js")?;
    let table = rows(&section("docs/theming.md", "Custom properties")?);
    for row in &table {
        let (name, default) = (plain(&row[0]), &row[1]);
        if default.starts_with('`') {
            let used = format!("var({name}, {})", plain(default));
            assert!(styles.contains(&used), "the style sheet has no {used}");
        }
    }
    let used = styles.split("var(--scanlogin-").skip(1).filter_map(|rest| rest.split([',', ')']).next());
    let used: BTreeSet<_> = used.map(|name| format!("--scanlogin-{name}")).collect();
    assert_eq!(table.iter().map(|row| plain(&row[0])).collect::<BTreeSet<_>>(), used);
    Ok(())
}

#[tokio::test]
async fn the_table_of_parts_matches_the_elements() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    // This page has a logo.
    browser.goto(&format!("{}/examples/theme.html", site.url)).await?;
    browser.wait_for_state("ready").await?;
    let parts = browser
        .run(&format!("return [...{WIDGET}.querySelectorAll('[part]')].map(({{ part }}) => part.value)"))
        .await?;
    let parts: BTreeSet<String> = serde_json::from_value(parts)?;
    let table = rows(&section("docs/theming.md", "Parts")?);
    assert_eq!(table.iter().map(|row| plain(&row[0])).collect::<BTreeSet<_>>(), parts);
    browser.close().await
}
