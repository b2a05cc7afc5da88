//! The widget for people who can't see or use no mouse.
//!
//! The stage is the gallery, which has every state at once. Deliberately absent: what a screen reader makes of what it
//! is told, and how the widget looks, which `looks.rs` tests.

use std::time::Duration;
use std::{fs, iter};

use anyhow::{Context as _, Result, ensure};
use scanlogin_e2e::gallery::{self, SETTLED, THEMES, WIDGET};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use serde_json::{Value, json};
use thirtyfour::Key;

const LANGUAGES: [&str; 5] = ["en-US", "zh-CN", "zh-TW", "ja-JP", "ar"];
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/node_modules/axe-core/axe.min.js");

/// What there is in a state.
struct Shown {
    /// Its name in the gallery.
    caption: &'static str,
    /// What is announced, line by line; one of the lines is the headline.
    words: &'static [&'static str],
    headline: &'static str,
    has_code: bool,
    countdown: Option<&'static str>,
    button: Option<&'static str>,
}

const fn shown(caption: &'static str, words: &'static [&'static str], headline: &'static str) -> Shown {
    Shown { caption, words, headline, has_code: false, countdown: None, button: None }
}

const STATES: [Shown; 13] = [
    shown("loading", &["Getting a code…"], "Getting a code…"),
    Shown {
        has_code: true,
        countdown: Some("Expires in"),
        ..shown("ready", &["Scan with the app to sign in"], "Scan with the app to sign in")
    },
    Shown {
        button: Some("Use another code"),
        ..shown("scanned", &["Alice Example", "Scanned", "Confirm the sign-in on your phone"], "Scanned")
    },
    Shown {
        button: Some("Use another code"),
        ..shown("scanned, no photo", &["Bob", "Scanned", "Confirm the sign-in on your phone"], "Scanned")
    },
    shown("signing-in", &["Alice Example", "Signing you in…"], "Signing you in…"),
    shown("confirmed", &["Alice Example", "Signed in"], "Signed in"),
    Shown { button: Some("Get a new code"), ..shown("cancelled", &["Sign-in was declined"], "Sign-in was declined") },
    Shown { button: Some("Get a new code"), ..shown("expired", &["This code has expired"], "This code has expired") },
    Shown {
        has_code: true,
        button: Some("Try now"),
        ..shown("unreachable", &["Can’t reach the server", "Trying again by itself…"], "Can’t reach the server")
    },
    Shown {
        has_code: true,
        countdown: Some("Trying again in"),
        ..shown("busy", &["The server is busy"], "The server is busy")
    },
    shown("needs-mfa", &["One more step to sign in"], "One more step to sign in"),
    Shown {
        button: Some("Get a new code"),
        ..shown("failed", &["Something went wrong", "This account is blocked"], "Something went wrong")
    },
    Shown {
        button: Some("Get a new code"),
        ..shown("no code", &["Something went wrong", "This app is not known"], "Something went wrong")
    },
];

#[tokio::test]
async fn axe_finds_no_barrier_in_any_state_theme_and_language() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for theme in THEMES {
        // The page around the widgets follows the system.
        let scheme = if theme == "dark" { "dark" } else { "light" };
        browser.prefer(&[("prefers-color-scheme", scheme)]).await?;
        for language in LANGUAGES {
            gallery::open(&browser, &site, &format!("theme={theme}&language={language}")).await?;
            assert_eq!(barriers(&browser).await?, json!([]), "{theme}, {language}");
        }
    }
    // Its silence says something only if it looks into the widgets.
    browser
        .run("for (const { shadowRoot } of document.querySelectorAll('.scanlogin')) shadowRoot.querySelector('button').textContent = ''")
        .await?;
    let found = barriers(&browser).await?;
    assert_eq!((&found[0]["rule"], found[0]["where"].as_array().map(Vec::len)), (&json!("button-name"), Some(7)));
    browser.close().await
}

