//! `bindgen IN.wasm OUT_DIR NAME`: turns the compiled widget into a JavaScript module, as `wasm-bindgen --target web` does.
//!
//! It is not that command because its crate brings a web server and a WebDriver client with it, for the tests, and
//! because of the names: each import has a hash in its own, which no compression makes smaller. Here they are numbered,
//! and one hash of all of them keeps a glue from running the wasm of another version.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use wasm_bindgen_cli_support::{Bindgen, EncodeInto, Output};

fn main() -> ExitCode {
    tools::end(bind())
}

fn bind() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(out_dir), Some(name)) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bindgen IN.wasm OUT_DIR NAME");
    };
    let mut output = Bindgen::new()
        .input_path(input)
        .web(true)?
        .out_name(&name)
        // The types are written by hand.
        .typescript(false)
        // Whatever runs our wasm has it.
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .generate_output()?;
    let glue = shorten(&mut output)?;
    output.emit(&out_dir)?;
    fs::write(Path::new(&out_dir).join(name).with_extension("js"), glue).context("the glue could not be written")
}

/// Gives what wasm and glue know of each other short names, and answers with the glue.
fn shorten(output: &mut Output) -> anyhow::Result<String> {
    let mut glue = output.js().to_owned();
    let mut hasher = DefaultHasher::new();
    glue.hash(&mut hasher);
    let version = format!("{:x}", hasher.finish());
    let mut names = HashMap::new();
    for import in output.wasm_mut().imports.iter_mut() {
        if names.is_empty() {
            replace(&mut glue, &format!("\"{}\": import", import.module), &format!("\"{version}\": import"))?;
        }
        // The same function may be imported as several types.
        let short = match names.get(&import.name) {
            Some(short) => String::clone(short),
            None => {
                let short = format!("i{}", names.len());
                replace(&mut glue, &format!("{}: function", import.name), &format!("{short}: function"))?;
                names.insert(import.name.clone(), short.clone());
                short
            }
        };
        import.module.clone_from(&version);
        import.name = short;
    }

    let exports = &mut output.wasm_mut().exports;
    let unknown: Vec<_> =
        exports.iter().filter(|export| !glue.contains(&export.name)).map(|export| export.id()).collect();
    for export in unknown {
        exports.delete(export);
    }
    let mut exports: Vec<_> = exports.iter_mut().collect();
    // Some names begin with others.
    exports.sort_by_key(|export| Reverse(export.name.len()));
    for (number, export) in exports.into_iter().enumerate() {
        let short = format!("e{number}");
        replace(&mut glue, &format!("wasm.{}", export.name), &format!("wasm.{short}"))?;
        export.name = short;
    }
    Ok(glue)
}

/// A name that stayed long on one side only would be found out by the person in front of the page.
fn replace(glue: &mut String, name: &str, short: &str) -> anyhow::Result<()> {
    anyhow::ensure!(glue.contains(name), "the glue has no `{name}`: this version of wasm-bindgen writes it otherwise");
    *glue = glue.replace(name, short);
    Ok(())
}
