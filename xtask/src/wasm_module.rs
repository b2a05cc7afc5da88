//! Builds a crate of the workspace as a wasm of its own with a script: the decoder of the phone page, and the drawing of codes
//! for a benchmark.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::run::run;
use crate::tools;
use crate::widget::{self, Compiled, Passes};
use crate::workspace::Workspace;

/// A crate, and how its wasm is optimized.
pub(crate) struct WasmModule {
    pub(crate) package: &'static str,
    /// The base name of the two files.
    pub(crate) name: &'static str,
    pub(crate) passes: Passes,
}

impl WasmModule {
    /// Builds the crate as the widget is built, and writes `NAME.wasm` and `NAME.js` into `folder`. The default export of the
    /// script initializes the wasm. `work` is a folder for intermediate files.
    pub(crate) fn build(&self, workspace: &Workspace, work: &Path, folder: &Path) -> Result<Compiled> {
        fs::create_dir_all(work).with_context(|| format!("{} can't be created", work.display()))?;
        let compiled = widget::compile_package(workspace, self.package)?;
        let bound = widget::bind(workspace, &compiled, work)?;
        widget::optimize(workspace, self.passes, &bound, &folder.join(self.name).with_extension("wasm"))?;
        run(
            tools::esbuild(workspace)?
                .arg(work.join("scanlogin.js"))
                .args(["--bundle", "--minify", "--format=esm"])
                .args(bound.mangle_options())
                .arg(format!("--outfile={}", folder.join(self.name).with_extension("js").display())),
            "esbuild failed: see its message above.",
        )?;
        Ok(compiled)
    }
}