#[tokio::test]
async fn axe_finds_no_barrier_on_the_way_from_the_code_to_being_signed_in() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::two().await?;
    desk.goto(&site.url).await?;
    let text = desk.read_code().await?;
    expect_no_barrier_in_either_scheme(&desk).await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.type_into("#username", "alice").await?;
    phone.type_into("#password", "wrong").await?;
    expect_no_barrier_in_either_scheme(&phone).await?;
    phone.click("#sign-in").await?;
    phone.until("document.querySelector('#step-sign-in [role=alert]').checkVisibility()").await?;
    expect_no_barrier_in_either_scheme(&phone).await?;
    phone.run("document.querySelector('#password').value = ''").await?;
    phone.type_into("#password", "alice").await?;
    phone.click("#sign-in").await?;
    phone.until("document.querySelector('#step-scan').checkVisibility()").await?;
    expect_no_barrier_in_either_scheme(&phone).await?;
    phone.type_into("#code-text", &text).await?;
    phone.click("#use-text").await?;
    phone.until("document.querySelector('#step-approve').checkVisibility()").await?;
    expect_no_barrier_in_either_scheme(&phone).await?;

    desk.until_state("scanned").await?;
    expect_no_barrier_in_either_scheme(&desk).await?;
    phone.click("#confirm").await?;
    phone.until("document.querySelector('#step-result').checkVisibility()").await?;
    expect_no_barrier_in_either_scheme(&phone).await?;
    desk.text_of("#signed-in-name").await?;
    expect_no_barrier_in_either_scheme(&desk).await?;
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn axe_finds_no_barrier_on_any_example() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let mut pages = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/examples"))? {
        let name = entry?.file_name().into_string().ok().context("names are text")?;
        if !name.ends_with(".html") {
            continue;
        }
        browser.goto(&format!("{}/examples/{name}", site.url)).await?;
        browser.run("document.querySelector('#open')?.click()").await?;
        browser
            .until(
                "[...document.querySelectorAll('#qrcode, scan-login')].every((box) =>
                   !box.checkVisibility() || box.querySelector('.scanlogin[data-state=ready]'))",
            )
            .await?;
        expect_no_barrier_in_either_scheme(&browser).await.with_context(|| name)?;
        pages += 1;
    }
    ensure!(pages > 1, "there are {pages} examples");
    browser.close().await
}

#[tokio::test]
async fn the_button_of_every_state_can_be_reached_and_pressed_with_keys_alone() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for key in [Key::Enter, Key::Space] {
        for Shown { caption, headline, button, .. } in &STATES {
            gallery::open(&browser, &site, &format!("theme=light&language=en-US&state={caption}")).await?;
            browser
                .run(
                    "window.states = [];
                     window.presses = 0;
                     const widget = document.querySelector('.scanlogin');
                     new MutationObserver(() => states.push(widget.dataset.state)).observe(widget, { attributeFilter: ['data-state'] });
                     widget.shadowRoot.querySelector('button').addEventListener('click', () => presses++)",
                )
                .await?;
            // The filter's three fields come first.
            for _ in 0..4 {
                browser.press(Key::Tab).await?;
            }
            let Some(button) = button else {
                assert_eq!(
                    browser.run("return document.activeElement === document.body").await?,
                    json!(true),
                    "{caption}"
                );
                continue;
            };
            assert_eq!(focus(&browser).await?, ("button".to_owned(), (*button).to_owned()), "{caption}");
            assert!(is_ringed(&browser).await?, "{caption}");

            browser.press(key.clone()).await?;
            browser.until("presses === 1").await?;
            if *button == "Try now" {
                // It stays as it is, and so does the focus.
                assert_eq!(focus(&browser).await?, ("button".to_owned(), (*button).to_owned()), "{caption}");
                continue;
            }
            // The gallery's server brings every widget back to the state it shows, here by way of a new code.
            browser.until("states[0] === 'loading' && states.length > 1").await?;
            browser.until(SETTLED).await?;
            assert_eq!(focus(&browser).await?, ("group".to_owned(), (*headline).to_owned()), "{caption}");
            assert!(is_ringed(&browser).await?, "{caption}");
            browser.press(Key::Tab).await?;
            assert_eq!(focus(&browser).await?, ("button".to_owned(), (*button).to_owned()), "{caption}");
        }
    }
    browser.close().await
}

#[tokio::test]
async fn a_person_without_a_mouse_replaces_an_expired_code_and_signs_in() -> Result<()> {
    let mut site =
        Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.until_state("expired").await?;
    // The next one may take as long as it takes.
    site.stop().await?;
    demo_app(&mut site.config).code_lifetime = CODE_LIFETIME;
    site.resume().await?;
    browser.press(Key::Tab).await?;
    assert_eq!(focus(&browser).await?, ("button".to_owned(), "Get a new code".to_owned()));
    browser.press(Key::Enter).await?;
    let text = browser.read_code().await?;
    assert_eq!(focus(&browser).await?, ("group".to_owned(), "Scan with the app to sign in".to_owned()));

    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    phone.confirm(&text).await?;
    browser.text_of("#signed-in-name").await?;
    assert_eq!(focus(&browser).await?, ("heading".to_owned(), "Signed in as Alice".to_owned()));
    browser.close().await
}

