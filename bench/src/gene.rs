//! `gene`, the call that writes, beside its store in a loop.

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::Programs;
use crate::oha::{in_turns, load};
use crate::process::{NO_LIMITS, Server};
use crate::table::{Row, Wanted};

/// An answer that holds a code; a refusal is shorter.
const LEAST_BYTES: f64 = 300.0;

pub(crate) async fn measure(Programs { server, oha, .. }: &Programs) -> Result<Row> {
    eprintln!("gene, beside its store …");
    let request = ["-m", "POST", "-T", "application/json", "-d", "{}"];
    let codes = async || {
        // A new one for each round, as the store's file is.
        let server = Server::start(server, NO_LIMITS).await?;
        let (codes, length) = load(oha, server.address, "gene", &request).await?;
        ensure!(length > LEAST_BYTES, "not every answer holds a code");
        Ok(codes)
    };
    let (value, other) = in_turns(codes, store).await?;
    Ok(Row { what: "gene", unit: "/s", value, beside: "the store in a loop", other, wanted: Wanted::AtLeast(0.5) })
}

async fn store() -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg("store").output().await?;
    ensure!(output.status.success(), "the store failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().context("the store does not say how fast it was")
}
