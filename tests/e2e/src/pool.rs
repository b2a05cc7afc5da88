//! A pool of browsers, which limits how many run at the same time.
//!
//! Invariant: tests are isolated. In Chromium each test has its own browser context, which ends with the test: cookies,
//! caches, storage, service workers, windows and emulation; the camera sees nothing. In Firefox and WebKit each test has
//! its own session and so its own browser; only the process of the driver is reused. The browser of a failed test is not
//! reused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use thirtyfour::{WebDriver, WindowHandle};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::camera::Camera;
use crate::console::Console;
use crate::devtools::DevTools;
use crate::driver::{Driver, block_on_background};
use crate::engine::Engine;

/// The maximum number of browsers at the same time.
static PERMITS: Semaphore = Semaphore::const_new(6);
static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), tests: 0 });
/// The width and height of the window of a test, in CSS pixels.
pub(crate) const WINDOW: (u32, u32) = (1280, 800);
/// The maximum time to close a browser. It only ends a run that hangs.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

struct Pool {
    idle: Vec<PooledBrowser>,
    /// The number of tests that have a browser or wait for one.
    tests: usize,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The permit of a test to run a browser.
pub(crate) struct BrowserPermit {
    _permit: SemaphorePermit<'static>,
    _count: TestCount,
}

impl BrowserPermit {
    /// Waits for a permit.
    pub(crate) async fn acquire() -> Result<Self> {
        let count = TestCount::new();
        Ok(Self { _permit: PERMITS.acquire().await?, _count: count })
    }

    /// Waits for two permits at once. Two tests that each had one permit and waited for a second would deadlock.
    pub(crate) async fn acquire_two() -> Result<(Self, Self)> {
        let counts = (TestCount::new(), TestCount::new());
        let mut permits = PERMITS.acquire_many(2).await?;
        let permit = permits.split(1).context("two permits can be split")?;
        Ok((Self { _permit: permits, _count: counts.0 }, Self { _permit: permit, _count: counts.1 }))
    }
}

/// Counts the tests that have a browser or wait for one. The last one closes the idle browsers: libtest does not report
/// the last test, and the process ends without dropping statics.
struct TestCount;

impl TestCount {
    fn new() -> Self {
        pool().tests += 1;
        Self
    }
}

impl Drop for TestCount {
    fn drop(&mut self) {
        let mut pool = pool();
        pool.tests -= 1;
        let unused = if pool.tests == 0 { std::mem::take(&mut pool.idle) } else { Vec::new() };
        // Closing browsers takes time. The lock is released first, so that other tests can start.
        drop(pool);
        drop(unused);
    }
}

/// A driver that tests reuse, and in Chromium also its browser.
pub(crate) struct PooledBrowser {
    engine: Engine,
    driver: Driver,
    camera: Camera,
    session: Option<WebDriver>,
    chromium: Option<Chromium>,
}

struct Chromium {
    devtools: DevTools,
    /// Keeps the browser open between tests.
    first_window: WindowHandle,
    /// The browser context of the running test.
    context: Option<String>,
}

impl PooledBrowser {
    /// Takes an idle browser, or starts a driver.
    pub(crate) async fn take() -> Result<Self> {
        let idle = pool().idle.pop();
        if let Some(browser) = idle {
            return Ok(browser);
        }
        let engine = Engine::chosen()?;
        let (driver, camera) = (Driver::start(engine).await?, Camera::new()?);
        Ok(Self { engine, driver, camera, session: None, chromium: None })
    }

    /// Opens a window for a test.
    pub(crate) async fn open(&mut self) -> Result<(WebDriver, Arc<Console>)> {
        let session = match &self.session {
            Some(session) => session.clone(),
            None => self.session.insert(self.driver.session(self.engine, self.camera.path()).await?).clone(),
        };
        match self.engine {
            Engine::Chromium => self.open_context(&session).await.context("Chromium can't open a window")?,
            Engine::Firefox | Engine::WebKit => drop(session.set_window_rect(0, 0, WINDOW.0, WINDOW.1).await?),
        }
        let console = Console::record(self.engine, &session).await?;
        Ok((session, Arc::new(console)))
    }

