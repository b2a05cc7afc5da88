//! `check`, the call that every browser repeats, beside a bare handler that answers the same bytes.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};
use scanlogin_protocol::wire::header;

use crate::Programs;
use crate::client::Connection;
use crate::oha::{in_turns, load};
use crate::process::{NO_LIMITS, Server};
use crate::table::{Row, Wanted};

pub(crate) async fn measure(Programs { server, oha, .. }: &Programs) -> Result<Row> {
    eprintln!("check, beside a bare handler …");
    let server = Server::start(server, NO_LIMITS).await?;
    let mut browser = Connection::open(server.address, Ipv4Addr::LOCALHOST).await?;
    let code = browser.gene().await?;
    let answer = browser.check(&code, "").await?;
    let bare = Server::bare(&answer.headers, &answer.body).await?;

    let call = format!("check?random={}", code.random);
    let poll_token = format!("{}: {}", header::POLL_TOKEN, code.poll_token);
    let requests = async |address| {
        let (requests, length) = load(oha, address, &call, &["-H", &poll_token]).await?;
        ensure!(length.round() == answer.body.len() as f64, "some answers were others");
        Ok(requests)
    };
    let (value, other) =
        in_turns(async || requests(server.address).await, async || requests(bare.address).await).await?;
    Ok(Row { what: "check", unit: "/s", value, beside: "a bare axum handler", other, wanted: Wanted::AtLeast(0.6) })
}
