//! Chromium, driven as a person would: look, read, click.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use image::imageops::FilterType;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;
use url::{ParseError, Url};

/// How many browsers run at once: more than there are cores only slows them all down.
const BROWSERS: usize = 2;
/// How long a test waits for something to appear before it fails.
const PATIENCE: Duration = Duration::from_secs(40);
const GLANCE: Duration = Duration::from_millis(25);

/// What a person would like to have: a window of this size, in these colours.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// Whether the person prefers dark colours.
    pub is_dark: bool,
}

impl Default for Screen {
    fn default() -> Self {
        Self { width: 1280, height: 800, is_dark: false }
    }
}

/// A browser with one window.
pub struct Browser {
    client: Client,
    _driver: Child,
    _place: SemaphorePermit<'static>,
}

impl Browser {
    /// Opens a browser with a profile of its own.
    pub async fn open() -> Result<Self> {
        Self::open_on(Screen::default()).await
    }

    /// Opens a browser on a screen.
    pub async fn open_on(screen: Screen) -> Result<Self> {
        static PLACES: Semaphore = Semaphore::const_new(BROWSERS);
        let place = PLACES.acquire().await?;
        let (driver, port) = start_driver().await?;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(screen)?)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("the driver does not start a browser")?;
        Ok(Self { client, _driver: driver, _place: place })
    }

    /// Opens an address.
    pub async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// Evaluates the body of a function in the page.
    pub async fn run(&self, code: &str) -> Result<Value> {
        Ok(self.client.execute(code, Vec::new()).await?)
    }

    /// Waits until an expression in the page is true, and answers with its value.
    pub async fn until(&self, expression: &str) -> Result<Value> {
        let code = format!("return {expression}");
        let glances = PATIENCE.as_millis() / GLANCE.as_millis();
        for _ in 0..glances {
            // While a page loads there may be nothing yet to look at.
            if let Ok(value) = self.run(&code).await
                && ![Value::Null, json!(false), json!(0), json!("")].contains(&value)
            {
                return Ok(value);
            }
            sleep(GLANCE).await;
        }
        bail!("waited in vain for `{expression}` on a page that says:\n{}", self.text().await?)
    }

    /// Waits until the widget is in a state.
    pub async fn until_state(&self, state: &str) -> Result<()> {
        self.until(&format!("{WIDGET}?.querySelector('.frame').dataset.state === '{state}'")).await.map(drop)
    }

    /// Reads the text of an element of the widget.
    pub async fn widget_text(&self, selector: &str) -> Result<String> {
        let value = self.run(&format!("return {WIDGET}.querySelector('{selector}').textContent")).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks the widget's button.
    pub async fn click_widget(&self) -> Result<()> {
        self.run(&format!("{WIDGET}.querySelector('button').click()")).await.map(drop)
    }

    /// Clicks an element once it is there.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.until(&format!("document.querySelector('{selector}')?.checkVisibility()")).await?;
        Ok(self.client.find(Locator::Css(selector)).await?.click().await?)
    }

    /// Types into a field once it is there.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.until(&format!("document.querySelector('{selector}') !== null")).await?;
        Ok(self.client.find(Locator::Css(selector)).await?.send_keys(text).await?)
    }

    /// Reads the text of an element, once it is there and not empty.
    pub async fn text_of(&self, selector: &str) -> Result<String> {
        let text = self.until(&format!("document.querySelector('{selector}')?.innerText.trim()")).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// All that a person can read on the page, the widget included.
    pub async fn text(&self) -> Result<String> {
        let code =
            format!("return document.body.innerText + '\\n' + ({WIDGET}?.querySelector('.frame').innerText ?? '')");
        Ok(self.run(&code).await?.as_str().unwrap_or_default().to_owned())
    }

    /// A picture of the window, as PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        Ok(self.client.screenshot().await?)
    }

    /// Reads the QR code off the screen with a decoder that knows nothing of us.
    pub async fn read_code(&self) -> Result<String> {
        self.until_state("ready").await?;
        // A code that fades in is not there at the first glance.
        self.until(&format!("{WIDGET}.querySelector('.code').getAnimations().length === 0")).await?;
        decode(&self.screenshot().await?)
    }

    /// Fails if the page has written an error or a warning to the console since the last call, a violation of its
    /// policy included. `expected` are parts of those that the test provokes.
    pub async fn expect_quiet_console(&self, expected: &[&str]) -> Result<()> {
        let log = self.client.issue_cmd(BrowserLog).await?;
        let entries: Vec<&str> = log
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .filter_map(|entry| entry["message"].as_str())
            .filter(|message| !expected.iter().any(|part| message.contains(part)))
            .collect();
        ensure!(entries.is_empty(), "the console says: {entries:#?}");
        Ok(())
    }

    /// Closes the browser. One that is not closed ends with its driver.
    pub async fn close(self) -> Result<()> {
        Ok(self.client.close().await?)
    }
}

/// Reads the one QR code in a picture.
pub fn decode(png: &[u8]) -> Result<String> {
    let picture = image::load_from_memory(png)?;
    // The decoder wants more than a few pixels a module.
    let picture = picture.resize(picture.width() * 2, picture.height() * 2, FilterType::Nearest).to_luma8();
    let mut prepared = rqrr::PreparedImage::prepare(picture);
    let grids = prepared.detect_grids();
    ensure!(grids.len() == 1, "there are {} codes in the picture", grids.len());
    let (_, text) = grids[0].decode().context("the code in the picture can't be read")?;
    Ok(text)
}

/// The first widget of the page.
const WIDGET: &str = "document.querySelector('.scanlogin')?.shadowRoot";

fn capabilities(screen: Screen) -> Result<Capabilities> {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-quic".to_owned(),
        "--lang=en-US".to_owned(),
        format!("--window-size={},{}", screen.width, screen.height),
    ];
    if screen.is_dark {
        arguments.push("--blink-settings=preferredColorScheme=0".to_owned());
    }
    let binary = env::var("CHROME").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    let capabilities = json!({
        "goog:chromeOptions": { "args": arguments, "binary": binary },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    Ok(serde_json::from_value(capabilities)?)
}

async fn start_driver() -> Result<(Child, u16)> {
    let path = env::var("CHROMEDRIVER").unwrap_or_else(|_| "/usr/bin/chromedriver".to_owned());
    let mut driver = Command::new(&path)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{path} does not start: `cargo xtask test` installs it"))?;
    let output = driver.stdout.take().context("the driver has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            let port = port.trim_end_matches('.').parse()?;
            // Whoever stops reading blocks the driver when the pipe is full.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok((driver, port));
        }
    }
    bail!("{path} ended before it was ready")
}

/// `POST /session/{id}/se/log`: what the page has written to the console.
#[derive(Debug)]
struct BrowserLog;

impl WebDriverCompatibleCommand for BrowserLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")).clone()
}
