//! The login page in the back/forward cache: a person leaves it and returns to it.

use anyhow::{Context as _, Result};
use scanlogin_e2e::{Browser, Phone, Site};

/// Counts the polls that the server holds and that have no response yet.
const COUNT_HELD_POLLS: &str = "
    window.heldPolls = 0;
    const send = window.fetch;
    window.fetch = async (url, ...rest) => {
        const isHeld = String(url.url ?? url).includes('wait=');
        window.heldPolls += isHeld;
        try {
            return await send(url, ...rest);
        } finally {
            window.heldPolls -= isHeld;
        }
    };";

#[tokio::test]
async fn code_approved_while_the_person_was_on_another_page_signs_in_after_back() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.run(COUNT_HELD_POLLS).await?;
    let text = browser.read_code().await?;
    browser.wait_for("window.heldPolls > 0").await?;
    browser.run("window.isKept = true; const link = document.createElement('a'); link.href = '/examples/'; document.body.append(link); link.click()").await?;
    browser.wait_for("location.pathname === '/examples/' && document.readyState === 'complete'").await?;

    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.driver().back().await.context("the browser can't go back")?;
    browser.wait_for("location.pathname === '/'").await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(browser.run("return window.isKept").await?, true);
    browser.close().await
}
