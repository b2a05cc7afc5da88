//! Load by oha, and what it says of it.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use scanlogin_protocol::wire::API_PATH;
use serde_json::Value;
use tokio::process::Command;

/// As many at once as keep both processors busy.
const CONNECTIONS: &str = "64";
/// How long each load lasts.
pub(crate) const SECONDS: &str = "3";
/// How often the two that are compared take turns: other programs use the machine too, now more and now less.
const ROUNDS: usize = 7;

/// The requests a second that the server at `address` answers with 200, and the mean length of an answer.
pub(crate) async fn load(program: &Path, address: SocketAddr, call: &str, more: &[&str]) -> Result<(f64, f64)> {
    let output = Command::new(program)
        .args(["--no-tui", "--output-format", "json", "-z", &format!("{SECONDS}s"), "-c", CONNECTIONS])
        .args(more)
        .arg(format!("http://{address}{API_PATH}/{call}"))
        .output()
        .await
        .context("oha could not be started")?;
    ensure!(output.status.success(), "oha failed: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).context("oha's report is another");
    let answers = report.pointer("/statusCodeDistribution").and_then(Value::as_object);
    ensure!(
        answers.is_some_and(|answers| answers.len() == 1 && answers.contains_key("200")),
        "not everything was answered with 200: {answers:?}"
    );
    Ok((number("/summary/requestsPerSec")?, number("/summary/sizePerRequest")?))
}

/// The medians of two measurements that take turns.
pub(crate) async fn in_turns(
    mut one: impl AsyncFnMut() -> Result<f64>,
    mut other: impl AsyncFnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ones.push(one().await?);
        others.push(other().await?);
    }
    Ok((median(ones)?, median(others)?))
}

fn median(mut values: Vec<f64>) -> Result<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().context("nothing was measured")
}
