//! The console messages of pages, if the engine reports them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::SinkExt as _;
use serde_json::{Value, json};
use thirtyfour::WebDriver;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::devtools::{Socket, next_message};
use crate::driver::{run_in_background, spawn_in_background};
use crate::engine::Engine;

/// The maximum time for Firefox to report a message. It only ends a run that hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The console messages of the pages of one test.
pub(crate) struct Console {
    source: Source,
    entries: Arc<watch::Sender<Vec<Entry>>>,
    /// The number of entries that `take_errors` has processed.
    processed: Mutex<usize>,
}

enum Source {
    /// Chromium's driver stores the entries until they are requested.
    Driver,
    /// Firefox sends an event for each entry, by WebDriver BiDi.
    Events,
    /// WebKitGTK reports no entries.
    None,
}

#[derive(Clone)]
struct Entry {
    level: String,
    text: String,
}

impl Console {
    /// Starts recording.
    pub(crate) async fn record(engine: Engine, driver: &WebDriver) -> Result<Self> {
        let entries = Arc::new(watch::Sender::new(Vec::new()));
        let source = match engine {
            Engine::Chromium => Source::Driver,
            Engine::Firefox => {
                let address = driver.capabilities().get("webSocketUrl").and_then(Value::as_str);
                let socket = subscribe(address.context("Firefox reports no WebSocket address")?.to_owned()).await?;
                spawn_in_background(receive(socket, Arc::clone(&entries)));
                Source::Events
            }
            Engine::WebKit => Source::None,
        };
        Ok(Self { source, entries, processed: Mutex::new(0) })
    }

    /// The errors and warnings since the last call, including violations of a Content Security Policy.
    pub(crate) async fn take_errors(&self, driver: &WebDriver) -> Result<Vec<String>> {
        self.refresh(driver).await?;
        let mut processed = self.processed.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.entries.borrow();
        let new = entries.iter().skip(*processed);
        let errors = new.filter(|entry| entry.is_error_or_warning()).map(|entry| entry.text.clone()).collect();
        *processed = entries.len();
        Ok(errors)
    }

    /// Waits until all messages that were written before this call are recorded.
    pub(crate) async fn refresh(&self, driver: &WebDriver) -> Result<()> {
        match self.source {
            Source::Driver => {
                let new = driver.browser_log().await?.into_iter();
                let new = new.map(|entry| Entry { level: entry.level, text: entry.message });
                self.entries.send_modify(|entries| entries.extend(new));
            }
            Source::Events => {
                // Events arrive in order, so this entry comes after all earlier ones.
                let marker = format!("marker {}", fastrand::u64(..));
                driver.execute(format!("console.debug('{marker}')"), Vec::new()).await?;
                let mut changes = self.entries.subscribe();
                let has_marker = changes.wait_for(|entries| entries.iter().any(|entry| entry.text == marker));
                timeout(TIMEOUT, has_marker).await.context("Firefox did not report a message")??;
            }
            Source::None => {}
        }
        Ok(())
    }

    /// All recorded entries, one per line. `None` if the engine reports no messages.
    pub(crate) fn text(&self) -> Option<String> {
        let entries = self.entries.borrow();
        let lines = entries.iter().map(|entry| format!("{}: {}\n", entry.level, entry.text)).collect();
        (!matches!(self.source, Source::None)).then_some(lines)
    }
}

impl Entry {
    fn is_error_or_warning(&self) -> bool {
        // The level names of Chromium and of Firefox.
        !["DEBUG", "INFO", "debug", "info"].contains(&&*self.level)
    }
}

async fn subscribe(address: String) -> Result<Socket> {
    run_in_background(async move {
        let (mut socket, _) = connect_async(address).await?;
        let subscribe = json!({
            "id": 1,
            "method": "session.subscribe",
            "params": { "events": ["log.entryAdded"] },
        });
        socket.send(Message::text(subscribe.to_string())).await?;
        while next_message(&mut socket).await?["id"] != 1 {}
        Ok(socket)
    })
    .await
}

/// Records entries until the browser is closed.
async fn receive(mut socket: Socket, entries: Arc<watch::Sender<Vec<Entry>>>) {
    while let Ok(message) = next_message(&mut socket).await {
        let text = |field: &str| message["params"][field].as_str().unwrap_or_default().to_owned();
        entries.send_modify(|entries| entries.push(Entry { level: text("level"), text: text("text") }));
    }
}
