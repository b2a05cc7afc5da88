//! The console messages of pages, where the engine reports them.

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
use crate::driver::{run_kept, spawn_kept};
use crate::engine::Engine;

/// How long Firefox may take to report a line. A test never depends on it: it only ends a run that hangs.
const HANG: Duration = Duration::from_secs(60);

/// The console of a test's pages.
pub(crate) struct Console {
    source: Source,
    record: Arc<watch::Sender<Vec<Entry>>>,
    /// How many entries `complaints` has returned, or passed over.
    read: Mutex<usize>,
}

enum Source {
    /// Chromium's driver keeps the entries until it is asked.
    Driver,
    /// Firefox sends each entry when it is written, by WebDriver BiDi.
    Events,
    /// WebKitGTK reports nothing: it has neither of the two, and prints nothing while it is driven.
    None,
}

#[derive(Clone)]
struct Entry {
    level: String,
    text: String,
}

impl Console {
    /// Records from now on.
    pub(crate) async fn record(engine: Engine, driver: &WebDriver) -> Result<Self> {
        let record = Arc::new(watch::Sender::new(Vec::new()));
        let source = match engine {
            Engine::Chromium => Source::Driver,
            Engine::Firefox => {
                let address = driver.capabilities().get("webSocketUrl").and_then(Value::as_str);
                let socket = subscribe(address.context("Firefox offers no events")?.to_owned()).await?;
                spawn_kept(receive(socket, Arc::clone(&record)));
                Source::Events
            }
            Engine::WebKit => Source::None,
        };
        Ok(Self { source, record, read: Mutex::new(0) })
    }

    /// The errors and warnings since the last call, violations of a page's policy included.
    pub(crate) async fn complaints(&self, driver: &WebDriver) -> Result<Vec<String>> {
        self.refresh(driver).await?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let record = self.record.borrow();
        let new = record.iter().skip(*read).filter(|entry| entry.is_complaint()).map(|entry| entry.text.clone());
        let new = new.collect();
        *read = record.len();
        Ok(new)
    }

    /// Waits until the record has all that was written so far.
    pub(crate) async fn refresh(&self, driver: &WebDriver) -> Result<()> {
        match self.source {
            Source::Driver => {
                let entries = driver.browser_log().await?.into_iter();
                let entries = entries.map(|entry| Entry { level: entry.level, text: entry.message });
                self.record.send_modify(|record| record.extend(entries));
            }
            Source::Events => {
                // Entries come in order: when this one is there, so are all before it.
                let end = format!("end {}", fastrand::u64(..));
                driver.execute(format!("console.debug('{end}')"), Vec::new()).await?;
                let mut changes = self.record.subscribe();
                let has_end = changes.wait_for(|record| record.iter().any(|entry| entry.text == end));
                timeout(HANG, has_end).await.context("Firefox reports nothing")??;
            }
            Source::None => {}
        }
        Ok(())
    }

    /// All recorded entries, one a line. `None` if the engine reports no messages.
    pub(crate) fn text(&self) -> Option<String> {
        let record = self.record.borrow();
        let lines = record.iter().map(|entry| format!("{}: {}\n", entry.level, entry.text)).collect();
        (!matches!(self.source, Source::None)).then_some(lines)
    }
}

impl Entry {
    fn is_complaint(&self) -> bool {
        // As Chromium and as Firefox name the levels.
        !["DEBUG", "INFO", "debug", "info"].contains(&&*self.level)
    }
}

async fn subscribe(address: String) -> Result<Socket> {
    run_kept(async move {
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
async fn receive(mut socket: Socket, record: Arc<watch::Sender<Vec<Entry>>>) {
    while let Ok(message) = next_message(&mut socket).await {
        let text = |field: &str| message["params"][field].as_str().unwrap_or_default().to_owned();
        record.send_modify(|record| record.push(Entry { level: text("level"), text: text("text") }));
    }
}
