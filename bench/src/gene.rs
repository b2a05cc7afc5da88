//! The throughput of `gene`, which writes a code to the store, compared with a loop that only writes codes to the
//! store.

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::oha::{alternate, load};
use crate::process::{NO_LIMITS, Server, StoreKind};
use crate::programs::Programs;
use crate::table::{Limit, Row};

/// The minimum length of a response that contains a code, in bytes. An error response is shorter.
const MIN_RESPONSE_BYTES: f64 = 300.0;

/// Compares `gene` with the store alone.
pub(crate) async fn measure(programs: &Programs) -> Result<Row> {
    eprintln!("Measuring gene and the store alone …");
    let (value, reference) = alternate(async || codes(programs, StoreKind::Sqlite).await, store).await?;
    Ok(Row {
        name: "gene",
        unit: "req/s",
        value,
        reference_name: "store in a loop",
        reference,
        limit: Limit::AtLeast(0.5),
        known_cause: None,
    })
}

/// Compares `gene` on a SQLite file with `gene` on Redis, which keeps codes in memory and has a process of its own.
pub(crate) async fn compare_stores(programs: &Programs) -> Result<Row> {
    eprintln!("Measuring gene on SQLite and on Redis …");
    let (value, reference) =
        alternate(async || codes(programs, StoreKind::Sqlite).await, async || codes(programs, StoreKind::Redis).await)
            .await?;
    Ok(Row {
        name: "gene on SQLite",
        unit: "req/s",
        value,
        reference_name: "gene on Redis",
        reference,
        limit: Limit::AtLeast(0.8),
        known_cause: None,
    })
}

/// The codes per second that a new server creates. Each round has a new one, because an empty store is faster.
async fn codes(Programs { server, oha }: &Programs, store: StoreKind) -> Result<f64> {
    let server = Server::start(server, store, NO_LIMITS).await?;
    let request = ["-m", "POST", "-T", "application/json", "-d", "{}"];
    let (codes, length) = load(oha, server.address, "gene", &request).await?;
    ensure!(length > MIN_RESPONSE_BYTES, "some responses contain no code");
    Ok(codes)
}

/// The codes per second that the subcommand `store` writes.
async fn store() -> Result<f64> {
    let output = Command::new(std::env::current_exe()?).arg("store").output().await?;
    ensure!(output.status.success(), "`scanlogin-bench store` failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)?.trim().parse().context("`scanlogin-bench store` printed no number")
}
