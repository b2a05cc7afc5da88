//! The processes that are measured, and what the system says of them.

use core::time::Duration;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// What phones sign their tokens with.
pub(crate) const JWT_SECRET: &str = "a secret of these measurements, longer than 32 bytes";
/// The pool of all users.
pub(crate) const USER_POOL_ID: &str = "customers";

/// What lets one address do what otherwise thousands do.
pub(crate) const NO_LIMITS: &str = "
[limits]
codes_per_address = { burst = 1_000_000_000, per_second = 1_000_000_000 }
checks_per_code = { burst = 1_000_000_000, per_second = 1_000_000_000 }
";

/// One app.
const SETTINGS: &str = r#"
[[app]]
id = "shop"
name = "The Shop"
user_pool_id = "customers"
code_lifetime = 1800
secret_hashes = ["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
"#;

/// A server that ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    /// Its settings and its store.
    _folder: TempDir,
}

impl Server {
    /// Starts the real one, with its codes in a file and more settings than [`SETTINGS`]. Its log is written and read, and
    /// goes nowhere.
    pub(crate) async fn start(program: &Path, more: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings = folder.path().join("scanlogin.toml");
        fs::write(&settings, format!("{SETTINGS}{more}"))?;
        let mut command = Command::new(program);
        command
            .arg("--config")
            .arg(settings)
            .args(["--store", &format!("sqlite:{}", folder.path().join("codes.db").display())])
            .env("SCANLOGIN_JWT_SECRET", JWT_SECRET);
        Self::run(command, folder).await
    }

    /// Starts our own program as a server that answers with `body` and `headers`.
    pub(crate) async fn bare(headers: &[(String, String)], body: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--body", body]);
        for (name, value) in headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        Self::run(command, tempfile::tempdir()?).await
    }

    /// Runs a server, which says itself at which address it listens.
    async fn run(mut command: Command, folder: TempDir) -> Result<Self> {
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("{command:?} could not be started"))?;
        let mut log = BufReader::new(process.stderr.take().context("a server without a log")?);
        let mut text = String::new();
        let address = loop {
            if log.read_line(&mut text).await? == 0 {
                bail!("{command:?} ended: {text}");
            }
            let address = text.rsplit("http://").next().and_then(|rest| rest.split(['"', '\n']).next());
            if let Some(address) = address.and_then(|address| address.parse().ok()) {
                break address;
            }
        };
        // A full pipe would stop the server.
        tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        Ok(Self { address, process, _folder: folder })
    }

    /// What it has of the machine's memory, in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        memory(&self.id()?)
    }

    /// Waits until it has nothing to do.
    pub(crate) async fn until_idle(&self) -> Result<()> {
        let path = format!("/proc/{}/stat", self.id()?);
        let mut before = None;
        loop {
            let stat = fs::read_to_string(&path)?;
            // After the name, which may have spaces in it, 11 numbers before the time that it has run.
            let times = stat.rsplit(") ").next().map(|rest| rest.split(' ').skip(11).take(2).collect::<String>());
            if times.is_some() && times == before {
                return Ok(());
            }
            before = times;
            sleep(Duration::from_millis(300)).await;
        }
    }

    fn id(&self) -> Result<String> {
        Ok(self.process.id().context("the server has ended")?.to_string())
    }
}

/// What the process `id` has of the machine's memory, in bytes.
pub(crate) fn memory(id: &str) -> Result<f64> {
    let path = format!("/proc/{id}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("{path} can't be read; this needs Linux"))?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
    Ok(kibibytes.context("the system does not say how much memory is taken")?.parse::<f64>()? * 1024.0)
}
