//! The real server, with the pages and the widget as a visitor gets them.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use reqwest::Client;
use scanlogin_server::config::app::App;
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::{Config, Running, start_with};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};

use crate::browser::root;

/// The app of a demo.
pub fn demo_app(config: &mut Config) -> &mut App {
    &mut config.settings.apps[0]
}

/// A port of 127.0.0.1 that stays this value's, whether somebody listens there or not. While nobody does, connections are
/// refused.
pub struct Port {
    address: SocketAddr,
    /// Is bound and never listens.
    _socket: TcpSocket,
}

impl Port {
    /// Takes one that is free.
    pub fn take() -> Result<Self> {
        let socket = shared_socket()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// The address of a site on it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn listen(&self) -> Result<TcpListener> {
        let socket = shared_socket()?;
        socket.bind(self.address)?;
        Ok(socket.listen(1_024)?)
    }
}

/// A socket that may be bound to the port of another of this kind.
fn shared_socket() -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    #[cfg(not(unix))]
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

/// A server that runs on a port and with a database file of its own.
pub struct Site {
    /// Its address.
    pub url: String,
    /// What it is started with.
    pub config: Config,
    running: Option<Running>,
    port: Port,
    _folder: TempDir,
}

impl Site {
    /// Starts a demo.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| {}, |app| app).await
    }

    /// Starts a demo with other settings, and with layers around it.
    pub async fn start_with(set: impl FnOnce(&mut Config), wrap: impl FnOnce(Router) -> Router) -> Result<Self> {
        Self::start_on(Port::take()?, set, wrap).await
    }

    /// As [`start_with`](Self::start_with), on a port whose address others know already.
    pub async fn start_on(
        port: Port,
        set: impl FnOnce(&mut Config),
        wrap: impl FnOnce(Router) -> Router,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = Config::demo()?;
        config.store = StoreAddress::Sqlite(folder.path().join("scanlogin.db"));
        config.www = Some(root().join("www"));
        config.package = Some(root().join("pkg/dist"));
        ensure!(root().join("pkg/dist/global.js").is_file(), "there is no widget: run `cargo xtask dist` first");
        set(&mut config);
        config.listen = port.address;
        let running = start_with(config.clone(), port.listen()?, wrap).await?;
        Ok(Self { url: running.url.clone(), config, running: Some(running), port, _folder: folder })
    }

    /// Exchanges a ticket as the site's backend does, and answers with all that the server says.
    pub async fn exchange(&self, ticket: &str) -> Result<Value> {
        let demo = self.config.demo.as_ref().context("the site is no demo")?;
        let request = Client::new()
            .post(format!("{}/api/v2/qrcode/userinfo", self.url))
            .basic_auth(&self.config.settings.apps[0].id, Some(demo.app_secret.expose()))
            .json(&json!({ "ticket": ticket }));
        Ok(request.send().await?.json().await?)
    }

    /// Stops the server and leaves its database.
    pub async fn stop(&mut self) -> Result<()> {
        self.running.take().context("the site is stopped already")?.shutdown().await;
        Ok(())
    }

    /// Starts the server again where it was, with the database that it left.
    pub async fn resume(&mut self) -> Result<()> {
        self.running = Some(start_with(self.config.clone(), self.port.listen()?, |app| app).await?);
        Ok(())
    }
}
