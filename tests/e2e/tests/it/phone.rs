//! The phone page: what it reads, what it shows before a person confirms, and how it handles mistakes.

use std::path::Path;

use anyhow::{Context as _, Result};
use scanlogin_decoder::Picture;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, IDLE, ask, enter, open_signed_in, wait_for_step};
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_qr::{Color, Level, Modules};
use serde_json::json;

/// What Chromium writes for a failed request.
const FAILED_REQUEST: &[&str] = &["Failed to load resource", "Failed to fetch dynamically imported module"];

/// Selects an image.
async fn upload(phone: &Browser, file: &Path, png: &[u8]) -> Result<()> {
    std::fs::write(file, png)?;
    phone.type_into("#code-file", &file.to_string_lossy()).await
}

/// Moves the clock of the pages that the browser loads from now on.
async fn set_clock_ahead(browser: &Browser, milliseconds: i64) -> Result<()> {
    let source = format!("{{ const now = Date.now; Date.now = () => now() + {milliseconds}; }}");
    browser.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await.map(drop)
}

/// The center of an element, in CSS pixels of the window.
async fn center(browser: &Browser, selector: &str) -> Result<(f64, f64)> {
    let code = format!(
        "const element = document.querySelector('{selector}');
         element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
         const {{ x, y, width, height }} = element.getBoundingClientRect();
         return [x + width / 2, y + height / 2]"
    );
    let center = browser.run(&code).await?;
    Ok((center[0].as_f64().context("no x")?, center[1].as_f64().context("no y")?))
}

/// Clicks an element. `count` is 2 for the second click of a double click.
async fn click_with_count(browser: &Browser, selector: &str, count: u32) -> Result<()> {
    let (x, y) = center(browser, selector).await?;
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": count });
        browser.command("Input.dispatchMouseEvent", event).await?;
    }
    Ok(())
}

#[tokio::test]
async fn age_of_a_code_does_not_depend_on_the_clock_of_the_phone() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    for ahead in [600_000, -120_000] {
        let phone = open_signed_in(&site, "alice").await?;
        set_clock_ahead(&phone, ahead).await?;
        phone.goto(&format!("{}/phone.html", site.url)).await?;

        let code = Code::create(&site).await?.text();
        enter(&phone, &code).await?;
        let age = phone.text_of("#requester-asked").await?;
        assert!(age == "Just now" || age.ends_with(" seconds ago"), "a new code, clock {ahead} ms ahead: {age}");

        faults.inject("scanned", Fault::Modified(|response| response["data"]["age"] = json!(90)));
        // The page asks the same question again.
        phone.goto(&format!("{}/phone.html", site.url)).await?;
        wait_for_step(&phone, "approve").await?;
        assert_eq!(phone.text_of("#requester-asked").await?, "1 minute ago", "clock {ahead} ms ahead");
        faults.clear();
        phone.close().await?;
    }
    Ok(())
}

#[tokio::test]
async fn expiry_of_a_code_is_shown_before_the_person_decides() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    faults.inject("scanned", Fault::Modified(|response| response["data"]["expiresIn"] = json!(1)));
    enter(&phone, &Code::create(&site).await?.text()).await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("This code has expired."));
    phone.close().await
}

#[tokio::test]
async fn code_is_read_again_when_the_page_becomes_visible() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?.text();
    enter(&phone, &code).await?;
    wait_for_step(&phone, "approve").await?;

    phone.minimize().await?;
    faults.inject("scanned", Fault::Modified(|response| response["data"]["age"] = json!(90)));
    phone.restore().await?;
    phone.wait_for("document.querySelector('#requester-asked').textContent === '1 minute ago'").await?;

    phone.minimize().await?;
    faults.clear();
    Phone::sign_in(&site.url, "alice").await?.cancel(&code).await?;
    phone.restore().await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("This code has already been used or declined."));
    phone.close().await
}

