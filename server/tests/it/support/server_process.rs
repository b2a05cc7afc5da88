//! The built server as a process of its own, and the three who call it over HTTP.

use core::time::Duration;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use scanlogin_server::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::redis_server::TIMEOUT;

const API: &str = "/api/v2/qrcode";

/// How long a test waits for a line of the log before it fails. No test depends on it.
const LINE_TIMEOUT: Duration = Duration::from_secs(60);

/// A server on a port of its own, killed at the latest when it is dropped.
pub(crate) struct ServerProcess {
    pub(crate) address: Address,
    process: Child,
    log: Receiver<String>,
}

/// Where it listens; what calls it can be handed to a task.
#[derive(Clone)]
pub(crate) struct Address(String);

/// A code, as the browser knows it that asked for it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) json: Value,
}

impl ServerProcess {
    /// A demo, with a log for programs.
    pub(crate) fn demo(store: &str) -> Self {
        Self::demo_with(store, |command| command)
    }

    pub(crate) fn demo_with(store: &str, set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
        command.args(["--demo", "--log-format", "json", "--store", store]);
        set(command.env("SCANLOGIN_REDIS_TIMEOUT", TIMEOUT.as_secs().to_string()));
        Self::start(command)
    }

    /// Starts the program by `command`, and returns when it listens. It says itself on which port.
    pub(crate) fn start(mut command: Command) -> Self {
        command.env("SCANLOGIN_LISTEN", "127.0.0.1:0").stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, log) = channel();
        // All lines are read as they come: a full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        let mut server = Self { address: Address(String::new()), process, log };
        let line = server.line_with("listening");
        server.address.0 = line.split("http://").nth(1).unwrap().split('"').next().unwrap().to_owned();
        server
    }

    /// The next line of its log that has `words` in it.
    pub(crate) fn line_with(&self, words: &str) -> String {
        let mut before = String::new();
        loop {
            let Ok(line) = self.log.recv_timeout(LINE_TIMEOUT) else { panic!("no {words:?} in the log:\n{before}") };
            if line.contains(words) {
                return line;
            }
            before += &line;
            before.push('\n');
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Sends the process `id` a signal, such as `STOP`.
pub(crate) fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), id.to_string()]).status().unwrap().success());
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Address {
    /// The address of a server in this process.
    pub(crate) fn of(running: &Running) -> Self {
        Self(running.url.strip_prefix("http://").unwrap().to_owned())
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A page asks for a code.
    pub(crate) async fn gene(&self) -> io::Result<Reply> {
        self.post(&format!("{API}/gene"), "", &json!({})).await
    }

    /// The page asks what has become of its code, and waits for another status than `known`.
    pub(crate) async fn check(&self, code: &Code, known: i32, wait: u64) -> io::Result<Reply> {
        let path = format!("{API}/check?random={}&status={known}&wait={wait}", code.random);
        self.call("GET", &path, &format!("x-scanlogin-poll-token: {}\r\n", code.poll_token), "").await
    }

    /// The phone of alice, signed in at this server, asks for `action`.
    pub(crate) async fn act(&self, action: &str, code: &Code) -> io::Result<Reply> {
        let login = self.post("/demo/login", "", &json!({ "username": "alice", "password": "alice" })).await?;
        let authorization = format!("authorization: Bearer {}\r\n", login.data()["token"].as_str().unwrap());
        self.post(&format!("{API}/{action}"), &authorization, &json!({ "random": code.random })).await
    }

    /// The backend of the demo's site exchanges a ticket.
    pub(crate) async fn exchange(&self, ticket: &str) -> io::Result<Reply> {
        self.post("/demo/session", "", &json!({ "ticket": ticket })).await
    }

    async fn post(&self, path: &str, headers: &str, body: &Value) -> io::Result<Reply> {
        self.call("POST", path, &format!("{headers}content-type: application/json\r\n"), &body.to_string()).await
    }

    /// An error is what a page sees of a server that is killed.
    async fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(&self.0).await?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.0);
        let request = format!("{head}content-length: {length}\r\n{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        let (head, body) = reply.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let json = serde_json::from_str(body).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Reply { status, head: head.to_owned(), json })
    }
}

impl Reply {
    /// The data of a success.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!((self.status, &self.json["code"]), (200, &json!(200)), "{self:?}");
        &self.json["data"]
    }

    pub(crate) fn code(&self) -> Code {
        let text = |name: &str| self.data()[name].as_str().unwrap().to_owned();
        Code { random: text("random"), poll_token: text("pollToken") }
    }

    pub(crate) fn reason(&self) -> &str {
        self.json["reason"].as_str().unwrap_or_default()
    }

    /// Sent away for now, and told when to come back.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.status == 503 && self.reason() == "unavailable" && self.head.contains("retry-after: ")
    }
}
