//! A connection to Chromium's DevTools protocol at the level of the browser. A connection of a page can't create
//! contexts.

use anyhow::{Context as _, Result, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use thirtyfour::WebDriver;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::driver::run_in_background;

/// A WebSocket connection to a browser.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection to Chromium.
pub(crate) struct DevTools {
    socket: Socket,
    last_id: u64,
}

impl DevTools {
    /// Connects to the browser of a session.
    pub(crate) async fn connect(session: &WebDriver) -> Result<Self> {
        let options = session.capabilities().get("goog:chromeOptions").context("the session is not one of Chromium")?;
        let address = options["debuggerAddress"].as_str().context("Chromium reported no address")?.to_owned();
        run_in_background(async move {
            let version: Value = reqwest::get(format!("http://{address}/json/version")).await?.json().await?;
            let url = version["webSocketDebuggerUrl"].as_str().context("Chromium reported no WebSocket")?;
            let (socket, _) = connect_async(url).await?;
            Ok(Self { socket, last_id: 0 })
        })
        .await
    }

    /// Sends a command and waits for its result.
    pub(crate) async fn command(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.last_id += 1;
        let command = json!({ "id": self.last_id, "method": method, "params": parameters });
        self.socket.send(Message::text(command.to_string())).await?;
        loop {
            let mut message = next_message(&mut self.socket).await?;
            if message["id"] == self.last_id {
                ensure!(message["error"].is_null(), "{method}: {}", message["error"]);
                return Ok(message["result"].take());
            }
        }
    }
}

/// Waits for the next message of a browser.
pub(crate) async fn next_message(socket: &mut Socket) -> Result<Value> {
    let message = socket.next().await.context("the browser has closed the connection")??;
    Ok(serde_json::from_str(message.to_text()?)?)
}