#[tokio::test]
async fn code_in_a_screenshot_of_a_wide_screen_is_read() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::open_two().await?;
    let folder = tempfile::tempdir()?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.type_into("#username", "alice").await?;
    phone.type_into("#password", "alice").await?;
    phone.click("#sign-in").await?;
    wait_for_step(&phone, "scan").await?;
    for (width, height) in [(3_840, 2_160), (3_840, 1_080), (5_120, 1_440)] {
        desk.goto(&site.url).await?;
        desk.resize(width, height, 1.0).await?;
        desk.read_code().await?;
        upload(&phone, &folder.path().join("screen.png"), &desk.settled_screenshot().await?).await?;
        phone.wait_for(&format!("document.querySelector('#code-file').files.length === 0 && {IDLE}")).await?;
        let step = phone.run("return document.querySelector('main > section:not([hidden])').id").await?;
        assert_eq!(step, "step-approve", "{width} x {height}: {}", phone.text().await?);
        phone.click("#decline").await?;
        phone.click("#scan-again").await?;
    }
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn sign_in_code_is_found_beside_other_codes() -> Result<()> {
    const MODULE: usize = 4;
    const CELL: usize = 400;
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?.text();
    let others = ["https://example.com/app", r#"{"scene":"WXAPP_AUTH","random":"x"}"#];
    let texts = [others[0], &code, others[1]];
    let mut codes = Vec::new();
    for text in texts {
        let modules = Modules::new(text, Level::M).context("the text is too long")?;
        codes.push(modules.rows().map(<[Color]>::to_vec).collect::<Vec<_>>());
    }
    let is_dark = |x: usize, y: usize| -> Option<bool> {
        let row = codes[x / CELL].get((y.checked_sub(40)?) / MODULE)?;
        Some(*row.get((x % CELL).checked_sub(40)? / MODULE)? == Color::Dark)
    };
    let pixel = |x, y| if is_dark(x, y).unwrap_or_default() { [0; 3] } else { [255; 3] };
    let picture = Picture::from_fn(codes.len() * CELL, CELL, pixel);

    let folder = tempfile::tempdir()?;
    upload(&phone, &folder.path().join("codes.png"), &picture.to_png()?).await?;
    phone.wait_for(&format!("document.querySelector('#code-file').files.length === 0 && {IDLE}")).await?;
    let step = phone.run("return document.querySelector('main > section:not([hidden])').id").await?;
    assert_eq!(step, "step-approve", "{}", phone.text().await?);
    phone.close().await
}

#[tokio::test]
async fn second_click_of_a_double_click_does_not_act_on_the_next_step() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.type_into("#code-text", &Code::create(&site).await?.text()).await?;
    click_with_count(&phone, "#use-text", 1).await?;
    wait_for_step(&phone, "approve").await?;
    for button in ["#confirm", "#decline", "#phone-sign-out"] {
        click_with_count(&phone, button, 2).await?;
        let is_unchanged = format!("return !document.querySelector('#step-approve').hidden && {IDLE}");
        assert_eq!(phone.run(&is_unchanged).await?, json!(true), "{button}");
    }
    // A double click on one step still acts.
    click_with_count(&phone, "#confirm", 1).await?;
    wait_for_step(&phone, "result").await?;
    click_with_count(&phone, "#scan-again", 2).await?;
    assert_eq!(phone.text_of("#result h1").await?, "Confirmed");
    // Programs of assistive technology click without a count.
    phone.run("for (const time of [1, 2]) document.querySelector('#scan-again').click()").await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn warning_and_errors_are_not_covered_in_a_small_window() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    // The last size is the first at a zoom of 200%.
    for (width, height) in [(375, 667), (320, 568), (305, 568), (188, 334)] {
        phone.resize(width, height, 1.0).await?;
        let layout = phone
            .run(
                "scrollTo(0, 0);
                 const bottom = document.querySelector('.warning').getBoundingClientRect().bottom;
                 const root = document.documentElement;
                 return [document.querySelector('#confirm').getBoundingClientRect().top >= bottom,
                         root.scrollWidth <= root.clientWidth]",
            )
            .await?;
        assert_eq!(layout, json!([true, true]), "[below the warning, fits in the width] at {width} x {height}");
    }

    phone.resize(320, 568, 1.0).await?;
    faults.inject("confirm", Fault::Overloaded(1));
    phone.click("#confirm").await?;
    phone.wait_for(&format!("document.querySelector('#step-approve [role=alert] button') && {IDLE}")).await?;
    let is_visible = |step: &str| {
        format!(
            "const {{ x, y, width, height }} =
               document.querySelector('#step-{step} [role=alert] p').getBoundingClientRect();
             return document.elementFromPoint(x + width / 2, y + height / 2)?.closest('[role=alert]') !== null"
        )
    };
    assert_eq!(phone.run(&is_visible("approve")).await?, json!(true), "the error of confirm");
    faults.clear();
    phone.click("#decline").await?;
    phone.click("#scan-again").await?;

    let folder = tempfile::tempdir()?;
    phone.run("scrollTo(0, 0)").await?;
    upload(&phone, &folder.path().join("text.png"), b"no image").await?;
    phone.wait_for("document.querySelector('#step-scan [role=alert]').checkVisibility()").await?;
    phone.wait_for(IDLE).await?;
    assert_eq!(phone.run(&is_visible("scan")).await?, json!(true), "the error of the image");
    phone.expect_no_console_errors(FAILED_REQUEST).await?;
    phone.close().await
}

#[tokio::test]
async fn name_of_the_user_is_shown_after_a_reload() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#approve-as").await?, "Alice");
    assert_eq!(phone.run("return document.querySelector('#account-photo').checkVisibility()").await?, json!(true));
    phone.click("#phone-sign-out").await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(phone.run("return localStorage.length").await?, json!(0));
    phone.close().await
}

#[tokio::test]
async fn dropped_text_is_read() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let items = json!([{ "mimeType": "text/plain", "data": Code::create(&site).await?.text() }]);
    let (x, y) = center(&phone, "#code-text").await?;
    for kind in ["dragEnter", "dragOver", "drop"] {
        let data = json!({ "items": items, "dragOperationsMask": 1 });
        phone.command("Input.dispatchDragEvent", json!({ "type": kind, "x": x, "y": y, "data": data })).await?;
    }
    wait_for_step(&phone, "approve").await?;
    phone.close().await
}

#[tokio::test]
async fn image_is_read_again_after_the_decoder_could_not_be_loaded() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let modules = Modules::new(&Code::create(&site).await?.text(), Level::M).context("the text is too long")?;
    let folder = tempfile::tempdir()?;
    faults.inject("decoder.wasm", Fault::NotFound);
    upload(&phone, &folder.path().join("code.png"), &scanlogin_qr::png::encode(&modules, 4)?).await?;
    phone.wait_for("document.querySelector('#step-scan [role=alert]').checkVisibility()").await?;
    assert!(phone.text_of("#step-scan [role=alert] p").await?.starts_with("Couldn’t load the QR code reader."));
    faults.clear();
    phone.click("#step-scan [role=alert] button").await?;
    wait_for_step(&phone, "approve").await?;
    phone.expect_no_console_errors(FAILED_REQUEST).await?;
    phone.close().await
}
