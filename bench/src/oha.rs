//! Runs the load generator oha and reads its report.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use scanlogin_protocol::wire::API_PATH;
use serde_json::Value;
use tokio::process::Command;

/// The number of connections. It is large enough to use all CPU time of a machine with two cores.
const CONNECTIONS: &str = "64";
/// The duration of each measurement in seconds.
pub(crate) const SECONDS: &str = "3";
/// The number of measurements of each value. Their median is little affected by other programs on the machine.
const ROUNDS: usize = 7;

/// Runs oha. Returns the number of requests per second, and the mean length of a response in bytes. `options` are
/// further options of oha.
///
/// # Errors
///
/// When a response has another status than 200.
pub(crate) async fn load(program: &Path, address: SocketAddr, call: &str, options: &[&str]) -> Result<(f64, f64)> {
    let output = Command::new(program)
        .args(["--no-tui", "--output-format", "json", "-z", &format!("{SECONDS}s"), "-c", CONNECTIONS])
        .args(options)
        .arg(format!("http://{address}{API_PATH}/{call}"))
        .output()
        .await
        .context("oha did not start")?;
    ensure!(output.status.success(), "oha failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let number = |pointer: &str| {
        report.pointer(pointer).and_then(Value::as_f64).context("the report of oha has an unknown format")
    };
    let statuses = report.pointer("/statusCodeDistribution").and_then(Value::as_object);
    ensure!(
        statuses.is_some_and(|statuses| statuses.len() == 1 && statuses.contains_key("200")),
        "some responses have another status than 200: {statuses:?}"
    );
    Ok((number("/summary/requestsPerSec")?, number("/summary/sizePerRequest")?))
}

/// Measures a value and its reference in turn, so that both see the same load of the machine. Returns their medians.
pub(crate) async fn alternate(
    mut measure_value: impl AsyncFnMut() -> Result<f64>,
    mut measure_reference: impl AsyncFnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut values, mut references) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        values.push(measure_value().await?);
        references.push(measure_reference().await?);
    }
    Ok((median(values)?, median(references)?))
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("there are no measurements")
}
