//! The throughput of `gene`, which writes a code to the store, compared with a loop that only writes codes to the
//! store.

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::oha::{alternate, load};
use crate::process::{NO_LIMITS, Server};
use crate::programs::Programs;
use crate::table::{Limit, Row};

/// The minimum length of a response that contains a code, in bytes. An error response is shorter.
const MIN_RESPONSE_BYTES: f64 = 300.0;

pub(crate) async fn measure(Programs { server, oha }: &Programs) -> Result<Row> {
    eprintln!("Measuring gene and the store alone …");
    let request = ["-m", "POST", "-T", "application/json", "-d", "{}"];
    let codes = async || {
        // Each round starts with a new server, because `store` starts with a new file too.
        let server = Server::start(server, NO_LIMITS).await?;
        let (codes, length) = load(oha, server.address, "gene", &request).await?;
        ensure!(length > MIN_RESPONSE_BYTES, "some responses contain no code");
        Ok(codes)
    };
    let (value, reference) = alternate(codes, store).await?;
    Ok(Row {
        name: "gene",
        unit: "req/s",
        value,
        reference_name: "store in a loop",
        reference,
        limit: Limit::AtLeast(0.5),
    })
}

/// The codes per second that the subcommand `store` writes.
async fn store() -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg("store").output().await?;
    ensure!(output.status.success(), "`scanlogin-bench store` failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().context("`scanlogin-bench store` printed no number")
}
