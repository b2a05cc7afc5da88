//! The pages of `www/examples/`: each signs somebody in, and shows what it is there to show.
//!
//! Deliberately absent: what only Chromium tells, so that every browser can run these; and the behaviour behind the pages,
//! which other tests look at from all sides.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use scanlogin_decoder::decode;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Phone, Site, Traffic};
use serde_json::json;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/examples");

/// All pages, and what a person clicks until there is a code.
const PAGES: [(&str, Option<&str>); 12] = [
    ("client", None),
    ("dialog", Some("#open")),
    ("element", None),
    ("inline", None),
    ("language", None),
    ("module", None),
    ("own-code", None),
    ("own-words", None),
    ("script", None),
    ("script-tag", None),
    ("single-page", Some("nav [href=\"#sign-in\"]")),
    ("theme", None),
];

async fn open(browser: &Browser, site: &Site, page: &str) -> Result<()> {
    browser.goto(&format!("{}/examples/{page}.html", site.url)).await
}

/// Reads the code off the page, by the eyes of a phone.
async fn read_code(browser: &Browser, page: &str) -> Result<String> {
    if page != "own-code" {
        return browser.read_code().await;
    }
    browser.until("document.querySelector('#status').textContent === 'Scan me'").await?;
    decode(&browser.screenshot().await?)
}

#[tokio::test]
async fn every_page_signs_in() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for (page, click) in PAGES {
        let walk = async {
            open(&browser, &site, page).await?;
            if let Some(button) = click {
                browser.click(button).await?;
            }
            let code = read_code(&browser, page).await?;
            phone.scan(&code).await?;
            phone.confirm(&code).await?;
            assert_eq!(browser.text_of("#welcome").await?, "Welcome, Alice", "{page}");
            browser.expect_quiet_console(&[]).await
        };
        walk.await.with_context(|| format!("on the page `{page}`"))?;
    }
    browser.close().await
}

#[tokio::test]
async fn every_page_is_walked_and_stands_in_the_list() -> Result<()> {
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(FOLDER)? {
        let name = entry?.file_name().into_string().ok().context("names are text")?;
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
        assert!(links.contains(&format!("{}/examples/{page}.html", site.url)), "the list lacks {page}: {links:?}");
    }
    for link in &links {
        assert_eq!(reqwest::get(link).await?.status(), 200, "{link}");
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_tag_sets_options_and_the_element_too() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "script-tag").await?;
    browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "Scan with Quaymark Pass");
    for page in ["script-tag", "element"] {
        open(&browser, &site, page).await?;
        browser.until_state("ready").await?;
        assert_eq!(browser.run(&format!("return {WIDGET}.querySelector('.stage').offsetWidth")).await?, 200, "{page}");
    }
    browser.close().await
}

#[tokio::test]
async fn the_handle_of_the_module_asks_for_another_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "module").await?;
    let first = browser.read_code().await?;
    let picture = format!("{WIDGET}.querySelector('path')?.getAttribute('d')");
    browser.run(&format!("window.picture = {picture}")).await?;
    browser.click("#another").await?;
    browser.until(&format!("![undefined, picture].includes({picture})")).await?;
    assert_ne!(browser.read_code().await?, first);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn the_page_with_the_wasm_inside_asks_for_no_wasm() -> Result<()> {
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
async fn the_client_calls_back_in_the_order_of_the_sdk() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "client").await?;
    let code = browser.read_code().await?;
    // The first poll may be on its way still.
    browser.until("document.querySelector('#told').textContent.includes('onResult, status 0')").await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&code).await?;
    browser.until_state("scanned").await?;
    phone.confirm(&code).await?;
    browser.text_of("#welcome").await?;
    let told = browser.run("return [...document.querySelectorAll('#told li')].map((item) => item.textContent)").await?;
    let mut told: Vec<String> = serde_json::from_value(told)?;
    // A slow machine polls more than once in a state.
    told.dedup();
    let words = [
        "onCodeLoaded",
        "onCodeShow",
        "onStart",
        "onResult, status 0",
        "onResult, status 1",
        "onScanned, Alice",
        "onResult, status 2",
        "onSuccess, Alice",
    ];
    assert_eq!(told, words);
    browser.close().await
}

