//! How the phone page reads codes: their forms, repairs, and codes that it refuses.

use std::fs;

use anyhow::{Context as _, Result};
use scanlogin_e2e::camera::ShownCode;
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::phone_page::{Code, IDLE, enter, open_signed_in, sign_in, wait_for_notice, wait_for_step};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::View;
use scanlogin_qr::{Level, Modules};
use serde_json::{Value, json};

const RANDOM: &str = "3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
const ADDRESS: &str = "https://pass.example.com/s";

/// Opens the phone page and returns a browser in which [`parse`] works.
async fn open(site: &Site) -> Result<Browser> {
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    Ok(phone)
}

/// Calls `parseCode` in the page.
async fn parse(phone: &Browser, text: &str) -> Result<Value> {
    let code =
        format!("return import('/lib/code.js').then(({{ parseCode }}) => parseCode({}, ['{ADDRESS}']))", json!(text));
    phone.run(&code).await
}

/// Changes that copying makes to a text.
type Change = fn(&str) -> String;

#[tokio::test]
async fn text_that_copying_has_changed_is_repaired() -> Result<()> {
    let site = Site::start().await?;
    let phone = open(&site).await?;
    let plain = r#"{"scene":"APP_AUTH","random":"a-B_c--d","customData":{"hello":"big world"}}"#;
    let changes: [(&str, Change); 17] = [
        ("unchanged", str::to_owned),
        ("byte order mark", |text| format!("\u{feff}{text}\u{feff}")),
        ("surrounding white space", |text| format!(" \t{text} \r\n")),
        ("no-break spaces", |text| format!("\u{a0}{text}").replace(',', ",\u{a0}").replace(':', ":\u{202f}")),
        ("zero-width spaces", |text| text.replace(',', ",\u{200b}").replace("a-B", "a-\u{200b}B") + "\u{200b}"),
        ("direction marks", |text| format!("\u{200e}{text}\u{200f}").replace("random", "\u{2068}random\u{2069}")),
        ("soft hyphens", |text| text.replace("APP_", "APP_\u{ad}").replace("a-B", "a-\u{ad}B")),
        ("line breaks", |text| text.replace("a-B", "a-\r\nB").replace("customData", "custom\nData")),
        ("smart quotes", |text| text.replace("\":", "”:").replace(":\"", ":“").replace("\",", "”,").replace('"', "„")),
        ("guillemets", |text| text.replace("\":", "»:").replace('"', "«")),
        ("smart hyphens", |text| text.replace("--", "—").replace("a-B", "a\u{2011}B")),
        ("surrounding text", |text| format!("The code is: “{text}”. Thanks!")),
        ("code block", |text| format!("```json\n{text}\n```\n")),
        ("encoded twice", |text| json!(text).to_string()),
        ("encoded for an address", |text| text.replace('{', "%7B").replace('}', "%7D").replace('"', "%22")),
        ("encoded after a mark", |text| format!("\u{200e}{}", text.replace('{', "%7B").replace('"', "%22"))),
        ("keys in capitals", |text| text.replace("random", "RANDOM").replace("scene", "SCENE")),
    ];
    for (name, change) in changes {
        assert_eq!(parse(&phone, &change(plain)).await?, json!({ "random": "a-B_c--d" }), "{name}");
    }
    // Quotes inside a valid text are not changed.
    let quoted = r#"{"random":"r","customData":{"title":"The “best” shop"}}"#;
    assert_eq!(parse(&phone, quoted).await?, json!({ "random": "r" }));
    phone.close().await
}

#[tokio::test]
async fn both_forms_of_the_text_say_when_the_code_expires() -> Result<()> {
    let site = Site::start().await?;
    let phone = open(&site).await?;
    let expected = json!({ "random": RANDOM, "userPoolId": "customers", "expireAt": 1_767_268_920_000_u64 });
    let head = format!(
        r#"{{"scene":"APP_AUTH","random":"{RANDOM}","userPoolId":"customers","createdAt":"2026-01-01T12:00:00.000Z","#
    );
    for tail in [r#""expireAt":"2026-01-01T12:02:00.000Z"}"#, r#""expiresIn":120}"#] {
        assert_eq!(parse(&phone, &format!("{head}{tail}")).await?, expected, "{tail}");
    }
    phone.close().await
}

