//! A browser that a test controls by WebDriver.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_decoder::decode;
use scanlogin_film::Film;
use serde_json::{Value, json};
use thirtyfour::{By, Key, WebDriver};
use tokio::time::sleep;

use crate::camera::ShownCode;
use crate::console::Console;
use crate::engine::Engine;
use crate::evidence;
use crate::pool::{BrowserPermit, PooledBrowser, WINDOW};

/// The maximum time that a test waits for a condition.
const WAIT_TIMEOUT: Duration = Duration::from_secs(40);
/// The time between two evaluations of a condition in the page. Each takes about 2 ms of processor time, which ten
/// tests share.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The width and height of the window of a phone, in CSS pixels.
const PHONE_WINDOW: (u32, u32) = (390, 844);
/// Chromium on Android, in the form that it sends: <https://www.chromium.org/updates/ua-reduction/>
const PHONE_USER_AGENT: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/140.0.0.0 Mobile Safari/537.36";

/// A browser with one window, isolated from those of other tests. If it is dropped before [`close`](Self::close), the
/// test has failed, and a screenshot and the console messages are saved.
pub struct Browser {
    driver: WebDriver,
    console: Arc<Console>,
    /// The base name of the files that are saved when the test fails.
    name: String,
    /// `None` after `close`.
    pooled: Option<PooledBrowser>,
    _permit: BrowserPermit,
}

impl Browser {
    /// Opens a browser. A test that needs two calls [`open_two`](Self::open_two).
    pub async fn open() -> Result<Self> {
        Self::open_with(BrowserPermit::acquire().await?, 1).await
    }

    /// Opens two isolated browsers.
    pub async fn open_two() -> Result<(Self, Self)> {
        let (first, second) = BrowserPermit::acquire_two().await?;
        Ok((Self::open_with(first, 1).await?, Self::open_with(second, 2).await?))
    }

    /// Opens the browser of a phone.
    pub async fn open_phone() -> Result<Self> {
        let phone = Self::open().await?;
        phone.emulate_phone().await?;
        Ok(phone)
    }

    /// Opens two isolated browsers. The second one is that of a phone.
    pub async fn open_with_phone() -> Result<(Self, Self)> {
        let (computer, phone) = Self::open_two().await?;
        phone.emulate_phone().await?;
        Ok((computer, phone))
    }

    async fn open_with(permit: BrowserPermit, number: usize) -> Result<Self> {
        let mut pooled = PooledBrowser::take().await?;
        let (driver, console) = pooled.open().await?;
        Ok(Self { driver, console, name: evidence::name_of_test(number), pooled: Some(pooled), _permit: permit })
    }

    /// Loads the page at `url`.
    pub async fn goto(&self, url: &str) -> Result<()> {
        Ok(self.driver.goto(url).await?)
    }

    /// Runs `code` as the body of a function in the page, and returns its result.
    pub async fn run(&self, code: &str) -> Result<Value> {
        Ok(self.driver.execute(code, Vec::new()).await?.json().clone())
    }

    /// Waits until an expression in the page is true, and returns its value.
    pub async fn wait_for(&self, expression: &str) -> Result<Value> {
        let code = format!("return {expression}");
        let polls = WAIT_TIMEOUT.as_millis() / POLL_INTERVAL.as_millis();
        for _ in 0..polls {
            // The expression may fail while the page is loading.
            if let Ok(value) = self.run(&code).await
                && ![Value::Null, json!(false), json!(0), json!("")].contains(&value)
            {
                return Ok(value);
            }
            sleep(POLL_INTERVAL).await;
        }
        bail!("timeout while waiting for `{expression}` on a page with the text:\n{}", self.text().await?)
    }

    /// Waits until the widget shows a state.
    pub async fn wait_for_state(&self, state: &str) -> Result<()> {
        self.wait_for(&format!("{WIDGET}?.querySelector('.frame').dataset.state === '{state}'")).await.map(drop)
    }

    /// The text of an element of the widget.
    pub async fn widget_text(&self, selector: &str) -> Result<String> {
        let value = self.run(&format!("return {WIDGET}.querySelector('{selector}').textContent")).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks the widget's button.
    pub async fn click_widget(&self) -> Result<()> {
        self.run(&format!("{WIDGET}.querySelector('button').click()")).await.map(drop)
    }

    /// Waits until an element is visible, and clicks it.
    pub async fn click(&self, selector: &str) -> Result<()> {
        self.wait_for(&format!("document.querySelector('{selector}')?.checkVisibility()")).await?;
        Ok(self.driver.find(By::Css(selector)).await?.click().await?)
    }

    /// Waits until a field is visible, and types `text` into it.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        self.wait_for(&format!("document.querySelector('{selector}')?.checkVisibility()")).await?;
        Ok(self.driver.find(By::Css(selector)).await?.send_keys(text).await?)
    }

    /// Presses and releases a key.
    pub async fn press(&self, key: Key) -> Result<()> {
        Ok(self.driver.action_chain().send_keys(key).perform().await?)
    }

    /// Sends a command of the DevTools protocol to the page, and returns its result.
    pub async fn command(&self, name: &str, parameters: Value) -> Result<Value> {
        Ok(self.driver.cdp().send_raw(name, parameters).await?)
    }

    /// Emulates media features, given as names and values.
    pub async fn emulate_media(&self, features: &[(&str, &str)]) -> Result<()> {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.command("Emulation.setEmulatedMedia", json!({ "features": features })).await.map(drop)
    }

