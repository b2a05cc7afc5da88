//! The samples of docs/approver.md: they have no syntax errors and use the names of the contract, and the TypeScript runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Client;
use scanlogin_e2e::site::Port;
use scanlogin_e2e::{Phone, Site};
use scanlogin_protocol::wire::API_PATH;
use serde_json::{Value, json};
use tree_sitter::{Node, Parser, Tree};
use tree_sitter_language::LanguageFn;

use super::transcripts::{HOST, create_code, start, text};
use super::{blocks, plain, rows, section};
use crate::npm::{installed, run};

/// The calls of an approver.
const CALLS: [&str; 3] = ["scanned", "confirm", "cancel"];
/// The fields that an approver need not read: texts for developers, the scale that is not that of `check`, a time that must not be
/// compared with the clock of the phone, and methods that only an issuer can demand.
const OPTIONAL: [&str; 5] = ["message", "description", "status", "createdAt", "amr"];
/// Texts of the samples that are not names of the contract.
const OTHER_TEXTS: [&str; 9] =
    ["unknown", "yes", "no", "https", "android-app", "omit", "url", "react-native", "string"];

/// A language of the samples.
struct Language {
    heading: &'static str,
    /// The name of the fenced blocks.
    fence: &'static str,
    grammar: LanguageFn,
    /// The kind of the nodes that are texts in quotes.
    text: &'static str,
    /// Whether a node declares a field that is read or written as JSON by its name.
    is_field: fn(Node, &str) -> bool,
}

const LANGUAGES: [Language; 5] = [
    Language {
        heading: "Swift",
        fence: "swift",
        grammar: tree_sitter_swift::LANGUAGE,
        text: "line_string_literal",
        is_field: is_coded_property,
    },
    Language {
        heading: "Kotlin",
        fence: "kotlin",
        grammar: tree_sitter_kotlin_ng::LANGUAGE,
        text: "string_literal",
        is_field: |_, _| false,
    },
    Language {
        heading: "Objective-C",
        fence: "objc",
        grammar: tree_sitter_objc::LANGUAGE,
        text: "string_literal",
        is_field: |_, _| false,
    },
    Language {
        heading: "Dart",
        fence: "dart",
        grammar: tree_sitter_dart::LANGUAGE,
        text: "string_literal",
        is_field: |_, _| false,
    },
    Language {
        heading: "TypeScript",
        fence: "ts",
        grammar: tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        text: "string",
        is_field: |node, _| node.kind() == "property_signature",
    },
];

/// Whether a node is a property of a Swift type that is decoded from JSON or encoded to it. A computed property has a body.
fn is_coded_property(node: Node, source: &str) -> bool {
    let owner = node.parent().filter(|body| body.kind() == "class_body").and_then(|body| body.parent());
    let head = owner.and_then(|owner| source[owner.byte_range()].split('{').next());
    let is_stored = node.kind() == "property_declaration" && !source[node.byte_range()].contains('{');
    is_stored && head.is_some_and(|head| head.contains("codable"))
}

/// A sample: the blocks of a language.
struct Sample {
    language: Language,
    blocks: Vec<String>,
}

fn samples() -> Result<Vec<Sample>> {
    let samples = section("docs/approver.md", "Samples")?;
    let sample = |language: Language| -> Result<Sample> {
        let (_, text) = samples.split_once(&format!("\n### {}\n", language.heading)).context(language.heading)?;
        let text = text.split("\n### ").next().unwrap_or_default();
        let blocks: Vec<_> = blocks(text, language.fence).into_iter().map(str::to_owned).collect();
        ensure!(blocks.len() == 2, "{} must have two blocks", language.heading);
        Ok(Sample { language, blocks })
    };
    LANGUAGES.into_iter().map(sample).collect()
}

fn parse(language: &Language, block: &str) -> Result<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar.into())?;
    // Macros that the grammar does not know. The length stays.
    let mut block = block.to_owned();
    for macro_name in ["NS_ASSUME_NONNULL_BEGIN", "NS_ASSUME_NONNULL_END"] {
        block = block.replace(macro_name, &" ".repeat(macro_name.len()));
    }
    parser.parse(block, None).context("the parser has stopped")
}

/// The nodes of a tree in the order of the source, without comments.
fn nodes<'tree>(node: Node<'tree>, found: &mut Vec<Node<'tree>>) {
    if node.kind().contains("comment") {
        return;
    }
    found.push(node);
    for child in node.children(&mut node.walk()) {
        nodes(child, found);
    }
}

