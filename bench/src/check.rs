//! The throughput of `check`, the most frequent call, compared with a bare axum handler that returns the same bytes.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use scanlogin_protocol::wire::header;

use crate::client::Connection;
use crate::oha::{alternate, load};
use crate::process::{NO_LIMITS, Server, StoreKind};
use crate::programs::Programs;
use crate::table::{Limit, Row};

/// Measures one store.
pub(crate) async fn measure(Programs { server, oha }: &Programs, store: StoreKind) -> Result<Row> {
    let (name, limit, known_cause) = match store {
        StoreKind::Sqlite => ("check", 0.6, None),
        // The bare handler has no second process.
        StoreKind::Redis => ("check with Redis", 0.65, Some("each poll asks Redis, which runs on the same cores")),
    };
    eprintln!("Measuring {name} and a bare handler …");
    let server = Server::start(server, store, NO_LIMITS).await?;
    let mut browser = Connection::open(server.address, Ipv4Addr::LOCALHOST).await?;
    let code = browser.gene().await?;
    let response = browser.check(&code, "").await?;
    let bare = Server::start_bare(&response.headers, &response.body).await?;

    let call = format!("check?random={}", code.random);
    let poll_token = format!("{}: {}", header::POLL_TOKEN, code.poll_token);
    let requests = async |address| {
        let (requests, length) = load(oha, address, &call, &["-H", &poll_token]).await?;
        ensure!(length.round() == response.body.len() as f64, "some responses had another length");
        Ok(requests)
    };
    let (value, reference) =
        alternate(async || requests(server.address).await, async || requests(bare.address).await).await?;
    Ok(Row {
        name,
        unit: "req/s",
        value,
        reference_name: "bare axum handler",
        reference,
        limit: Limit::AtLeast(limit),
        known_cause,
    })
}
