//! Builds the decoder of the phone page in `www/decoder/`: the wasm of `phone/`, its script, and the licences.

use std::fs;

use anyhow::{Context as _, Result};

use crate::folders::empty;
use crate::notices;
use crate::package_files::{self, grouped};
use crate::run::step;
use crate::wasm_module::WasmModule;
use crate::widget::Passes;
use crate::workspace::Workspace;

/// The folder that the server sends to the phone page, relative to the root of the repository.
pub(crate) const FOLDER: &str = "www/decoder";
const DECODER: WasmModule = WasmModule { package: "scanlogin-phone", name: "decoder", passes: Passes::Speed };
const FILES: [&str; 2] = ["decoder.js", "decoder.wasm"];

/// Builds the decoder and prints the sizes of its files.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let folder = workspace.path(FOLDER);
    empty(&folder)?;
    let compiled = DECODER.build(workspace, &workspace.target("decoder"), &folder)?;
    let notices = notices::notices(workspace, &compiled.messages)?;
    fs::write(folder.join(notices::FILE), notices).with_context(|| format!("{FOLDER} can't be written to"))?;
    step("Compressing the decoder");
    package_files::compress_files(workspace, &FILES.map(|file| folder.join(file)))?;
    for file in FILES {
        let size = |extension: &str| {
            let path = folder.join(format!("{file}{extension}"));
            anyhow::Ok(fs::metadata(&path).with_context(|| format!("{} can't be read", path.display()))?.len())
        };
        println!("{file:<16}{:>9} {:>9} {:>9}", grouped(size("")?), grouped(size(".gz")?), grouped(size(".br")?));
    }
    Ok(())
}
