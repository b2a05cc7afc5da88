//! Browsers that stay for the next test, and how many run at once.
//!
//! Invariant: nothing of a test reaches the next one. In Chromium every test has a browser context of its own, which ends
//! with the test: cookies, caches, storage, service workers, windows, and whatever is emulated in them. Firefox and WebKit
//! get a session for each test, which is a browser of its own; only the driver's process stays. A browser whose test has
//! failed does not stay.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use thirtyfour::{WebDriver, WindowHandle};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::console::Console;
use crate::devtools::DevTools;
use crate::driver::{Driver, block_on_kept};
use crate::engine::Engine;

/// How many browsers run at once.
static PLACES: Semaphore = Semaphore::const_new(6);
static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), claims: 0 });
/// The width and height of a test's window.
pub(crate) const WINDOW: (u32, u32) = (1280, 800);
/// How long a browser may take to close. A test never depends on it: it only ends a run that hangs.
const HANG: Duration = Duration::from_secs(20);

struct Pool {
    idle: Vec<Kept>,
    /// How many browsers tests have, or wait for.
    claims: usize,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test's right to run a browser.
pub(crate) struct Place {
    _permit: SemaphorePermit<'static>,
    _claim: Claim,
}

impl Place {
    /// Waits for a place.
    pub(crate) async fn take() -> Result<Self> {
        let claim = Claim::new();
        Ok(Self { _permit: PLACES.acquire().await?, _claim: claim })
    }

    /// Waits for two places. They come together: two tests that each had one and waited for another would wait for ever.
    pub(crate) async fn take_two() -> Result<(Self, Self)> {
        let claims = (Claim::new(), Claim::new());
        let mut permits = PLACES.acquire_many(2).await?;
        let permit = permits.split(1).context("two permits can be split")?;
        Ok((Self { _permit: permits, _claim: claims.0 }, Self { _permit: permit, _claim: claims.1 }))
    }
}

/// Counts a test that has a place or waits for one. Browsers are closed with the last claim: libtest says nothing to a
/// test that it is the last, and ends the process without dropping what is static.
struct Claim;

impl Claim {
    fn new() -> Self {
        pool().claims += 1;
        Self
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut pool = pool();
        pool.claims -= 1;
        let unused = if pool.claims == 0 { std::mem::take(&mut pool.idle) } else { Vec::new() };
        // Closing takes time in which another test may want the pool.
        drop(pool);
        drop(unused);
    }
}

/// A driver, and in Chromium a browser, that stays for the next test.
pub(crate) struct Kept {
    engine: Engine,
    driver: Driver,
    session: Option<WebDriver>,
    chromium: Option<Chromium>,
}

struct Chromium {
    devtools: DevTools,
    /// Keeps the browser open while no test has a window.
    first_window: WindowHandle,
    /// The browser context of the test that runs.
    context: Option<String>,
}

impl Kept {
    /// Takes one that stayed, or starts one.
    pub(crate) async fn take() -> Result<Self> {
        let stayed = pool().idle.pop();
        if let Some(kept) = stayed {
            return Ok(kept);
        }
        let engine = Engine::chosen()?;
        Ok(Self { engine, driver: Driver::start(engine).await?, session: None, chromium: None })
    }

    /// Opens a window for a test.
    pub(crate) async fn open(&mut self) -> Result<(WebDriver, Arc<Console>)> {
        let session = match &self.session {
            Some(session) => session.clone(),
            None => self.session.insert(self.driver.session(self.engine).await?).clone(),
        };
        match self.engine {
            Engine::Chromium => self.open_context(&session).await.context("Chromium opens no window")?,
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
        let context = context["browserContextId"].as_str().context("a context has an id")?.to_owned();
        let window = json!({
            "url": "about:blank", "browserContextId": context, "newWindow": true,
            "left": 0, "top": 0, "width": WINDOW.0, "height": WINDOW.1,
        });
        let target = devtools.command("Target.createTarget", window).await?;
        // chromedriver calls a window by the id of its target.
        session.switch_to_window(target["targetId"].as_str().context("a target has an id")?.into()).await?;
        chromium.context = Some(context);
        Ok(())
    }

    /// Ends what the test had, and keeps the rest for the next.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.end_test().await?;
        pool().idle.push(self);
        Ok(())
    }

    async fn end_test(&mut self) -> Result<()> {
        let session = self.session.clone().context("a test has a session")?;
        match &mut self.chromium {
            Some(chromium) => {
                // The driver remembers which keys are down and where the pointer is.
                session.action_chain().reset_actions().await?;
                session.switch_to_window(chromium.first_window.clone()).await?;
                let context = chromium.context.take().context("a test has a context")?;
                chromium
                    .devtools
                    .command("Target.disposeBrowserContext", json!({ "browserContextId": context }))
                    .await?;
                let windows = session.windows().await?;
                ensure!(windows == [chromium.first_window.clone()], "windows of a test are still open: {windows:?}");
                // What the driver has not told of the test's console is not to be told to the next.
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

/// A browser outlives its driver, so it is closed first.
impl Drop for Kept {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        let (chromium, closing) = (self.chromium.take(), session.clone());
        let _ = block_on_kept(async move {
            // The driver waits for a page that does not answer. The browser itself does not.
            if let Some(mut chromium) = chromium {
                let _ = timeout(HANG, chromium.devtools.command("Browser.close", json!({}))).await;
            }
            timeout(HANG, closing.quit()).await.map(drop)
        });
        // A session that did not close would try again, and block the thread for two minutes.
        let _ = session.leak();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Site;

    #[tokio::test]
    async fn two_drivers_choose_ports_of_their_own() {
        let engine = Engine::chosen().unwrap();
        let (first, second) = (Driver::start(engine).await.unwrap(), Driver::start(engine).await.unwrap());
        assert_ne!(first.url(), second.url());
    }

    #[tokio::test]
    async fn nothing_of_a_test_reaches_the_next_one_in_the_same_browser() {
        let site = Site::start().await.unwrap();
        let _place = Place::take().await.unwrap();
        let mut kept = Kept::take().await.unwrap();
        let (driver, console) = kept.open().await.unwrap();
        driver.goto(&site.url).await.unwrap();
        let state = "
            const media = matchMedia('(prefers-color-scheme: dark)').matches;
            return [document.cookie, localStorage.length, navigator.onLine, media, innerWidth, screenX, history.length]";
        let run = async |code: &str| driver.execute(code, Vec::new()).await.unwrap().json().clone();
        let clean = run(state).await;
        run("document.cookie = 'a=b'; localStorage.a = 'b'; open('about:blank'); console.error('mine')").await;
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
        assert_eq!(console.complaints(&driver).await.unwrap().len(), 1);
        run("console.error('mine')").await;

        // Another test would take it from the pool.
        kept.end_test().await.unwrap();
        let (driver, console) = kept.open().await.unwrap();
        driver.goto(&site.url).await.unwrap();
        assert_eq!(driver.execute(state, Vec::new()).await.unwrap().json(), &clean);
        assert_eq!(console.complaints(&driver).await.unwrap(), Vec::<String>::new());
        kept.end_test().await.unwrap();
    }
}
