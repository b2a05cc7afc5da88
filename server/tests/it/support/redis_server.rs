//! A real Redis of a test's own, on a port that stays the test's, gone with the test.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use scanlogin_server::Config;
use scanlogin_server::store::address::RedisAddress;
use scanlogin_server::store::redis::RedisStore;
use tempfile::TempDir;

use crate::support::port::Port;
use crate::support::server_process::signal;

/// How long Redis may take for an operation: longer than any operation takes, however busy this machine is.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs until it is killed or dropped.
pub(crate) struct RedisServer {
    port: Port,
    folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

/// What a killed Redis has when it is started again.
#[derive(Clone, Copy)]
pub(crate) enum Keeps {
    Nothing,
    Everything,
}

impl RedisServer {
    pub(crate) fn start(keeps: Keeps) -> Self {
        Self::start_with(match keeps {
            Keeps::Nothing => &[],
            Keeps::Everything => &["--appendonly", "yes", "--appendfsync", "always"],
        })
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let port = Port::new();
        let process = run(folder.path(), port.address(), &arguments);
        Self { port, folder, arguments, process }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.port.address())
    }

    pub(crate) async fn open(&self) -> RedisStore {
        let address: RedisAddress = self.url().parse().unwrap();
        RedisStore::open(&address, TIMEOUT).await.unwrap()
    }

    /// A demo that keeps its codes in it.
    pub(crate) fn config(&self) -> Config {
        Config { store: self.url().parse().unwrap(), redis_timeout: TIMEOUT, ..Config::demo().unwrap() }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }

    /// On the same port, with what it has kept.
    pub(crate) fn start_again(&mut self) {
        self.process = run(self.folder.path(), self.port.address(), &self.arguments);
    }

    /// What it answers to a command, line by line.
    pub(crate) fn ask(&self, command: &str) -> Vec<String> {
        ask(self.port.address(), command).unwrap()
    }

    /// How often it has been asked to do `command`.
    pub(crate) fn calls_of(&self, command: &str) -> Option<String> {
        let head = format!("cmdstat_{command}:calls=");
        let statistics = self.ask("INFO commandstats");
        statistics.iter().find_map(|line| Some(line.strip_prefix(&head)?.split(',').next()?.to_owned()))
    }

    /// Returns when something is so that nobody tells us of.
    pub(crate) async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Every byte that it has written to its disk.
    pub(crate) fn disk(&self) -> Vec<u8> {
        let folder = self.folder.path().join("appendonlydir");
        std::fs::read_dir(folder).unwrap().flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts it, and waits until it answers.
fn run(folder: &Path, address: SocketAddr, arguments: &[String]) -> Child {
    let program = std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into());
    let mut command = Command::new(&program);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port", &address.port().to_string()]).arg("--dir").arg(folder);
    command.args(arguments);
    let mut process = match command.stdout(Stdio::null()).spawn() {
        Ok(process) => process,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "{} is missing: on Debian, `apt-get install redis-server`. One that is not on the PATH can be named in the \
             variable REDIS_SERVER.",
            program.display()
        ),
        Err(error) => panic!("{} does not start: {error}", program.display()),
    };
    while !ask(address, "PING").is_ok_and(|answer| answer == ["+PONG"]) {
        if let Some(status) = process.try_wait().unwrap() {
            panic!("{command:?} ended with {status}; run it to see why");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    process
}

fn ask(address: SocketAddr, command: &str) -> std::io::Result<Vec<String>> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut lines: Vec<String> = BufReader::new(stream).lines().collect::<Result<_, _>>()?;
    // The answer to QUIT.
    lines.pop();
    Ok(lines)
}
