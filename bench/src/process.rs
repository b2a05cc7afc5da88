//! Starts the servers that are measured, and reads their memory and CPU time from `/proc`.

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

use crate::redis::Redis;

/// The key of the users' tokens.
pub(crate) const JWT_SECRET: &str = "a secret for the benchmarks, longer than 32 bytes";
/// The pool of all users.
pub(crate) const USER_POOL_ID: &str = "customers";

/// Settings without rate limits, for a load that comes from one address.
pub(crate) const NO_LIMITS: &str = "
[limits]
codes_per_address = { burst = 1_000_000_000, per_second = 1_000_000_000 }
checks_per_code = { burst = 1_000_000_000, per_second = 1_000_000_000 }
";

/// The settings of every server: one app.
const SETTINGS: &str = r#"
[[app]]
id = "shop"
name = "The Shop"
user_pool_id = "customers"
code_lifetime = 1800
secret_hashes = ["sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
"#;

/// The store of a server.
#[derive(Clone, Copy)]
pub(crate) enum StoreKind {
    Sqlite,
    Redis,
}

/// The process of a server. It is killed when this value is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
    /// Contains the settings and the SQLite file. Removed on drop.
    _folder: TempDir,
    /// The store of a server that does not use SQLite.
    _redis: Option<Redis>,
}

impl Server {
    /// Starts `scanlogin-server` with an empty store. `settings` is appended to [`SETTINGS`]. The server writes its log as
    /// usual; this process discards it.
    pub(crate) async fn start(program: &Path, store: StoreKind, settings: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let settings_file = folder.path().join("scanlogin.toml");
        fs::write(&settings_file, format!("{SETTINGS}{settings}"))?;
        let redis = match store {
            StoreKind::Sqlite => None,
            StoreKind::Redis => Some(Redis::start().await?),
        };
        let store = match &redis {
            None => format!("sqlite:{}", folder.path().join("codes.db").display()),
            Some(redis) => format!("redis://{}", redis.address),
        };
        let mut command = Command::new(program);
        command.arg("--config").arg(settings_file).args(["--store", &store]).env("SCANLOGIN_JWT_SECRET", JWT_SECRET);
        Ok(Self { _redis: redis, ..Self::run(command, folder).await? })
    }

    /// Starts `scanlogin-bench bare`, whose responses have these headers and this body.
    pub(crate) async fn start_bare(headers: &[(String, String)], body: &str) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--body", body]);
        for (name, value) in headers {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        Self::run(command, tempfile::tempdir()?).await
    }

    /// Starts a server on a free port, and reads its address from its log.
    async fn run(mut command: Command, folder: TempDir) -> Result<Self> {
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("{command:?} did not start"))?;
        let mut log = BufReader::new(process.stderr.take().context("the server has no standard error")?);
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
        // The log is read to its end, because the server would block on a full pipe.
        tokio::spawn(async move { tokio::io::copy(&mut log, &mut tokio::io::sink()).await });
        Ok(Self { address, process, _folder: folder, _redis: None })
    }

    /// The resident memory of the server in bytes.
    pub(crate) fn memory(&self) -> Result<f64> {
        memory(&self.id()?)
    }

    /// Waits until the server has used no CPU time for 300 ms.
    pub(crate) async fn until_idle(&self) -> Result<()> {
        let path = format!("/proc/{}/stat", self.id()?);
        let mut before = None;
        loop {
            let stat = fs::read_to_string(&path)?;
            // `utime` and `stime` follow the name of the program, which can contain spaces, and 11 other fields.
            let times = stat.rsplit(") ").next().map(|rest| rest.split(' ').skip(11).take(2).collect::<String>());
            if times.is_some() && times == before {
                return Ok(());
            }
            before = times;
            sleep(Duration::from_millis(300)).await;
        }
    }

    fn id(&self) -> Result<String> {
        Ok(self.process.id().context("the server has ended unexpectedly")?.to_string())
    }
}

/// The resident memory of the process `id` in bytes. `self` is the current process.
pub(crate) fn memory(id: &str) -> Result<f64> {
    let path = format!("/proc/{id}/smaps_rollup");
    let text =
        fs::read_to_string(&path).with_context(|| format!("{path} can't be read: run the benchmarks on Linux"))?;
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("Rss:")?.trim().strip_suffix(" kB"));
    Ok(kibibytes.with_context(|| format!("{path} has no line Rss"))?.parse::<f64>()? * 1024.0)
}
