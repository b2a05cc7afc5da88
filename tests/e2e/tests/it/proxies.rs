//! The site behind real proxies: with the files of `server/deploy/` it is served compressed by HTTP/2 and polls are held,
//! and a proxy that cuts held polls disturbs no sign-in.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use scanlogin_e2e::proxy::{Proxy, ProxyKind};
use scanlogin_e2e::site::{Port, package};
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::{Value, json};

/// A page that records the errors, the states and the ticket of its widget.
const PAGE: &str = "<!doctype html><html lang=en><title>Behind a proxy</title><link rel=icon href=data:,>
    <body><div id=qrcode></div>
    <script>
      window.errors = [];
      for (const type of ['error', 'success']) {
        addEventListener(`scanlogin:${type}`, ({ detail }) => {
          if (type === 'error') errors.push(detail); else window.ticket = detail.ticket;
        });
      }
    </script>
    <script src=/scanlogin/global.js data-target=qrcode data-app-id=demo-app></script></body>";

/// The completed polls of the page, as an array of their `wait` (`null` if they are not held) and status.
const POLLS: &str = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/check?'))
    .map(({ name, responseStatus }) => [new URL(name).searchParams.get('wait'), responseStatus])";

struct ProxiedPage {
    site: Site,
    traffic: Traffic,
    browser: Browser,
    url: String,
    _proxy: Proxy,
}

impl ProxiedPage {
    /// Starts a site behind a proxy, and opens its page.
    async fn open(kind: ProxyKind) -> Result<Self> {
        let traffic = Traffic::default();
        let (port, upstream) = (Port::reserve()?, Port::reserve()?);
        let url = kind.url(&port);
        let site = Site::start_on(
            upstream,
            |config| {
                config.public_url = url.parse().ok();
                config.trusted_proxies = "127.0.0.1/32".parse().into_iter().collect();
            },
            |app: Router| traffic.wrap(app.route("/page", get(|| async { Html(PAGE) }))),
        )
        .await?;
        let proxy = kind.start(port, site.config.listen).await?;
        let browser = Browser::open().await?;
        browser.command("Security.setIgnoreCertificateErrors", json!({ "ignore": true })).await?;
        browser.goto(&format!("{url}/page")).await?;
        Ok(Self { site, traffic, browser, url, _proxy: proxy })
    }

    /// The completed polls of the page. See [`POLLS`].
    async fn polls(&self) -> Result<Value> {
        self.browser.run(&format!("return {POLLS}")).await
    }

    /// Scans and confirms the code of the page, and checks that the ticket is valid and `onError` was not called.
    async fn sign_in(&self) -> Result<()> {
        let text = self.browser.read_code().await?;
        let phone = Phone::sign_in(&self.site.direct_url(), "alice").await?;
        phone.scan(&text).await?;
        self.browser.wait_for_state("scanned").await?;
        phone.confirm(&text).await?;
        let ticket = self.browser.wait_for("window.ticket").await?;
        let user = self.site.exchange(ticket.as_str().unwrap_or_default()).await?;
        assert_eq!(user["data"]["username"], "alice", "{user}");
        assert_eq!(self.browser.run("return errors").await?, json!([]));
        Ok(())
    }
}

async fn deployed_proxy_compresses_files_and_holds_polls(kind: ProxyKind) -> Result<()> {
    let page = ProxiedPage::open(kind).await?;
    page.browser.wait_for_state("ready").await?;

    // The browser gets the compressed copies of the package by HTTP/2, byte by byte.
    for file in ["global.js", "scanlogin.wasm"] {
        let entry = format!(
            "const entry = performance.getEntriesByName('{}/scanlogin/{file}')[0];
             return [entry.nextHopProtocol, entry.encodedBodySize]",
            page.url
        );
        let length = fs::metadata(package().join(format!("{file}.br")))?.len();
        assert_eq!(page.browser.run(&entry).await?, json!(["h2", length]), "{file}");
    }
    // The proxy compresses files that have no compressed copy.
    for file in ["phone.html", "phone.js", "base.css"] {
        page.browser
            .run(&format!(
                "fetch('/{file}').then(({{ headers }}) => {{ window.encoding = headers.get('content-encoding') }})"
            ))
            .await?;
        let encoding = page.browser.wait_for("window.encoding").await?;
        assert!(["gzip", "zstd"].contains(&encoding.as_str().unwrap_or_default()), "{file}: {encoding}");
        page.browser.run("delete window.encoding").await?;
    }

    // A poll that is held for its whole `wait` is answered by the server.
    page.browser.wait_for(&format!("{POLLS}.some(([wait]) => wait !== null)")).await?;
    assert_eq!(page.polls().await?, json!([["25", 200]]));
    page.traffic.wait_until(|traffic| traffic.held.len() == 1).await?;

    // News ends the held poll: the page asks for nothing else until it shows them.
    let text = page.browser.read_code().await?;
    Phone::sign_in(&page.site.direct_url(), "alice").await?.scan(&text).await?;
    page.browser.wait_for_state("scanned").await?;
    page.browser.wait_for(&format!("{POLLS}.length > 1")).await?;
    assert_eq!(page.polls().await?, json!([["25", 200], ["25", 200]]));
    page.browser.goto(&format!("{}/page", page.url)).await?;
    page.sign_in().await?;
    page.browser.expect_no_console_errors(&[]).await?;
    page.browser.close().await
}

#[tokio::test]
async fn nginx_with_the_deployed_file_compresses_files_and_holds_polls() -> Result<()> {
    deployed_proxy_compresses_files_and_holds_polls(ProxyKind::DeployedNginx).await
}

#[tokio::test]
async fn caddy_with_the_deployed_file_compresses_files_and_holds_polls() -> Result<()> {
    deployed_proxy_compresses_files_and_holds_polls(ProxyKind::DeployedCaddy).await
}

/// Waits until the page has learned a `wait` that the proxy does not cut, and signs in.
async fn cut_polls_disturb_no_sign_in(kind: ProxyKind) -> Result<()> {
    let page = ProxiedPage::open(kind).await?;
    page.browser.wait_for_state("ready").await?;
    let is_held = format!("{POLLS}.some(([wait, status]) => wait !== null && status === 200)");
    page.browser.wait_for(&is_held).await?;
    let polls = page.polls().await?;
    let cut = json!(["25", 504]);
    let cuts = polls.as_array().context("the polls are an array")?.iter().filter(|poll| **poll == cut).count();
    assert_eq!(cuts, 2, "{polls}");
    page.sign_in().await?;
    page.browser.expect_no_console_errors(&["Failed to load resource"]).await?;
    page.browser.close().await
}

#[tokio::test]
async fn nginx_that_cuts_polls_after_5_s_disturbs_no_sign_in() -> Result<()> {
    cut_polls_disturb_no_sign_in(ProxyKind::CuttingNginx(Duration::from_secs(5))).await
}

#[tokio::test]
async fn nginx_that_cuts_polls_after_10_s_disturbs_no_sign_in() -> Result<()> {
    cut_polls_disturb_no_sign_in(ProxyKind::CuttingNginx(Duration::from_secs(10))).await
}

#[tokio::test]
async fn haproxy_that_cuts_polls_after_5_s_disturbs_no_sign_in() -> Result<()> {
    cut_polls_disturb_no_sign_in(ProxyKind::CuttingHaproxy(Duration::from_secs(5))).await
}

#[tokio::test]
async fn haproxy_that_cuts_polls_after_10_s_disturbs_no_sign_in() -> Result<()> {
    cut_polls_disturb_no_sign_in(ProxyKind::CuttingHaproxy(Duration::from_secs(10))).await
}
