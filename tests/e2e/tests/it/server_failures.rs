//! The login page when the server fails or refuses, and its recovery.

use anyhow::Result;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::json;

/// What Chromium writes for an HTTP error, and the login page for an error of the widget.
const EXPECTED_MESSAGES: &[&str] = &["Failed to load resource", "Scan to sign in"];

#[tokio::test]
async fn invalid_responses_are_retried_until_the_server_recovers() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let browser = Browser::open().await?;
    for fault in
        [Fault::Html, Fault::NotFound, Fault::TruncatedJson, Fault::Empty, Fault::Aborted, Fault::Overloaded(1)]
    {
        faults.inject("gene", fault);
        browser.goto(&site.url).await?;
        browser.wait_for_state("unreachable").await?;
        faults.clear();
        let text = browser.read_code().await?;

        faults.inject("check", fault);
        let phone = Phone::sign_in(&site.url, "alice").await?;
        phone.scan(&text).await?;
        browser.wait_for_state("unreachable").await?;
        faults.clear();
        browser.wait_for_state("scanned").await?;
        phone.confirm(&text).await?;
        assert_eq!(browser.text_of("#signed-in-name").await?, "Alice", "{fault:?}");
        browser.click("#sign-out").await?;
        browser.wait_for_state("ready").await?;
    }
    browser.expect_no_console_errors(EXPECTED_MESSAGES).await?;
    browser.close().await
}

#[tokio::test]
async fn code_stays_valid_after_a_restart_of_the_server() -> Result<()> {
    let mut site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    site.stop().await?;
    browser.wait_for_state("unreachable").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Can’t reach the server");
    assert_eq!(browser.widget_text("button").await?, "Try now");
    site.restart().await?;
    browser.click_widget().await?;
    assert_eq!(browser.read_code().await?, text);
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_no_console_errors(EXPECTED_MESSAGES).await?;
    browser.close().await
}

#[tokio::test]
async fn refused_gene_shows_what_the_person_can_do_and_no_button() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.read_code().await?;
    browser
        .run(
            "document.querySelector('#qrcode').remove();
             window.calls = [];
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning(document.body, {
               appId: 'nobody',
               onCodeLoadFailed: (message) => calls.push(message),
               onError: (message, error) => calls.push(error.code, error.reason, error.serverCode, error.fatal),
             }))",
        )
        .await?;
    browser.wait_for_state("failed").await?;
    assert_eq!(browser.widget_text("button").await?, "");
    assert_eq!(browser.widget_text(".hint").await?, "Sign in another way, or contact this site’s support");
    let calls = browser.run("return calls").await?;
    let calls = calls.as_array().cloned().unwrap_or_default();
    assert_eq!(calls[1..], [json!("refused"), json!("unknown-app"), json!(1001), json!(true)]);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}
