//! A million codes in one process, made, asked for and forgotten on a clock that is pushed: in real time, what is made
//! would be remembered for longer than this takes.

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

/// When it is looked at what they have left, in codes made. What fills up once, such as SQLite's caches, has done so by the
/// first.
pub(crate) const LOOKS: [usize; 2] = [500_000, 1_000_000];
/// How many are made between two sweeps. A code is remembered for 14 of them.
const CODES_PER_SWEEP: usize = 2_500;
/// What the server takes between two sweeps.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Prints, for each of [`LOOKS`], the bytes of memory and of the file.
pub(crate) fn make() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let store = Arc::new(SqliteStore::open(&folder.path().join("codes.db"))?);
        let mut config = Config::demo()?;
        // All come from one address, as it were.
        let any = NonZeroU32::MAX;
        config.settings.limits.codes_per_address = Rate { burst: any, per_second: any };
        let state = AppState::new(config, store, Clock::starting_at(Timestamp::now()))?;
        let router = app(&state);
        let mut looks = Vec::new();
        let [.., last] = LOOKS;
        for made in 1..=last {
            make_one(&router).await?;
            if made % CODES_PER_SWEEP == 0 {
                tokio::time::advance(SWEEP_INTERVAL).await;
                state.store.unmeasured().purge_expired(state.clock.now()).await?;
            }
            if LOOKS.contains(&made) {
                looks.push(json!({ "memory": memory("self")?, "file": size(folder.path())? }));
            }
        }
        println!("{}", Value::from(looks));
        Ok(())
    })
}

/// A browser asks for a code, and what has become of it.
async fn make_one(router: &Router) -> Result<()> {
    let gene = Request::post(format!("{API_PATH}/gene")).header(header::CONTENT_TYPE, "application/json");
    let data = call(router, gene.body(Body::from("{}"))?).await?;
    let text = |name: &str| data.get(name).and_then(Value::as_str).context("no code came");
    let check = Request::get(format!("{API_PATH}/check?random={}", text("random")?));
    call(router, check.header(protocol::header::POLL_TOKEN, text("pollToken")?).body(Body::empty())?).await?;
    Ok(())
}

async fn call(router: &Router, request: Request<Body>) -> Result<Value> {
    let Ok(response) = router.clone().oneshot(request).await;
    let body = response.into_body().collect().await?.to_bytes();
    let mut envelope: Value = serde_json::from_slice(&body)?;
    ensure!(envelope.get("code") == Some(&json!(200)), "a call was refused: {envelope}");
    envelope.get_mut("data").map(Value::take).context("an answer was empty")
}

/// What the files in `folder` come to.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}
