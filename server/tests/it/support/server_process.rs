//! The built server as a process of its own, and the three who call it over HTTP.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const API: &str = "/api/v2/qrcode";

/// A demo on a port of its own, killed at the latest when it is dropped.
pub(crate) struct ServerProcess {
    pub(crate) address: Address,
    process: Child,
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
    pub(crate) fn start(store: &str) -> Self {
        Self::start_with(store, |command| command)
    }

    pub(crate) fn start_with(store: &str, set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
        command.args(["--demo", "--listen", "127.0.0.1:0", "--log-format", "json", "--store", store]);
        let mut process = set(&mut command).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let listening = |line: String| {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
            Some(line["url"].as_str()?.strip_prefix("http://")?.to_owned())
        };
        let address = log.find_map(listening).expect("a server that listens says where");
        // A log that nobody reads would stop the one who writes it.
        std::thread::spawn(move || log.for_each(drop));
        Self { address: Address(address), process }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Address {
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
