//! `webdriver --port=N`: a WebDriver proxy that saves evidence of failed tests.
//!
//! The proxy forwards each command to the driver that `SCANLOGIN_DRIVER` names. When the output of the page reports a
//! failed test, the proxy saves a screenshot and the console output of the page in the folder `SCANLOGIN_FAILED_TESTS`.
//! The files have the name of the test.
//!
//! The test runner of wasm-bindgen starts this program in place of chromedriver or geckodriver, and polls the output of
//! the page through it.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rouille::{Request, Response, Server};
use serde_json::{Value, json};
use ureq::Agent;

/// How long the page of the tests may load. It loads one script and one wasm from this machine.
const PAGE_LOAD_TIMEOUT: Duration = Duration::from_secs(30);
const NAVIGATION_ATTEMPTS: u32 = 4;

fn main() -> ExitCode {
    tools::exit_code(run())
}

fn run() -> Result<()> {
    let port = env::args().find_map(|argument| argument.strip_prefix("--port=")?.parse().ok());
    let port: u16 = port.context("usage: webdriver --port=N")?;
    let driver = Driver::start()?;
    let server = Server::new(("127.0.0.1", port), move |request| {
        driver.forward(request).unwrap_or_else(|error| Response::text(format!("{error:#}")).with_status_code(502))
    });
    // `run` never returns. The test runner kills this process.
    server.map_err(|error| anyhow!("port {port} can't be opened: {error}"))?.run();
    Ok(())
}

/// The process of the real driver.
struct Driver {
    agent: Agent,
    port: u16,
    /// The folder for screenshots and console output.
    evidence: PathBuf,
    output: Mutex<PageOutput>,
    /// Holds the pipe to the shell. The driver ends when the pipe is closed.
    _process: Child,
}

