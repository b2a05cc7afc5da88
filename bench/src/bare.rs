//! A bare server, the reference for `check`: axum with one route, which returns a constant response.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use scanlogin_protocol::wire::API_PATH;
use tokio::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct BareServer {
    /// The address to listen on.
    #[arg(long)]
    listen: SocketAddr,
    /// The body of every response.
    #[arg(long)]
    body: String,
    /// A header of every response, as `name: value`. Repeat the option for several.
    #[arg(long)]
    header: Vec<String>,
}

/// Serves `GET check` until the process is killed.
#[tokio::main]
pub(crate) async fn serve(arguments: BareServer) -> Result<()> {
    let mut headers = HeaderMap::new();
    for header in &arguments.header {
        let (name, value) = header.split_once(": ").context("--header needs the form `name: value`")?;
        headers.insert(name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
    }
    let body = Bytes::from(arguments.body);
    let handler = get(move || core::future::ready((headers.clone(), body.clone())));
    let router = Router::new().route(&format!("{API_PATH}/check"), handler);
    let listener = TcpListener::bind(arguments.listen).await?;
    eprintln!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}
