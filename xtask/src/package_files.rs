//! The files in `pkg/dist/` that browsers load: compressed copies, a folder for the version, sizes and hashes.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::run::read;
use crate::widget;
use crate::workspace::Workspace;

/// All files that pages can download, except the types.
const FILES: [&str; 5] = ["element.js", "global.js", "index.js", "inline.js", "scanlogin.wasm"];
/// The files that a page can load with an `integrity`.
const WITH_INTEGRITY: [&str; 2] = ["global.js", "scanlogin.wasm"];
/// What is appended to the name of a file: nothing, and for its compressed copies their extensions.
const COPIES: [&str; 3] = ["", ".gz", ".br"];

/// The compressed copies, and the folder of the version.
pub(crate) struct Compressed {
    /// The name of the folder: the version, and a hash of the files. So its files never change, and caches may keep them.
    pub(crate) folder: String,
    /// For each of [`FILES`] the value of `integrity`: `sha384-` and the hash in Base64.
    hashes: Vec<String>,
}

/// Writes the compressed copies of the files into `pkg/dist/`, and all of these into the folder of the version.
pub(crate) fn compress(workspace: &Workspace) -> Result<Compressed> {
    let dist = workspace.path("pkg/dist");
    let files = FILES.map(|file| dist.join(file));
    let hashes = compress_files(workspace, &files)?;
    let folder = format!("{}-{}", env!("CARGO_PKG_VERSION"), widget::hash_of(&files)?);
    let copies = dist.join(&folder);
    fs::create_dir_all(&copies).context("pkg/dist can't be written to")?;
    for copy in FILES.iter().flat_map(|file| COPIES.map(|extension| format!("{file}{extension}"))) {
        fs::copy(dist.join(&copy), copies.join(&copy)).with_context(|| format!("{copy} can't be copied"))?;
    }
    Ok(Compressed { folder, hashes })
}

/// Writes compressed copies beside files. Returns for each file the value of `integrity`.
pub(crate) fn compress_files(workspace: &Workspace, files: &[PathBuf]) -> Result<Vec<String>> {
    let lines = read(workspace.command("node").arg(workspace.path("xtask/compress.mjs")).args(files))?;
    Ok(lines.lines().map(str::to_owned).collect())
}

impl Compressed {
    /// Prints the hashes for `integrity`, and the path of the version on the server.
    pub(crate) fn print(&self) {
        println!();
        for (file, hash) in FILES.iter().zip(&self.hashes).filter(|(file, _)| WITH_INTEGRITY.contains(file)) {
            println!("{file:<16}integrity=\"{hash}\"");
        }
        println!("\nThe path that caches keep for a year: /scanlogin/{}/", self.folder);
    }
}

/// The files in `pkg/dist/` with their sizes.
pub(crate) struct PackageFiles(Vec<(&'static str, Sizes)>);

/// The sizes of a file in bytes: uncompressed, and of its compressed copies.
struct Sizes {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl PackageFiles {
    pub(crate) fn measure(workspace: &Workspace) -> Result<Self> {
        let dist = workspace.path("pkg/dist");
        let size = |file: &str, extension: &str| {
            let path = dist.join(format!("{file}{extension}"));
            let metadata = fs::metadata(&path).with_context(|| format!("{} can't be read", path.display()))?;
            anyhow::Ok(metadata.len())
        };
        let sizes = |file| {
            let [raw, gzip, brotli] = COPIES;
            let sizes = Sizes { raw: size(file, raw)?, gzip: size(file, gzip)?, brotli: size(file, brotli)? };
            Ok((file, sizes))
        };
        Ok(Self(FILES.into_iter().map(sizes).collect::<Result<_>>()?))
    }

    pub(crate) fn print(&self) {
        println!("{:<16}{:>9} {:>9} {:>9}", "bytes", "raw", "gzip", "brotli");
        for (file, Sizes { raw, gzip, brotli }) in &self.0 {
            println!("{file:<16}{:>9} {:>9} {:>9}", grouped(*raw), grouped(*gzip), grouped(*brotli));
        }
    }

    /// The total size of `files`, compressed by Brotli.
    pub(crate) fn brotli(&self, files: &[&str]) -> u64 {
        self.0.iter().filter(|(file, _)| files.contains(file)).map(|(_, sizes)| sizes.brotli).sum()
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
