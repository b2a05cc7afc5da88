//! The server with the demo pages and the built package.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use reqwest::Client;
use scanlogin_server::config::app::{App, Confirmation};
use scanlogin_server::store::address::StoreAddress;
use scanlogin_server::{Config, Running, start_with};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};

use crate::browser::root;

/// A host that Chromium finds on this machine.
pub(crate) const INSECURE_HOST: &str = "site.test";

/// The app of the demo.
pub fn demo_app(config: &mut Config) -> &mut App {
    &mut config.settings.apps[0]
}

/// Lets phones ask for the number that the login page shows.
pub fn ask_for_number(config: &mut Config) {
    if let Some(demo) = &mut config.demo {
        demo.confirmation = Confirmation::Number;
    }
}

/// The folder of the built package.
pub fn package() -> PathBuf {
    root().join("pkg/dist")
}

/// The name of the folder in the package that has the files of the version.
pub fn version() -> Result<String> {
    for entry in fs::read_dir(package())? {
        let entry = entry?;
        if entry.path().is_dir() {
            return Ok(entry.file_name().to_string_lossy().into_owned());
        }
    }
    bail!("the package has no folder of its version: run `cargo xtask dist` first")
}

/// A reserved port of 127.0.0.1. No other process gets it, even if no server listens on it. Then connections are
/// refused.
pub struct Port {
    address: SocketAddr,
    /// Is bound, but does not listen.
    _socket: TcpSocket,
}

impl Port {
    /// Reserves a free port.
    pub fn reserve() -> Result<Self> {
        let socket = shared_socket()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { address: socket.local_addr()?, _socket: socket })
    }

    /// The URL of a server on this port.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of the port.
    pub fn number(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn listen(&self) -> Result<TcpListener> {
        let socket = shared_socket()?;
        socket.bind(self.address)?;
        Ok(socket.listen(1_024)?)
    }
}

/// A socket that can be bound to the same port as others of this kind, and to that of a program that sets `SO_REUSEADDR`.
fn shared_socket() -> Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

/// A running server with its own port and database file.
pub struct Site {
    /// The URL of the server.
    pub url: String,
    /// The configuration of the server.
    pub config: Config,
    running: Option<Running>,
    port: Port,
    _folder: TempDir,
}

impl Site {
    /// Starts the demo.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| {}, |app| app).await
    }

    /// Starts the demo. `set` changes the configuration, `wrap` adds layers and routes.
    pub async fn start_with(set: impl FnOnce(&mut Config), wrap: impl FnOnce(Router) -> Router) -> Result<Self> {
        Self::start_on(Port::reserve()?, set, wrap).await
    }

    /// Same as [`start_with`](Self::start_with), on a reserved port.
    pub async fn start_on(
        port: Port,
        set: impl FnOnce(&mut Config),
        wrap: impl FnOnce(Router) -> Router,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = Config::demo()?;
        config.store = StoreAddress::Sqlite(folder.path().join("scanlogin.db"));
        config.www = Some(root().join("www"));
        config.package = Some(package());
        ensure!(package().join("global.js").is_file(), "the package is not built: run `cargo xtask dist` first");
        set(&mut config);
        config.listen = port.address;
        let running = start_with(config.clone(), port.listen()?, wrap).await?;
        Ok(Self { url: running.url.clone(), config, running: Some(running), port, _folder: folder })
    }

    /// The URL of the server without a proxy, which `public_url` may name.
    pub fn direct_url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    /// The URL of the server at a name that browsers do not trust without TLS, unlike 127.0.0.1.
    pub fn insecure_url(&self) -> String {
        format!("http://{}:{}", INSECURE_HOST, self.config.listen.port())
    }

    /// Exchanges a ticket as the backend of the site, and returns the body of the response.
    pub async fn exchange(&self, ticket: &str) -> Result<Value> {
        let demo = self.config.demo.as_ref().context("the site is not the demo")?;
        let request = Client::new()
            .post(format!("{}/api/v2/qrcode/userinfo", self.direct_url()))
            .basic_auth(&self.config.settings.apps[0].id, Some(demo.app_secret.expose()))
            .json(&json!({ "ticket": ticket }));
        Ok(request.send().await?.json().await?)
    }

    /// Stops the server and keeps its database.
    pub async fn stop(&mut self) -> Result<()> {
        self.running.take().context("the server is stopped already")?.shutdown().await;
        Ok(())
    }

    /// Starts the stopped server again, on the same port and with the same database.
    pub async fn restart(&mut self) -> Result<()> {
        self.running = Some(start_with(self.config.clone(), self.port.listen()?, |app| app).await?);
        Ok(())
    }
}
