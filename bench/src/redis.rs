//! An empty `redis-server` that writes nothing to disk.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The process. It is killed when this value is dropped.
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    _process: Child,
    _folder: TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        // Redis can't choose a free port itself.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command
            .spawn()
            .context("redis-server did not start: install Redis, or name the other benchmarks with --only")?;
        let mut log = BufReader::new(process.stdout.take().context("redis-server has no standard output")?).lines();
        loop {
            match log.next_line().await? {
                Some(line) if line.contains("Ready to accept connections") => break,
                Some(_) => {}
                None => bail!("redis-server ended; is port {} taken?", address.port()),
            }
        }
        Ok(Self { address, _process: process, _folder: folder })
    }
}
