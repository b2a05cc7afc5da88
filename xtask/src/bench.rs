//! `cargo xtask bench`: builds the server, the widget and the benchmarks, and runs the benchmarks.
//!
//! The benchmarks of the server are in `bench/src/`, those in a browser in `bench/browser/`.

mod browser;
mod server;

use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Run only this benchmark. Repeat the option to run several.
    ///
    /// Server: check, gene, redis, polls, memory. Browser: download, time (or time-loopback, time-10m, time-1.6m, time-0.4m),
    /// start, confirm, waiting, mounts, drawing, robustness, phone. Names that are not of the browser go to `bench/src/`.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How often each page is measured. More rounds take longer and narrow the spread.
    #[arg(long, value_name = "N", default_value = "7")]
    rounds: NonZeroU32,
    /// Run each benchmark in the browser once and briefly, to see that it works. The server is measured only if `--only`
    /// names one of its benchmarks. Writes no report.
    #[arg(long)]
    quick: bool,
}

const EXAMPLES: &str = "\
The benchmarks in the browser compare the widget with authing-js-sdk and with two pages that use npm `qrcode` and their
own requests. All pages talk to the same server, over TLS and HTTP/2, on networks that are simulated in one process. Each
result is kept in target/bench/. When all are there, bench/RESULTS.md and two charts in docs/pictures are written from them.
docs/benchmarks.md explains what is measured.

Do not use the machine for other work meanwhile. All benchmarks take about 40 minutes.

Examples:
  cargo xtask bench                       run all benchmarks, and write bench/RESULTS.md and the charts
  cargo xtask bench --quick               check in a minute that the benchmarks in the browser work
  cargo xtask bench --only time           measure the time to code on all networks
  cargo xtask bench --only time-1.6m --rounds 15
                                          measure it on one network, with less spread
  cargo xtask bench --only check          measure one call of the server";

pub(crate) fn bench(workspace: &Workspace, arguments: &Arguments) -> Result<ExitCode> {
    let (browser, server): (Vec<_>, Vec<_>) =
        arguments.only.iter().map(String::as_str).partition(|name| browser::has_part(name));
    let runs_all = arguments.only.is_empty();
    let mut code = ExitCode::SUCCESS;
    if !server.is_empty() || (runs_all && !arguments.quick) {
        code = server::measure(workspace, &server)?;
    }
    if !browser.is_empty() || runs_all {
        browser::measure(workspace, arguments, &browser)?;
    }
    Ok(code)
}