#[tokio::test]
async fn the_theme_reaches_the_box_and_the_code() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "theme").await?;
    browser.read_code().await?;
    let logo = format!("{WIDGET}.querySelector('.logo')?.naturalWidth");
    browser.until(&logo).await?;
    let style = browser
        .run(&format!(
            "const style = (part) => getComputedStyle({WIDGET}.querySelector(part));
             const {{ borderTopColor, borderTopWidth, borderTopLeftRadius, color }} = style('.frame');
             const ink = getComputedStyle(document.body).color;
             return [
               borderTopColor, borderTopWidth, borderTopLeftRadius, color === ink, style('.headline').fontStyle,
               style('.headline').fontFamily.split(',')[0], style('svg path').fill, style('.stage').backgroundColor,
             ]"
        ))
        .await?;
    let expected =
        json!(["rgb(245, 176, 46)", "6px", "4px", true, "italic", "Georgia", "rgb(11, 90, 98)", "rgb(244, 251, 250)"]);
    assert_eq!(style, expected);
    browser.close().await
}

#[tokio::test]
async fn the_language_changes_and_the_code_stays() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    open(&browser, &site, "language").await?;
    let code = browser.read_code().await?;
    let mut told = BTreeSet::new();
    for language in ["en-US", "zh-CN", "zh-TW", "ja-JP"] {
        browser.run(&format!("language.value = '{language}'; language.dispatchEvent(new Event('change'))")).await?;
        browser.until(&format!("{WIDGET}.querySelector('.frame').lang === '{language}'")).await?;
        told.insert(browser.widget_text(".headline").await?);
    }
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(browser.run("return language.options.length").await?, 4);
    assert_eq!(browser.read_code().await?, code);
    browser.close().await
}

#[tokio::test]
async fn all_words_are_the_pages_own() -> Result<()> {
    let script = fs::read_to_string(format!("{FOLDER}/own-words.js"))?;
    for word in scanlogin::view_model::MESSAGE_NAMES {
        assert!(script.contains(&format!("    {word}: '")), "own-words.js lacks {word}");
    }

    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    open(&browser, &site, "own-words").await?;
    let code = browser.read_code().await?;
    assert_eq!(browser.widget_text(".headline").await?, "Scannez ce code avec l’application");
    assert_eq!(browser.run(&format!("return {WIDGET}.querySelector('.frame').lang")).await?, "fr");
    phone.scan(&code).await?;
    browser.until_state("scanned").await?;
    assert_eq!(browser.widget_text(".hint").await?, "Confirmez la connexion sur votre téléphone");
    phone.cancel(&code).await?;
    browser.until_state("cancelled").await?;
    assert_eq!(browser.widget_text(".headline").await?, "Connexion refusée");
    assert_eq!(browser.widget_text("button").await?, "Obtenir un nouveau code");
    browser.close().await
}

#[tokio::test]
async fn a_closed_dialog_and_a_view_that_is_left_have_no_code_and_poll_nothing() -> Result<()> {
    let traffic = Traffic::default();
    let site = Site::start_with(|_| {}, |app| traffic.wrap(app)).await?;
    let browser = Browser::open().await?;
    for (page, enter, leave) in
        [("dialog", "#open", "#close"), ("single-page", "nav [href=\"#sign-in\"]", "nav [href=\"#home\"]")]
    {
        open(&browser, &site, page).await?;
        traffic.forget();
        browser.click(enter).await?;
        let first = browser.read_code().await?;
        traffic.until(|seen| !seen.held.is_empty()).await?;
        browser.click(leave).await?;
        traffic.until(|seen| seen.held.is_empty()).await?;
        assert_eq!(browser.run("return document.querySelectorAll('.scanlogin').length").await?, 0, "{page}");

        // Whoever comes back gets another code, and the first is polled no more.
        browser.click(enter).await?;
        assert_ne!(browser.read_code().await?, first, "{page}");
        let seen = traffic.until(|seen| !seen.held.is_empty()).await?;
        assert_eq!((seen.codes, seen.held.len(), seen.most_held), (2, 1, 1), "{page}: {seen:?}");
        assert!(!first.contains(&seen.held[0]), "{page}: {seen:?}");
        // A browser may keep a page that is left, and its poll with it.
        browser.click(leave).await?;
        traffic.until(|seen| seen.held.is_empty()).await?;
    }
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_sign_in_closes_the_dialog_and_leaves_the_view() -> Result<()> {
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
        browser.until(&format!("{is_left} && !document.querySelector('.scanlogin')")).await?;
        assert_eq!(browser.text_of("#welcome").await?, "Welcome, Bob", "{page}");
    }
    browser.close().await
}

#[tokio::test]
async fn a_code_of_ones_own_can_be_declined_and_followed_by_another() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    open(&browser, &site, "own-code").await?;
    let code = read_code(&browser, "own-code").await?;
    phone.scan(&code).await?;
    browser.until("document.querySelector('#status').textContent === 'Alice has the code on the phone'").await?;
    phone.cancel(&code).await?;
    browser.until("document.querySelector('#status').textContent.startsWith('Declined')").await?;
    browser.click("#another").await?;
    assert_ne!(read_code(&browser, "own-code").await?, code);
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}