#[tokio::test]
async fn links_to_this_approver_are_read_and_no_others() -> Result<()> {
    let site = Site::start().await?;
    let phone = open(&site).await?;
    for text in [
        format!("{ADDRESS}#{RANDOM}"),
        format!("\u{feff}{ADDRESS}#{RANDOM} \n"),
        format!("HTTPS://PASS.EXAMPLE.COM/S#{RANDOM}"),
        format!("{ADDRESS}%23{RANDOM}"),
        format!("https%3A%2F%2Fpass.example.com%2Fs%23{RANDOM}"),
        format!("Open <{ADDRESS}#{RANDOM}>."),
    ] {
        assert_eq!(parse(&phone, &text).await?, json!({ "random": RANDOM }), "{text}");
    }
    for changed in ["a-B\u{2010}c--d\u{2212}efghijkl", "a\u{2011}B-c\u{2013}d-efghijkl", "a-B-c\u{2014}d-efghijkl"] {
        let code = parse(&phone, &format!("{ADDRESS}#{changed}")).await?;
        assert_eq!(code, json!({ "random": "a-B-c--d-efghijkl" }), "{changed}");
    }
    let same_device = parse(&phone, &format!("{ADDRESS}#{RANDOM}.return")).await?;
    assert_eq!(same_device, json!({ "random": RANDOM, "sameDevice": true }));

    let json_in_address = json!({ "scene": "APP_AUTH", "random": RANDOM });
    for (text, host) in [
        (format!("https://evil.example/s#{RANDOM}"), "evil.example"),
        (format!("https://pass.example.com@evil.example/s#{RANDOM}"), "evil.example"),
        (format!("https://evil.example/?next={ADDRESS}#{RANDOM}"), "evil.example"),
        (format!("https://evil.example/?code={json_in_address}"), "evil.example"),
        (format!("http://pass.example.com/s#{RANDOM}"), "pass.example.com"),
        (format!("https://pass.example.com/s/../x#{RANDOM}"), "pass.example.com"),
        (format!("https://pass.example.com:8443/s#{RANDOM}"), "pass.example.com:8443"),
    ] {
        assert_eq!(parse(&phone, &text).await?, json!({ "problem": "web-address", "host": host }), "{text}");
    }
    phone.close().await
}

