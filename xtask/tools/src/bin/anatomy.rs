//! `anatomy IN.wasm`: what the bytes of a wasm are, by section, by crate, by function and by piece of data.
//!
//! The sizes are those before compression: what one function adds to a compressed file depends on all the others. What
//! the compiler inlined counts where it was inlined. Functions have names only if the wasm has them.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use wasmparser::{CustomSectionReader, KnownCustom, Name, Parser, Payload, TypeRef};

fn main() -> ExitCode {
    tools::end(print())
}

fn print() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: anatomy IN.wasm")?;
    let bytes = std::fs::read(&file).with_context(|| format!("{file} could not be read"))?;
    let anatomy = Anatomy::of(&bytes).with_context(|| format!("{file} is no wasm that can be understood"))?;
    let mut crates: HashMap<_, usize> = HashMap::new();
    for (function, size) in &anatomy.functions {
        *crates.entry(crate_of(function)).or_default() += size;
    }
    table("sections", anatomy.sections, 5);
    table("crates", crates, 20);
    table("functions", anatomy.functions, 30);
    table("pieces of data", anatomy.data, 10);
    Ok(())
}

/// The parts of a wasm by name, with how many bytes each takes.
#[derive(Default)]
struct Anatomy {
    sections: HashMap<&'static str, usize>,
    functions: Vec<(String, usize)>,
    data: Vec<(String, usize)>,
}

impl Anatomy {
    fn of(wasm: &[u8]) -> Result<Self> {
        let mut anatomy = Self::default();
        let mut names = HashMap::new();
        let mut bodies = Vec::new();
        let mut imported = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            // Sections without a number have names and the like, which pages don't download.
            if let Some((id @ 1.., range)) = payload.as_section() {
                *anatomy.sections.entry(section(id)).or_default() += range.len();
            }
            match payload {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
                Payload::DataSection(segments) => {
                    for segment in segments {
                        let data = segment?.data;
                        anatomy.data.push((beginning(data), data.len()));
                    }
                }
                Payload::CustomSection(custom) => names.extend(function_names(&custom)?),
                _ => {}
            }
        }
        // Functions are numbered with the imported ones first.
        anatomy.functions =
            (imported..).zip(bodies).map(|(index, size)| (names.remove(&index).unwrap_or_default(), size)).collect();
        Ok(anatomy)
    }
}

fn section(id: u8) -> &'static str {
    match id {
        2 => "imports",
        7 => "exports",
        10 => "code",
        11 => "data",
        _ => "types and tables",
    }
}

/// The names of functions, if this is the section that has them.
fn function_names(custom: &CustomSectionReader<'_>) -> Result<HashMap<u32, String>> {
    let mut names = HashMap::new();
    if let KnownCustom::Name(subsections) = custom.as_known() {
        for subsection in subsections {
            if let Name::Function(functions) = subsection? {
                for function in functions {
                    let function = function?;
                    names.insert(function.index, without_hashes(function.name));
                }
            }
        }
    }
    Ok(names)
}

/// Each crate has a hash behind its name, in brackets. A `[` that is not behind a name begins a slice.
fn without_hashes(name: &str) -> String {
    let mut parts = name.split('[');
    let mut clear = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if hash.len() == 16 && clear.ends_with(is_of_word) => clear.push_str(rest),
            _ => clear.extend(["[", part]),
        }
    }
    clear
}

/// The crate that a function is of: the first that its name mentions, which is that of the type if it is a method.
fn crate_of(function: &str) -> &str {
    let name = ["<", "&", "[", "(", "*const ", "*mut ", "mut ", "dyn "]
        .iter()
        .cycle()
        .take(24)
        .fold(function, |name, sign| name.strip_prefix(sign).unwrap_or(name));
    match name.split_once("::") {
        Some((word, _)) if word.chars().all(is_of_word) => word,
        Some(_) => "(types of the language)",
        None => "(what JavaScript calls)",
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// What can be read at the beginning of data.
fn beginning(data: &[u8]) -> String {
    data.iter().take(200).map(|byte| char::from(*byte)).filter(|letter| matches!(letter, ' '..='~')).collect()
}

/// Prints the largest, and what all the others come to.
fn table(title: &str, rows: impl IntoIterator<Item = (impl AsRef<str>, usize)>, largest: usize) {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|(name, size), (other_name, other)| {
        other.cmp(size).then_with(|| name.as_ref().cmp(other_name.as_ref()))
    });
    let sum = |rows: &[(_, usize)]| rows.iter().map(|(_, size)| size).sum::<usize>();
    let (shown, others) = rows.split_at(largest.min(rows.len()));
    println!("\n{:>9} bytes in {} {title}", sum(&rows), rows.len());
    for (name, size) in shown {
        println!("{size:>9} {}", name.as_ref().chars().take(110).collect::<String>());
    }
    if !others.is_empty() {
        println!("{:>9} {} others", sum(others), others.len());
    }
}
