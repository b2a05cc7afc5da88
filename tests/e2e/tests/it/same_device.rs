//! Sign-in on the device that shows the page, with the built package and the server. The tests send the calls of the approver, as a
//! native app does.

use anyhow::{Context as _, Result};
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};

/// A browser on a touch device without a mouse, with a window of a small phone.
async fn emulate_phone(browser: &Browser) -> Result<()> {
    browser.resize(320, 568, 2.0).await?;
    browser
        .command("Emulation.setTouchEmulationEnabled", json!({ "enabled": true, "maxTouchPoints": 5 }))
        .await
        .map(drop)
}

/// Opens the login page, and returns the address of its link.
async fn open_login_page(browser: &Browser, site: &Site) -> Result<String> {
    emulate_phone(browser).await?;
    browser.goto(&site.url).await?;
    browser.wait_for_state("ready").await?;
    let link = browser.wait_for(&format!("{WIDGET}.querySelector('a[href]:not([hidden])')?.href")).await?;
    Ok(link.as_str().context("the link has no address")?.to_owned())
}

/// Follows the link of the widget.
async fn follow_link(browser: &Browser) -> Result<()> {
    browser.run(&format!("{WIDGET}.querySelector('a').click()")).await?;
    browser.wait_for("location.pathname !== '/' && document.readyState === 'complete'").await.map(drop)
}

/// Scans and confirms as the approver that was opened by `link`. Returns the address that it opens then.
async fn approve(site: &Site, link: &str) -> Result<String> {
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let random = link.split_once('#').and_then(|(_, end)| end.strip_suffix(".return")).context("no link")?;
    let call = async |name: &str, body: Value| -> Result<Value> {
        let url = format!("{}/api/v2/qrcode/{name}", site.url);
        let request = reqwest::Client::new().post(url).bearer_auth(phone.token()).json(&body);
        Ok(request.send().await?.json().await?)
    };
    call("scanned", json!({ "random": random, "sameDevice": true })).await?;
    let confirmed = call("confirm", json!({ "random": random })).await?;
    let address = confirmed["data"]["returnUrl"].as_str();
    Ok(address.with_context(|| format!("no address: {confirmed}"))?.to_owned())
}

#[tokio::test]
async fn person_follows_the_link_confirms_and_is_signed_in_after_the_return() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let link = open_login_page(&browser, &site).await?;
    let is_too_wide = browser.run("return document.documentElement.scrollWidth > innerWidth").await?;
    assert_eq!(is_too_wide, json!(false));
    follow_link(&browser).await?;
    let address = approve(&site, &link).await?;
    browser.goto(&address).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    let left = browser.run("return [location.href, localStorage.getItem('scanlogin-return')]").await?;
    assert_eq!(left, json!([format!("{}/", site.url), null]), "the response code and the poll token are gone");
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn link_that_was_forwarded_and_approved_elsewhere_signs_nobody_in() -> Result<()> {
    let site = Site::start().await?;
    let (sender, victim) = Browser::open_two().await?;
    let link = open_login_page(&sender, &site).await?;
    // The sender keeps the poll token, and the approver of the victim returns to the browser of the victim.
    let address = approve(&site, &link).await?;
    emulate_phone(&victim).await?;
    victim.goto(&address).await?;
    victim.wait_for_state("ready").await?;
    let hint = victim.widget_text(".hint").await?;
    assert_eq!(hint, "You started in another browser. Go back to it, or start again here");
    sender.wait_for_state("scanned").await?;
    let status = sender
        .run(
            "return performance.getEntriesByType('resource').filter(({ name }) => name.includes('/check?')).length > 0",
        )
        .await?;
    assert_eq!(status, json!(true));
    for browser in [&sender, &victim] {
        assert_eq!(browser.run("return document.querySelector('#signed-in').hidden").await?, json!(true));
    }
    sender.close().await?;
    victim.close().await
}

#[tokio::test]
async fn new_tab_of_a_native_approver_is_signed_in_and_the_first_tab_stops() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let link = open_login_page(&browser, &site).await?;
    // A native app takes the link, so that the page stays.
    let stay =
        format!("addEventListener('click', (event) => event.preventDefault()); {WIDGET}.querySelector('a').click()");
    browser.run(&stay).await?;
    let address = approve(&site, &link).await?;
    browser.wait_for_state("scanned").await?;
    browser.run(&format!("window.tab = window.open('{address}')")).await?;
    browser.wait_for("tab.document.querySelector('#signed-in-name')?.textContent === 'Alice'").await?;
    browser.wait_for_state("stopped").await?;
    assert_eq!(browser.run("return document.querySelector('#signed-in').hidden").await?, json!(true));
    browser.run("tab.close()").await?;
    browser.close().await
}

#[tokio::test]
async fn page_that_stays_open_is_loaded_again_when_the_browser_returns_to_it() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let link = open_login_page(&browser, &site).await?;
    let stay =
        format!("addEventListener('click', (event) => event.preventDefault()); {WIDGET}.querySelector('a').click()");
    browser.run(&stay).await?;
    let address = approve(&site, &link).await?;
    // Only the fragment differs, so that the browser keeps the document.
    browser.run(&format!("location.assign('{address}')")).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.close().await
}
