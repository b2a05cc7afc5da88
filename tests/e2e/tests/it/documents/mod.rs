//! What the documents say is so: links lead somewhere, tables name all that there is and as it is, the policy is enough and
//! each of its lines does what it is said to do.
//!
//! The code in the documents is compiled by `types.rs`. Deliberately absent: the meaning of sentences.

mod policy;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use scanlogin::view_model::MESSAGE_NAMES;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Site};

const DOCUMENTS: [&str; 5] = ["README.md", "js/README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("{path} can't be read"))
}

/// What stands between two texts, the first time that they come.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Result<&'a str> {
    let (_, rest) = text.split_once(start).with_context(|| format!("there is no `{start}`"))?;
    let (found, _) = rest.split_once(end).with_context(|| format!("nothing ends `{start}`"))?;
    Ok(found)
}

/// What stands below a heading of a document.
fn section(path: &str, heading: &str) -> Result<String> {
    let text = read(path)? + "\n## ";
    between(&text, &format!("\n## {heading}\n"), "\n## ").map(str::to_owned)
}

/// The rows of the one table in a text, by cells.
fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(2);
    // What is escaped is no border.
    let cells = |line: &str| line.replace("\\|", "\u{0}").trim_matches('|').split('|').map(cell).collect();
    lines.map(cells).collect()
}

fn cell(text: &str) -> String {
    text.replace('\u{0}', "|").trim().to_owned()
}

/// The text without its marks for code.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// All that stands in marks for code.
fn marked(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What `pkg/index.d.ts` says of each member of an interface: its name, its type, and its default.
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

#[test]
fn links_lead_somewhere() -> Result<()> {
    for document in DOCUMENTS {
        let text = read(document)?;
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = root().join(document).parent().context("a file has a folder")?.to_owned();
            let path = if file.is_empty() { root().join(document) } else { folder.join(file) };
            assert!(path.exists(), "{document}: there is no {target}");
            if !anchor.is_empty() {
                let anchors: Vec<_> = fs::read_to_string(&path)?.lines().filter_map(anchor_of).collect();
                assert!(anchors.iter().any(|other| other == anchor), "{document}: there is no {target}");
            }
        }
    }
    Ok(())
}

/// As the hosts of repositories make one of a heading.
fn anchor_of(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?.to_lowercase().replace(' ', "-");
    Some(heading.chars().filter(|letter| letter.is_alphanumeric() || *letter == '-').collect())
}

#[test]
fn the_npm_page_has_no_link_that_needs_the_repository() -> Result<()> {
    let text = read("js/README.md")?;
    for target in text.split("](").skip(1) {
        assert!(target.starts_with(['#', 'h']), "{target}");
    }
    Ok(())
}

#[test]
fn the_tables_name_all_options_and_callbacks_as_the_types_do() -> Result<()> {
    let members = members("StartOptions")?;
    let (callbacks, options): (Vec<_>, Vec<_>) = members.into_iter().partition(|[name, ..]| name.starts_with("on"));
    let table = rows(&section("README.md", "Options")?);
    let told: Vec<_> = table.iter().map(|row| [0, 1, 2].map(|cell| plain(&row[cell]))).collect();
    assert_eq!(told, options);

    let table = rows(&section("README.md", "Callbacks")?);
    let told: Vec<_> = table.iter().map(|row| [0, 1].map(|cell| plain(&row[cell]))).collect();
    let arguments = |kind: &str| -> Result<String> {
        let list = between(kind, "(", "):")?;
        let names: Vec<_> = list.split(", ").filter_map(|argument| argument.split(':').next()).collect();
        Ok(format!("({})", names.join(", ")))
    };
    let expected: Result<Vec<_>> = callbacks.into_iter().map(|[name, kind, _]| Ok([name, arguments(&kind)?])).collect();
    assert_eq!(told, expected?);
    Ok(())
}

#[test]
fn all_words_are_named() -> Result<()> {
    let words = MESSAGE_NAMES.map(str::to_owned);
    let told = marked(&section("README.md", "Words")?);
    for word in &words {
        assert!(told.contains(word), "{word}");
    }
    let members: BTreeSet<_> = members("Tips")?.into_iter().map(|[name, ..]| name).collect();
    assert_eq!(members, words.into());
    Ok(())
}

#[test]
fn each_error_has_its_row() -> Result<()> {
    let loader = read("js/loader.js")?;
    let of_the_wasm = loader.split("failure(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let of_the_wasm: BTreeSet<_> = of_the_wasm.map(|word| format!("wasm-{word}")).collect();
    let mut codes = of_the_wasm.clone();
    let words = read("src/error.rs")?;
    let words = between(&words, "pub fn word(self)", "\n    }\n")?;
    codes.extend(words.split('"').skip(1).step_by(2).map(str::to_owned));
    assert!(codes.len() > of_the_wasm.len() && of_the_wasm.len() > 1, "{codes:?}");

    let types = read("js/index.d.ts")?;
    let types = between(&types, "export type ErrorCode =", "(string & {})")?;
    let typed: BTreeSet<_> =
        types.lines().filter_map(|line| line.strip_prefix("  | \"")?.strip_suffix('"')).map(str::to_owned).collect();
    assert_eq!(typed, codes);

    let told = |path, heading| -> Result<BTreeSet<String>> {
        Ok(rows(&section(path, heading)?).iter().map(|row| plain(&row[0])).collect())
    };
    assert_eq!(told("README.md", "Troubleshooting")?, codes);
    assert_eq!(told("js/README.md", "When the wasm can't run")?, of_the_wasm);
    Ok(())
}

#[tokio::test]
async fn properties_have_the_defaults_that_are_told_and_parts_their_names() -> Result<()> {
    let looks = section("README.md", "Looks")?;
    let style = read("js/styles.js")?;
    let table = rows(&looks);
    for row in &table {
        let (name, default) = (plain(&row[0]), &row[1]);
        if default.starts_with('`') {
            let used = format!("var({name}, {})", plain(default));
            assert!(style.contains(&used), "the style has no {used}");
        }
    }
    let used = style.split("var(--scanlogin-").skip(1).filter_map(|rest| rest.split([',', ')']).next());
    let used: BTreeSet<_> = used.map(|name| format!("--scanlogin-{name}")).collect();
    assert_eq!(table.iter().map(|row| plain(&row[0])).collect::<BTreeSet<_>>(), used);

    let site = Site::start().await?;
    let browser = Browser::open().await?;
    // This one has a logo.
    browser.goto(&format!("{}/examples/theme.html", site.url)).await?;
    browser.until_state("ready").await?;
    let parts = browser
        .run(&format!("return [...{WIDGET}.querySelectorAll('[part]')].map(({{ part }}) => part.value)"))
        .await?;
    let parts: BTreeSet<String> = serde_json::from_value(parts)?;
    assert_eq!(marked(between(&looks, "`::part()`:", "; and")?), parts);
    browser.close().await
}
