//! Sign-in on the device that shows the page, with the built package and the server. The tests send the calls of the
//! approver, as a native app does.

use anyhow::{Context as _, Result};
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::login_page::{follow_link, open_native_approver, open_with_link};
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};

/// Records the responses to polls.
const RECORD_POLLS: &str = "
    window.polls = [];
    const send = window.fetch;
    window.fetch = async (...call) => {
        const response = await send(...call);
        if (response.url.includes('/check?')) polls.push(await response.clone().json());
        return response;
    };";

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
    let browser = Browser::open_phone().await?;
    let link = open_with_link(&browser, &site).await?;
    browser.resize(320, 568, 2.0).await?;
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
async fn page_whose_link_was_approved_in_another_browser_polls_without_a_ticket() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let sender = Browser::open_phone().await?;
    let link = open_with_link(&sender, &site).await?;
    sender.run(RECORD_POLLS).await?;
    // The address of the return goes to the other browser.
    approve(&site, &link).await?;
    sender.wait_for_state("scanned").await?;
    // The page asks at once.
    sender.run("polls.length = 0; dispatchEvent(new Event('visibilitychange'))").await?;
    sender.wait_for("polls.length > 0").await?;
    let poll = sender.run("return [polls[0].code, polls[0].data.status, polls[0].data.ticket]").await?;
    assert_eq!(poll, json!([200, 1, null]));
    sender.wait_for_state("scanned").await?;
    assert_eq!(faults.requests("session").len(), 0);
    sender.close().await
}

#[tokio::test]
async fn new_tab_of_a_native_approver_is_signed_in_and_the_first_tab_stops() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open_phone().await?;
    let link = open_with_link(&browser, &site).await?;
    open_native_approver(&browser).await?;
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
    let browser = Browser::open_phone().await?;
    let link = open_with_link(&browser, &site).await?;
    open_native_approver(&browser).await?;
    let address = approve(&site, &link).await?;
    // Only the fragment differs, so that the browser keeps the document.
    browser.run(&format!("location.assign('{address}')")).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.close().await
}