/// The names in a sample.
#[derive(Default)]
struct Names {
    /// All words: identifiers, keywords and texts in quotes.
    words: BTreeSet<String>,
    /// The texts in quotes.
    texts: BTreeSet<String>,
    /// The fields that are read or written as JSON by their names.
    fields: BTreeSet<String>,
}

fn names(sample: &Sample) -> Result<Names> {
    let mut names = Names::default();
    for block in &sample.blocks {
        let tree = parse(&sample.language, block)?;
        let mut found = Vec::new();
        nodes(tree.root_node(), &mut found);
        for node in found {
            let source = &block[node.byte_range()];
            if node.kind() == sample.language.text {
                let text = source.trim_start_matches('@').trim_matches(['"', '\'']);
                names.texts.insert(text.to_owned());
                names.words.insert(text.to_owned());
            } else if node.child_count() == 0 {
                names.words.insert(source.to_owned());
            } else if (sample.language.is_field)(node, block) {
                let name = source.trim_start_matches("let ").trim_start_matches("var ");
                let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
                names.fields.insert(name[..end].to_owned());
            }
        }
    }
    Ok(names)
}

/// Whether a text looks like a name of the contract: `returnUrl`, `already-ended`, `APP_AUTH`.
fn is_name(text: &str) -> bool {
    let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    text == "APP_AUTH" || (text.starts_with(|c: char| c.is_ascii_lowercase()) && is_word(text))
}

/// The names of the contract that concern approvers, from the OpenAPI document of a server.
struct Contract {
    /// The fields of the requests, the responses and the text of a code.
    fields: BTreeSet<String>,
    /// Reasons, details, calls and headers.
    others: BTreeSet<String>,
}

impl Contract {
    async fn of(site: &Site) -> Result<Self> {
        let document: Value = Client::new().get(format!("{}/openapi.json", site.url)).send().await?.json().await?;
        let mut fields = BTreeSet::from(["scene".to_owned()]);
        let mut others: BTreeSet<_> = CALLS.map(str::to_owned).into();
        others.extend(["APP_AUTH", "authorization", "content-type", "accept", "retry-after"].map(str::to_owned));
        for call in CALLS {
            let operation = &document["paths"][format!("{API_PATH}/{call}")]["post"];
            for part in ["requestBody", "responses"] {
                ensure!(operation[part].is_object(), "{call} has no {part}");
                add_names(&document, &operation[part], &mut fields, &mut others);
            }
        }
        Ok(Self { fields, others })
    }

    /// The fields that a sample must use.
    fn required(&self) -> impl Iterator<Item = &String> {
        self.fields.iter().filter(|field| !OPTIONAL.contains(&field.as_str()))
    }
}

