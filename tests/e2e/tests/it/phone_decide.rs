//! The decision on the phone page: what the person sees before Confirm, the number of the page, and the ends.

use anyhow::{Context as _, Result};
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, ask, open_signed_in, wait_for_step};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Site};
use scanlogin_server::config::app::Confirmation;
use serde_json::json;

#[tokio::test]
async fn warning_is_in_view_before_the_person_can_confirm() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    for (width, height) in [(320, 568), (375, 812), (812, 375), (1024, 768)] {
        phone.resize(width, height, 1.0).await?;
        ask(&phone, &Code::create(&site).await?).await?;
        let is_in_view = "const { top, bottom } = document.querySelector('.warning').getBoundingClientRect();
             return top >= 0 && bottom <= innerHeight";
        assert_eq!(phone.run(is_in_view).await?, json!(true), "{width} x {height}");
        phone.wait_for("document.querySelector('#confirm').ariaDisabled === null").await?;
        phone.click("#decline").await?;
        phone.click("#scan-again").await?;
        wait_for_step(&phone, "scan").await?;
    }

    // 1280 x 1024 at a zoom of 400 %: the warning is higher than the window.
    phone.resize(320, 180, 1.0).await?;
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.run("return document.querySelector('#confirm').ariaDisabled").await?, json!("true"));
    phone.run("document.querySelector('#confirm').click()").await?;
    let explanation = phone.run("return document.querySelector('#status').textContent").await?;
    assert_eq!(explanation, json!("Read the whole warning first. Then you can confirm."));
    assert!(faults.requests("confirm").is_empty(), "Confirm does nothing yet");
    let describes = "const button = document.querySelector('#confirm');
         return document.getElementById(button.getAttribute('aria-describedby')).checkVisibility()";
    assert_eq!(phone.run(describes).await?, json!(true), "the button says why");

    phone.run("document.querySelector('.warning').scrollIntoView({ block: 'end' })").await?;
    phone.wait_for("document.querySelector('#confirm').ariaDisabled === null").await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(faults.requests("confirm").len(), 1);
    phone.close().await
}

#[tokio::test]
async fn facts_of_the_server_are_shown_as_text() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    faults.inject(
        "scanned",
        Fault::Modified(|response| {
            let data = &mut response["data"];
            data["requester"]["userAgent"] =
                json!("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0");
            data["requester"]["appName"] = json!("<b>Shop</b>");
            data["customData"] = json!({ "Order": "4711", "<img src=x>": "<script>alert(1)</script>" });
            data["sameNetwork"] = json!(false);
            data["expiresIn"] = json!(65);
        }),
    );
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#requester-browser").await?, "\u{2068}Firefox\u{2069} on \u{2068}Windows\u{2069}");
    assert_eq!(phone.text_of("#requester-app").await?, "<b>Shop</b>");
    let custom = phone.text_of("#custom-data").await?;
    for part in ["Order", "4711", "<img src=x>", "<script>alert(1)</script>"] {
        assert!(custom.contains(part), "{part} in {custom}");
    }
    assert!(phone.text_of("#requester-network").await?.starts_with("Not the one of this phone."));
    assert_eq!(phone.run("return document.querySelector('#network-row').className").await?, json!("caution"));
    let left = phone.text_of("#time-left").await?;
    assert!(
        ["1:05", "1:04", "1:03", "1:02", "1:01", "1:00"].contains(&left.as_str()) || left.starts_with("0:"),
        "{left}"
    );

    faults.inject("scanned", Fault::Modified(|response| response["data"]["sameNetwork"] = json!(true)));
    phone.click("#decline").await?;
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#requester-network").await?, "Same as this phone");
    assert_eq!(phone.run("return document.querySelector('#network-row').className").await?, json!(""));
    phone.close().await
}