    async fn open_context(&mut self, session: &WebDriver) -> Result<()> {
        let chromium = match &mut self.chromium {
            Some(chromium) => chromium,
            None => self.chromium.insert(Chromium {
                devtools: DevTools::connect(session).await?,
                first_window: session.window().await?,
                context: None,
            }),
        };
        let devtools = &mut chromium.devtools;
        let context = devtools.command("Target.createBrowserContext", json!({ "disposeOnDetach": true })).await?;
        let context = context["browserContextId"].as_str().context("the context has no id")?.to_owned();
        let window = json!({
            "url": "about:blank", "browserContextId": context, "newWindow": true,
            "left": 0, "top": 0, "width": WINDOW.0, "height": WINDOW.1,
        });
        let target = devtools.command("Target.createTarget", window).await?;
        // chromedriver uses the id of the target as the handle of the window.
        session.switch_to_window(target["targetId"].as_str().context("the target has no id")?.into()).await?;
        chromium.context = Some(context);
        Ok(())
    }

    /// The camera of the browser.
    pub(crate) fn camera(&self) -> &Camera {
        &self.camera
    }

    /// Ends the session or context of the test, and returns the browser to the pool.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.end_test().await?;
        pool().idle.push(self);
        Ok(())
    }

    async fn end_test(&mut self) -> Result<()> {
        let session = self.session.clone().context("the browser has no session")?;
        match &mut self.chromium {
            Some(chromium) => {
                // The driver stores the pressed keys and the position of the pointer.
                session.action_chain().reset_actions().await?;
                session.switch_to_window(chromium.first_window.clone()).await?;
                let context = chromium.context.take().context("the browser has no context")?;
                chromium
                    .devtools
                    .command("Target.disposeBrowserContext", json!({ "browserContextId": context }))
                    .await?;
                let windows = session.windows().await?;
                ensure!(
                    windows == [chromium.first_window.clone()],
                    "the windows {windows:?} of the test are still open"
                );
                self.camera.remove()?;
                // Discards the remaining console messages of the test.
                session.browser_log().await?;
            }
            None => {
                session.quit().await?;
                self.session = None;
            }
        }
        Ok(())
    }
}

/// Closes the browser before the driver, since a browser can outlive its driver.
impl Drop for PooledBrowser {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let (chromium, closing) = (self.chromium.take(), session.clone());
        let _ = block_on_background(async move {
            // The driver waits for a page that hangs, and the browser does not.
            if let Some(mut chromium) = chromium {
                let _ = timeout(CLOSE_TIMEOUT, chromium.devtools.command("Browser.close", json!({}))).await;
            }
            timeout(CLOSE_TIMEOUT, closing.quit()).await.map(drop)
        });
        // Dropping a session that did not close would retry, and block the thread for two minutes.
        let _ = session.leak();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;

    #[tokio::test]
    async fn drivers_listen_on_different_ports() {
        let engine = Engine::chosen().unwrap();
        let (first, second) = (Driver::start(engine).await.unwrap(), Driver::start(engine).await.unwrap());
        assert_ne!(first.url(), second.url());
    }

    #[tokio::test]
    async fn reused_browser_has_no_state_or_console_messages_of_the_previous_test() {
        let site = Site::start().await.unwrap();
        let _permit = BrowserPermit::acquire().await.unwrap();
        let mut browser = PooledBrowser::take().await.unwrap();
        let (driver, console) = browser.open().await.unwrap();
        driver.goto(&site.url).await.unwrap();
        let state = "
            const media = matchMedia('(prefers-color-scheme: dark)').matches;
            return [document.cookie, localStorage.length, navigator.onLine, media, innerWidth, screenX, history.length]";
        let run = async |code: &str| driver.execute(code, Vec::new()).await.unwrap().json().clone();
        let clean = run(state).await;
        run("document.cookie = 'a=b'; localStorage.a = 'b'; open('about:blank'); console.error('of this test')").await;
        driver.set_window_rect(9, 9, 900, 700).await.unwrap();
        for (command, parameters) in [
            (
                "Emulation.setEmulatedMedia",
                json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] }),
            ),
            (
                "Network.emulateNetworkConditions",
                json!({
                    "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
                }),
            ),
        ] {
            driver.cdp().send_raw(command, parameters).await.unwrap();
        }
        assert_ne!(run(state).await, clean);
        assert_eq!(console.take_errors(&driver).await.unwrap().len(), 1);
        run("console.error('of this test')").await;

        // The next test would take the browser from the pool.
        browser.end_test().await.unwrap();
        let (driver, console) = browser.open().await.unwrap();
        driver.goto(&site.url).await.unwrap();
        assert_eq!(driver.execute(state, Vec::new()).await.unwrap().json(), &clean);
        assert_eq!(console.take_errors(&driver).await.unwrap(), Vec::<String>::new());
        browser.end_test().await.unwrap();
    }
}