/// Adds the names of the properties in a part of an OpenAPI document, and the texts that a property may be.
fn add_names(document: &Value, part: &Value, fields: &mut BTreeSet<String>, texts: &mut BTreeSet<String>) {
    match part {
        Value::Array(parts) => parts.iter().for_each(|part| add_names(document, part, fields, texts)),
        Value::Object(parts) => {
            for (name, part) in parts {
                match (name.as_str(), part) {
                    ("$ref", Value::String(path)) => {
                        let target = document.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null);
                        add_names(document, target, fields, texts);
                    }
                    ("properties", Value::Object(properties)) => {
                        fields.extend(properties.keys().cloned());
                        properties.values().for_each(|property| add_names(document, property, fields, texts));
                    }
                    ("const", Value::String(text)) => drop(texts.insert(text.clone())),
                    ("enum", Value::Array(values)) => {
                        texts.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    // OpenAPI links lead to other calls.
                    ("links", _) => {}
                    _ => add_names(document, part, fields, texts),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn samples_have_no_syntax_errors() -> Result<()> {
    for Sample { language, blocks } in samples()? {
        for block in blocks {
            let tree = parse(&language, &block)?;
            let mut found = Vec::new();
            nodes(tree.root_node(), &mut found);
            let error = found.iter().find(|node| node.is_error() || node.is_missing());
            if let Some(node) = error {
                let line = block.lines().nth(node.start_position().row).unwrap_or_default();
                bail!("{}: syntax error near `{line}`", language.heading);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn samples_use_the_names_of_the_contract_and_no_others() -> Result<()> {
    let contract = Contract::of(&start(|_| {}).await?).await?;
    for sample in samples()? {
        let heading = sample.language.heading;
        let names = names(&sample)?;
        for call in CALLS {
            assert!(names.texts.contains(call), "{heading} does not call {call}");
        }
        for field in contract.required() {
            assert!(names.words.contains(field), "{heading} does not use {field}");
        }
        for text in names.texts.iter().filter(|text| is_name(text)) {
            let is_known = contract.fields.contains(text) || contract.others.contains(text);
            assert!(is_known || OTHER_TEXTS.contains(&text.as_str()), "{heading}: the contract has no {text:?}");
        }
        for field in &names.fields {
            assert!(contract.fields.contains(field), "{heading}: the contract has no field {field}");
        }
        let paths: Vec<_> =
            names.texts.iter().chain(&names.words).filter_map(|text| text.split_once("/api/")).collect();
        assert!(!paths.is_empty(), "{heading} has no path");
        for (_, path) in paths {
            assert!(format!("/api/{path}").starts_with(&format!("{API_PATH}/")), "{heading}: {path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn tables_of_the_guide_have_the_names_of_the_contract() -> Result<()> {
    let contract = Contract::of(&start(|_| {}).await?).await?;
    let table = |heading: &str| section("docs/approver.md", heading).map(|text| rows(&text));

    let shown: BTreeSet<_> =
        table("Show who asks")?.iter().map(|row| plain(&row[0]).replace("requester.", "")).collect();
    // These have sections of their own, or are not for the person.
    let other = [
        "random",
        "scene",
        "sameDevice",
        "number",
        "numbers",
        "returnUrl",
        "requester",
        "code",
        "data",
        "reason",
        "detail",
        "stepUp",
        "maxAge",
        "acrValues",
    ];
    let expected: BTreeSet<_> = contract.required().filter(|field| !other.contains(&field.as_str())).cloned().collect();
    assert_eq!(shown, expected);

    let text = section("docs/approver.md", "Errors")?;
    let (_, reasons) = text.split_once("| `reason` |").context("there is no table of reasons")?;
    let reasons = rows(&format!("| reason |{reasons}"));
    assert!(reasons.len() > 5);
    for reason in reasons.iter().flat_map(|row| row[0].split(", ").map(plain)) {
        assert!(contract.others.contains(&reason), "{reason}");
    }
    Ok(())
}

/// The project of the TypeScript samples: what React Native has, and nothing of a browser.
const TSCONFIG: &str = r#"{ "extends": "../../tsconfig.json", "include": ["*.ts"], "exclude": [],
    "compilerOptions": { "lib": ["es2022"], "types": ["react-native"], "skipLibCheck": true, "noEmit": false,
        "outDir": "out" } }"#;

#[tokio::test]
async fn typescript_sample_compiles_for_react_native_and_runs() -> Result<()> {
    let samples = samples()?;
    let sample = samples.iter().find(|sample| sample.language.fence == "ts").context("there is no TypeScript")?;
    let [module, links] = &sample.blocks[..] else { bail!("two blocks are expected") };
    let site = start(|_| {}).await?;
    let unreachable = Port::reserve()?;

    let types = installed("types")?;
    let folder = types.join("node_modules/.approver");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir(&folder)?;
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).with_context(|| name.to_owned());
    write("tsconfig.json", TSCONFIG)?;
    write("package.json", r#"{ "type": "module" }"#)?;
    write("approver.ts", module)?;
    write("links.ts", links)?;
    write("of_the_site.ts", &module.replace(HOST, &site.url))?;
    write("unreachable.ts", &module.replace(HOST, &unreachable.url()))?;
    let compiler = types.join("node_modules/typescript-5.9/bin/tsc");
    run(Command::new("node").arg(compiler).arg("--project").arg(&folder))?;

    let phone = Phone::sign_in(&site.url, "alice").await?;
    let mut codes = Vec::new();
    for _ in 0..2 {
        codes.push(text(&create_code(&site, &json!({})).await?, "random")?.to_owned());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/documents/approver.js");
    let mut node = Command::new("node");
    node.arg(script).arg(folder.join("out/of_the_site.js")).arg(folder.join("out/unreachable.js"));
    node.arg(json!({ "token": phone.token(), "codes": codes }).to_string());
    // The server of the site runs in this process.
    tokio::task::spawn_blocking(move || run(&mut node)).await??;
    Ok(())
}
