//! The built server as a child process, and an HTTP client for it.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use scanlogin_server::Running;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::redis_server::REDIS_TIMEOUT;
use crate::support::timeout::{TIMEOUT, within_timeout};

const API: &str = "/api/v2/qrcode";

/// A server process on a free port. It is killed when this is dropped.
pub(crate) struct ServerProcess {
    pub(crate) client: Client,
    process: Child,
    log: Receiver<String>,
}

/// Sends requests to one server. It can be cloned into tasks.
#[derive(Clone)]
pub(crate) struct Client(String);

/// A code with its poll token, as its requester knows it.
#[derive(Clone)]
pub(crate) struct Code {
    pub(crate) random: String,
    pub(crate) poll_token: String,
}

/// A response with its parsed body.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) json: Value,
}

impl ServerProcess {
    /// A demo on `store`.
    pub(crate) fn demo(store: &str) -> Self {
        Self::demo_with(store, |command| command)
    }

    /// A demo on `store`. `set` changes its command line and environment.
    pub(crate) fn demo_with(store: &str, set: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanlogin-server"));
        command.args(["--demo", "--store", store]);
        set(command.env("SCANLOGIN_REDIS_TIMEOUT", REDIS_TIMEOUT.as_secs().to_string()));
        Self::start(command)
    }

    /// Starts the program with `command`, and returns when it listens. Its log has the JSON format, and the test reads the
    /// port from it.
    pub(crate) fn start(mut command: Command) -> Self {
        command.env("SCANLOGIN_LISTEN", "127.0.0.1:0").env("SCANLOGIN_LOG_FORMAT", "json").stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let (sender, log) = channel();
        // The lines are read continuously, because a full pipe would block the server.
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        let mut server = Self { client: Client(String::new()), process, log };
        let line = server.wait_for_log_line("the URL of the server", |line| line["url"].is_string());
        server.client.0 = line["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
        server
    }

    /// Waits for the next line of its log that `matches` accepts. `event` names what the line logs.
    pub(crate) fn wait_for_log_line(&self, event: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + TIMEOUT;
        let mut before = String::new();
        while let Some(remaining) = deadline.checked_duration_since(Instant::now())
            && let Ok(line) = self.log.recv_timeout(remaining)
        {
            // A line that is not JSON, such as the message of a panic, is only shown when the test fails.
            if let Ok(json) = serde_json::from_str::<Value>(&line)
                && matches(&json)
            {
                return json;
            }
            before += &line;
            before.push('\n');
        }
        panic!("no log line within {TIMEOUT:?}: {event}; the log:\n{before}");
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.id(), name);
    }

    /// Kills the process with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Sends a signal, such as `STOP`, to the process `id`.
pub(crate) fn signal(id: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), id.to_string()]).status().unwrap().success());
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Errors are ignored, because a test may have killed the process before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Client {
    /// A client of a server in this process.
    pub(crate) fn new(running: &Running) -> Self {
        Self(running.url.strip_prefix("http://").unwrap().to_owned())
    }

    /// The address of the server: `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.0
    }

    /// Asks whether the server is ready.
    pub(crate) async fn ready(&self) -> io::Result<HttpResponse> {
        self.send("GET", "/readyz", "", "").await
    }

    /// Creates a code, as a requester does.
    pub(crate) async fn gene(&self) -> io::Result<HttpResponse> {
        self.post(&format!("{API}/gene"), "", &json!({})).await
    }

    /// Polls `code`, as its requester does. The poll waits up to `wait` seconds for a status other than `known`.
    pub(crate) async fn check(&self, code: &Code, known: i32, wait: u64) -> io::Result<HttpResponse> {
        let path = format!("{API}/check?random={}&status={known}&wait={wait}", code.random);
        self.send("GET", &path, &format!("x-scanlogin-poll-token: {}\r\n", code.poll_token), "").await
    }

    /// Sends `action` (`scanned`, `confirm` or `cancel`) as the approver alice, who signs in at this server first.
    pub(crate) async fn act(&self, action: &str, code: &Code) -> io::Result<HttpResponse> {
        let login = self.post("/demo/login", "", &json!({ "username": "alice", "password": "alice" })).await?;
        let authorization = format!("authorization: Bearer {}\r\n", login.data()["token"].as_str().unwrap());
        self.post(&format!("{API}/{action}"), &authorization, &json!({ "random": code.random })).await
    }

    /// Exchanges a ticket through the backend of the demo site.
    pub(crate) async fn exchange(&self, ticket: &str) -> io::Result<HttpResponse> {
        self.post("/demo/session", "", &json!({ "ticket": ticket })).await
    }

    async fn post(&self, path: &str, headers: &str, body: &Value) -> io::Result<HttpResponse> {
        self.send("POST", path, &format!("{headers}content-type: application/json\r\n"), &body.to_string()).await
    }

    /// Sends a request on its own connection. Returns an error if the server is killed before it has responded.
    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> io::Result<HttpResponse> {
        let mut stream = TcpStream::connect(&self.0).await?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.0);
        let request = format!("{head}content-length: {length}\r\n{headers}\r\n{body}");
        stream.write_all(request.as_bytes()).await?;
        let mut response = String::new();
        within_timeout("the response to a request", stream.read_to_string(&mut response)).await?;
        let (head, body) = response.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let json = serde_json::from_str(body).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(HttpResponse { status, head: head.to_owned(), json })
    }
}

impl HttpResponse {
    /// The data of the response. Panics unless it is a success.
    pub(crate) fn data(&self) -> &Value {
        assert_eq!((self.status, &self.json["code"]), (200, &json!(200)), "{self:?}");
        &self.json["data"]
    }

    /// The code in a response to `gene`.
    pub(crate) fn code(&self) -> Code {
        let text = |name: &str| self.data()[name].as_str().unwrap().to_owned();
        Code { random: text("random"), poll_token: text("pollToken") }
    }

    pub(crate) fn reason(&self) -> &str {
        self.json["reason"].as_str().unwrap_or_default()
    }

    /// Whether it is a 503 with `Retry-After`.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.status == 503 && self.reason() == "unavailable" && self.head.contains("retry-after: ")
    }
}
