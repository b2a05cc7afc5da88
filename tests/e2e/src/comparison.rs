//! Compares authing-js-sdk with scanlogin. A page with one of the libraries makes the same calls under the same
//! conditions, at a server whose app allows polls without a poll token.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use scanlogin_decoder::{Picture, count_codes};
use scanlogin_server::Config;
use serde_json::{Value, json};

use crate::browser::root;
use crate::faults::Faults;
use crate::site::demo_app;
use crate::{Browser, Phone, Site};

/// The SDK from npm. `xtask/package-lock.json` pins its version.
const SDK: &str = "xtask/node_modules/authing-js-sdk/build/browser/index.min.js";
/// A lenient policy. It only blocks third parties, so that a test does not depend on them.
const LENIENT: &str = "default-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' data:";
/// Allows only resources of the site.
const STRICT: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
/// Defines `start`, which starts the library with callbacks that are recorded in `calls`. `intervals` counts the
/// polling intervals since its last reset.
const PREPARE: &str = "
    window.calls = [];
    window.record = (name) => (...values) => calls.push([name, ...values.filter((value) => typeof value === 'string')]);
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
    window.intervals = 0;
    setInterval(() => intervals++, 200);

    const { AuthenticationClient } = window.Authing ?? window.ScanLogin;
    const client = new AuthenticationClient({ appId: 'demo-app', appHost: location.origin, lang: 'en-US' });
    const names = ['CodeShow', 'CodeLoadFailed', 'Scanned', 'Success', 'Expired', 'Error'].map((name) => `on${name}`);
    const callbacks = Object.fromEntries(names.map((name) => [name, record(name)]));
    window.start = (options, target = 'qrcode') =>
      client.qrcode.startScanning(target, { interval: 200, longPoll: false, ...callbacks, ...options });
    window.isSettled = () => [...document.querySelectorAll('.scanlogin')].every(
      (widget) => widget.shadowRoot.querySelector('.code').getAnimations().length === 0,
    );
    window.root = () => document.querySelector('.scanlogin')?.shadowRoot ?? document.querySelector('#qrcode');
";

/// The library of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// `authing-js-sdk`.
    Sdk,
    /// `scanlogin`.
    Ours,
}

/// The results of both libraries.
#[derive(Debug)]
pub struct Comparison<T> {
    /// The result of the SDK.
    pub sdk: T,
    /// The result of scanlogin.
    pub ours: T,
}

