//! `rename IN.wasm NAMES.json MODULE OUT.wasm`: gives the imports and exports of a wasm the short names of a JSON
//! object.
//!
//! wasm-bindgen gives each import a name with a hash, which does not compress. esbuild shortens the names in the
//! JavaScript (`--mangle-props`) and writes the object from old to new names. This program applies the same names to
//! the wasm. The short names save a page 3 KB of download. `MODULE` becomes the name of the imported module.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{Export, Import, Parser};

fn main() -> ExitCode {
    tools::exit_code(rename())
}

fn rename() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, names, module, output] = arguments.as_slice() else {
        anyhow::bail!("usage: rename IN.wasm NAMES.json MODULE OUT.wasm");
    };
    let wasm = fs::read(input).with_context(|| format!("{input} can't be read"))?;
    let names = fs::read(names).with_context(|| format!("{names} can't be read"))?;
    let mut renaming = Renaming { names: serde_json::from_slice(&names)?, module: module.clone() };
    let mut renamed = Module::new();
    renaming
        .parse_core_module(&mut renamed, Parser::new(0), &wasm)
        .with_context(|| format!("{input} is not a valid wasm module"))?;
    fs::write(output, renamed.finish()).with_context(|| format!("{output} can't be written"))
}

struct Renaming {
    names: HashMap<String, String>,
    module: String,
}

impl Renaming {
    /// The short name, or `name` if esbuild has not shortened it.
    fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.get(name).map_or(name, String::as_str)
    }
}

impl Reencode for Renaming {
    type Error = Infallible;

    fn parse_import(&mut self, imports: &mut ImportSection, import: Import<'_>) -> Result<(), Error> {
        let ty = self.entity_type(import.ty)?;
        imports.import(&self.module, self.name(import.name), ty);
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error> {
        let name = self.name(export.name).to_owned();
        utils::parse_export(self, exports, Export { name: &name, ..export })
    }
}
