//! The pages in `www/examples/`: each signs a user in, and shows its feature.
//!
//! These tests run in all browsers, so they use no commands of the DevTools protocol.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use scanlogin_decoder::decode;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::json;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/examples");

/// All pages, and the element to click before the code is shown.
const PAGES: [(&str, Option<&str>); 12] = [
    ("client", None),
    ("dialog", Some("#open")),
    ("element", None),
    ("inline", None),
    ("language", None),
    ("module", None),
    ("own-code", None),
    ("own-messages", None),
    ("script", None),
    ("script-tag", None),
    ("single-page", Some("nav [href=\"#sign-in\"]")),
    ("theme", None),
];

async fn open(browser: &Browser, site: &Site, page: &str) -> Result<()> {
    browser.goto(&format!("{}/examples/{page}.html", site.url)).await
}

/// Decodes the code on a screenshot of the page.
async fn read_code(browser: &Browser, page: &str) -> Result<String> {
    if page != "own-code" {
        return browser.read_code().await;
    }
    browser.wait_for("document.querySelector('#status').textContent === 'Scan with the app to sign in.'").await?;
    decode(&browser.screenshot().await?)
}

#[tokio::test]
async fn each_page_signs_in() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for (page, click) in PAGES {
        let sign_in = async {
            open(&browser, &site, page).await?;
            if let Some(button) = click {
                browser.click(button).await?;
            }
            let code = read_code(&browser, page).await?;
            phone.scan(&code).await?;
            phone.confirm(&code).await?;
            assert_eq!(browser.text_of("#welcome").await?, "Welcome, Alice", "{page}");
            browser.expect_no_console_errors(&[]).await
        };
        sign_in.await.with_context(|| format!("on the page `{page}`"))?;
    }
    browser.close().await
}

#[tokio::test]
async fn each_page_is_tested_and_listed_in_the_index() -> Result<()> {
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(FOLDER)? {
        let name = entry?.file_name().into_string().ok().context("the file name is not UTF-8")?;
        pages.extend(name.strip_suffix(".html").map(str::to_owned));
    }
    assert!(pages.remove("index"));
    assert_eq!(pages, PAGES.map(|(page, _)| page.to_owned()).into());

    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/examples/", site.url)).await?;
    let links = browser.run("return [...document.links].map((link) => link.href)").await?;
    let links: BTreeSet<String> = serde_json::from_value(links)?;
    for page in &pages {
        assert!(
            links.contains(&format!("{}/examples/{page}.html", site.url)),
            "the index does not link {page}: {links:?}"
        );
    }
    for link in &links {
        assert_eq!(reqwest::get(link).await?.status(), 200, "{link}");
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn script_tag_and_element_set_options() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "script-tag").await?;
    browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "Scan with Quaymark Pass");
    for page in ["script-tag", "element"] {
        open(&browser, &site, page).await?;
        browser.wait_for_state("ready").await?;
        assert_eq!(browser.run(&format!("return {WIDGET}.querySelector('.stage').offsetWidth")).await?, 200, "{page}");
    }
    browser.close().await
}

#[tokio::test]
async fn refresh_of_the_module_page_shows_another_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "module").await?;
    let first = browser.read_code().await?;
    let picture = format!("{WIDGET}.querySelector('path')?.getAttribute('d')");
    browser.run(&format!("window.picture = {picture}")).await?;
    browser.click("#another").await?;
    browser.wait_for(&format!("![undefined, picture].includes({picture})")).await?;
    assert_ne!(browser.read_code().await?, first);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn inline_page_downloads_no_wasm() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let wasm = "return performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.wasm')).length";
    for (page, files) in [("module", 1), ("inline", 0)] {
        open(&browser, &site, page).await?;
        browser.read_code().await?;
        assert_eq!(browser.run(wasm).await?, files, "{page}");
    }
    browser.close().await
}

#[tokio::test]
async fn client_page_calls_callbacks_in_the_order_of_the_sdk() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "client").await?;
    let code = browser.read_code().await?;
    // The first poll may not have ended yet.
    browser.wait_for("document.querySelector('#callbacks').textContent.includes('onResult, status 0')").await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&code).await?;
    browser.wait_for_state("scanned").await?;
    phone.confirm(&code).await?;
    browser.text_of("#welcome").await?;
    let calls = "return [...document.querySelectorAll('#callbacks li')].map((item) => item.textContent)";
    let calls = browser.run(calls).await?;
    let mut calls: Vec<String> = serde_json::from_value(calls)?;
    // A slow machine polls a state more than once.
    calls.dedup();
    let expected = [
        "onCodeLoaded",
        "onCodeShow",
        "onStart",
        "onResult, status 0",
        "onResult, status 1",
        "onScanned, Alice",
        "onResult, status 2",
        "onSuccess, Alice",
    ];
    assert_eq!(calls, expected);
    browser.close().await
}

