//! The connection is lost between the scan and the end. The person tries again, and the page is signed in once.

use anyhow::Result;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::wait_for_step;
use scanlogin_e2e::site::ask_for_number;
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::View;

use super::{FAILED_REQUEST, LOGIN_PAGE, choose, confirm, open, result, scan};

/// Waits for the message with a button, and clicks the button.
async fn try_again(phone: &Browser, step: &str) -> Result<()> {
    phone.click(&format!("#step-{step} [role=alert] button")).await
}

#[tokio::test]
async fn code_is_confirmed_after_the_phone_was_offline() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    scan(&computer, &phone).await?;
    phone.go_offline().await?;
    confirm(&computer, &phone).await?;
    let message = phone.text_of("#step-approve [role=alert] p").await?;
    assert!(message.starts_with("Can’t reach the server."), "{message}");
    phone.go_online().await?;
    try_again(&phone, "approve").await?;
    assert_eq!(result(&phone).await?[0], "Confirmed");
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    phone.expect_no_console_errors(FAILED_REQUEST).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn lost_responses_to_scanned_and_confirm_are_repeated_and_the_page_is_signed_in_once() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(ask_for_number, |app| faults.wrap(app)).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    faults.inject("scanned", Fault::ResponseLost);
    phone.point_camera_at(&computer.shown_code().await?.film(&View::STRAIGHT))?;
    computer.wait_for_state("scanned").await?;
    faults.clear();
    try_again(&phone, "scan").await?;
    wait_for_step(&phone, "approve").await?;

    faults.inject("confirm", Fault::ResponseLost);
    confirm(&computer, &phone).await?;
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    faults.clear();
    try_again(&phone, "approve").await?;
    assert_eq!(result(&phone).await?[0], "Confirmed");
    assert_eq!(faults.requests("session").len(), 1);
    phone.expect_no_console_errors(FAILED_REQUEST).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn computer_that_lost_the_response_to_its_ticket_sends_it_again() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(ask_for_number, |app| faults.wrap(app)).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    scan(&computer, &phone).await?;
    faults.inject("session", Fault::Aborted);
    confirm(&computer, &phone).await?;
    assert_eq!(result(&phone).await?[0], "Confirmed");
    let message = computer.text_of("#session-error p").await?;
    assert!(message.starts_with("Can’t reach the server."), "{message}");
    faults.clear();
    computer.click("#session-error button").await?;
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    computer.expect_no_console_errors(FAILED_REQUEST).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn computer_that_could_not_poll_during_the_confirm_is_signed_in_afterwards() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(ask_for_number, |app| faults.wrap(app)).await?;
    let (computer, phone) = open(&site, LOGIN_PAGE, "alice").await?;
    let code = computer.shown_code().await?;
    faults.wait_for_requests("check", 1).await?;
    // The poll that is held now tells of the scan. The next ones fail.
    faults.inject("check", Fault::Aborted);
    phone.point_camera_at(&code.film(&View::STRAIGHT))?;
    wait_for_step(&phone, "approve").await?;
    computer.wait_for_state("scanned").await?;
    let number = computer.widget_text(".number").await?;
    computer.wait_for_state("unreachable").await?;
    choose(&phone, &number).await?;
    assert_eq!(result(&phone).await?[0], "Confirmed");
    faults.clear();
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    computer.close().await?;
    phone.close().await
}
