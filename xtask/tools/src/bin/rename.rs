//! `rename IN.wasm NAMES.json MODULE OUT.wasm`: gives the imports and exports of a wasm the short names of a JSON
//! object.
//!
//! wasm-bindgen gives each import a name with a hash, which does not compress. esbuild shortens the names in the
//! JavaScript (`--mangle-props`) and writes the object from old to new names. This program applies the same names to
//! the wasm. The short names save a page 3 KB of download. `MODULE` becomes the name of the imported module.

use std::collections::HashMap;
use std::process::ExitCode;
use std::{fs, io};

use anyhow::Context as _;
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{Export, Import, ImportSectionReader, Parser};

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

impl Reencode for Renaming {
    type Error = io::Error;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), Error<io::Error>> {
        for import in section.into_imports() {
            let Import { name, ty, .. } = import?;
            let ty = self.entity_type(ty)?;
            // The module is another one, so an import that keeps its name would be missing in the browser.
            let short =
                self.names.get(name).ok_or_else(|| io::Error::other(format!("esbuild shortened no import {name}")));
            imports.import(&self.module, short.map_err(Error::UserError)?, ty);
        }
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Result<(), Error<io::Error>> {
        // esbuild shortens the names that match its option. A page can call the other exports by their names.
        let name = self.names.get(export.name).cloned().unwrap_or_else(|| export.name.to_owned());
        utils::parse_export(self, exports, Export { name: &name, ..export })
    }
}
