//! `size-report IN.wasm`: prints the sizes of the sections, crates, functions and data segments of a wasm.
//!
//! The sizes are before compression, because the compressed size of one function depends on all others. An inlined
//! function counts as part of its callers. The names of functions come from the name section of the wasm; without it,
//! they are empty.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use wasmparser::{CustomSectionReader, KnownCustom, Name, Parser, Payload, TypeRef};

fn main() -> ExitCode {
    tools::exit_code(print())
}

fn print() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: size-report IN.wasm")?;
    let bytes = std::fs::read(&file).with_context(|| format!("{file} can't be read"))?;
    let report = SizeReport::of(&bytes).with_context(|| format!("{file} is not a valid wasm module"))?;
    let mut crates: HashMap<_, usize> = HashMap::new();
    for (function, size) in &report.functions {
        *crates.entry(crate_of(function)).or_default() += size;
    }
    print_table("sections", report.sections, 5);
    print_table("crates", crates, 20);
    print_table("functions", report.functions, 30);
    print_table("data segments", report.data_segments, 10);
    Ok(())
}

/// The parts of a wasm with their sizes in bytes.
#[derive(Default)]
struct SizeReport {
    sections: HashMap<&'static str, usize>,
    functions: Vec<(String, usize)>,
    /// Each segment with the printable part of its beginning.
    data_segments: Vec<(String, usize)>,
}

impl SizeReport {
    fn of(wasm: &[u8]) -> Result<Self> {
        let mut report = Self::default();
        let mut names = HashMap::new();
        let mut bodies = Vec::new();
        let mut imported = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            // Custom sections have the id 0. They contain debug information, which pages do not download.
            if let Some((id @ 1.., range)) = payload.as_section() {
                *report.sections.entry(section_name(id)).or_default() += range.len();
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
                        report.data_segments.push((printable_prefix(data), data.len()));
                    }
                }
                Payload::CustomSection(custom) => names.extend(function_names(&custom)?),
                _ => {}
            }
        }
        // The indices of the imported functions come first.
        report.functions =
            (imported..).zip(bodies).map(|(index, size)| (names.remove(&index).unwrap_or_default(), size)).collect();
        Ok(report)
    }
}

fn section_name(id: u8) -> &'static str {
    match id {
        2 => "imports",
        7 => "exports",
        10 => "code",
        11 => "data",
        _ => "types and tables",
    }
}

/// The names of functions by index. Empty when this is not the name section.
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

/// Removes the hash in brackets after each crate name: `core[0123456789abcdef]::fmt` becomes `core::fmt`. A `[` that
/// does not follow a name begins a slice type.
fn without_hashes(name: &str) -> String {
    let mut parts = name.split('[');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if hash.len() == 16 && result.ends_with(is_identifier_char) => result.push_str(rest),
            _ => result.extend(["[", part]),
        }
    }
    result
}

/// The crate of a function: the first crate in its name. For a method, that is the crate of the type.
fn crate_of(function: &str) -> &str {
    let name = ["<", "&", "[", "(", "*const ", "*mut ", "mut ", "dyn "]
        .iter()
        .cycle()
        .take(24)
        .fold(function, |name, prefix| name.strip_prefix(prefix).unwrap_or(name));
    match name.split_once("::") {
        Some((first, _)) if first.chars().all(is_identifier_char) => first,
        Some(_) => "(primitive types)",
        None => "(exports to JavaScript)",
    }
}

fn is_identifier_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The printable ASCII characters in the first 200 bytes.
fn printable_prefix(data: &[u8]) -> String {
    data.iter().take(200).map(|byte| char::from(*byte)).filter(|c| matches!(c, ' '..='~')).collect()
}

/// Prints the total, the `max_rows` largest rows, and the sum of the others.
fn print_table(title: &str, rows: impl IntoIterator<Item = (impl AsRef<str>, usize)>, max_rows: usize) {
    let mut rows: Vec<_> = rows.into_iter().collect();
    rows.sort_by(|(name, size), (other_name, other)| {
        other.cmp(size).then_with(|| name.as_ref().cmp(other_name.as_ref()))
    });
    let sum = |rows: &[(_, usize)]| rows.iter().map(|(_, size)| size).sum::<usize>();
    let (shown, others) = rows.split_at(max_rows.min(rows.len()));
    println!("\n{:>9} bytes in {} {title}", sum(&rows), rows.len());
    for (name, size) in shown {
        println!("{size:>9} {}", name.as_ref().chars().take(110).collect::<String>());
    }
    if !others.is_empty() {
        println!("{:>9} {} others", sum(others), others.len());
    }
}
