//! A browser, driven as a person would: look, read, click.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_decoder::decode;
use serde_json::{Value, json};
use thirtyfour::{By, Key, WebDriver};
use tokio::time::sleep;

use crate::console::Console;
use crate::engine::Engine;
use crate::evidence;
use crate::pool::{Kept, Place, WINDOW};

/// How long a test waits for something to appear before it fails.
const LONGEST_WAIT: Duration = Duration::from_secs(40);
/// The time between two polls of the page. Each poll costs processor time, which ten tests at once share.
const POLL_INTERVAL: Duration = Duration::from_millis(80);

/// A browser with one window, which shares nothing with those of other tests. If it is dropped without having been closed,
/// the test has failed, and what the window shows is saved.
pub struct Browser {
    driver: WebDriver,
    console: Arc<Console>,
    /// The base name of the files that a failed test leaves.
    name: String,
    /// `None` once it is closed.
    kept: Option<Kept>,
    _place: Place,
}

impl Browser {
    /// Opens a browser. A test that needs two asks for [`two`](Self::two) at once.
    pub async fn open() -> Result<Self> {
        Self::open_in(Place::take().await?, 1).await
    }

    /// Opens two browsers that know nothing of each other.
    pub async fn two() -> Result<(Self, Self)> {
        let (first, second) = Place::take_two().await?;
        Ok((Self::open_in(first, 1).await?, Self::open_in(second, 2).await?))
    }

    async fn open_in(place: Place, number: usize) -> Result<Self> {
        let mut kept = Kept::take().await?;
        let (driver, console) = kept.open().await?;
        Ok(Self { driver, console, name: evidence::name_of_test(number), kept: Some(kept), _place: place })
    }

    /// Opens an address.
    pub async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.driver.goto(url).await?)
    }

    /// Evaluates the body of a function in the page.
    pub async fn run(&self, code: &str) -> Result<Value> {
        Ok(self.driver.execute(code, Vec::new()).await?.json().clone())
    }

    /// Waits until an expression in the page is true, and answers with its value.
    pub async fn until(&self, expression: &str) -> Result<Value> {
        let code = format!("return {expression}");
        let polls = LONGEST_WAIT.as_millis() / POLL_INTERVAL.as_millis();
        for _ in 0..polls {
            // While a page loads there may be nothing yet to look at.
            if let Ok(value) = self.run(&code).await
                && ![Value::Null, json!(false), json!(0), json!("")].contains(&value)
            {
                return Ok(value);
            }
            sleep(POLL_INTERVAL).await;
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
        Ok(self.driver.find(By::Css(selector)).await?.click().await?)
    }

    /// Types into a field once a person could.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.until(&format!("document.querySelector('{selector}')?.checkVisibility()")).await?;
        Ok(self.driver.find(By::Css(selector)).await?.send_keys(text).await?)
    }

    /// Presses a key and lets it go, wherever the focus is.
    pub async fn press(&self, key: Key) -> Result<()> {
        Ok(self.driver.action_chain().send_keys(key).perform().await?)
    }

    /// Gives the browser a command of the DevTools protocol.
    pub async fn command(&self, name: &str, parameters: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(name, parameters).await?)
    }

    /// Lets the page believe that this is what a person told the system: media features and their values.
    pub async fn prefer(&self, features: &[(&str, &str)]) -> Result<()> {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await.map(drop)
    }

    /// Gives the window another size, and so many of the screen's pixels to one of CSS.
    pub async fn resize(&self, width: u32, height: u32, pixel_ratio: f64) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": pixel_ratio, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", metrics).await?;
        let is_there =
            format!("innerWidth === {width} && innerHeight === {height} && devicePixelRatio === {pixel_ratio}");
        self.until(&is_there).await.map(drop)
    }

    /// Hides the page, as a person does who minimizes the window.
    pub async fn minimize(&self) -> Result<()> {
        self.driver.minimize_window().await?;
        self.until("document.visibilityState === 'hidden'").await.map(drop)
    }

    /// Shows the page again after [`minimize`](Self::minimize).
    pub async fn restore(&self) -> Result<()> {
        let (width, height) = WINDOW;
        self.driver.set_window_rect(0, 0, width, height).await?;
        self.until("document.visibilityState === 'visible'").await.map(drop)
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
        // WebKit's picture is of the last frame, which may lack what has just come: it is in the next but one.
        let paint = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(done))";
        self.driver.execute_async(paint, Vec::new()).await?;
        if !matches!(Engine::chosen()?, Engine::Chromium) {
            return Ok(self.driver.screenshot_as_png().await?);
        }
        // WebDriver has no option for fast compression, which saves a sixth of the processor time of the tests with large
        // pictures.
        let picture = self.command("Page.captureScreenshot", json!({ "optimizeForSpeed": true })).await?;
        Ok(BASE64_STANDARD.decode(picture["data"].as_str().context("Chromium sends no picture")?)?)
    }

    /// Reads the QR code off the screen with a decoder that knows nothing of us.
    pub async fn read_code(&self) -> Result<String> {
        self.until_state("ready").await?;
        decode(&self.still_screenshot().await?)
    }

    /// A picture of the window once the code has faded in or out.
    pub async fn still_screenshot(&self) -> Result<Vec<u8>> {
        self.until(&format!("{WIDGET}.querySelector('.code').getAnimations().length === 0")).await?;
        self.screenshot().await
    }

    /// Fails if the page has written an error or a warning to the console since the last call, a violation of its
    /// policy included. `expected` are parts of those that the test provokes. WebKit tells of none, so never fails here.
    pub async fn expect_quiet_console(&self, expected: &[&str]) -> Result<()> {
        let mut complaints = self.console.complaints(&self.driver).await?;
        complaints.retain(|message| !expected.iter().any(|part| message.contains(part)));
        ensure!(complaints.is_empty(), "the console says: {complaints:#?}");
        Ok(())
    }

    /// What drives the browser, for what only it can do.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Closes the browser.
    pub async fn close(mut self) -> Result<()> {
        self.kept.take().context("a browser is closed once")?.close().await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.kept.is_some() {
            evidence::save(&self.name, &self.driver, &self.console);
        }
    }
}

/// The first widget of the page.
const WIDGET: &str = "document.querySelector('.scanlogin')?.shadowRoot";

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")).clone()
}