/// Runs `test` with each library, each with its own site.
pub async fn compare<T>(browser: &Browser, test: impl AsyncFn(&Page<'_>) -> Result<T>) -> Result<Comparison<T>> {
    compare_with(browser, |_| {}, test).await
}

/// Same as [`compare`], with a changed configuration of the sites.
pub async fn compare_with<T>(
    browser: &Browser,
    set: impl Fn(&mut Config),
    test: impl AsyncFn(&Page<'_>) -> Result<T>,
) -> Result<Comparison<T>> {
    let run = async |library| {
        let page = Page::open(browser, library, &set).await?;
        test(&page).await.with_context(|| format!("with {library:?}"))
    };
    Ok(Comparison { sdk: run(Library::Sdk).await?, ours: run(Library::Ours).await? })
}

/// A page with one of the libraries and an empty element with the id `qrcode`.
pub struct Page<'a> {
    /// The browser that shows the page.
    pub browser: &'a Browser,
    /// The faults of its server.
    pub faults: Faults,
    /// The phone of Alice.
    pub phone: Phone,
    library: Library,
    site: Site,
}

impl<'a> Page<'a> {
    async fn open(browser: &'a Browser, library: Library, set: impl Fn(&mut Config)) -> Result<Self> {
        let sdk = sdk()?;
        let set = |config: &mut Config| {
            demo_app(config).compat.poll_without_token = true;
            set(config);
        };
        let faults = Faults::default();
        let site = Site::start_with(set, |app| faults.wrap(app.merge(pages(sdk)))).await?;
        let phone = Phone::sign_in(&site.url, "alice").await?;
        let page = Self { browser, faults, phone, library, site };
        page.reload().await?;
        Ok(page)
    }

    /// Loads the page again with the lenient policy.
    pub async fn reload(&self) -> Result<()> {
        self.load("lenient").await
    }

    /// Loads the page again with a policy that only allows resources of the site.
    pub async fn reload_with_strict_policy(&self) -> Result<()> {
        self.load("strict").await
    }

    async fn load(&self, policy: &str) -> Result<()> {
        self.browser.goto(&format!("{}/comparison/{policy}/{:?}", self.site.url, self.library)).await?;
        self.browser.run(PREPARE).await.map(drop)
    }

    /// Starts a widget in `#qrcode`, waits for its code, and returns a text of the code for [`Phone`].
    pub async fn show_code(&self, options: &str) -> Result<String> {
        self.browser.run(&format!("start({{ {options} }})")).await?;
        self.wait_for_callback("onCodeShow").await?;
        let random = self.browser.run("return calls.find(([name]) => name === 'onCodeShow')[1]").await?;
        Ok(json!({ "random": random }).to_string())
    }

    /// The number of calls of a callback.
    pub async fn count(&self, callback: &str) -> Result<u64> {
        let count = self.browser.run(&format!("return calls.filter(([name]) => name === '{callback}').length")).await?;
        count.as_u64().context("the count is not a number")
    }

    /// Waits until a callback is called.
    pub async fn wait_for_callback(&self, callback: &str) -> Result<()> {
        self.browser.wait_for(&format!("calls.some(([name]) => name === '{callback}')")).await.map(drop)
    }

    /// Waits until a request of `call` has ended.
    pub async fn wait_for_response(&self, call: &str) -> Result<()> {
        let requests = "performance.getEntriesByType('resource')";
        self.browser.wait_for(&format!("{requests}.some(({{ name }}) => name.endsWith('/{call}'))")).await.map(drop)
    }

    /// Whether a callback is called: by the SDK within ten polling intervals, by scanlogin until a timeout.
    pub async fn is_ever_called(&self, callback: &str) -> Result<bool> {
        match self.library {
            Library::Sdk => self.wait_intervals(10).await?,
            Library::Ours => self.wait_for_callback(callback).await?,
        }
        Ok(self.count(callback).await? > 0)
    }

    /// Waits for `count` polling intervals. A timer of the page measures them, so that a slow machine gets more time.
    /// Then waits for one more request, so that all earlier requests of the page have reached the server.
    pub async fn wait_intervals(&self, count: u32) -> Result<()> {
        self.browser.run("intervals = 0; window.hasArrived = false").await?;
        self.browser.wait_for(&format!("intervals >= {count}")).await?;
        self.browser.run("fetch('/comparison/mark').then(() => { hasArrived = true })").await?;
        self.browser.wait_for("hasArrived").await.map(drop)
    }

    /// Waits until the server holds polls: two of the SDK, which polls again without a response, or one of scanlogin.
    pub async fn wait_for_held_polls(&self) -> Result<()> {
        let polls = match self.library {
            Library::Sdk => 2,
            Library::Ours => 1,
        };
        let before = self.request_count("check");
        self.faults.wait_for_requests("check", before + polls).await
    }

    /// The number of requests of `call` that have reached the server.
    pub fn request_count(&self, call: &str) -> usize {
        self.faults.requests(call).len()
    }

    /// The `random` parameters of all polls.
    pub fn polled_codes(&self) -> BTreeSet<String> {
        let polls = self.faults.requests("check");
        let queries = polls.iter().filter_map(|(_, uri)| uri.query());
        queries
            .flat_map(|query| query.split('&'))
            .filter(|pair| pair.starts_with("random="))
            .map(str::to_owned)
            .collect()
    }

    /// The number of codes on the screen that a decoder can read.
    pub async fn readable_codes(&self) -> Result<usize> {
        count_codes(&self.picture().await?)
    }

    /// A screenshot after all codes have faded in or out.
    pub async fn picture(&self) -> Result<Picture> {
        self.browser.wait_for("isSettled()").await?;
        Picture::from_png(&self.browser.screenshot().await?)
    }

    /// The value of an expression in the page.
    pub async fn evaluate(&self, expression: &str) -> Result<Value> {
        self.browser.run(&format!("return {expression}")).await
    }
}

/// The bundle of authing-js-sdk.
pub fn sdk() -> Result<Vec<u8>> {
    fs::read(root().join(SDK)).context("authing-js-sdk is not installed: run `cargo xtask dist` first")
}

fn pages(sdk: Vec<u8>) -> Router {
    let mut router = Router::new()
        .route("/comparison/mark", get(async || ()))
        .route("/comparison/sdk.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], sdk)));
    for (name, policy) in [("lenient", LENIENT), ("strict", STRICT)] {
        for (library, script) in [(Library::Sdk, "/comparison/sdk.js"), (Library::Ours, "/scanlogin/global.js")] {
            let page = Html(format!(
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{library:?}</title>\
                 <script src=\"{script}\"></script><div id=\"qrcode\"></div>"
            ));
            let handler = get(async move || ([(header::CONTENT_SECURITY_POLICY, policy)], page).into_response());
            router = router.route(&format!("/comparison/{name}/{library:?}"), handler);
        }
    }
    router
}
