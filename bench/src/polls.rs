//! Ten thousand browsers, each with a poll that the server holds: what one costs, and how soon each has its news.
//!
//! They sit in offices of a thousand, so that the server's limits by address are what they are.

use core::time::Duration;
use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

use crate::Programs;
use crate::client::{Code, Connection, token};
use crate::process::Server;
use crate::table::{Row, Wanted};

const OFFICES: u8 = 10;
const BROWSERS_PER_OFFICE: usize = 1_000;
/// How many confirm one by one, while the others wait.
const SINGLE: usize = 200;
/// How many phones confirm at once afterwards.
const PHONES: usize = 16;
/// The files that a process needs: its end of each connection, and some more.
const FILES: u64 = 11_000;

/// A browser, who uses it, and what it waits for.
struct Browser {
    code: Code,
    token: String,
    answered_at: JoinHandle<Result<Instant>>,
}

pub(crate) async fn measure(Programs { server, .. }: &Programs) -> Result<Vec<Row>> {
    // The server inherits it.
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    ensure!(files >= FILES, "the system lets a process open {files} files, and this needs {FILES}: see `ulimit -Hn`");
    eprintln!("10,000 browsers that wait …");
    let server = Server::start(server, "").await?;

    let codes = codes(&server).await?;
    act(&server, "scanned", &codes).await?;
    server.until_idle().await?;
    let before = server.memory()?;
    let mut browsers = browsers(&server, codes).await?;
    server.until_idle().await?;
    let each = (server.memory()? - before) / browsers.len() as f64;

    let mut phone = Connection::open(server.address, Ipv4Addr::LOCALHOST).await?;
    let mut single = Vec::new();
    for Browser { code, token, answered_at } in browsers.drain(..SINGLE) {
        let confirmed_at = Instant::now();
        phone.act("confirm", &code, &token).await?;
        single.push(answered_at.await??.duration_since(confirmed_at));
    }
    single.sort();
    let p99 = single.get(SINGLE * 99 / 100 - 1).context("nobody confirmed")?;

    let waiting: Vec<_> = browsers.iter().map(|browser| (browser.code.clone(), browser.token.clone())).collect();
    let confirmed_at = act(&server, "confirm", &waiting).await?;
    let mut slowest = Duration::ZERO;
    for (browser, confirmed_at) in browsers.into_iter().zip(confirmed_at) {
        slowest = slowest.max(browser.answered_at.await??.duration_since(confirmed_at));
    }

    let row = |what, unit, value, beside, other| Row { what, unit, value, beside, other, wanted: Wanted::AtMost(1.0) };
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
    Ok(vec![
        row("each of 10,000 browsers that wait", "KiB", each / 1024.0, "what each may take", 24.0),
        row("p99 from a confirm to its news meanwhile", "ms", milliseconds(*p99), "what it may take", 100.0),
        row("slowest news when all confirm at once", "ms", milliseconds(slowest), "what it may take", 1_000.0),
    ])
}

/// Each office asks for its codes. The user of each is another.
async fn codes(server: &Server) -> Result<Vec<(Code, String)>> {
    let mut offices = JoinSet::new();
    for office in 0..OFFICES {
        let address = server.address;
        offices.spawn(async move {
            let mut browser = Connection::open(address, address_of(office)).await?;
            let mut codes = Vec::new();
            for number in 0..BROWSERS_PER_OFFICE {
                codes.push((browser.gene().await?, token(&format!("user-{office}-{number}"))?));
            }
            anyhow::Ok(codes)
        });
    }
    let codes = offices.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(codes.into_iter().flatten().collect())
}

/// All users do the same to their codes as fast as their phones can: when each began to.
async fn act(server: &Server, action: &'static str, codes: &[(Code, String)]) -> Result<Vec<Instant>> {
    let mut phones = Vec::new();
    for codes in codes.chunks(codes.len().div_ceil(PHONES)) {
        let (address, codes) = (server.address, codes.to_vec());
        phones.push(tokio::spawn(async move {
            let mut phone = Connection::open(address, Ipv4Addr::LOCALHOST).await?;
            let mut begins = Vec::new();
            for (code, token) in codes {
                begins.push(Instant::now());
                phone.act(action, &code, &token).await?;
            }
            anyhow::Ok(begins)
        }));
    }
    let mut begins = Vec::new();
    for phone in phones {
        begins.extend(phone.await??);
    }
    Ok(begins)
}

/// Opens a browser for each code, from its office.
async fn browsers(server: &Server, codes: Vec<(Code, String)>) -> Result<Vec<Browser>> {
    let mut browsers = Vec::new();
    for (office, codes) in (0..OFFICES).zip(codes.chunks(BROWSERS_PER_OFFICE)) {
        for (code, token) in codes {
            let mut connection = Connection::open(server.address, address_of(office)).await?;
            // As that of a page, it has had answers before.
            connection.check(code, "").await?;
            let answered_at = tokio::spawn(wait(connection, code.clone()));
            browsers.push(Browser { code: code.clone(), token: token.clone(), answered_at });
        }
    }
    Ok(browsers)
}

/// Polls as the widget does, until the code that was scanned is no longer only that.
async fn wait(mut browser: Connection, code: Code) -> Result<Instant> {
    loop {
        let answer = browser.check(&code, "&wait=30&status=1").await?;
        match answer.data.get("status").and_then(Value::as_i64) {
            Some(1) => {}
            Some(2) => return Ok(Instant::now()),
            _ => anyhow::bail!("a browser waited for its user, and read {}", answer.body),
        }
    }
}

fn address_of(office: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, office + 1)
}
