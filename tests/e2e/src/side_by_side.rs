//! One page for two libraries: the SDK in the field, and ours. Both get the same calls under the same conditions, at a
//! server that answers also who knows no poll token.
//!
//! Deliberately absent: what only one of them is asked to do. All that differs is how long an answer is waited for.

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

/// The SDK as npm has it; `xtask/package-lock.json` pins its version.
const SDK: &str = "xtask/node_modules/authing-js-sdk/build/browser/index.min.js";
/// A page without a policy, but nothing comes from third parties: what they answer is not for a test to depend on.
const LENIENT: &str = "default-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' data:";
/// Allows what comes from the site.
const STRICT: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
/// Both start with the same callbacks and poll at the same interval, which the page itself counts too.
const PREPARE: &str = "
    window.told = [];
    window.tell = (name) => (...values) => told.push([name, ...values.filter((value) => typeof value === 'string')]);
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective));
    window.rested = 0;
    setInterval(() => rested++, 200);

    const { AuthenticationClient } = window.Authing ?? window.ScanLogin;
    const client = new AuthenticationClient({ appId: 'demo-app', appHost: location.origin, lang: 'en-US' });
    const names = ['CodeShow', 'CodeLoadFailed', 'Scanned', 'Success', 'Expired', 'Error'].map((name) => `on${name}`);
    const callbacks = Object.fromEntries(names.map((name) => [name, tell(name)]));
    window.start = (options, target = 'qrcode') =>
      client.qrcode.startScanning(target, { interval: 200, longPoll: false, ...callbacks, ...options });
    window.isStill = () => [...document.querySelectorAll('.scanlogin')].every(
      (widget) => widget.shadowRoot.querySelector('.code').getAnimations().length === 0,
    );
    window.root = () => document.querySelector('.scanlogin')?.shadowRoot ?? document.querySelector('#qrcode');
";

/// What a page uses to show codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// `authing-js-sdk`.
    Sdk,
    /// `scanlogin`.
    Ours,
}

/// What was observed with one library and with the other.
#[derive(Debug)]
pub struct Observed<T> {
    /// With the SDK.
    pub sdk: T,
    /// With ours.
    pub ours: T,
}

