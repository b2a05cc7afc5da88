//! How a scan ends: confirmed, declined, expired, scanned by another user, or with the wrong number.

use std::time::Duration;

use anyhow::Result;
use reqwest::Client;
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::site::{ask_for_number, demo_app};
use scanlogin_e2e::{Phone, Site};
use scanlogin_film::{Film, View};
use serde_json::{Value, json};

use super::{
    EXAMPLE_PAGE, LOGIN_PAGE, choose, confirm, numbers, open, open_phone, problem, result, scan, start_camera,
};

#[tokio::test]
async fn scanned_and_confirmed_code_with_a_link_signs_the_page_in() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    let code = scan(&computer, &phone).await?;
    assert!(code.text().starts_with(&format!("{}/s#", site.url)), "{}", code.text());
    assert_eq!(phone.text_of("#requester-app").await?, "Quaymark");
    assert_eq!(phone.text_of("#requester-ip").await?, "127.0.0.1");
    assert_eq!(computer.widget_text(".name").await?, "Alice");
    confirm(&computer, &phone).await?;
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(result(&phone).await?[0], "Confirmed");
    computer.expect_no_console_errors(&[]).await?;
    phone.expect_no_console_errors(&[]).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn scanned_and_confirmed_code_with_json_signs_the_page_in() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = open(&site, EXAMPLE_PAGE, "bob").await?;
    let code = scan(&computer, &phone).await?;
    assert!(code.text().starts_with(r#"{"scene":"APP_AUTH","#), "{}", code.text());
    phone.click("#confirm").await?;
    assert_eq!(computer.text_of("#welcome").await?, "Welcome, Bob");
    assert_eq!(result(&phone).await?[0], "Confirmed");
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn declined_code_does_not_sign_the_page_in() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    scan(&computer, &phone).await?;
    phone.click("#decline").await?;
    assert_eq!(result(&phone).await?[0], "Declined");
    computer.wait_for_state("cancelled").await?;

    // The same phone reads the next code, and signs in with it.
    phone.point_camera_at(&Film::of_a_wall())?;
    phone.click("#scan-again").await?;
    start_camera(&phone).await?;
    computer.click_widget().await?;
    scan(&computer, &phone).await?;
    confirm(&computer, &phone).await?;
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn wrong_number_declines_the_code() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    scan(&computer, &phone).await?;
    let number = computer.widget_text(".number").await?;
    let others: Vec<String> = numbers(&phone).await?.into_iter().filter(|offered| *offered != number).collect();
    assert_eq!(others.len(), 2, "{number}: {others:?}");
    choose(&phone, &others[0]).await?;
    let [_, text] = result(&phone).await?;
    assert!(text.starts_with("This is not the number that the page shows"), "{text}");
    computer.wait_for_state("cancelled").await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn second_scanner_is_told_that_another_user_was_first() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "bob").await?;
    let code = computer.shown_code().await?;
    let first = Phone::sign_in(&site.url, "alice").await?;
    first.scan(code.text()).await?;
    computer.wait_for_state("scanned").await?;

    phone.point_camera_at(&code.film(&View::STRAIGHT))?;
    let [_, text] = result(&phone).await?;
    assert!(text.starts_with("This code has already been scanned."), "{text}");
    // The first one is not disturbed.
    assert_eq!(computer.widget_text(".name").await?, "Alice");
    first.cancel(code.text()).await?;
    computer.wait_for_state("cancelled").await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn expired_code_with_json_is_refused_without_a_request() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_phone(&site, "alice").await?;
    let expired = r#"{"scene":"APP_AUTH","random":"3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS","userPoolId":"demo-pool",
        "createdAt":"2026-01-01T12:00:00.000Z","expireAt":"2026-01-01T12:02:00.000Z"}"#;
    phone.point_camera_at(&ShownCode::drawn(expired)?.film(&View::STRAIGHT))?;
    let text = problem(&phone).await?;
    assert!(text.starts_with("This code has expired."), "{text}");
    assert_eq!(faults.requests("scanned"), []);
    // The camera has stopped at the code. The person can start it again.
    phone.click("#camera-start").await?;
    phone.close().await
}

#[tokio::test]
async fn expired_code_with_a_link_is_refused() -> Result<()> {
    let site = Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(1), |app| app).await?;
    let phone = open_phone(&site, "alice").await?;
    let client = Client::new();
    let gene = client.post(format!("{}/api/v2/qrcode/gene", site.url)).json(&json!({}));
    let code: Value = gene.header("x-authing-app-id", "demo-login").send().await?.json().await?;
    let [random, text, token] =
        ["random", "text", "pollToken"].map(|name| code["data"][name].as_str().unwrap_or_default());
    // The poll ends when the code expires.
    let check = client.get(format!("{}/api/v2/qrcode/check?random={random}&status=0&wait=30", site.url));
    let status: Value = check
        .header("x-authing-app-id", "demo-login")
        .header("x-scanlogin-poll-token", token)
        .send()
        .await?
        .json()
        .await?;
    assert_eq!(status["data"]["status"], -1, "{status}");

    phone.point_camera_at(&ShownCode::drawn(text)?.film(&View::STRAIGHT))?;
    let [_, text] = result(&phone).await?;
    assert!(text.starts_with("This code has expired."), "{text}");
    phone.close().await
}
