//! The phone page in a browser: sign-in, codes and steps.

use anyhow::{Context as _, Result};
use reqwest::Client;
use serde_json::{Value, json};
use thirtyfour::{Key, WindowHandle};

use crate::{Browser, Site};

/// An expression that is true if the page is not busy.
pub const IDLE: &str = "document.querySelector('main').ariaBusy !== 'true'";

/// An expression that is true when the service worker runs, for the phone page and for links.
pub const WORKER_RUNS: &str = "navigator.serviceWorker.getRegistrations().then((found) =>
    found.length === 2 && found.every(({ active }) => active?.state === 'activated'))";

/// A code, and the secret of the page that created it.
pub struct Code {
    /// The id.
    pub random: String,
    poll_token: String,
}

impl Code {
    /// Creates a code, as a login page of the site does.
    pub async fn create(site: &Site) -> Result<Self> {
        let request = Client::new().post(format!("{}/api/v2/qrcode/gene", site.url)).json(&json!({}));
        let response: Value = request.header("origin", &site.url).send().await?.json().await?;
        let field = |name: &str| {
            let text = response["data"][name].as_str().with_context(|| format!("there is no {name}: {response}"))?;
            anyhow::Ok(text.to_owned())
        };
        Ok(Self { random: field("random")?, poll_token: field("pollToken")? })
    }

    /// A text with the id of the code.
    pub fn text(&self) -> String {
        json!({ "scene": "APP_AUTH", "random": self.random }).to_string()
    }

    /// The link that opens the code on the phone page.
    pub fn link(&self, site: &Site) -> String {
        format!("{}/phone.html#{}", site.url, self.random)
    }

    /// The `data` of `check`.
    pub async fn check(&self, site: &Site) -> Result<Value> {
        self.check_with(site, "").await
    }

    async fn check_with(&self, site: &Site, query: &str) -> Result<Value> {
        let request = Client::new()
            .get(format!("{}/api/v2/qrcode/check?random={}{query}", site.url, self.random))
            .header("origin", &site.url)
            .header("x-scanlogin-poll-token", &self.poll_token);
        let mut response: Value = request.send().await?.json().await?;
        Ok(response["data"].take())
    }

    /// The status of the code.
    pub async fn status(&self, site: &Site) -> Result<Value> {
        Ok(self.check(site).await?["status"].take())
    }

    /// Waits until the status is not `known`, and returns it.
    pub async fn status_after(&self, site: &Site, known: i32) -> Result<Value> {
        Ok(self.check_with(site, &format!("&wait=30&status={known}")).await?["status"].take())
    }
}

/// Opens the phone page and signs in.
pub async fn open_signed_in(site: &Site, user: &str) -> Result<Browser> {
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, user).await?;
    wait_for_step(&phone, "scan").await?;
    Ok(phone)
}

/// Signs in on the step "Sign in".
pub async fn sign_in(phone: &Browser, user: &str) -> Result<()> {
    phone.type_into("#username", user).await?;
    phone.type_into("#password", user).await?;
    phone.click("#sign-in").await
}

/// Enters the text of a code.
pub async fn enter(phone: &Browser, text: &str) -> Result<()> {
    phone.run("document.querySelector('#code-text').value = ''").await?;
    phone.type_into("#code-text", text).await?;
    phone.press(Key::Enter).await
}

/// Enters the text of a code, and waits for the question.
pub async fn ask(phone: &Browser, code: &Code) -> Result<()> {
    enter(phone, &code.text()).await?;
    wait_for_step(phone, "approve").await
}

/// Waits until the page shows a step, and is not busy.
pub async fn wait_for_step(phone: &Browser, step: &str) -> Result<()> {
    phone.wait_for(&format!("!document.querySelector('#step-{step}').hidden && {IDLE}")).await.map(drop)
}

/// Waits until the current step shows a message, and returns it.
pub async fn wait_for_notice(phone: &Browser) -> Result<String> {
    phone
        .wait_for(&format!("document.querySelector('main [role=alert]:not([hidden])')?.checkVisibility() && {IDLE}"))
        .await?;
    phone.text_of("main [role=alert]:not([hidden]) p").await
}

/// Opens the phone page in one more tab of the same browser, and switches to it. A tab that WebDriver opens would not share the
/// storage.
pub async fn open_tab(phone: &Browser, site: &Site) -> Result<WindowHandle> {
    let driver = phone.driver();
    let before = driver.windows().await?;
    phone.run(&format!("open('{}/phone.html', '_blank', 'noopener')", site.url)).await?;
    let windows = driver.windows().await?;
    let tab = windows.into_iter().find(|window| !before.contains(window)).context("there is no new tab")?;
    driver.switch_to_window(tab.clone()).await?;
    Ok(tab)
}
