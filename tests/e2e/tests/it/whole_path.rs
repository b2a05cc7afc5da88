//! A page shows a code, a phone confirms it, the page has its user; and the other endings.

use std::time::Duration;

use anyhow::Result;
use scanlogin_decoder::decode;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use serde_json::{Value, json};

#[tokio::test]
async fn a_scanned_and_confirmed_code_signs_the_page_in() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;

    // Exactly the JSON of the contract: its keys, their order, no spaces.
    let code: Value = serde_json::from_str(&text)?;
    let field = |name: &str| code[name].as_str().unwrap_or_default().to_owned();
    let expected = format!(
        r#"{{"scene":"APP_AUTH","random":"{}","userPoolId":"demo-pool","createdAt":"{}","expireAt":"{}"}}"#,
        field("random"),
        field("createdAt"),
        field("expireAt"),
    );
    assert_eq!(text, expected);
    assert!(field("random").len() >= 22, "at least 128 bits");

    let phone = Phone::sign_in(&site.url, "alice").await?;
    let requester = phone.scan(&text).await?;
    assert_eq!((&requester["origin"], &requester["ip"]), (&json!(site.url), &json!("127.0.0.1")));
    browser.until_state("scanned").await?;
    assert_eq!(browser.widget_text(".name").await?, "Alice");

    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(browser.run("return document.querySelector('.scanlogin')").await?, Value::Null);
    assert_eq!(browser.run("return document.cookie").await?, json!(""), "the session cookie is not for scripts");

    // The session outlives a reload, and ends with signing out, which brings a new code.
    browser.goto(&site.url).await?;
    browser.click("#sign-out").await?;
    let next = browser.read_code().await?;
    assert_ne!(next, text);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_page_gets_user_and_ticket_and_the_ticket_is_exchanged_once_by_the_backend() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    // Before the page's own widget is there, a test can't take it away.
    browser.until_state("ready").await?;
    // Another in its place, in a box of its own, with the callbacks under our eyes.
    browser
        .run(
            "window.told = [];
             document.querySelector('#qrcode').remove();
             import('/scanlogin/index.js').then(({ startScanning }) => startScanning('elsewhere', {
               customData: { hello: 'world' },
               onScanned: (userInfo) => told.push(['scanned', userInfo]),
               onSuccess: (userInfo, ticket) => told.push(['success', userInfo, ticket]),
               onError: (message) => told.push(['error', message]),
             }))",
        )
        .await?;
    browser.until("document.querySelector('[data-floating]') !== null").await?;
    let text = browser.read_code().await?;
    assert!(text.ends_with(r#","customData":{"hello":"world"}}"#), "{text}");

    let phone = Phone::sign_in(&site.url, "bob").await?;
    phone.scan(&text).await?;
    browser.until("told.length === 1").await?;
    phone.confirm(&text).await?;
    browser.until("told.length === 2").await?;
    let told = browser.run("return told").await?;
    let user = json!({ "nickname": "Bob", "photo": format!("{}/photos/bob.svg", site.url) });
    assert_eq!(told[0], json!(["scanned", user]));
    assert_eq!((&told[1][0], &told[1][1]), (&json!("success"), &user));

    let ticket = told[1][2].as_str().unwrap_or_default();
    let first = site.exchange(ticket).await?;
    assert_eq!((&first["code"], &first["data"]["username"]), (&json!(200), &json!("bob")));
    let second = site.exchange(ticket).await?;
    assert_eq!(second["reason"], json!("ticket-used"));
    browser.expect_quiet_console(&["no element with the id"]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_declined_code_says_so_and_a_click_brings_the_next() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.cancel(&text).await?;
    browser.until_state("cancelled").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Sign-in was declined");
    assert!(decode(&browser.still_screenshot().await?).is_err(), "a code that is over can't be scanned");
    browser.click_widget().await?;
    assert_ne!(browser.read_code().await?, text);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn an_expired_code_is_replaced_by_a_click_and_the_new_one_signs_in() -> Result<()> {
    let mut site =
        Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.until_state("expired").await?;
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

    // The next one may take as long as it takes.
    site.stop().await?;
    demo_app(&mut site.config).code_lifetime = CODE_LIFETIME;
    site.resume().await?;
    browser.click_widget().await?;
    let text = browser.read_code().await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    assert_eq!(browser.text_of("#signed-in-name").await?, "Alice");
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_person_signs_in_with_the_phone_page_by_text() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::two().await?;
    desk.goto(&site.url).await?;
    let text = desk.read_code().await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "alice").await?;
    phone.type_into("#code-text", &text).await?;
    phone.click("#use-text").await?;
    assert_eq!(phone.text_of("#requester-app").await?, "Quaymark");
    assert!(site.url.ends_with(&phone.text_of("#requester-origin").await?));
    assert_eq!(phone.text_of("#requester-ip").await?, "127.0.0.1");
    desk.until_state("scanned").await?;
    phone.click("#confirm").await?;
    assert_eq!(desk.text_of("#signed-in-name").await?, "Alice");
    phone.text_of("#result").await?;
    desk.expect_quiet_console(&[]).await?;
    phone.expect_quiet_console(&[]).await?;
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn a_person_declines_on_the_phone_page_a_code_read_from_a_picture() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::two().await?;
    desk.goto(&site.url).await?;
    desk.read_code().await?;
    let folder = tempfile::tempdir()?;
    let picture = folder.path().join("code.png");
    std::fs::write(&picture, desk.still_screenshot().await?)?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "bob").await?;
    phone.type_into("#code-file", &picture.to_string_lossy()).await?;
    phone.click("#decline").await?;
    desk.until_state("cancelled").await?;
    phone.text_of("#result").await?;
    phone.expect_quiet_console(&[]).await?;
    desk.close().await?;
    phone.close().await
}

async fn sign_in(phone: &Browser, user: &str) -> Result<()> {
    phone.type_into("#username", user).await?;
    phone.type_into("#password", user).await?;
    phone.click("#sign-in").await?;
    // A picture that comes before the page can take it would be lost.
    phone.until("!document.querySelector('#step-scan').hidden").await.map(drop)
}