    /// Emulates a window of this size in CSS pixels, with `pixel_ratio` device pixels per CSS pixel.
    pub async fn resize(&self, width: u32, height: u32, pixel_ratio: f64) -> Result<()> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": pixel_ratio, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", metrics).await?;
        let is_resized =
            format!("innerWidth === {width} && innerHeight === {height} && devicePixelRatio === {pixel_ratio}");
        self.wait_for(&is_resized).await.map(drop)
    }

    /// Emulates a phone: its window, its touch screen, and how its browser names itself.
    async fn emulate_phone(&self) -> Result<()> {
        let (width, height) = PHONE_WINDOW;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        self.command("Emulation.setDeviceMetricsOverride", metrics).await?;
        self.command("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 5 })).await?;
        self.command("Emulation.setUserAgentOverride", json!({ "userAgent": PHONE_USER_AGENT })).await?;
        self.wait_for("matchMedia('(pointer: coarse) and (hover: none)').matches").await.map(drop)
    }

    /// Holds the camera of the browser in front of a scene. A page that uses the camera sees the change.
    pub fn point_camera_at(&self, film: &Film) -> Result<()> {
        self.pooled.as_ref().context("the browser is closed already")?.camera().show(film)
    }

    /// Cuts the page off from the network.
    pub async fn go_offline(&self) -> Result<()> {
        self.emulate_network(json!({ "offline": true })).await
    }

    /// Ends [`go_offline`](Self::go_offline).
    pub async fn go_online(&self) -> Result<()> {
        self.emulate_network(json!({ "offline": false })).await
    }

    async fn emulate_network(&self, mut conditions: Value) -> Result<()> {
        self.command("Network.enable", json!({})).await?;
        conditions["latency"] = json!(0);
        for limit in ["downloadThroughput", "uploadThroughput"] {
            conditions[limit] = json!(-1);
        }
        self.command("Network.emulateNetworkConditions", conditions).await.map(drop)
    }

    /// Minimizes the window, so that the page is hidden.
    pub async fn minimize(&self) -> Result<()> {
        self.driver.minimize_window().await?;
        self.wait_for("document.visibilityState === 'hidden'").await.map(drop)
    }

    /// Restores the window after [`minimize`](Self::minimize).
    pub async fn restore(&self) -> Result<()> {
        let (width, height) = WINDOW;
        self.driver.set_window_rect(0, 0, width, height).await?;
        self.wait_for("document.visibilityState === 'visible'").await.map(drop)
    }

    /// Waits until an element has a text, and returns it.
    pub async fn text_of(&self, selector: &str) -> Result<String> {
        let text = self.wait_for(&format!("document.querySelector('{selector}')?.innerText.trim()")).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The visible text of the page and of the widget.
    pub async fn text(&self) -> Result<String> {
        let code =
            format!("return document.body.innerText + '\\n' + ({WIDGET}?.querySelector('.frame').innerText ?? '')");
        Ok(self.run(&code).await?.as_str().unwrap_or_default().to_owned())
    }

    /// A screenshot of the window, as PNG.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        if !matches!(Engine::chosen()?, Engine::Chromium) {
            // A screenshot of WebKit shows the last frame, which may be older than the last change. The change is on
            // the screen two frames later. Chromium draws a new frame for each screenshot.
            let paint = "const [done] = arguments; requestAnimationFrame(() => requestAnimationFrame(done))";
            self.driver.execute_async(paint, Vec::new()).await?;
            return Ok(self.driver.screenshot_as_png().await?);
        }
        // WebDriver has no option for fast compression. It saves a sixth of the processor time of tests with large
        // pictures.
        let picture = self.command("Page.captureScreenshot", json!({ "optimizeForSpeed": true })).await?;
        Ok(BASE64_STANDARD.decode(picture["data"].as_str().context("Chromium sent no picture")?)?)
    }

    /// Waits for the state `ready`, and decodes the QR code on a screenshot.
    pub async fn read_code(&self) -> Result<String> {
        self.wait_for_state("ready").await?;
        decode(&self.settled_screenshot().await?)
    }

    /// Waits for the state `ready`, and takes a screenshot for films of the code.
    pub async fn shown_code(&self) -> Result<ShownCode> {
        self.wait_for_state("ready").await?;
        ShownCode::on(&self.settled_screenshot().await?)
    }

    /// A screenshot after the code has faded in or out.
    pub async fn settled_screenshot(&self) -> Result<Vec<u8>> {
        self.wait_for(&format!("{WIDGET}.querySelector('.code').getAnimations().length === 0")).await?;
        self.screenshot().await
    }

    /// Fails if the page has written an error or a warning to the console since the last call. A violation of its
    /// Content Security Policy is an error, too. Messages that contain one of `expected` are ignored. WebKit reports no
    /// messages.
    pub async fn expect_no_console_errors(&self, expected: &[&str]) -> Result<()> {
        let mut errors = self.console.take_errors(&self.driver).await?;
        errors.retain(|message| !expected.iter().any(|part| message.contains(part)));
        ensure!(errors.is_empty(), "unexpected errors and warnings in the console: {errors:#?}");
        Ok(())
    }

    /// The WebDriver session.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Closes the browser.
    pub async fn close(mut self) -> Result<()> {
        self.pooled.take().context("the browser is closed already")?.close().await
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if self.pooled.is_some() {
            evidence::save(&self.name, &self.driver, &self.console);
        }
    }
}

/// The shadow root of the first widget of the page, as an expression.
const WIDGET: &str = "document.querySelector('.scanlogin')?.shadowRoot";

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")).clone()
}
