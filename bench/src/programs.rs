//! The programs that the benchmarks start.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Programs {
    /// The path of `scanlogin-server`.
    #[arg(long)]
    pub(crate) server: PathBuf,
    /// The path of `oha`, the load generator.
    #[arg(long)]
    pub(crate) oha: PathBuf,
}
