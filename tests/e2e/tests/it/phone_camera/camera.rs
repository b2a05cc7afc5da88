//! The camera itself: what it ignores, when it is on, and the other ways if there is none.

use anyhow::{Context as _, Result};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::map_response;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::phone_page::{sign_in, wait_for_step};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::{Film, View};
use serde_json::json;

use super::{LOGIN_PAGE, camera_message, open, open_phone, scan, start_camera};

/// An expression: whether the camera is on.
const IS_ON: &str = "document.querySelector('video').srcObject?.getVideoTracks()[0].readyState === 'live'";

#[tokio::test]
async fn foreign_code_is_named_and_the_code_of_the_page_is_read_next() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    for (text, expected) in [
        ("https://shop.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS", "a web address of shop.example.com"),
        ("WIFI:T:WPA;S:harbour;P:secret;;", "the access to a Wi-Fi network"),
        ("bitcoin:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq?amount=1", "a payment"),
    ] {
        phone.point_camera_at(&ShownCode::drawn(text)?.film(&View::STRAIGHT))?;
        // Without the characters around a text of another direction.
        let is_named = format!(
            "document.querySelector('#camera-message').textContent.replace(/[\\u2068\\u2069]/g, '').includes('{expected}')"
        );
        phone.wait_for(&is_named).await.context(text)?;
    }
    assert_eq!(faults.requests("scanned"), []);
    scan(&computer, &phone).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn camera_is_off_while_the_page_is_hidden_and_after_the_scan() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    phone.wait_for(IS_ON).await?;
    phone.run("window.track = document.querySelector('video').srcObject.getVideoTracks()[0]").await?;
    phone.minimize().await?;
    phone.wait_for("track.readyState === 'ended'").await?;
    // A code that is in front of the camera is not read now.
    phone.point_camera_at(&computer.shown_code().await?.film(&View::STRAIGHT))?;
    phone.restore().await?;
    wait_for_step(&phone, "approve").await?;
    phone.wait_for(&format!("!({IS_ON})")).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn without_a_camera_the_page_says_why_and_the_text_of_the_code_is_accepted() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = Browser::open_with_phone().await?;
    computer.goto(&site.url).await?;
    let code = computer.shown_code().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "alice").await?;
    start_camera(&phone).await?;
    assert!(camera_message(&phone).await?.starts_with("This device has no camera."));
    phone.type_into("#code-text", code.text()).await?;
    phone.click("#use-text").await?;
    wait_for_step(&phone, "approve").await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn pasted_picture_and_pasted_text_are_read() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    computer.wait_for_state("ready").await?;
    let picture = BASE64_STANDARD.encode(computer.settled_screenshot().await?);
    paste(
        &phone,
        &format!(
            "const bytes = Uint8Array.from(atob('{picture}'), (letter) => letter.charCodeAt(0));
            data.items.add(new File([bytes], 'code.png', {{ type: 'image/png' }}));"
        ),
    )
    .await?;
    wait_for_step(&phone, "approve").await?;
    computer.wait_for_state("scanned").await?;
    phone.click("#decline").await?;
    computer.wait_for_state("cancelled").await?;
    computer.click_widget().await?;

    let code = computer.shown_code().await?;
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    paste(&phone, &format!("data.setData('text/plain', {});", json!(format!(" {}\n", code.text())))).await?;
    wait_for_step(&phone, "approve").await?;
    computer.wait_for_state("scanned").await?;
    phone.expect_no_console_errors(&[]).await?;
    computer.close().await?;
    phone.close().await
}

/// Pastes what `fill` adds to `data`, while no field has the focus.
async fn paste(phone: &Browser, fill: &str) -> Result<()> {
    let code = format!(
        "const data = new DataTransfer();
        {fill}
        const options = {{ clipboardData: data, bubbles: true, cancelable: true }};
        document.body.dispatchEvent(new ClipboardEvent('paste', options));"
    );
    phone.run(&code).await.map(drop)
}

#[tokio::test]
async fn refused_camera_is_explained() -> Result<()> {
    let refuse = async |mut response: Response| {
        let policy = HeaderValue::from_static("camera=()");
        response.headers_mut().insert(HeaderName::from_static("permissions-policy"), policy);
        response
    };
    let site = Site::start_with(|_| {}, |app| app.layer(map_response(refuse))).await?;
    let phone = open_phone(&site, "alice").await?;
    assert!(camera_message(&phone).await?.starts_with("The camera is not allowed."));
    phone.close().await
}

#[tokio::test]
async fn page_without_https_explains_why_there_is_no_camera() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open_phone().await?;
    phone.point_camera_at(&Film::of_a_wall())?;
    phone.goto(&format!("{}/phone.html", site.insecure_url())).await?;
    sign_in(&phone, "alice").await?;
    start_camera(&phone).await?;
    assert!(camera_message(&phone).await?.starts_with("The camera works only on a page with https."));
    phone.close().await
}