#[tokio::test]
async fn assistive_technology_is_told_what_everybody_sees() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    let tree = Tree::of(&browser).await?;
    let figures: Vec<&Value> = tree.0.iter().filter(|node| role(node) == "figure").collect();
    assert_eq!(figures.len(), STATES.len());
    for (figure, Shown { caption, words, headline, has_code, countdown, button }) in figures.into_iter().zip(&STATES) {
        let parts = tree.below(figure);
        let with_role =
            |wanted: &str| -> Vec<&Value> { parts.iter().copied().filter(|node| role(node) == wanted).collect() };
        let names = |wanted: &str| -> Vec<&str> { with_role(wanted).into_iter().map(name).collect() };
        assert_eq!(names("group"), [*headline], "{caption}");
        assert_eq!(names("image"), Vec::from_iter(has_code.then_some("QR code for signing in")), "{caption}");
        assert_eq!(names("button"), Vec::from_iter(*button), "{caption}");

        let [status] = with_role("status")[..] else { panic!("{caption} has not one status") };
        assert_eq!((property(status, "live"), property(status, "atomic")), (json!("polite"), json!(true)), "{caption}");
        assert_eq!(tree.text(status), *words, "{caption}");

        let timers = with_role("timer");
        assert_eq!(timers.len(), usize::from(countdown.is_some()), "{caption}");
        for (timer, countdown) in timers.into_iter().zip(countdown) {
            assert!(tree.text(timer).concat().starts_with(countdown), "{caption}");
            assert_eq!(property(timer, "live"), Value::Null, "nobody wants to hear every second");
        }
    }
    browser.close().await
}

/// What axe-core objects to or can't decide: WCAG 2 at A and AA, and what is held to be good practice. The contrast of
/// words on a picture, which it never can, is for people to judge.
async fn barriers(browser: &Browser) -> Result<Value> {
    browser.run(&fs::read_to_string(AXE).context("there is no axe-core: run `cargo xtask dist` first")?).await?;
    browser
        .run(
            "return axe.run({ rules: { 'target-size': { enabled: true } } }).then(({ violations, incomplete }) =>
               [...violations, ...incomplete]
                 .map(({ id, nodes }) => ({
                   rule: id,
                   where: nodes
                     .map(({ html, any, all, none }) => ({ html, checks: [any, all, none].flat() }))
                     .filter(({ checks }) => !checks.some(({ data }) => data?.messageKey === 'bgImage'))
                     .map(({ html, checks }) => [html, ...checks.map(({ message }) => message)]),
                 }))
                 .filter(({ where }) => where.length > 0))",
        )
        .await
}

async fn expect_no_barrier_in_either_scheme(browser: &Browser) -> Result<()> {
    for scheme in ["light", "dark"] {
        browser.prefer(&[("prefers-color-scheme", scheme)]).await?;
        browser.until("document.getAnimations().length === 0").await?;
        let found = barriers(browser).await?;
        ensure!(found == json!([]), "in {scheme}: {found:#}\n{}", browser.text().await?);
    }
    Ok(())
}

/// The role and name of what has the focus.
async fn focus(browser: &Browser) -> Result<(String, String)> {
    let tree = Tree::of(browser).await?;
    let focused =
        tree.0.iter().rfind(|node| property(node, "focused") == json!(true)).context("nothing has the focus")?;
    Ok((role(focused).to_owned(), name(focused).to_owned()))
}

/// Whether a person sees which part of the widget has the focus.
async fn is_ringed(browser: &Browser) -> Result<bool> {
    let code = format!(
        "const {{ outlineStyle, outlineWidth, outlineColor }} = getComputedStyle({WIDGET}.activeElement);
         return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 && !outlineColor.endsWith(', 0)')"
    );
    Ok(browser.run(&code).await? == json!(true))
}

/// What assistive technology is told of a page, in reading order.
struct Tree(Vec<Value>);

impl Tree {
    async fn of(browser: &Browser) -> Result<Self> {
        let mut tree = browser.command("Accessibility.getFullAXTree", json!({})).await?;
        let nodes: Vec<Value> = serde_json::from_value(tree["nodes"].take())?;
        Ok(Self(nodes))
    }

    /// What is below a node and is not hidden.
    fn below<'a>(&'a self, node: &'a Value) -> Vec<&'a Value> {
        let children = node["childIds"].as_array().into_iter().flatten();
        children
            .filter_map(|id| self.0.iter().find(|node| node["nodeId"] == *id))
            .flat_map(|child| iter::once(child).chain(self.below(child)))
            .filter(|node| node["ignored"] == json!(false))
            .collect()
    }

    /// The lines of text below a node.
    fn text<'a>(&'a self, node: &'a Value) -> Vec<&'a str> {
        self.below(node).into_iter().filter(|node| role(node) == "StaticText").map(name).collect()
    }
}

fn role(node: &Value) -> &str {
    node["role"]["value"].as_str().unwrap_or_default()
}

fn name(node: &Value) -> &str {
    node["name"]["value"].as_str().unwrap_or_default()
}

fn property(node: &Value, name: &str) -> Value {
    let mut properties = node["properties"].as_array().into_iter().flatten();
    properties
        .find(|property| property["name"] == name)
        .map(|found| found["value"]["value"].clone())
        .unwrap_or_default()
}
