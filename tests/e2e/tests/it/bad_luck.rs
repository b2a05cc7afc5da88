//! What a person sees when the network or the server fails, and how the page comes back.

use anyhow::Result;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::json;

/// What Chromium itself writes when an answer is no success.
const CHROMIUM: &[&str] = &["Failed to load resource", "Scan to sign in"];

#[tokio::test]
async fn a_server_that_answers_nonsense_is_asked_again_until_it_makes_sense() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    for fault in [Fault::Html, Fault::Truncated, Fault::Empty, Fault::Broken, Fault::Overloaded(1)] {
        faults.strike("gene", fault);
        browser.goto(&site.url).await?;
        browser.until_state("unreachable").await?;
        faults.relent();
        let text = browser.read_code().await?;

        faults.strike("check", fault);
        let phone = Phone::sign_in(&site.url, "alice").await?;
        phone.scan(&text).await?;
        browser.until_state("unreachable").await?;
        faults.relent();
        browser.until_state("scanned").await?;
        phone.confirm(&text).await?;
        assert_eq!(browser.text_of("#signed-in-name").await?, "Alice", "{fault:?}");
        browser.click("#sign-out").await?;
        browser.until_state("ready").await?;
    }
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

#[tokio::test]
async fn a_code_outlives_a_restart_of_its_server() -> Result<()> {
    let mut site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    site.stop().await?;
    browser.until_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Can’t reach the server");
    assert_eq!(browser.widget_text("button").await?, "Try now");
    site.resume().await?;
    browser.click_widget().await?;
    assert_eq!(browser.read_code().await?, text);
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_quiet_console(CHROMIUM).await?;
    browser.close().await
}

#[tokio::test]
async fn a_server_that_refuses_says_why_and_offers_the_button() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.read_code().await?;
    browser
        .run(
            "document.querySelector('#qrcode').remove();
             window.told = [];
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning(document.body, {
               appId: 'nobody',
               onCodeLoadFailed: (message) => told.push(message),
               onError: (message, error) => told.push(error.code, error.reason, error.serverCode, error.fatal),
             }))",
        )
        .await?;
    browser.until_state("failed").await?;
    assert_eq!(browser.widget_text("button").await?, "Get a new code");
    let told = browser.run("return told").await?;
    let told = told.as_array().cloned().unwrap_or_default();
    assert_eq!(told[1..], [json!("refused"), json!("unknown-app"), json!(1001), json!(true)]);
    assert_eq!(told[0].as_str(), Some(browser.widget_text(".hint").await?.as_str()));
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}