impl Driver {
    /// Starts the real driver. It chooses a free port and prints it.
    fn start() -> Result<Self> {
        let driver = env::var_os("SCANLOGIN_DRIVER").context("set SCANLOGIN_DRIVER to the path of a driver")?;
        // The shell waits for the end of its standard input, and then kills the driver. The pipe is closed when this
        // process ends, even if it is killed.
        let mut process = Command::new("sh")
            .args(["-c", r#""$0" --port=0 & read -r _; kill $!"#])
            .arg(driver)
            // If the driver is this program, it must not start itself again and again.
            .env_remove("SCANLOGIN_DRIVER")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the driver did not start")?;
        let mut lines = BufReader::new(process.stdout.take().context("the driver has no standard output")?).lines();
        let port = loop {
            let Some(line) = lines.next() else { bail!("the driver ended before it printed its port") };
            if let Some(port) = port_of(&line?) {
                break port;
            }
        };
        // The output is read to its end, because the driver would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let evidence = env::var_os("SCANLOGIN_FAILED_TESTS").context("set SCANLOGIN_FAILED_TESTS to a folder")?.into();
        // Error responses of the driver are forwarded like others.
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Self { agent, port, evidence, output: Mutex::default(), _process: process })
    }

    /// Forwards a command to the driver, and saves evidence of each failed test that the response reports.
    fn forward(&self, request: &Request) -> Result<Response> {
        let mut body = String::new();
        request.data().context("the body of the request was read before")?.read_to_string(&mut body)?;
        if let Some(with_browser) = with_browser(request.raw_url(), &body) {
            body = with_browser;
        }
        let (status, response) = match request.raw_url().strip_suffix("/url") {
            Some(session) if request.method() == "POST" => self.navigate(session, &body)?,
            _ => self.send(request.method(), request.raw_url(), &body)?,
        };
        if let Some(session) = request.raw_url().strip_prefix("/session/").and_then(|path| path.split('/').next())
            && let Ok(mut output) = self.output.lock()
        {
            for test in output.failed_tests(&response) {
                // An error here must not change the result of the run.
                if let Err(error) = self.save_evidence(session, &test) {
                    eprintln!("the evidence of {test} was not saved: {error:#}");
                }
            }
        }
        Ok(Response::from_data("application/json; charset=utf-8", response).with_status_code(status))
    }

    /// Opens a page, and tries again if it does not load.
    ///
    /// The server of the test runner leaves connections unserved when a browser opens several at once: `TaskPool` of
    /// tiny_http 0.12 hands two connections to one waiting thread, and the second one waits until the browser closes the
    /// first. A new attempt closes it, and finds threads enough.
    fn navigate(&self, session: &str, body: &str) -> Result<(u16, String)> {
        let timeouts = json!({ "pageLoad": PAGE_LOAD_TIMEOUT.as_millis() }).to_string();
        self.send("POST", &format!("{session}/timeouts"), &timeouts)?;
        let mut result = self.send("POST", &format!("{session}/url"), body)?;
        for _ in 1..NAVIGATION_ATTEMPTS {
            if !is_timeout(&result.1) {
                break;
            }
            eprintln!("the page did not load in {} s; trying again", PAGE_LOAD_TIMEOUT.as_secs());
            result = self.send("POST", &format!("{session}/url"), body)?;
        }
        Ok(result)
    }

    fn save_evidence(&self, session: &str, test: &str) -> Result<()> {
        fs::create_dir_all(&self.evidence)?;
        let file = |extension: &str| self.evidence.join(format!("{}.{extension}", test.replace("::", ".")));
        let value = |response: &str| {
            let response: Value = serde_json::from_str(response).ok()?;
            Some(response.get("value")?.as_str()?.to_owned())
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

    /// Sends a command to the driver. Returns the status and the body of the response.
    fn send(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("content-type", "application/json; charset=utf-8");
        let mut response = self.agent.run(request.body(body.to_owned())?)?;
        let body = response.body_mut().with_config().limit(u64::MAX).read_to_string()?;
        Ok((response.status().as_u16(), body))
    }
}

/// The body of a request for a session of Chromium, with the browser that `CHROME` names. Otherwise chromedriver chooses one
/// of those that are installed, and the tests run in another browser than the end-to-end tests.
fn with_browser(path: &str, body: &str) -> Option<String> {
    let browser = env::var("CHROME").ok().filter(|_| path == "/session")?;
    let mut body: Value = serde_json::from_str(body).ok()?;
    let options = body.pointer_mut("/desiredCapabilities/goog:chromeOptions")?.as_object_mut()?;
    options.insert("binary".to_owned(), browser.into());
    Some(body.to_string())
}

/// Whether a response reports that a page did not load in time: in the protocol of WebDriver, or in the older one that
/// chromedriver speaks with the test runner.
fn is_timeout(response: &str) -> bool {
    let response = serde_json::from_str::<Value>(response).unwrap_or_default();
    response.pointer("/value/error").and_then(Value::as_str) == Some("timeout") || response["status"] == 21
}

/// The port in a line of the driver's output. `None` when the line has none.
///
/// - chromedriver: `ChromeDriver was started successfully on port 41459.`
/// - geckodriver: `… INFO Listening on 127.0.0.1:41459`
fn port_of(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("successfully on port ").or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
    port.trim_end_matches('.').parse().ok()
}

/// The incomplete last line of the page's output. The test runner reads the output in chunks.
#[derive(Default)]
struct PageOutput(String);

impl PageOutput {
    /// The failed tests in the lines that this response completes.
    fn failed_tests(&mut self, response: &str) -> Vec<String> {
        let response = serde_json::from_str::<Value>(response).unwrap_or_default();
        let chunk = response.pointer("/value/chunk").and_then(Value::as_str);
        self.0.push_str(chunk.unwrap_or_default());
        let complete: String = self.0.drain(..self.0.rfind('\n').map_or(0, |end| end + 1)).collect();
        // test module::name ... FAIL
        let failed = |line: &str| Some(line.strip_prefix("test ")?.split_once(" ... FAIL")?.0.to_owned());
        complete.lines().filter_map(failed).collect()
    }
}
