//! Creates, checks and purges a million codes in one process, and reports memory and file size.
//!
//! The clock is advanced by the benchmark. In real time, the benchmark would end before the first code is purged.

use core::num::NonZeroU32;
use core::time::Duration;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use scanlogin_protocol::wire::{self as protocol, API_PATH};
use scanlogin_server::clock::Clock;
use scanlogin_server::config::limits::Rate;
use scanlogin_server::store::sqlite::SqliteStore;
use scanlogin_server::{AppState, Config, app};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::process::memory;

/// The numbers of created codes after which memory and file size are measured. Caches, such as those of SQLite, are
/// full before the first.
pub(crate) const CHECKPOINTS: [usize; 2] = [500_000, 1_000_000];
/// The number of codes that are created between two sweeps. A code stays in the store for 14 sweeps.
const CODES_PER_SWEEP: usize = 2_500;
/// The interval between two sweeps of the server.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Prints a JSON array with an object for each of [`CHECKPOINTS`]: `memory` and `file`, both in bytes.
pub(crate) fn create_codes() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(SqliteStore::open(&folder.path().join("codes.db"))?);
        let mut config = Config::demo()?;
        // All codes are requested from one address.
        let unlimited = NonZeroU32::MAX;
        config.settings.limits.codes_per_address = Rate { burst: unlimited, per_second: unlimited };
        let state = AppState::new(config, store, Clock::starting_at(Timestamp::now()))?;
        let router = app(&state);
        let mut measurements = Vec::new();
        let [.., last] = CHECKPOINTS;
        for created in 1..=last {
            create_and_check_code(&router).await?;
            if created % CODES_PER_SWEEP == 0 {
                tokio::time::advance(SWEEP_INTERVAL).await;
                state.store.unmeasured().purge_expired(state.clock.now()).await?;
            }
            if CHECKPOINTS.contains(&created) {
                measurements.push(json!({ "memory": memory("self")?, "file": size(folder.path())? }));
            }
        }
        println!("{}", Value::from(measurements));
        Ok(())
    })
}

/// Calls `gene` and `check`, as a browser does.
async fn create_and_check_code(router: &Router) -> Result<()> {
    let gene = Request::post(format!("{API_PATH}/gene")).header(header::CONTENT_TYPE, "application/json");
    let data = call(router, gene.body(Body::from("{}"))?).await?;
    let text = |name: &str| data.get(name).and_then(Value::as_str).context("gene returned no code");
    let check = Request::get(format!("{API_PATH}/check?random={}", text("random")?));
    call(router, check.header(protocol::header::POLL_TOKEN, text("pollToken")?).body(Body::empty())?).await?;
    Ok(())
}

async fn call(router: &Router, request: Request<Body>) -> Result<Value> {
    let Ok(response) = router.clone().oneshot(request).await;
    let body = response.into_body().collect().await?.to_bytes();
    let mut envelope: Value = serde_json::from_slice(&body)?;
    ensure!(envelope.get("code") == Some(&json!(200)), "the server rejected a call: {envelope}");
    envelope.get_mut("data").map(Value::take).context("a response has no data")
}

/// The total size of the files in `folder`, in bytes.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}
