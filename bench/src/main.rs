//! `scanlogin-bench`: how fast the server is, and what a browser that waits costs.
//!
//! A number alone says how fast a machine is. So each stands beside another that was measured in the same minutes on the
//! same machine, or beside what it may be at most, and what counts is the ratio. `cargo xtask bench` builds and runs this.
//!
//! 1. [`check`]: the call that is made most, beside a handler that does nothing but answer the same ([`bare`]).
//! 2. [`gene`]: the call that writes, beside its store alone ([`store`]).
//! 3. [`polls`]: ten thousand browsers that wait.
//! 4. [`memory`]: what is left of a million codes ([`codes`]).
//!
//! What is measured runs in a process of its own ([`process`]), so that its memory is nobody else's. Deliberately absent:
//! other machines. The load comes from this one, and is part of both numbers of a ratio.

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
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::table::Row;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, print a table, and fail if something in it is less than what is wanted.
    Measure(Programs),
    /// Answer each request with the same.
    Bare(bare::Answer),
    /// Keep codes in a store, one after the other, and print how many a second.
    Store,
    /// Make a million codes on a clock that is pushed, and print what memory and file they take.
    Codes,
}

/// What is measured, and with what.
#[derive(clap::Args)]
struct Programs {
    /// The program `scanlogin-server`.
    #[arg(long)]
    server: PathBuf,
    /// The program `oha`, which makes the load.
    #[arg(long)]
    oha: PathBuf,
    /// Measure this alone; repeat it for several.
    #[arg(long)]
    only: Vec<Measurement>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    Check,
    Gene,
    Polls,
    Memory,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Measure(programs) => measure(&programs),
        Command::Bare(answer) => bare::serve(answer).map(|()| ExitCode::SUCCESS),
        Command::Store => store::fill().map(|()| ExitCode::SUCCESS),
        Command::Codes => codes::make().map(|()| ExitCode::SUCCESS),
    }
}

#[tokio::main]
async fn measure(programs: &Programs) -> Result<ExitCode> {
    let mut rows = Vec::new();
    for measurement in Measurement::value_variants() {
        if programs.only.is_empty() || programs.only.contains(measurement) {
            rows.extend(measurement.take(programs).await?);
        }
    }
    table::print(&rows);
    Ok(if rows.iter().all(Row::is_met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Measurement {
    async fn take(self, programs: &Programs) -> Result<Vec<Row>> {
        match self {
            Self::Check => Ok(vec![check::measure(programs).await?]),
            Self::Gene => Ok(vec![gene::measure(programs).await?]),
            Self::Polls => polls::measure(programs).await,
            Self::Memory => memory::measure().await,
        }
    }
}