#[tokio::test]
async fn facts_that_an_older_server_does_not_send_are_absent() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    faults.inject(
        "scanned",
        Fault::Modified(|response| {
            response["data"] = json!({ "random": response["data"]["random"], "status": 0, "description": "scanned" });
        }),
    );
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    let shown = phone
        .run(
            "return ['network-row', 'time-row', 'from-page', 'numbers', 'none-of-them']
               .filter((id) => document.getElementById(id).checkVisibility())",
        )
        .await?;
    assert_eq!(shown, json!([]));
    assert_eq!(phone.text_of("#requester-asked").await?, "Unknown");
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    phone.close().await
}

/// A site whose app asks for the number of the page, and a phone with its question.
async fn ask_for_number(faults: &Faults) -> Result<(Site, Browser, Code, String)> {
    let site =
        Site::start_with(|config| demo_app(config).confirmation = Confirmation::Number, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    let number = code.check(&site).await?["number"].as_str().context("the page has no number")?.to_owned();
    assert_eq!(phone.run("return document.querySelector('#confirm').checkVisibility()").await?, json!(false));
    Ok((site, phone, code, number))
}

/// Clicks the first number for which `wanted(number)` is true in the page.
async fn choose(phone: &Browser, wanted: &str) -> Result<()> {
    let mark = format!(
        "[...document.querySelectorAll('.number')].find(({{ textContent: number }}) => {wanted}).id = 'chosen'"
    );
    phone.run(&mark).await?;
    phone.click("#chosen").await
}

#[tokio::test]
async fn number_of_the_page_confirms() -> Result<()> {
    let (site, phone, code, number) = ask_for_number(&Faults::default()).await?;
    assert_eq!(phone.run("return document.querySelectorAll('.number').length").await?, json!(3));
    choose(&phone, &format!("number === '{number}'")).await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result h1").await?, "Confirmed");
    assert_eq!(code.status(&site).await?, json!(2));
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn another_number_declines_and_the_page_says_why() -> Result<()> {
    let (site, phone, code, number) = ask_for_number(&Faults::default()).await?;
    choose(&phone, &format!("number !== '{number}'")).await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("This is not the number that the page shows"));
    assert_eq!(code.status(&site).await?, json!(3));
    phone.close().await
}

#[tokio::test]
async fn none_of_the_numbers_declines() -> Result<()> {
    let (site, phone, code, _) = ask_for_number(&Faults::default()).await?;
    phone.click("#none-of-them").await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("The request was from another page"));
    assert_eq!(code.status(&site).await?, json!(3));
    phone.close().await
}

#[tokio::test]
async fn number_survives_a_lost_answer() -> Result<()> {
    let faults = Faults::default();
    let (site, phone, code, number) = ask_for_number(&faults).await?;
    faults.inject("confirm", Fault::Aborted);
    choose(&phone, &format!("number === '{number}'")).await?;
    phone.wait_for("document.querySelector('#step-approve [role=alert] button')").await?;
    faults.clear();
    phone.click("#step-approve [role=alert] button").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    phone.close().await
}

#[tokio::test]
async fn address_that_is_no_page_is_not_opened_after_the_decision() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    for modify in [
        (|response| response["data"]["returnUrl"] = json!("javascript:document.title='x'"))
            as fn(&mut serde_json::Value),
        |response| response["data"]["returnUrl"] = json!("data:text/html,x"),
        |response| response["data"]["returnUrl"] = json!("//example.com"),
        |response| response["data"]["returnUrl"] = json!(7),
    ] {
        faults.inject("confirm", Fault::Modified(modify));
        ask(&phone, &Code::create(&site).await?).await?;
        phone.click("#confirm").await?;
        wait_for_step(&phone, "result").await?;
        let is_unchanged =
            "return !document.querySelector('#go-back').checkVisibility() && document.title === 'Quaymark Pass'";
        assert_eq!(phone.run(is_unchanged).await?, json!(true));
        phone.click("#scan-again").await?;
        wait_for_step(&phone, "scan").await?;
    }
    phone.close().await
}
