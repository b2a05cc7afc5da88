//! `scanlogin-bench`: benchmarks of the server. `cargo xtask bench` builds and runs them.
//!
//! Absolute numbers depend on the machine. Each result is therefore compared with a reference: a value that is measured
//! at the same time on the same machine, or a fixed limit. The ratio of the two decides whether the benchmark passes.
//!
//! 1. [`check`]: the throughput of the most frequent call. Reference: a handler with a constant response ([`bare`]).
//! 2. [`gene`]: the throughput of the call that writes. Reference: the store alone ([`store`]).
//! 3. [`redis`]: both calls with codes in Redis. Reference: a handler with a constant response, and SQLite.
//! 4. [`polls`]: memory and latency with 10,000 waiting browsers. Reference: fixed limits.
//! 5. [`memory`]: memory and file size after a million codes ([`codes`]). Reference: the same after half of them.
//!
//! The measured code runs in a process of its own ([`process`]), so that its memory can be measured. The load generator
//! runs on the same machine, and takes CPU time from both values of a ratio.

mod check;
mod gene;
mod memory;
mod polls;

mod bare;
mod codes;
mod store;

mod client;
mod oha;
mod process;
mod programs;
mod redis;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::process::StoreKind;
use crate::programs::Programs;
use crate::table::Row;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the benchmarks, print a table, and fail if a result misses its limit.
    Measure(Measurement),
    /// Serve a constant response.
    Bare(bare::BareServer),
    /// Write codes to a store, one after the other, and print their number per second.
    Store,
    /// Create a million codes, and print memory and file size.
    Codes,
}

#[derive(clap::Args)]
struct Measurement {
    #[command(flatten)]
    programs: Programs,
    /// Run only this benchmark. Repeat the option for several.
    #[arg(long)]
    only: Vec<Benchmark>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    Check,
    Gene,
    Redis,
    Polls,
    Memory,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Measure(measurement) => measure(&measurement),
        Command::Bare(arguments) => bare::serve(arguments).map(|()| ExitCode::SUCCESS),
        Command::Store => store::write_codes().map(|()| ExitCode::SUCCESS),
        Command::Codes => codes::create_codes().map(|()| ExitCode::SUCCESS),
    }
}

#[tokio::main]
async fn measure(Measurement { programs, only }: &Measurement) -> Result<ExitCode> {
    let mut rows = Vec::new();
    for benchmark in Benchmark::value_variants() {
        if only.is_empty() || only.contains(benchmark) {
            rows.extend(benchmark.run(programs).await?);
        }
    }
    table::print(&rows);
    Ok(if rows.iter().all(Row::is_within_limit) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Benchmark {
    async fn run(self, programs: &Programs) -> Result<Vec<Row>> {
        match self {
            Self::Check => Ok(vec![check::measure(programs, StoreKind::Sqlite).await?]),
            Self::Gene => Ok(vec![gene::measure(programs).await?]),
            Self::Redis => {
                Ok(vec![check::measure(programs, StoreKind::Redis).await?, gene::compare_stores(programs).await?])
            }
            Self::Polls => polls::measure(programs).await,
            Self::Memory => memory::measure().await,
        }
    }
}
