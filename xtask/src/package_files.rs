//! Measures the sizes and hashes of the files in `pkg/dist/`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::run::read;
use crate::workspace::Workspace;

/// All files that pages can download, except the types.
const FILES: [&str; 5] = ["element.js", "global.js", "index.js", "inline.js", "scanlogin.wasm"];
/// The files that a page can load with an `integrity`.
const WITH_INTEGRITY: [&str; 2] = ["global.js", "scanlogin.wasm"];

/// The files in `pkg/dist/` with their sizes and hashes.
pub(crate) struct PackageFiles(Vec<(&'static str, Measurement)>);

/// The sizes of a file in bytes: uncompressed, and compressed at the highest level.
struct Measurement {
    raw: u64,
    gzip: u64,
    brotli: u64,
    /// The value for `integrity`: `sha384-` and the hash in Base64.
    hash: String,
}

impl PackageFiles {
    pub(crate) fn measure(workspace: &Workspace) -> Result<Self> {
        let dist = workspace.path("pkg/dist");
        let measurements = measure(workspace, FILES.map(|file| dist.join(file)).to_vec())?;
        Ok(Self(FILES.into_iter().zip(measurements).collect()))
    }

    /// Prints the sizes, and the hashes for `integrity`.
    pub(crate) fn print(&self) {
        println!("{:<16}{:>9} {:>9} {:>9}", "bytes", "raw", "gzip", "brotli");
        for (file, Measurement { raw, gzip, brotli, .. }) in &self.0 {
            println!("{file:<16}{:>9} {:>9} {:>9}", grouped(*raw), grouped(*gzip), grouped(*brotli));
        }
        println!();
        for (file, Measurement { hash, .. }) in self.0.iter().filter(|(file, _)| WITH_INTEGRITY.contains(file)) {
            println!("{file:<16}integrity=\"{hash}\"");
        }
    }

    /// The total size of `files`, compressed by Brotli.
    pub(crate) fn brotli(&self, files: &[&str]) -> u64 {
        self.0.iter().filter(|(file, _)| files.contains(file)).map(|(_, measurement)| measurement.brotli).sum()
    }
}

fn measure(workspace: &Workspace, files: Vec<PathBuf>) -> Result<Vec<Measurement>> {
    let lines = read(workspace.command("node").arg(workspace.path("xtask/measure.mjs")).args(files))?;
    let measurements: Option<_> = lines.lines().map(Measurement::parse).collect();
    measurements.context("xtask/measure.mjs printed a line that xtask/src/package_files.rs can't parse")
}

impl Measurement {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let mut bytes = || fields.next()?.parse().ok();
        Some(Self { raw: bytes()?, gzip: bytes()?, brotli: bytes()?, hash: fields.next()?.to_owned() })
    }
}

/// Formats a number with thousands separators: 12,345.
pub(crate) fn grouped(number: u64) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", grouped(thousands), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouped_separates_thousands() {
        assert_eq!([0, 999, 1000, 97_107, 1_000_009].map(grouped), ["0", "999", "1,000", "97,107", "1,000,009"]);
    }
}
