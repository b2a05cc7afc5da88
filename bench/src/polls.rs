//! The memory and the latency of 10,000 waiting browsers, each with a long poll.
//!
//! 1,000 browsers share an address, so that the server keeps its default limits by address.

use core::time::Duration;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

use crate::client::{Code, Connection, token};
use crate::process::{Server, StoreKind};
use crate::programs::Programs;
use crate::table::{Limit, Row};

const ADDRESSES: u8 = 10;
const BROWSERS_PER_ADDRESS: usize = 1_000;
/// The number of codes that are confirmed one after the other. The other browsers wait meanwhile.
const SEQUENTIAL_CONFIRMS: usize = 200;
/// The number of phones that confirm the other codes at the same time.
const PHONES: usize = 16;
/// The number of files that a process must be able to open: one for each connection, and some others.
const MIN_OPEN_FILES: u64 = 11_000;

/// A waiting browser.
struct Browser {
    code: Code,
    /// The token of the user who confirms the code.
    token: String,
    /// The time at which the browser receives the confirmed status.
    notified_at: JoinHandle<Result<Instant>>,
}

pub(crate) async fn measure(Programs { server, .. }: &Programs) -> Result<Vec<Row>> {
    // The server inherits this limit.
    let max_open_files = rlimit::increase_nofile_limit(u64::MAX)?;
    ensure!(
        max_open_files >= MIN_OPEN_FILES,
        "the limit of open files is {max_open_files}, but this benchmark needs {MIN_OPEN_FILES}: raise `ulimit -Hn`"
    );
    eprintln!("Measuring 10,000 waiting browsers …");
    let server = Server::start(server, StoreKind::Sqlite, "").await?;

    let codes = create_codes(&server).await?;
    act(&server, "scanned", &codes).await?;
    server.until_idle().await?;
    let before = server.memory()?;
    let mut browsers = open_browsers(&server, codes).await?;
    server.until_idle().await?;
    let memory_per_browser = (server.memory()? - before) / browsers.len() as f64;

    let mut phone = Connection::open(server.address, Ipv4Addr::LOCALHOST).await?;
    let mut latencies = Vec::new();
    for Browser { code, token, notified_at } in browsers.drain(..SEQUENTIAL_CONFIRMS) {
        let confirmed_at = Instant::now();
        phone.act("confirm", &code, &token).await?;
        latencies.push(notified_at.await??.duration_since(confirmed_at));
    }
    latencies.sort();
    let p99 = latencies.get(SEQUENTIAL_CONFIRMS * 99 / 100 - 1).context("no code was confirmed")?;

    let waiting: Vec<_> = browsers.iter().map(|browser| (browser.code.clone(), browser.token.clone())).collect();
    let confirmed_at = act(&server, "confirm", &waiting).await?;
    let mut max_latency = Duration::ZERO;
    for (browser, confirmed_at) in browsers.into_iter().zip(confirmed_at) {
        max_latency = max_latency.max(browser.notified_at.await??.duration_since(confirmed_at));
    }

    let row = |name, unit, value, reference| Row {
        name,
        unit,
        value,
        reference_name: "maximum",
        reference,
        limit: Limit::AtMost(1.0),
        known_cause: None,
    };
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    Ok(vec![
        row("memory per waiting browser, of 10,000", "KiB", memory_per_browser / 1024.0, 24.0),
        row("latency of a confirm, p99, one by one", "ms", milliseconds(*p99), 100.0),
        row("latency of a confirm, maximum, all at once", "ms", milliseconds(max_latency), 1_000.0),
    ])
}

/// Creates a code for each browser. Returns each code with the token of a user, who is different for each code.
async fn create_codes(server: &Server) -> Result<Vec<(Code, String)>> {
    let mut tasks = JoinSet::new();
    for index in 0..ADDRESSES {
        let server = server.address;
        tasks.spawn(async move {
            let mut browser = Connection::open(server, address(index)).await?;
            let mut codes = Vec::new();
            for number in 0..BROWSERS_PER_ADDRESS {
                codes.push((browser.gene().await?, token(&format!("user-{index}-{number}"))?));
            }
            anyhow::Ok(codes)
        });
    }
    let codes = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(codes.into_iter().flatten().collect())
}

/// Applies an action to all codes, from [`PHONES`] connections at the same time. Returns the start time of each call,
/// in the order of the codes.
async fn act(server: &Server, action: &'static str, codes: &[(Code, String)]) -> Result<Vec<Instant>> {
    let mut phones = Vec::new();
    for codes in codes.chunks(codes.len().div_ceil(PHONES)) {
        let (address, codes) = (server.address, codes.to_vec());
        phones.push(tokio::spawn(async move {
            let mut phone = Connection::open(address, Ipv4Addr::LOCALHOST).await?;
            let mut starts = Vec::new();
            for (code, token) in codes {
                starts.push(Instant::now());
                phone.act(action, &code, &token).await?;
            }
            anyhow::Ok(starts)
        }));
    }
    let mut starts = Vec::new();
    for phone in phones {
        starts.extend(phone.await??);
    }
    Ok(starts)
}

/// Opens a browser for each code, from the address that created the code.
async fn open_browsers(server: &Server, codes: Vec<(Code, String)>) -> Result<Vec<Browser>> {
    let mut browsers = Vec::new();
    for (index, codes) in (0..ADDRESSES).zip(codes.chunks(BROWSERS_PER_ADDRESS)) {
        for (code, token) in codes {
            let mut connection = Connection::open(server.address, address(index)).await?;
            // The connection of a page has received responses before, so it has its buffers.
            connection.check(code, "").await?;
            let notified_at = tokio::spawn(wait(connection, code.clone()));
            browsers.push(Browser { code: code.clone(), token: token.clone(), notified_at });
        }
    }
    Ok(browsers)
}

/// Sends long polls, as the widget does, until a scanned code is confirmed. Returns the time of the response.
async fn wait(mut browser: Connection, code: Code) -> Result<Instant> {
    loop {
        let response = browser.check(&code, "&wait=30&status=1").await?;
        match response.data.get("status").and_then(Value::as_i64) {
            Some(1) => {}
            Some(2) => return Ok(Instant::now()),
            _ => anyhow::bail!("the response to a poll has an unexpected status: {}", response.body),
        }
    }
}

fn address(index: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, index + 1)
}
