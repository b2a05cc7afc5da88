//! A person scans the code of a login page with the camera of a phone. Both pages are real, and the camera sees films of
//! screenshots of the login page.

use anyhow::{Context as _, Result};
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::phone_page::{sign_in, wait_for_step};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::{Film, View};

mod camera;
mod endings;
mod lost_network;
mod view;
mod views;

/// The login page. Its codes are links.
const LOGIN_PAGE: &str = "/";
/// An example page. Its codes are JSON.
const EXAMPLE_PAGE: &str = "/examples/script.html";
/// What Chromium writes for a failed request.
const FAILED_REQUEST: &[&str] = &["Failed to load resource"];

/// Opens a page on the computer, and signs `user` in on the phone page, whose camera looks at a wall.
async fn open(site: &Site, page: &str, user: &str) -> Result<(Browser, Browser)> {
    let (computer, phone) = Browser::open_with_phone().await?;
    computer.goto(&format!("{}{page}", site.url)).await?;
    open_phone_page(site, &phone, user).await?;
    Ok((computer, phone))
}

/// Signs `user` in on the phone page, whose camera looks at a wall.
async fn open_phone(site: &Site, user: &str) -> Result<Browser> {
    let phone = Browser::open_phone().await?;
    open_phone_page(site, &phone, user).await?;
    Ok(phone)
}

async fn open_phone_page(site: &Site, phone: &Browser, user: &str) -> Result<()> {
    phone.point_camera_at(&Film::of_a_wall())?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(phone, user).await?;
    wait_for_step(phone, "scan").await?;
    start_camera(phone).await
}

/// Starts the camera, and waits until it is on or the page says why it is not.
async fn start_camera(phone: &Browser) -> Result<()> {
    phone.click("#camera-start").await?;
    phone.wait_for("['scanning', 'stopped'].includes(document.querySelector('#camera').dataset.state)").await.map(drop)
}

/// Holds the phone in front of the code on the computer, and waits until the phone page has read it.
async fn scan(computer: &Browser, phone: &Browser) -> Result<ShownCode> {
    let code = computer.shown_code().await?;
    phone.point_camera_at(&code.film(&View::STRAIGHT))?;
    wait_for_step(phone, "approve").await?;
    computer.wait_for_state("scanned").await?;
    Ok(code)
}

/// Taps the number that the computer shows. That confirms.
pub(crate) async fn confirm(computer: &Browser, phone: &Browser) -> Result<()> {
    let number = computer.widget_text(".number").await?;
    choose(phone, &number).await
}

/// Taps a number on the phone page.
async fn choose(phone: &Browser, number: &str) -> Result<()> {
    let numbers = numbers(phone).await?;
    let index = numbers.iter().position(|offered| offered == number);
    let index = index.with_context(|| format!("the phone does not offer {number:?}, but {numbers:?}"))?;
    phone.click(&format!("#number-buttons button:nth-child({})", index + 1)).await
}

/// The numbers that the phone page offers.
pub(crate) async fn numbers(phone: &Browser) -> Result<Vec<String>> {
    let code = "return [...document.querySelectorAll('#number-buttons button')].map((button) => button.textContent)";
    Ok(serde_json::from_value(phone.run(code).await?)?)
}

/// The message below the camera.
async fn camera_message(phone: &Browser) -> Result<String> {
    phone.text_of("#camera-message").await
}

/// The heading and the text of the result on the phone page.
pub(crate) async fn result(phone: &Browser) -> Result<[String; 2]> {
    wait_for_step(phone, "result").await?;
    Ok([phone.text_of("#result h1").await?, phone.text_of("#result-text").await?])
}

/// The message beside the camera.
async fn problem(phone: &Browser) -> Result<String> {
    phone.text_of("#step-scan [role=alert]:not([hidden]) p").await
}
