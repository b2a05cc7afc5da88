//! A real Redis server for one test, on a reserved port. It stops with the test.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use scanlogin_server::Config;
use scanlogin_server::store::address::RedisAddress;
use scanlogin_server::store::redis::RedisStore;
use tempfile::TempDir;

use crate::support::reserved_port::ReservedPort;
use crate::support::server_process::signal;
use crate::support::timeout::{TIMEOUT, within_timeout};

/// The server's timeout of a Redis operation. It is longer than any operation takes on a busy machine.
pub(crate) const REDIS_TIMEOUT: Duration = Duration::from_secs(60);

/// A Redis process that runs until it is killed or dropped.
pub(crate) struct RedisServer {
    port: ReservedPort,
    folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

/// The data that Redis has after a kill and a restart.
#[derive(Clone, Copy)]
pub(crate) enum Persistence {
    /// Redis loses all data.
    None,
    /// Redis keeps all data, in an append-only file that it syncs on every write.
    AppendOnly,
}

impl RedisServer {
    pub(crate) fn start(persistence: Persistence) -> Self {
        Self::start_with(match persistence {
            Persistence::None => &[],
            Persistence::AppendOnly => &["--appendonly", "yes", "--appendfsync", "always"],
        })
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let port = ReservedPort::new();
        let process = spawn(folder.path(), port.address(), &arguments);
        Self { port, folder, arguments, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.port.address())
    }

    /// Its address: `127.0.0.1:PORT`.
    pub(crate) fn host_and_port(&self) -> String {
        self.port.address().to_string()
    }

    pub(crate) async fn open(&self) -> RedisStore {
        let address: RedisAddress = self.url().parse().unwrap();
        RedisStore::open(&address, REDIS_TIMEOUT).await.unwrap()
    }

    /// A demo that uses this Redis as its store.
    pub(crate) fn config(&self) -> Config {
        Config { store: self.url().parse().unwrap(), redis_timeout: REDIS_TIMEOUT, ..Config::demo().unwrap() }
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// Starts it again on the same port, with its persisted data.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(self.folder.path(), self.port.address(), &self.arguments);
    }

    /// Sends a command and returns the lines of the response.
    pub(crate) fn command(&self, command: &str) -> Vec<String> {
        send_command(self.port.address(), command).unwrap()
    }

    /// How often it has executed `command`. `None` if it never has.
    pub(crate) fn call_count(&self, command: &str) -> Option<String> {
        let prefix = format!("cmdstat_{command}:calls=");
        let statistics = self.command("INFO commandstats");
        statistics.iter().find_map(|line| Some(line.strip_prefix(&prefix)?.split(',').next()?.to_owned()))
    }

    /// Polls `condition` until it is true, because Redis sends no notification for it. `event` names what the test waits
    /// for.
    pub(crate) async fn wait_until(&self, event: &str, condition: impl Fn(&Self) -> bool) {
        within_timeout(event, async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// Waits until `count` servers subscribe to the transitions of codes.
    pub(crate) async fn wait_for_subscriptions(&self, count: usize) {
        let expected = format!(":{count}");
        self.wait_until("the subscriptions of all servers", |redis| {
            redis.command("PUBSUB NUMSUB scanlogin:news").contains(&expected)
        })
        .await;
    }

    /// The contents of its append-only files.
    pub(crate) fn persisted_bytes(&self) -> Vec<u8> {
        let folder = self.folder.path().join("appendonlydir");
        std::fs::read_dir(folder).unwrap().flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Errors are ignored, because a test may have killed the process before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts Redis, and waits until it responds.
fn spawn(folder: &Path, address: SocketAddr, arguments: &[String]) -> Child {
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(&program);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()]).arg("--dir").arg(folder);
    command.args(arguments);
    let mut process = match command.stdout(Stdio::null()).spawn() {
        Ok(process) => process,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "{} not found. Install it (Debian: `apt-get install redis-server`), or set REDIS_SERVER to the path of the \
             program.",
            program.display()
        ),
        Err(error) => panic!("{} does not start: {error}", program.display()),
    };
    let deadline = Instant::now() + TIMEOUT;
    while !send_command(address, "PING").is_ok_and(|response| response == ["+PONG"]) {
        assert!(Instant::now() < deadline, "{command:?} does not respond within {TIMEOUT:?}");
        if let Some(status) = process.try_wait().unwrap() {
            panic!("{command:?} ended with {status}; run it to see why");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    process
}

fn send_command(address: SocketAddr, command: &str) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut lines: Vec<String> = BufReader::new(stream).lines().collect::<Result<_, _>>()?;
    // The last line is the response to QUIT.
    lines.pop();
    Ok(lines)
}
