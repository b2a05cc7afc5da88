//! What differs between the browsers: the program that drives one, what it is told at the start, and how its console is
//! read. Deliberately absent: anything that a page does; where a test has to know the engine, the widget is wrong.

use std::env;
use std::ffi::OsString;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use thirtyfour::{Capabilities, WebDriver};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// An engine that the tests can run in.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    /// WebKitGTK, which needs a screen: `cargo xtask test` gives it one.
    WebKit,
}

impl Engine {
    /// The one that `cargo xtask test --browsers` has chosen, otherwise Chromium.
    pub(crate) fn chosen() -> Result<Self> {
        match env::var("SCANLOGIN_BROWSER").as_deref() {
            Ok("chromium") | Err(_) => Ok(Self::Chromium),
            Ok("firefox") => Ok(Self::Firefox),
            Ok("webkit") => Ok(Self::WebKit),
            Ok(other) => bail!("SCANLOGIN_BROWSER is chromium, firefox or webkit, not `{other}`"),
        }
    }

    /// The program that drives it, but for its port.
    pub(crate) fn driver(self) -> Command {
        let named = |variable, name: &str| Command::new(env::var_os(variable).unwrap_or_else(|| OsString::from(name)));
        match self {
            Self::Chromium => named("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => {
                let mut driver = named("GECKODRIVER", "geckodriver");
                // Two browsers at once would meet on the port that it takes by itself.
                driver.arg("--websocket-port=0");
                driver
            }
            Self::WebKit => {
                let mut driver = named("WEBKITWEBDRIVER", "WebKitWebDriver");
                // The others speak English by themselves.
                driver.env("LC_ALL", "en_US.UTF-8");
                driver
            }
        }
    }

    /// What the driver is told when it starts the browser.
    pub(crate) fn capabilities(self) -> Result<Capabilities> {
        let mut capabilities = Capabilities::new();
        match self {
            Self::Chromium => {
                let mut options = json!({ "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--disable-quic",
                    "--lang=en-US",
                ] });
                name_browser(&mut options, "CHROME");
                capabilities.set("goog:chromeOptions", options)?;
                capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
            }
            Self::Firefox => {
                let mut options = json!({ "args": ["-headless"] });
                name_browser(&mut options, "FIREFOX");
                capabilities.set("moz:firefoxOptions", options)?;
                capabilities.set("webSocketUrl", true)?;
            }
            // The driver has a browser of its own.
            Self::WebKit => {}
        }
        Ok(capabilities)
    }
}

/// Without a name, the driver looks for a browser where it is usually installed.
fn name_browser(options: &mut Value, variable: &str) {
    if let Ok(path) = env::var(variable) {
        options["binary"] = json!(path);
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What pages write to the console, as far as an engine tells.
pub(crate) enum Console {
    /// Chromium's driver keeps it until it is asked.
    Kept,
    /// Firefox tells as it comes, by WebDriver BiDi.
    Told(Box<Mutex<Socket>>),
    /// WebKitGTK does not tell: it has neither of the two, and prints nothing while it is driven.
    Silent,
}

impl Console {
    /// Listens from now on.
    pub(crate) async fn listen(engine: Engine, driver: &WebDriver) -> Result<Self> {
        match engine {
            Engine::Chromium => Ok(Self::Kept),
            Engine::Firefox => {
                let address = driver.handle().capabilities().get("webSocketUrl").and_then(Value::as_str);
                let (mut socket, _) = connect_async(address.context("Firefox offers no events")?).await?;
                let subscribe = json!({
                    "id": 1,
                    "method": "session.subscribe",
                    "params": { "events": ["log.entryAdded"] },
                });
                socket.send(Message::text(subscribe.to_string())).await?;
                while next_message(&mut socket).await?["id"] != 1 {}
                Ok(Self::Told(Box::new(Mutex::new(socket))))
            }
            Engine::WebKit => Ok(Self::Silent),
        }
    }

    /// The errors and warnings since the last call, violations of a page's policy included.
    pub(crate) async fn complaints(&self, driver: &WebDriver) -> Result<Vec<String>> {
        match self {
            Self::Kept => {
                let log = driver.browser_log().await?.into_iter();
                Ok(log.filter(|entry| !["DEBUG", "INFO"].contains(&&*entry.level)).map(|entry| entry.message).collect())
            }
            Self::Told(socket) => {
                // When this line comes, all before it has come.
                const END: &str = "the end of what a test asks for";
                driver.execute(format!("console.debug('{END}')"), Vec::new()).await?;
                let mut socket = socket.lock().await;
                let mut complaints = Vec::new();
                loop {
                    let entry = next_message(&mut socket).await?["params"].take();
                    let text = entry["text"].as_str().unwrap_or_default();
                    if text == END {
                        return Ok(complaints);
                    }
                    if entry["level"] == "error" || entry["level"] == "warn" {
                        complaints.push(text.to_owned());
                    }
                }
            }
            Self::Silent => Ok(Vec::new()),
        }
    }
}

async fn next_message(socket: &mut Socket) -> Result<Value> {
    let message = socket.next().await.context("Firefox tells no more")??;
    Ok(serde_json::from_str(message.to_text()?)?)
}
