//! The least that a server can do for an answer: axum, one route, and bytes that are ready.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use scanlogin_protocol::wire::API_PATH;
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct Answer {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    body: String,
    /// `name: value`
    #[arg(long)]
    header: Vec<String>,
}

#[tokio::main]
pub(crate) async fn serve(answer: Answer) -> Result<()> {
    let mut headers = HeaderMap::new();
    for header in &answer.header {
        let (name, value) = header.split_once(": ").context("a header has a name and a value")?;
        headers.insert(name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
    }
    let body = Bytes::from(answer.body);
    let handler = get(move || core::future::ready((headers.clone(), body.clone())));
    let router = Router::new().route(&format!("{API_PATH}/check"), handler);
    let listener = TcpListener::bind(answer.listen).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}
