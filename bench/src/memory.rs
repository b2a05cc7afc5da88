//! What a million codes leave behind: nothing, when memory and file are after them what they were after half.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::table::{Row, Wanted};

pub(crate) async fn measure() -> Result<Vec<Row>> {
    eprintln!("a million codes …");
    let output = Command::new(std::env::current_exe()?).arg("codes").output().await?;
    ensure!(output.status.success(), "the codes failed: {}", String::from_utf8_lossy(&output.stderr));
    let looks: Value = serde_json::from_slice(&output.stdout)?;
    let row = |what, name| {
        let mebibytes = |look: usize| {
            let bytes = looks.get(look).and_then(|look| look.get(name)).and_then(Value::as_f64);
            bytes.map(|bytes| bytes / f64::from(1 << 20)).context("the codes do not say what they take")
        };
        let (other, value) = (mebibytes(0)?, mebibytes(1)?);
        anyhow::Ok(Row { what, unit: "MiB", value, beside: "after 500,000", other, wanted: Wanted::AtMost(1.1) })
    };
    Ok(vec![row("memory after 1,000,000 codes", "memory")?, row("file after 1,000,000 codes", "file")?])
}
