//! The login page in the back/forward cache: a person leaves it and returns to it.

use anyhow::{Context as _, Result};
use scanlogin_e2e::faults::Faults;
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

/// Stops all timers that are set from now on. So only an event can cause another poll.
const STOP_TIMERS: &str = "window.setTimeout = () => 0;";

/// Hides changes of the visibility from the widget, which listens to the window.
const HIDE_VISIBILITY: &str =
    "document.addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true);";

/// Opens the login page, and waits until the server holds a poll. Returns the text of the code.
async fn open_login_page(browser: &Browser, site: &Site) -> Result<String> {
    browser.goto(&site.url).await?;
    browser.run(COUNT_HELD_POLLS).await?;
    let text = browser.read_code().await?;
    browser.wait_for("window.heldPolls > 0").await?;
    Ok(text)
}

/// Follows a link to another page.
async fn leave(browser: &Browser) -> Result<()> {
    let follow = "window.isKept = true;
        const link = document.createElement('a');
        link.href = '/examples/';
        document.body.append(link);
        link.click();";
    browser.run(follow).await?;
    browser.wait_for("location.pathname === '/examples/' && document.readyState === 'complete'").await.map(drop)
}

/// Goes back to the login page, which the browser has kept.
async fn go_back(browser: &Browser) -> Result<()> {
    browser.driver().back().await.context("the browser can't go back")?;
    browser.wait_for("location.pathname === '/'").await?;
    assert_eq!(browser.run("return window.isKept").await?, true);
    Ok(())
}

async fn approve(site: &Site, text: &str) -> Result<()> {
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(text).await?;
    phone.confirm(text).await
}

#[tokio::test]
async fn code_approved_while_the_person_was_on_another_page_signs_in_after_back() -> Result<()> {
    // Without `visibilitychange`, the page learns of its return by `pageshow`.
    for hide in ["", HIDE_VISIBILITY] {
        let faults = Faults::default();
        let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
        let browser = Browser::open().await?;
        let text = open_login_page(&browser, &site).await?;
        browser.run(&format!("{STOP_TIMERS} {hide}")).await?;
        leave(&browser).await?;
        approve(&site, &text).await?;
        go_back(&browser).await?;
        assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
        assert_eq!(["gene", "session"].map(|call| faults.requests(call).len()), [1, 1], "{hide}");
        browser.close().await?;
    }
    Ok(())
}
