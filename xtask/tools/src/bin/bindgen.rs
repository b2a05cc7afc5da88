//! `bindgen IN.wasm OUT_DIR NAME`: turns the compiled widget into a JavaScript module, as `wasm-bindgen --target web` does.
//!
//! It is not that command because its crate brings a web server and a WebDriver client with it, for the tests, and
//! because of the names: each import has a hash in its own, which no compression makes smaller.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use wasm_bindgen_cli_support::Bindgen;

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
        // The types are written by hand, and the doors say where the wasm is.
        .typescript(false)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .generate_output()?;

    let mut glue = output.js().to_owned();
    let mut names = HashMap::new();
    for import in output.wasm_mut().imports.iter_mut() {
        let next = format!("i{}", names.len());
        // The same function may be imported as several types.
        let short = names.entry(import.name.clone()).or_insert(next).clone();
        let defined = format!("\n{}: ", std::mem::replace(&mut import.name, short.clone()));
        glue = glue.replace(&defined, &format!("\n{short}: "));
    }
    output.emit(&out_dir)?;
    fs::write(Path::new(&out_dir).join(name).with_extension("js"), glue).context("the glue could not be written")
}
