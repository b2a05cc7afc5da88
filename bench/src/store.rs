//! The store alone, the reference for `gene`: writes codes like those of `gene`, one after the other.

use core::time::Duration;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use jiff::Timestamp;
use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_protocol::wire::Requester;
use scanlogin_server::clock::later;
use scanlogin_server::secrets::{Hash, random_id};
use scanlogin_server::store::Store as _;
use scanlogin_server::store::raw_json::RawJson;
use scanlogin_server::store::record::Record;
use scanlogin_server::store::sqlite::SqliteStore;

use crate::oha::SECONDS;

/// Writes codes to a SQLite store for [`SECONDS`], and prints their number per second.
#[tokio::main]
pub(crate) async fn write_codes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(&folder.path().join("codes.db"))?;
    let duration = Duration::from_secs(SECONDS.parse()?);
    let (start, mut codes) = (Instant::now(), 0.0);
    while start.elapsed() < duration {
        store.insert(Arc::new(record()?)).await?;
        codes += 1.0;
    }
    println!("{}", codes / start.elapsed().as_secs_f64());
    Ok(())
}

fn record() -> Result<Record> {
    let random = random_id()?;
    let now = Timestamp::now();
    Ok(Record {
        app_id: "shop".to_owned(),
        created_at: now,
        expires_at: later(now, Duration::from_secs(120)),
        state: CodeState::Unused,
        ended_at: None,
        ticket_expires_at: None,
        response_code_hash: None,
        number_seed: None,
        return_url: None,
        custom_data: None,
        requester: RawJson::of(&Requester {
            app_name: "The Shop".to_owned(),
            origin: None,
            ip: "127.0.0.1".to_owned(),
            user_agent: Some("oha/1.16.0".to_owned()),
            created_at: "2026-01-01T00:00:00.000Z".to_owned(),
        })?,
        poll_token_hash: Hash::of(&random),
        ticket_hash: Hash::of(&format!("ticket {random}")),
        random,
    })
}
