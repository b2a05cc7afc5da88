//! The decision on the phone page: what the person sees before Confirm, the number of the page, and the ends.

use anyhow::{Context as _, Result};
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, ask, open_signed_in, wait_for_step};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Site};
use scanlogin_server::config::app::Confirmation;
use serde_json::{Value, json};

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

/// A response of `scanned` for a page on the same device, with the longest names that a server sends.
fn long_names(response: &mut Value) {
    let long = "\u{6771}\u{4eac}".repeat(32);
    *response = json!({ "code": 200, "data": { "age": 3, "expiresIn": 100, "requester": {
        "appName": long, "origin": "https://www.example.com", "ip": "203.0.113.7", "userAgent": null,
    } } });
}

#[tokio::test]
async fn warning_is_in_view_in_each_language_with_long_names_and_on_the_same_device() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let long_name = "const session = JSON.parse(localStorage.getItem('quaymark-pass-session'));
         session.user.nickname = 'Wolfeschlegelsteinhausen '.repeat(3);
         localStorage.setItem('quaymark-pass-session', JSON.stringify(session))";
    phone.run(long_name).await?;
    faults.inject("scanned", Fault::Modified(long_names));
    for language in ["en-US", "zh-CN", "zh-TW", "ja-JP"] {
        for ending in ["", ".return"] {
            for (width, height) in [(320, 568), (812, 375)] {
                phone.goto("about:blank").await?;
                phone.resize(width, height, 1.0).await?;
                let random = Code::create(&site).await?.random;
                phone.goto(&format!("{}/phone.html?lang={language}#{random}{ending}", site.url)).await?;
                wait_for_step(&phone, "approve").await?;
                let problem = phone
                    .run(
                        "const warning = document.querySelector('.warning');
                         const { top, bottom } = warning.getBoundingClientRect();
                         const isWhole = [...warning.querySelectorAll('b, span')].every((part) => part.innerText !== '');
                         const isNamed = document.querySelector('#approve-as').innerText.startsWith('Wolfeschlegel');
                         const isInView = top >= 0 && bottom <= innerHeight;
                         return isInView && isWhole && isNamed ? null : [top, bottom, isWhole, isNamed]",
                    )
                    .await?;
                assert_eq!(problem, Value::Null, "{language}{ending} at {width} x {height}");
                phone.wait_for("document.querySelector('#confirm').ariaDisabled === null").await?;
            }
        }
    }
    phone.close().await
}

#[tokio::test]
async fn decline_is_as_prominent_as_confirm() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    for scheme in ["light", "dark"] {
        phone.emulate_media(&[("prefers-color-scheme", scheme)]).await?;
        for (width, height) in [(320, 568), (375, 812), (812, 375)] {
            phone.resize(width, height, 1.0).await?;
            // The contrast of a button with what is behind it, as WCAG defines it, and its size.
            let buttons = phone
                .run(
                    "// The change of the colors is a transition.
                     document.getAnimations().forEach((animation) => animation.finish());
                     const color = (element) => getComputedStyle(element).backgroundColor.match(/[\\d.]+/g).map(Number);
                     const isClear = (element) => color(element)[3] === 0;
                     const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
                     const luminance = (element) => {
                       const [red, green, blue] = color(element).map((value) => linear(value / 255));
                       return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
                     };
                     return ['decline', 'confirm'].map((id) => {
                       const button = document.getElementById(id);
                       let ground = button.parentElement;
                       while (isClear(ground)) ground = ground.parentElement;
                       const [dark, light] = [luminance(button), luminance(ground)].sort((a, b) => a - b);
                       const contrast = isClear(button) ? 1 : (light + 0.05) / (dark + 0.05);
                       const { width, height } = button.getBoundingClientRect();
                       const { fontSize, fontWeight, opacity } = getComputedStyle(button);
                       return { contrast, look: [width, height, fontSize, fontWeight, opacity] };
                     })",
                )
                .await?;
            assert_eq!(buttons[0]["look"], buttons[1]["look"], "{scheme}, {width} x {height}");
            let [decline, confirm] = [0_usize, 1].map(|index| buttons[index]["contrast"].as_f64().unwrap_or_default());
            assert!(decline >= 4.5 && decline * 1.25 >= confirm, "{decline} beside {confirm}, {scheme}");
        }
    }
    phone.close().await
}

#[tokio::test]
async fn photo_and_name_of_the_user_are_shown_also_after_a_reload() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    for _ in 0..2 {
        wait_for_step(&phone, "approve").await?;
        assert_eq!(phone.text_of("#approve-as").await?, "Alice");
        phone.wait_for("document.querySelector('#approve-photo img')?.naturalWidth > 0").await?;
        let photo = phone.run("return document.querySelector('#approve-photo img').src").await?;
        assert_eq!(photo, json!(format!("{}/photos/alice.svg", site.url)));
        phone.run("window.isOld = true; setTimeout(() => location.reload())").await?;
        phone.wait_for("!window.isOld").await?;
    }
    phone.close().await
}

#[tokio::test]
async fn age_and_countdown_follow_the_server_until_the_code_expires() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    faults.inject(
        "scanned",
        Fault::Modified(|response| {
            response["data"]["age"] = json!(55);
            response["data"]["expiresIn"] = json!(65);
        }),
    );
    // The test moves the clock that counts on, so that it does not depend on the speed of the machine.
    phone.run("window.time = Math.ceil(performance.now()); performance.now = () => time").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#time-left").await?, "1:05");
    assert_eq!(phone.text_of("#requester-asked").await?, "55 seconds ago");
    for (elapsed, left) in [(5_000, "1:00"), (59_000, "0:01")] {
        phone.run(&format!("window.time += {elapsed}")).await?;
        phone.wait_for(&format!("document.querySelector('#time-left').textContent === '{left}'")).await?;
    }
    assert_eq!(phone.text_of("#requester-asked").await?, "1 minute ago");
    phone.run("window.time += 1_000").await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("This code has expired."));
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
            data["customData"] = json!({
                "Order": "4711", "<img src=x>": "<script>alert(1)</script>",
                "c": "3", "d": "4", "e": "5", "f": "6", "g": "7", "h": "8", "i": "9",
            });
            data["sameNetwork"] = json!(false);
        }),
    );
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#requester-browser").await?, "\u{2068}Firefox\u{2069} on \u{2068}Windows\u{2069}");
    assert_eq!(phone.text_of("#requester-app").await?, "<b>Shop</b>");
    let custom = phone.text_of("#custom-data").await?;
    for part in ["Order", "4711", "<img src=x>", "<script>alert(1)</script>"] {
        assert!(custom.contains(part), "{part} in {custom}");
    }
    assert_eq!(phone.run("return document.querySelectorAll('#custom-data dt').length").await?, json!(8));
    assert!(phone.text_of("#requester-network").await?.starts_with("Not the one of this phone."));
    assert_eq!(phone.run("return document.querySelector('#network-row').className").await?, json!("caution"));

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
    faults.inject("scanned", Fault::Modified(|response| response["data"]["sameDevice"] = json!(true)));
    for modify in [
        (|response| response["data"]["returnUrl"] = json!("javascript:document.title='x'")) as fn(&mut Value),
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