/// Makes the same observation with both libraries, each at a site of its own.
pub async fn side_by_side<T>(browser: &Browser, observe: impl AsyncFn(&Page<'_>) -> Result<T>) -> Result<Observed<T>> {
    side_by_side_with(browser, |_| {}, observe).await
}

/// As [`side_by_side`], at sites with other settings.
pub async fn side_by_side_with<T>(
    browser: &Browser,
    set: impl Fn(&mut Config),
    observe: impl AsyncFn(&Page<'_>) -> Result<T>,
) -> Result<Observed<T>> {
    let observe = async |library| {
        let page = Page::open(browser, library, &set).await?;
        observe(&page).await.with_context(|| format!("with {library:?}"))
    };
    Ok(Observed { sdk: observe(Library::Sdk).await?, ours: observe(Library::Ours).await? })
}

/// A page with one of the libraries and an empty element `#qrcode`.
pub struct Page<'a> {
    /// Shows it.
    pub browser: &'a Browser,
    /// Stands between it and its server.
    pub faults: Faults,
    /// Alice's.
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
        page.begin_anew().await?;
        Ok(page)
    }

    /// Loads the page again.
    pub async fn begin_anew(&self) -> Result<()> {
        self.load("lenient").await
    }

    /// Loads the page again, under a policy that allows what comes from the site and nothing else.
    pub async fn begin_under_strict_policy(&self) -> Result<()> {
        self.load("strict").await
    }

    async fn load(&self, policy: &str) -> Result<()> {
        self.browser.goto(&format!("{}/side-by-side/{policy}/{:?}", self.site.url, self.library)).await?;
        self.browser.run(PREPARE).await.map(drop)
    }

    /// Starts a widget in `#qrcode` and waits for its code, whose text is the answer.
    pub async fn show_code(&self, options: &str) -> Result<String> {
        self.browser.run(&format!("start({{ {options} }})")).await?;
        self.until_told("onCodeShow").await?;
        let random = self.browser.run("return told.find(([name]) => name === 'onCodeShow')[1]").await?;
        Ok(json!({ "random": random }).to_string())
    }

    /// How often a callback was called.
    pub async fn count(&self, callback: &str) -> Result<u64> {
        let count = self.browser.run(&format!("return told.filter(([name]) => name === '{callback}').length")).await?;
        count.as_u64().context("a length is a number")
    }

    /// Waits until a callback was called.
    pub async fn until_told(&self, callback: &str) -> Result<()> {
        self.browser.until(&format!("told.some(([name]) => name === '{callback}')")).await.map(drop)
    }

    /// Waits until a request of `call` is over.
    pub async fn until_answered(&self, call: &str) -> Result<()> {
        let requests = "performance.getEntriesByType('resource')";
        self.browser.until(&format!("{requests}.some(({{ name }}) => name.endsWith('/{call}'))")).await.map(drop)
    }

    /// Whether a callback is ever called: ours is waited for, the SDK gets the time of ten polls.
    pub async fn is_ever_told(&self, callback: &str) -> Result<bool> {
        match self.library {
            Library::Sdk => self.rest(10).await?,
            Library::Ours => self.until_told(callback).await?,
        }
        Ok(self.count(callback).await? > 0)
    }

    /// Lets the time of so many polls pass. The page's own timer measures it, so that a slow machine is waited for. What the
    /// page has sent until then has reached the server: so has a request that it sends afterwards.
    pub async fn rest(&self, polls: u32) -> Result<()> {
        self.browser.run("rested = 0; window.hasArrived = false").await?;
        self.browser.until(&format!("rested >= {polls}")).await?;
        self.browser.run("fetch('/side-by-side/mark').then(() => { hasArrived = true })").await?;
        self.browser.until("hasArrived").await.map(drop)
    }

    /// Waits until polls that the server holds have come: two of the SDK, which waits for no answer, and the one of ours.
    pub async fn until_polled(&self) -> Result<()> {
        let polls = match self.library {
            Library::Sdk => 2,
            Library::Ours => 1,
        };
        let before = self.requests("check");
        self.faults.until_seen("check", before + polls).await
    }

    /// How many requests of `call` the server has seen.
    pub fn requests(&self, call: &str) -> usize {
        self.faults.seen(call).len()
    }

    /// The codes that the server was asked about.
    pub fn polled_codes(&self) -> BTreeSet<String> {
        let polls = self.faults.seen("check");
        let queries = polls.iter().filter_map(|(_, uri)| uri.query());
        queries
            .flat_map(|query| query.split('&'))
            .filter(|pair| pair.starts_with("random="))
            .map(str::to_owned)
            .collect()
    }

    /// How many codes a phone could read off the screen.
    pub async fn codes_on_screen(&self) -> Result<usize> {
        count_codes(&self.picture().await?)
    }

    /// A picture of the window, once all codes have faded in or out.
    pub async fn picture(&self) -> Result<Picture> {
        self.browser.until("isStill()").await?;
        Picture::from_png(&self.browser.screenshot().await?)
    }

    /// Evaluates an expression in the page.
    pub async fn look(&self, expression: &str) -> Result<Value> {
        self.browser.run(&format!("return {expression}")).await
    }
}

/// The bundle of the SDK in the field.
pub fn sdk() -> Result<Vec<u8>> {
    fs::read(root().join(SDK)).context("there is no SDK to compare with: run `cargo xtask dist` first")
}

fn pages(sdk: Vec<u8>) -> Router {
    let mut router = Router::new()
        .route("/side-by-side/mark", get(async || ()))
        .route("/side-by-side/sdk.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], sdk)));
    for (name, policy) in [("lenient", LENIENT), ("strict", STRICT)] {
        for (library, script) in [(Library::Sdk, "/side-by-side/sdk.js"), (Library::Ours, "/scanlogin/global.js")] {
            let page = Html(format!(
                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{library:?}</title>\
                 <script src=\"{script}\"></script><div id=\"qrcode\"></div>"
            ));
            let handler = get(async move || ([(header::CONTENT_SECURITY_POLICY, policy)], page).into_response());
            router = router.route(&format!("/side-by-side/{name}/{library:?}"), handler);
        }
    }
    router
}
