//! `bindgen IN.wasm OUT_DIR NAME`: turns the compiled widget into a JavaScript module, as `wasm-bindgen --target web` does.
//!
//! It is not that command because its crate brings a web server and a WebDriver client with it, for the tests.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    tools::end(bind())
}

fn bind() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(out_dir), Some(name)) = (arguments.next(), arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: bindgen IN.wasm OUT_DIR NAME");
    };
    Bindgen::new()
        .input_path(input)
        .web(true)?
        .out_name(&name)
        // The types are written by hand, and the doors say where the wasm is.
        .typescript(false)
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .generate(out_dir)
}