#[tokio::test]
async fn theme_page_styles_the_widget_and_the_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "theme").await?;
    browser.read_code().await?;
    let logo = format!("{WIDGET}.querySelector('.logo')?.naturalWidth");
    browser.wait_for(&logo).await?;
    let style = browser
        .run(&format!(
            "const style = (part) => getComputedStyle({WIDGET}.querySelector(part));
             const {{ borderTopColor, borderTopWidth, borderTopLeftRadius, color }} = style('.frame');
             const ink = getComputedStyle(document.body).color;
             // The finder pattern starts next to the quiet zone, which has four modules.
             const canvas = {WIDGET}.querySelector('canvas');
             const pixel = (at) => Array.from(canvas.getContext('2d').getImageData(at, at, 1, 1).data).join(' ');
             let dark = 0;
             while (pixel(dark) === pixel(0)) dark += 1;
             return [
               borderTopColor, borderTopWidth, borderTopLeftRadius, color === ink, style('.headline').fontStyle,
               style('.headline').fontFamily.split(',')[0], pixel(dark), pixel(0),
             ]"
        ))
        .await?;
    let expected =
        json!(["rgb(245, 176, 46)", "6px", "4px", true, "italic", "Georgia", "11 90 98 255", "244 251 250 255"]);
    assert_eq!(style, expected);
    browser.close().await
}

#[tokio::test]
async fn language_change_keeps_the_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "language").await?;
    let code = browser.read_code().await?;
    let mut headlines = BTreeSet::new();
    for language in ["en-US", "zh-CN", "zh-TW", "ja-JP"] {
        browser.run(&format!("language.value = '{language}'; language.dispatchEvent(new Event('change'))")).await?;
        browser.wait_for(&format!("{WIDGET}.querySelector('.frame').lang === '{language}'")).await?;
        headlines.insert(browser.widget_text(".headline").await?);
    }
    assert_eq!(headlines.len(), 4, "{headlines:?}");
    assert_eq!(browser.run("return language.options.length").await?, 4);
    assert_eq!(browser.read_code().await?, code);
    browser.close().await
}

#[tokio::test]
async fn own_messages_page_replaces_all_messages() -> Result<()> {
    let script = fs::read_to_string(format!("{FOLDER}/own-messages.js"))?;
    for name in scanlogin::view_model::MESSAGE_NAMES {
        assert!(script.contains(&format!("    {name}: '")), "own-messages.js lacks {name}");
    }

    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    open(&browser, &site, "own-messages").await?;
    let code = browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "Scannez ce code avec l’application");
    assert_eq!(browser.run(&format!("return {WIDGET}.querySelector('.frame').lang")).await?, "fr");
    phone.scan(&code).await?;
    browser.wait_for_state("scanned").await?;
    assert_eq!(browser.widget_text(".hint").await?, "Confirmez la connexion sur votre téléphone");
    phone.cancel(&code).await?;
    browser.wait_for_state("cancelled").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Connexion refusée");
    assert_eq!(browser.widget_text("button").await?, "Obtenir un nouveau code");
    browser.close().await
}

#[tokio::test]
async fn closed_dialog_and_left_view_have_no_widget_and_do_not_poll() -> Result<()> {
    let traffic = Traffic::default();
    let site = Site::start_with(|_| {}, |app| traffic.wrap(app)).await?;
    let browser = Browser::open().await?;
    for (page, enter, leave) in
        [("dialog", "#open", "#close"), ("single-page", "nav [href=\"#sign-in\"]", "nav [href=\"#home\"]")]
    {
        open(&browser, &site, page).await?;
        traffic.reset();
        browser.click(enter).await?;
        let first = browser.read_code().await?;
        traffic.wait_until(|snapshot| !snapshot.held.is_empty()).await?;
        browser.click(leave).await?;
        traffic.wait_until(|snapshot| snapshot.held.is_empty()).await?;
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 0, "{page}");

        // Entering again shows another code, and the first one is not polled any more.
        browser.click(enter).await?;
        assert_ne!(browser.read_code().await?, first, "{page}");
        let snapshot = traffic.wait_until(|snapshot| !snapshot.held.is_empty()).await?;
        assert_eq!((snapshot.codes, snapshot.held.len(), snapshot.max_held), (2, 1, 1), "{page}: {snapshot:?}");
        assert!(!first.contains(&snapshot.held[0]), "{page}: {snapshot:?}");
        // A browser may keep a page in its back/forward cache, together with its poll.
        browser.click(leave).await?;
        traffic.wait_until(|snapshot| snapshot.held.is_empty()).await?;
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn sign_in_closes_the_dialog_and_leaves_the_view() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "bob").await?;
    for (page, enter, is_left) in [
        ("dialog", "#open", "!document.querySelector('dialog').open"),
        ("single-page", "nav [href=\"#sign-in\"]", "location.hash === '#home'"),
    ] {
        open(&browser, &site, page).await?;
        browser.click(enter).await?;
        let code = browser.read_code().await?;
        phone.scan(&code).await?;
        phone.confirm(&code).await?;
        browser.wait_for(&format!("{is_left} && !document.querySelector('.scanlogin')")).await?;
        assert_eq!(browser.text_of("#welcome").await?, "Welcome, Bob", "{page}");
    }
    browser.close().await
}

#[tokio::test]
async fn own_code_page_replaces_a_declined_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    open(&browser, &site, "own-code").await?;
    let code = read_code(&browser, "own-code").await?;
    phone.scan(&code).await?;
    browser.wait_for("document.querySelector('#status').textContent.startsWith('Scanned by Alice')").await?;
    phone.cancel(&code).await?;
    browser.wait_for("document.querySelector('#status').textContent.startsWith('Sign-in was declined')").await?;
    browser.click("#another").await?;
    assert_ne!(read_code(&browser, "own-code").await?, code);
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}