#[tokio::test]
async fn problem_of_every_other_text_is_named() -> Result<()> {
    let site = Site::start().await?;
    let phone = open(&site).await?;
    let code = json!({ "scene": "APP_AUTH", "random": RANDOM }).to_string();
    let link = format!("{ADDRESS}#{RANDOM}");
    for (problem, texts) in [
        ("empty", vec![String::new(), "\u{feff} \n".to_owned(), "\u{200b}\u{200e}".to_owned()]),
        ("too-long", vec!["x".repeat(2_001), format!("{code}{}", " ".repeat(2_000))]),
        (
            "incomplete",
            vec![
                code[..40].to_owned(),
                code[..code.len() - 1].to_owned(),
                "}{".to_owned(),
                ADDRESS.to_owned(),
                link[..ADDRESS.len() + 8].to_owned(),
                format!("{link}.ret"),
            ],
        ),
        (
            "case-changed",
            vec![
                code.to_uppercase(),
                code.to_lowercase(),
                link.to_uppercase(),
                format!("{link}.return").to_uppercase(),
            ],
        ),
        (
            "not-a-code",
            vec![
                "{}".to_owned(),
                r#"{"random":5}"#.to_owned(),
                r#"{"random":""}"#.to_owned(),
                r#"{"random":"a/b"}"#.to_owned(),
                format!(r#"{{"random":"{}"}}"#, "x".repeat(129)),
                format!(r#"{{"random":"{RANDOM}","expiresIn":"120"}}"#),
                format!(r#"{{"random":"{RANDOM}","userPoolId":7}}"#),
                r#"{"__proto__":{"random":"abc"}}"#.to_owned(),
            ],
        ),
        ("wechat", vec![r#"{"scene":"WXAPP_AUTH","random":"x"}"#.to_owned()]),
        ("unknown-scene", vec![r#"{"scene":"PAY","random":"x"}"#.to_owned()]),
        ("wifi", vec!["\u{200e}WIFI:T:WPA;S:net;P:secret;;\u{200b}".to_owned(), format!("WIFI:S:{link};;")]),
        ("contact", vec!["BEGIN:VCARD\nVERSION:3.0\nEND:VCARD".to_owned(), "MECARD:N:A;;".to_owned()]),
        ("event", vec!["BEGIN:VEVENT\nEND:VEVENT".to_owned()]),
        ("email", vec!["mailto:a@example.com".to_owned()]),
        ("phone-number", vec!["tel:+493012345".to_owned()]),
        ("text-message", vec!["SMSTO:+4930:hello".to_owned(), format!("SMSTO:+4930:Open {link} now")]),
        ("place", vec!["geo:52.5,13.4".to_owned()]),
        ("one-time-password", vec!["otpauth://totp/a?secret=ABC".to_owned()]),
        ("passkey", vec!["FIDO:/0123".to_owned()]),
        ("payment", vec!["bitcoin:1abc".to_owned(), "BCD\n002\n1\nSCT".to_owned(), "00020101021".to_owned()]),
        ("product", vec!["4006381333931".to_owned()]),
        ("web-address", vec!["www.example.com".to_owned()]),
        ("app-link", vec!["app://open".to_owned(), "javascript:alert(1)".to_owned()]),
        ("text", vec!["hello".to_owned(), "null".to_owned(), "[1]".to_owned()]),
    ] {
        for text in texts {
            assert_eq!(parse(&phone, &text).await?["problem"], json!(problem), "{text}");
        }
    }
    phone.close().await
}

#[tokio::test]
async fn nothing_is_sent_or_opened_for_a_code_that_can_not_be_used() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let address = phone.run("return location.href").await?;
    let expired = r#"{"scene":"APP_AUTH","random":"x","expireAt":"2020-01-01T12:00:00.000Z"}"#;
    for (text, message) in [
        ("WIFI:T:WPA;S:net;P:secret;;", "the access to a Wi-Fi network"),
        ("https://www.example.com/offer", "web address of \u{2068}www.example.com\u{2069}"),
        ("bitcoin:1abc", "a payment"),
        (r#"{"scene":"PAY","random":"x"}"#, "for another app"),
        (r#"{"scene":"APP_AUTH","random":"x","userPoolId":"other-pool"}"#, "another organisation"),
        (expired, "has expired"),
        (r#"{"scene":"APP_AUTH","random":"abc"#, "A part of the code is missing"),
    ] {
        enter(&phone, text).await?;
        let notice = wait_for_notice(&phone).await?;
        assert!(notice.contains(message), "{text}: {notice}");
        assert_eq!(phone.run("return location.href").await?, address, "{text}");
    }
    assert!(faults.requests("scanned").is_empty(), "no code is marked as scanned");
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn link_of_the_same_device_is_refused_from_text_from_an_image_and_from_the_camera() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open_phone().await?;
    let link = format!("{}/s#{RANDOM}.return", site.url);
    phone.point_camera_at(&ShownCode::drawn(&link)?.film(&View::STRAIGHT))?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    let refusal = "This link works only on the device that shows the sign-in page.";
    enter(&phone, &link).await?;
    assert!(wait_for_notice(&phone).await?.starts_with(refusal));

    // Another message replaces that of the text.
    enter(&phone, "hello").await?;
    assert!(!wait_for_notice(&phone).await?.starts_with(refusal));
    let modules = Modules::new(&link, Level::M).context("the link is too long")?;
    let folder = tempfile::tempdir()?;
    let image = folder.path().join("code.png");
    fs::write(&image, scanlogin_qr::png::encode(&modules, 6)?)?;
    phone.type_into("#code-file", &image.to_string_lossy()).await?;
    phone.wait_for(&format!("document.querySelector('#code-file').files.length === 0 && {IDLE}")).await?;
    assert!(wait_for_notice(&phone).await?.starts_with(refusal));

    phone.click("#camera-start").await?;
    phone.wait_for(&format!("document.querySelector('#camera-message').textContent.startsWith('{refusal}')")).await?;
    assert!(faults.requests("scanned").is_empty(), "no code is marked as scanned");
    phone.close().await
}

#[tokio::test]
async fn expired_code_is_not_sent_whatever_the_clock_of_the_phone_says() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    // The clock of the test is that of the server. Responses have its time to the second.
    let expiring = |random: &str, seconds: &str| {
        format!(
            "return JSON.stringify({{ random: '{random}', expireAt: new Date(trueNow() + {seconds} * 1000).toISOString() }})"
        )
    };
    for offset in ["-172_800_000", "0", "172_800_000"] {
        let source = format!("window.trueNow = Date.now; Date.now = () => trueNow() + {offset};");
        let script = phone.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
        phone.goto(&format!("{}/phone.html", site.url)).await?;
        wait_for_step(&phone, "scan").await?;
        let sent = faults.requests("scanned").len();
        // The page has no response of the server yet, and then it has one.
        for _ in 0..2 {
            let code = Code::create(&site).await?;
            let text = phone.run(&expiring(&code.random, "-3")).await?;
            enter(&phone, text.as_str().unwrap_or_default()).await?;
            assert!(wait_for_notice(&phone).await?.contains("has expired"), "{offset}");
            assert_eq!(faults.requests("scanned").len(), sent, "{offset}: an expired code is sent");
            // So that the next message is a new one.
            phone.run("document.querySelector('#step-scan [role=alert]').hidden = true").await?;
        }
        let code = Code::create(&site).await?;
        let text = phone.run(&expiring(&code.random, "60")).await?;
        enter(&phone, text.as_str().unwrap_or_default()).await?;
        wait_for_step(&phone, "approve").await?;
        phone.command("Page.removeScriptToEvaluateOnNewDocument", script).await?;
        phone.click("#decline").await?;
        wait_for_step(&phone, "result").await?;
    }
    phone.close().await
}

#[tokio::test]
async fn time_of_the_server_is_asked_for_once_and_again_before_a_code_is_refused() -> Result<()> {
    let site = Site::start().await?;
    let phone = open(&site).await?;
    // The clock of the phone is set to another time after the first response.
    let asked = phone
        .run(
            "return (async () => {
               const { hasExpired } = await import('/lib/server-time.js');
               let asked = 0;
               const { fetch, Date: { now } } = window;
               window.fetch = (...request) => (asked++, fetch(...request));
               const results = [];
               const check = async (seconds) => results.push(await hasExpired({ expireAt: now() + seconds * 1000 }), asked);
               await check(60);
               await check(60);
               Date.now = () => now() + 172_800_000;
               await check(60);
               await check(-3);
               results.push(await hasExpired({}), asked);
               return results;
             })()",
        )
        .await?;
    assert_eq!(asked, json!([false, 1, false, 1, false, 2, true, 3, false, 3]));
    phone.close().await
}

#[tokio::test]
async fn clock_of_the_phone_does_not_decide_whether_a_code_has_expired() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::open_two().await?;
    // The page believes that it is two days later.
    let source = "{ const now = Date.now; Date.now = () => now() + 172_800_000; }";
    phone.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    scanlogin_e2e::phone_page::sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    // Only JSON says when the code expires.
    desk.goto(&format!("{}/examples/script.html", site.url)).await?;
    let text = desk.read_code().await?;
    assert!(text.contains(r#""expireAt":"#), "{text}");
    enter(&phone, &text).await?;
    wait_for_step(&phone, "approve").await?;
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn link_is_read_as_text_and_as_an_incomplete_address() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    enter(&phone, &code.link(&site)).await?;
    wait_for_step(&phone, "approve").await?;
    phone.click("#decline").await?;
    wait_for_step(&phone, "result").await?;
    // A link that was cut off opens nothing.
    phone.goto("about:blank").await?;
    phone.goto(&format!("{}/phone.html#abc", site.url)).await?;
    assert!(wait_for_notice(&phone).await?.starts_with("A part of the code is missing"));
    assert_eq!(phone.run(&format!("return location.hash === '' && {IDLE}")).await?, json!(true));
    phone.close().await
}
