//! Checks that expired codes leave nothing behind: memory and file size after a million codes must be about the same as
//! after half a million.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::table::{Limit, Row};

pub(crate) async fn measure() -> Result<Vec<Row>> {
    eprintln!("Measuring memory and file size after 500,000 and 1,000,000 codes …");
    let output = Command::new(std::env::current_exe()?).arg("codes").output().await?;
    ensure!(output.status.success(), "`scanlogin-bench codes` failed: {}", String::from_utf8_lossy(&output.stderr));
    let measurements: Value = serde_json::from_slice(&output.stdout)?;
    let row = |name, field| {
        let mebibytes = |checkpoint: usize| {
            let bytes = measurements.get(checkpoint).and_then(|measurement| measurement.get(field));
            let bytes = bytes.and_then(Value::as_f64);
            bytes.map(|bytes| bytes / f64::from(1 << 20)).context("`scanlogin-bench codes` printed no number")
        };
        let (reference, value) = (mebibytes(0)?, mebibytes(1)?);
        let limit = Limit::AtMost(1.1);
        anyhow::Ok(Row {
            name,
            unit: "MiB",
            value,
            reference_name: "after 500,000 codes",
            reference,
            limit,
            known_cause: None,
        })
    };
    Ok(vec![row("memory after 1,000,000 codes", "memory")?, row("file size after 1,000,000 codes", "file")?])
}
