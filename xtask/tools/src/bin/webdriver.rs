//! A driver that keeps evidence of failed tests. It passes every command on to the driver that `SCANLOGIN_DRIVER` names;
//! when the page says that a test failed, it writes a screenshot and the page's console into the folder
//! `SCANLOGIN_FAILED_TESTS`, named after the test.
//!
//! wasm-bindgen's test runner starts it as it would start chromedriver or geckodriver, and reads the page's output by it.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rouille::{Request, Response, Server};
use serde_json::{Value, json};
use ureq::Agent;

fn main() -> ExitCode {
    tools::end(run())
}

fn run() -> Result<()> {
    let port = env::args().find_map(|argument| argument.strip_prefix("--port=")?.parse().ok());
    let port: u16 = port.context("--port=N says where to listen")?;
    let driver = Driver::start()?;
    let server = Server::new(("127.0.0.1", port), move |request| {
        driver.answer(request).unwrap_or_else(|error| Response::text(format!("{error:#}")).with_status_code(502))
    });
    // `run` never returns: the test runner ends this process.
    server.map_err(|error| anyhow!("port {port}: {error}"))?.run();
    Ok(())
}

struct Driver {
    agent: Agent,
    port: u16,
    evidence: PathBuf,
    output: Mutex<Output>,
    /// Holds the pipe on which the driver's life depends.
    _process: Child,
}

impl Driver {
    /// Starts the real driver on a port that it chooses itself.
    fn start() -> Result<Self> {
        let driver = env::var_os("SCANLOGIN_DRIVER").context("SCANLOGIN_DRIVER names the driver")?;
        // The shell ends the driver when this process ends in whatever way, and its end of the pipe with it.
        let mut process = Command::new("sh")
            .args(["-c", r#""$0" --port=0 & read -r _; kill $!"#])
            .arg(driver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the driver does not start")?;
        let mut lines = BufReader::new(process.stdout.take().context("the driver has an output")?).lines();
        let port = loop {
            let Some(line) = lines.next() else { bail!("the driver ended before it said its port") };
            if let Some(port) = port_of(&line?) {
                break port;
            }
        };
        // A driver whose output nobody reads would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let evidence = env::var_os("SCANLOGIN_FAILED_TESTS").context("SCANLOGIN_FAILED_TESTS names a folder")?.into();
        // Errors of the driver are answers too.
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Self { agent, port, evidence, output: Mutex::default(), _process: process })
    }

    /// Passes a command on, and looks at what the page answers.
    fn answer(&self, request: &Request) -> Result<Response> {
        let mut body = String::new();
        request.data().context("the request was read before")?.read_to_string(&mut body)?;
        let (status, answer) = self.send(request.method(), request.raw_url(), &body)?;
        if let Some(session) = request.raw_url().strip_prefix("/session/").and_then(|path| path.split('/').next())
            && let Ok(mut output) = self.output.lock()
        {
            for test in output.failed_tests(&answer) {
                // Missing evidence must not change the result of the run.
                if let Err(error) = self.keep_evidence(session, &test) {
                    eprintln!("no evidence of {test}: {error:#}");
                }
            }
        }
        Ok(Response::from_data("application/json; charset=utf-8", answer).with_status_code(status))
    }

    fn keep_evidence(&self, session: &str, test: &str) -> Result<()> {
        fs::create_dir_all(&self.evidence)?;
        let file = |extension: &str| self.evidence.join(format!("{}.{extension}", test.replace("::", ".")));
        let value = |answer: &str| {
            let answer: Value = serde_json::from_str(answer).ok()?;
            Some(answer.get("value")?.as_str()?.to_owned())
        };
        let (_, screenshot) = self.send("GET", &format!("/session/{session}/screenshot"), "")?;
        if let Some(png) = value(&screenshot) {
            fs::write(file("png"), BASE64_STANDARD.decode(png)?)?;
        }
        let script = "return document.querySelector('#console_output').textContent";
        let script = json!({ "script": script, "args": [] }).to_string();
        let (_, console) = self.send("POST", &format!("/session/{session}/execute/sync"), &script)?;
        if let Some(console) = value(&console) {
            fs::write(file("txt"), console)?;
        }
        Ok(())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/json; charset=utf-8");
        let mut response = self.agent.run(request.body(body.to_owned())?)?;
        let answer = response.body_mut().with_config().limit(u64::MAX).read_to_string()?;
        Ok((response.status().as_u16(), answer))
    }
}

/// chromedriver: `ChromeDriver was started successfully on port 41459.`
/// geckodriver: `… INFO Listening on 127.0.0.1:41459`
fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ").or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
    port.trim_end_matches('.').parse().ok()
}

/// The page's output, which the test runner reads piece by piece.
#[derive(Default)]
struct Output(String);

impl Output {
    /// The tests of which this answer of the driver is the first to say that they failed.
    fn failed_tests(&mut self, answer: &str) -> Vec<String> {
        let answer = serde_json::from_str::<Value>(answer).unwrap_or_default();
        let chunk = answer.pointer("/value/chunk").and_then(Value::as_str);
        self.0.push_str(chunk.unwrap_or_default());
        let complete: String = self.0.drain(..self.0.rfind('\n').map_or(0, |end| end + 1)).collect();
        // test module::name ... FAIL
        let failed = |line: &str| Some(line.strip_prefix("test ")?.split_once(" ... FAIL")?.0.to_owned());
        complete.lines().filter_map(failed).collect()
    }
}
