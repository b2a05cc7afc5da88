//! The process of a driver, and how it is spoken to.
//!
//! Every test has a runtime of its own, which ends with it. Drivers and browsers stay for the next test, so everything
//! that holds a connection to them lives on a runtime that stays, too.

use std::future::Future;
use std::process::Stdio;
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use axum::body::Bytes;
use axum::http::{Request, Response};
use thirtyfour::WebDriver;
use thirtyfour::error::{WebDriverError, WebDriverResult};
use thirtyfour::session::http::{Body, HttpClient};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, copy, sink};
use tokio::process::Child;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::engine::Engine;

/// How long a driver may take to start. A test never depends on it: it only ends a run that hangs.
const HANG: Duration = Duration::from_secs(60);
/// How long a driver may take for one command.
const COMMAND_HANG: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[expect(clippy::expect_used, reason = "a machine that starts no thread runs no test")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime for the browsers")
});

/// Runs a future on the runtime that stays.
pub(crate) async fn run_kept<T: Send + 'static>(future: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    RUNTIME.spawn(future).await.context("a task of the browsers' runtime panicked")?
}

/// Starts a task on the runtime that stays.
pub(crate) fn spawn_kept(task: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.spawn(task);
}

/// Runs a future on the runtime that stays, and blocks the thread until it ends: for destructors.
pub(crate) fn block_on_kept<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move { sender.send(future.await) });
    receiver.recv().context("a task of the browsers' runtime panicked")
}

/// The process of a driver. It ends when this is dropped.
pub(crate) struct Driver {
    url: String,
    _process: Child,
}

impl Driver {
    /// Starts the engine's driver on a port that the driver chooses.
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        run_kept(async move {
            let mut command = engine.driver();
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
            let name = command.as_std().get_program().to_string_lossy().into_owned();
            let mut process =
                command.spawn().with_context(|| format!("{name} does not start: `cargo xtask test` installs it"))?;
            let port = timeout(HANG, port_of(&mut process, engine)).await;
            let port = port.map_err(Into::into).flatten().with_context(|| format!("{name} names no port"))?;
            Ok(Self { url: format!("http://127.0.0.1:{port}"), _process: process })
        })
        .await
    }

    /// Where it listens.
    #[cfg(test)]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Starts a session, and with it a browser.
    pub(crate) async fn session(&self, engine: Engine) -> Result<WebDriver> {
        let client = reqwest::Client::builder().timeout(COMMAND_HANG).build()?;
        let builder = WebDriver::builder(&*self.url, engine.capabilities()?).client(KeptClient(client));
        builder.await.context("the driver does not start a browser")
    }
}

/// Learns which port the driver has bound.
async fn port_of(process: &mut Child, engine: Engine) -> Result<u16> {
    match engine.port_announcement() {
        Some(announcement) => {
            let mut lines = BufReader::new(process.stdout.take().context("the driver has no output")?).lines();
            while let Some(line) = lines.next_line().await? {
                if let Some(port) = port_after(&line, announcement) {
                    // A pipe that nobody reads fills up, and the driver would wait.
                    drain(lines.into_inner());
                    return Ok(port);
                }
            }
            Err(anyhow!("it ended"))
        }
        None => {
            drain(process.stdout.take().context("the driver has no output")?);
            let id = process.id().context("the driver ended")?;
            loop {
                if let Some(port) = listening_port(id)? {
                    return Ok(port);
                }
                sleep(POLL_INTERVAL).await;
            }
        }
    }
}

fn drain(mut output: impl AsyncRead + Unpin + Send + 'static) {
    tokio::spawn(async move { copy(&mut output, &mut sink()).await });
}

/// The number that follows `announcement` in a line.
fn port_after(line: &str, announcement: &str) -> Option<u16> {
    let (_, rest) = line.split_once(announcement)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// The port of 127.0.0.1 on which a process listens, as Linux knows it. WebKitGTK's driver, which says nothing, runs there.
fn listening_port(process: u32) -> Result<Option<u16>> {
    let mut sockets = Vec::new();
    for file in std::fs::read_dir(format!("/proc/{process}/fd")).context("the driver ended")? {
        // A file may be closed meanwhile.
        let Ok(target) = std::fs::read_link(file?.path()) else { continue };
        sockets.extend(
            target.to_string_lossy().strip_prefix("socket:[").map(|rest| rest.trim_end_matches(']').to_owned()),
        );
    }
    // Address, state and inode: <https://docs.kernel.org/networking/proc_net_tcp.html>
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    let port = table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields[..] else { return None };
        let port = local.strip_prefix("0100007F:").filter(|_| sockets.iter().any(|socket| socket == inode))?;
        u16::from_str_radix(port, 16).ok()
    });
    Ok(port)
}

/// Sends requests on the runtime that stays: a connection that a test's runtime opened would end with the test.
struct KeptClient(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for KeptClient {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let client = self.0.clone();
        let (parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => None,
            Body::Json(value) => Some(value.clone()),
        };
        let sent = RUNTIME.spawn(async move { client.send(Request::from_parts(parts, body.as_ref().into())).await });
        sent.await.map_err(|error| WebDriverError::FatalError(error.to_string()))?
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self(self.0.clone()))
    }
}
