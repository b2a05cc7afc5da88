//! Sign-in from the code on a page to the signed-in user, and a declined and an expired code.

use std::time::Duration;

use anyhow::{Context as _, Result};
use scanlogin_decoder::decode;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use scanlogin_protocol::link::{Device, read_link};
use serde_json::{Value, json};

#[tokio::test]
async fn confirmed_code_signs_the_page_in() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;

    let link = read_link(&text, &[format!("{}/s", site.url)]).with_context(|| format!("{text} is no link"))?;
    assert_eq!(link.device, Device::Other);
    assert!(link.random.len() >= 22, "the id must have at least 128 bits");

    let phone = Phone::sign_in(&site.url, "alice").await?;
    let requester = phone.scan(&text).await?;
    assert_eq!((&requester["origin"], &requester["ip"]), (&json!(site.url), &json!("127.0.0.1")));
    browser.wait_for_state("scanned").await?;
    assert_eq!(browser.widget_text(".name").await?, "Alice");

    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(browser.run("return document.querySelector('.scanlogin')").await?, Value::Null);
    assert_eq!(
        browser.run("return document.cookie").await?,
        json!(""),
        "the session cookie must not be readable by scripts"
    );

    // The session is kept after a reload. Signing out ends it and shows a new code.
    browser.goto(&site.url).await?;
    browser.click("#sign-out").await?;
    let next = browser.read_code().await?;
    assert_ne!(next, text);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn page_gets_user_and_ticket_and_the_backend_exchanges_the_ticket_once() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    // The widget of the page must have started before the test replaces it by one that records callbacks.
    browser.wait_for_state("ready").await?;
    browser
        .run(
            "window.calls = [];
             document.querySelector('#qrcode').remove();
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning('elsewhere', {
               customData: { hello: 'world' },
               onScanned: (userInfo) => calls.push(['scanned', userInfo]),
               onSuccess: (userInfo, ticket) => calls.push(['success', userInfo, ticket]),
               onError: (message) => calls.push(['error', message]),
             }))",
        )
        .await?;
    browser.wait_for("document.querySelector('[data-floating]') !== null").await?;
    let text = browser.read_code().await?;
    // The text of docs/protocol.md: its keys in this order, without spaces.
    let code: Value = serde_json::from_str(&text)?;
    let field = |name: &str| code[name].as_str().unwrap_or_default().to_owned();
    let expected = format!(
        concat!(
            r#"{{"scene":"APP_AUTH","random":"{}","userPoolId":"demo-pool","createdAt":"{}","expireAt":"{}","#,
            r#""customData":{{"hello":"world"}}}}"#
        ),
        field("random"),
        field("createdAt"),
        field("expireAt"),
    );
    assert_eq!(text, expected);

    let phone = Phone::sign_in(&site.url, "bob").await?;
    phone.scan(&text).await?;
    browser.wait_for("calls.length === 1").await?;
    phone.confirm(&text).await?;
    browser.wait_for("calls.length === 2").await?;
    let calls = browser.run("return calls").await?;
    let user = json!({ "nickname": "Bob", "photo": format!("{}/photos/bob.svg", site.url) });
    assert_eq!(calls[0], json!(["scanned", user]));
    assert_eq!((&calls[1][0], &calls[1][1]), (&json!("success"), &user));

    let ticket = calls[1][2].as_str().unwrap_or_default();
    let first = site.exchange(ticket).await?;
    assert_eq!((&first["code"], &first["data"]["username"]), (&json!(200), &json!("bob")));
    let second = site.exchange(ticket).await?;
    assert_eq!(second["reason"], json!("ticket-used"));
    browser.expect_no_console_errors(&["no element with the id"]).await?;
    browser.close().await
}

#[tokio::test]
async fn declined_code_is_replaced_by_a_click() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.cancel(&text).await?;
    browser.wait_for_state("cancelled").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Sign-in was declined");
    assert!(decode(&browser.settled_screenshot().await?).is_err(), "the code of an ended sign-in must not be readable");
    browser.click_widget().await?;
    assert_ne!(browser.read_code().await?, text);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn expired_code_is_replaced_by_a_click_and_the_new_code_signs_in() -> Result<()> {
    let mut site =
        Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.wait_for_state("expired").await?;
    assert_eq!(browser.widget_text(".headline").await?, "This code has expired");
    let expired = browser
        .run(
            "const poll = performance.getEntriesByType('resource').find(({ name }) => name.includes('/check?'));
             return JSON.stringify({ random: new URL(poll.name).searchParams.get('random') })",
        )
        .await?;
    let expired = expired.as_str().unwrap_or_default();
    let phone = Phone::sign_in(&site.url, "alice").await?;
    assert!(phone.scan(expired).await.unwrap_err().to_string().contains("expired"));

    // The next code must not expire during the test.
    site.stop().await?;
    demo_app(&mut site.config).code_lifetime = CODE_LIFETIME;
    site.restart().await?;
    browser.click_widget().await?;
    let text = browser.read_code().await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn phone_page_confirms_a_code_entered_as_text() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::open_two().await?;
    desk.goto(&site.url).await?;
    let text = desk.read_code().await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "alice").await?;
    phone.type_into("#code-text", &text).await?;
    phone.click("#use-text").await?;
    assert_eq!(phone.text_of("#requester-app").await?, "Quaymark");
    assert!(site.url.ends_with(&phone.text_of("#requester-origin").await?));
    assert_eq!(phone.text_of("#requester-ip").await?, "127.0.0.1");
    desk.wait_for_state("scanned").await?;
    phone.click("#confirm").await?;
    assert_eq!(desk.text_of("#signed-in-name").await?, "Alice");
    phone.text_of("#result").await?;
    desk.expect_no_console_errors(&[]).await?;
    phone.expect_no_console_errors(&[]).await?;
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn phone_page_declines_a_code_read_from_a_picture() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::open_two().await?;
    desk.goto(&site.url).await?;
    desk.read_code().await?;
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("code.png");
    std::fs::write(&picture, desk.settled_screenshot().await?)?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "bob").await?;
    phone.type_into("#code-file", &picture.to_string_lossy()).await?;
    phone.click("#decline").await?;
    desk.wait_for_state("cancelled").await?;
    phone.text_of("#result").await?;
    phone.expect_no_console_errors(&[]).await?;
    desk.close().await?;
    phone.close().await
}

/// Signs in on the phone page.
async fn sign_in(phone: &Browser, user: &str) -> Result<()> {
    phone.type_into("#username", user).await?;
    phone.type_into("#password", user).await?;
    phone.click("#sign-in").await?;
    // The page ignores a picture before this step.
    phone.wait_for("!document.querySelector('#step-scan').hidden").await.map(drop)
}
