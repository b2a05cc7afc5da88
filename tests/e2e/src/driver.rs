//! The process of a WebDriver server, and the connection to it.
//!
//! Each test has its own Tokio runtime, which ends with the test. Drivers and browsers are reused by later tests. So
//! their connections belong to a background runtime, which lives as long as the process.

use std::future::Future;
use std::path::Path;
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

/// The maximum time for the start of a driver. It only ends a run that hangs.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The maximum time for one command.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[expect(clippy::expect_used, reason = "without threads no test can run")]
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("the background runtime must start")
});

/// Runs a future on the background runtime.
pub(crate) async fn run_in_background<T: Send + 'static>(
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    RUNTIME.spawn(future).await.context("a task of the background runtime panicked")?
}

/// Starts a task on the background runtime.
pub(crate) fn spawn_in_background(task: impl Future<Output = ()> + Send + 'static) {
    RUNTIME.spawn(task);
}

/// Runs a future on the background runtime and blocks the thread until it ends. For destructors.
pub(crate) fn block_on_background<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    RUNTIME.spawn(async move { sender.send(future.await) });
    receiver.recv().context("a task of the background runtime panicked")
}

/// The process of a driver. Dropping this kills it.
pub(crate) struct Driver {
    url: String,
    _process: Child,
}

impl Driver {
    /// Starts the driver of `engine` on a port that the driver chooses.
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        run_in_background(async move {
            let mut command = engine.driver();
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
            let name = command.as_std().get_program().to_string_lossy().into_owned();
            let mut process =
                command.spawn().with_context(|| format!("{name} can't be started: `cargo xtask test` installs it"))?;
            let port = timeout(START_TIMEOUT, port_of(&mut process, engine)).await;
            let port = port.map_err(Into::into).flatten().with_context(|| format!("{name} did not report its port"))?;
            Ok(Self { url: format!("http://127.0.0.1:{port}"), _process: process })
        })
        .await
    }

    /// The address of the driver.
    #[cfg(test)]
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Starts a session, and with it a browser. See [`Engine::capabilities`] for `camera`.
    pub(crate) async fn session(&self, engine: Engine, camera: &Path) -> Result<WebDriver> {
        let client = reqwest::Client::builder().timeout(COMMAND_TIMEOUT).build()?;
        let builder = WebDriver::builder(&*self.url, engine.capabilities(camera)?).client(BackgroundClient(client));
        builder.await.context("the driver can't start a browser")
    }
}

/// The port that the driver has bound.
async fn port_of(process: &mut Child, engine: Engine) -> Result<u16> {
    match engine.port_announcement() {
        Some(announcement) => {
            let mut lines =
                BufReader::new(process.stdout.take().context("the output of the driver is not captured")?).lines();
            while let Some(line) = lines.next_line().await? {
                if let Some(port) = port_after(&line, announcement) {
                    // If nothing reads the pipe, it fills up and blocks the driver.
                    drain(lines.into_inner());
                    return Ok(port);
                }
            }
            Err(anyhow!("the driver ended"))
        }
        None => {
            drain(process.stdout.take().context("the output of the driver is not captured")?);
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

/// The number after `announcement` in a line.
fn port_after(line: &str, announcement: &str) -> Option<u16> {
    let (_, rest) = line.split_once(announcement)?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// The port of 127.0.0.1 on which a process listens, from `/proc`. The driver of WebKitGTK prints no port and runs on
/// Linux.
fn listening_port(process: u32) -> Result<Option<u16>> {
    let mut sockets = Vec::new();
    for file in std::fs::read_dir(format!("/proc/{process}/fd")).context("the driver ended")? {
        // The process may have closed the file since.
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

/// Sends requests on the background runtime. A connection of a test's runtime would end with the test.
struct BackgroundClient(reqwest::Client);

#[async_trait::async_trait]
impl HttpClient for BackgroundClient {
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
