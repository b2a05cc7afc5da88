//! `bindgen IN.wasm OUT_DIR NAME`: binds a wasm to JavaScript, as `wasm-bindgen --target web --no-typescript` does.
//!
//! This program calls the library of wasm-bindgen, because the crate of the command also contains a web server and a
//! WebDriver client, which take minutes to compile.

use std::process::ExitCode;

use wasm_bindgen_cli_support::{Bindgen, EncodeInto};

fn main() -> ExitCode {
    tools::exit_code(bind())
}

fn bind() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, out_dir, name] = arguments.as_slice() else {
        anyhow::bail!("usage: bindgen IN.wasm OUT_DIR NAME");
    };
    Bindgen::new()
        .input_path(input)
        .web(true)?
        .out_name(name)
        // `js/` contains handwritten types.
        .typescript(false)
        // All supported browsers have `TextEncoder.encodeInto`.
        .encode_into(EncodeInto::Always)
        .remove_producers_section(true)
        .generate(out_dir)
}
