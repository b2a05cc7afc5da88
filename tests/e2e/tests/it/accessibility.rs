//! Accessibility of the widget: rules of axe-core, keyboard, focus, and the accessibility tree.
//!
//! Most tests use the gallery, which shows all states. `rendering.rs` tests the appearance.

use std::time::Duration;
use std::{fs, iter};

use anyhow::{Context as _, Result, ensure};
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::gallery::{self, SETTLED, THEMES, WIDGET};
use scanlogin_e2e::phone_page::{Code, ask, enter, open_signed_in, wait_for_notice, wait_for_step};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use scanlogin_protocol::lifecycle::CODE_LIFETIME;
use serde_json::{Value, json};
use thirtyfour::Key;

const LANGUAGES: [&str; 5] = ["en-US", "zh-CN", "zh-TW", "ja-JP", "ar"];
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/node_modules/axe-core/axe.min.js");

/// The expected content of the widget in a state.
struct Expected {
    /// The caption in the gallery.
    caption: &'static str,
    /// The lines of the status, which is announced. One of them is the headline.
    status: &'static [&'static str],
    headline: &'static str,
    has_code: bool,
    countdown: Option<&'static str>,
    button: Option<&'static str>,
    link: Option<&'static str>,
}

const fn expected(caption: &'static str, status: &'static [&'static str], headline: &'static str) -> Expected {
    Expected { caption, status, headline, has_code: false, countdown: None, button: None, link: None }
}

const STATES: [Expected; 16] = [
    expected("loading", &["Loading code…"], "Loading code…"),
    Expected {
        has_code: true,
        countdown: Some("Expires in"),
        ..expected("ready", &["Scan with the app to sign in"], "Scan with the app to sign in")
    },
    Expected {
        has_code: true,
        countdown: Some("Expires in"),
        link: Some("Continue on this phone"),
        ..expected(
            "ready, on a phone",
            &["Or scan with the app on another phone"],
            "Or scan with the app on another phone",
        )
    },
    Expected {
        button: Some("Not you? Get a new code"),
        ..expected("scanned", &["Alice Example", "Scanned", "Confirm the sign-in on your phone"], "Scanned")
    },
    Expected {
        button: Some("Not you? Get a new code"),
        ..expected("scanned, no photo", &["Bob", "Scanned", "Confirm the sign-in on your phone"], "Scanned")
    },
    Expected {
        button: Some("Not you? Get a new code"),
        ..expected(
            "scanned, number",
            &["Alice Example", "Scanned", "Choose this number on your phone", "47"],
            "Scanned",
        )
    },
    expected("signing-in", &["Alice Example", "Signing you in…"], "Signing you in…"),
    expected("confirmed", &["Alice Example", "Signed in"], "Signed in"),
    Expected {
        button: Some("Get a new code"),
        ..expected("cancelled", &["Sign-in was declined"], "Sign-in was declined")
    },
    Expected {
        button: Some("Get a new code"),
        ..expected("expired", &["This code has expired"], "This code has expired")
    },
    Expected {
        has_code: true,
        button: Some("Try now"),
        ..expected("unreachable", &["Can’t reach the server", "Retrying…"], "Can’t reach the server")
    },
    Expected {
        has_code: true,
        countdown: Some("Trying again in"),
        ..expected("busy", &["The server is busy"], "The server is busy")
    },
    expected("needs-mfa", &["One more step to sign in"], "One more step to sign in"),
    Expected {
        button: Some("Get a new code"),
        ..expected(
            "refused",
            &["The sign-in was refused", "Use another account, or contact this site’s support"],
            "The sign-in was refused",
        )
    },
    Expected {
        button: Some("Get a new code"),
        ..expected("sign-in expired", &["This sign-in has expired"], "This sign-in has expired")
    },
    expected(
        "no code",
        &["Something went wrong", "Sign in another way, or contact this site’s support"],
        "Something went wrong",
    ),
];

#[tokio::test]
async fn axe_finds_no_issue_in_each_state_theme_and_language() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for theme in THEMES {
        // The page around the widgets follows the color scheme of the system.
        let scheme = if theme == "dark" { "dark" } else { "light" };
        browser.emulate_media(&[("prefers-color-scheme", scheme)]).await?;
        for language in LANGUAGES {
            gallery::open(&browser, &site, &format!("theme={theme}&language={language}")).await?;
            assert_eq!(axe_issues(&browser).await?, json!([]), "{theme}, {language}");
        }
    }
    // Checks that axe-core tests the content of the shadow roots: it finds a picture without a text in each.
    browser
        .run("for (const { shadowRoot } of document.querySelectorAll('.scanlogin')) shadowRoot.append(new Image())")
        .await?;
    let found = axe_issues(&browser).await?;
    assert_eq!(
        (&found[0]["rule"], found[0]["where"].as_array().map(Vec::len)),
        (&json!("image-alt"), Some(STATES.len()))
    );
    browser.close().await
}

#[tokio::test]
async fn axe_finds_no_issue_on_the_login_page_and_the_phone_page() -> Result<()> {
    let site = Site::start().await?;
    let (desk, phone) = Browser::open_two().await?;
    desk.goto(&site.url).await?;
    let text = desk.read_code().await?;
    assert_no_axe_issue_in_light_and_dark(&desk).await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.type_into("#username", "alice").await?;
    phone.type_into("#password", "wrong").await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    phone.click("#sign-in").await?;
    phone.wait_for("document.querySelector('#step-sign-in [role=alert]').checkVisibility()").await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    phone.run("document.querySelector('#password').value = ''").await?;
    phone.type_into("#password", "alice").await?;
    phone.click("#sign-in").await?;
    phone.wait_for("document.querySelector('#step-scan').checkVisibility()").await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    phone.type_into("#code-text", &text).await?;
    phone.click("#use-text").await?;
    phone.wait_for("document.querySelector('#step-approve').checkVisibility()").await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    // The phone is held sideways.
    phone.resize(812, 375, 1.0).await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    // At a zoom of 400 %, Confirm waits for the warning.
    phone.resize(320, 180, 1.0).await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    phone.resize(375, 812, 1.0).await?;

    desk.wait_for_state("scanned").await?;
    assert_no_axe_issue_in_light_and_dark(&desk).await?;
    phone.click("#confirm").await?;
    phone.wait_for("document.querySelector('#step-result').checkVisibility()").await?;
    assert_no_axe_issue_in_light_and_dark(&phone).await?;
    desk.text_of("#signed-in-name").await?;
    assert_no_axe_issue_in_light_and_dark(&desk).await?;
    desk.close().await?;
    phone.close().await
}

#[tokio::test]
async fn axe_finds_no_issue_on_the_phone_page_in_each_language() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    faults.inject(
        "scanned",
        Fault::Modified(|response| {
            response["data"]["numbers"] = json!(["17", "42", "88"]);
            response["data"]["sameNetwork"] = json!(false);
            response["data"]["customData"] = json!({ "Order": "4711" });
        }),
    );
    for language in ["en-US", "zh-CN", "zh-TW", "ja-JP"] {
        phone.goto(&format!("{}/phone.html?lang={language}", site.url)).await?;
        wait_for_step(&phone, "scan").await?;
        enter(&phone, "WIFI:S:net;;").await?;
        wait_for_notice(&phone).await?;
        assert_no_axe_issue_in_light_and_dark(&phone).await.with_context(|| language)?;
        ask(&phone, &Code::create(&site).await?).await?;
        assert_no_axe_issue_in_light_and_dark(&phone).await.with_context(|| language)?;
        phone.click("#none-of-them").await?;
        wait_for_step(&phone, "result").await?;
        assert_no_axe_issue_in_light_and_dark(&phone).await.with_context(|| language)?;
    }
    phone.close().await
}

#[tokio::test]
async fn axe_finds_no_issue_on_each_example() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let mut pages = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/examples"))? {
        let name = entry?.file_name().into_string().ok().context("the file name is not UTF-8")?;
        if !name.ends_with(".html") {
            continue;
        }
        browser.goto(&format!("{}/examples/{name}", site.url)).await?;
        browser.run("document.querySelector('#open')?.click()").await?;
        browser
            .wait_for(
                "[...document.querySelectorAll('#qrcode, scan-login')].every((target) =>
                   !target.checkVisibility() || target.querySelector('.scanlogin[data-state=ready]'))",
            )
            .await?;
        assert_no_axe_issue_in_light_and_dark(&browser).await.with_context(|| name)?;
        pages += 1;
    }
    ensure!(pages > 1, "there are only {pages} examples");
    browser.close().await
}

#[tokio::test]
async fn button_of_each_state_can_be_focused_and_pressed_by_keyboard() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for key in [Key::Enter, Key::Space] {
        for Expected { caption, headline, button, link, .. } in &STATES {
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
            // The three fields of the filter come first.
            for _ in 0..4 {
                browser.press(Key::Tab).await?;
            }
            if let Some(link) = link {
                assert_eq!(focus(&browser).await?, ("link".to_owned(), (*link).to_owned()), "{caption}");
                assert!(has_focus_ring(&browser).await?, "{caption}");
                continue;
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
            assert!(has_focus_ring(&browser).await?, "{caption}");

            browser.press(key.clone()).await?;
            browser.wait_for("presses === 1").await?;
            if *button == "Try now" {
                // The state does not change, and the button keeps the focus.
                assert_eq!(focus(&browser).await?, ("button".to_owned(), (*button).to_owned()), "{caption}");
                continue;
            }
            // The gallery brings the widget back to the same state, with a new code.
            browser.wait_for("states[0] === 'loading' && states.length > 1").await?;
            browser.wait_for(SETTLED).await?;
            assert_eq!(focus(&browser).await?, ("group".to_owned(), (*headline).to_owned()), "{caption}");
            assert!(has_focus_ring(&browser).await?, "{caption}");
            browser.press(Key::Tab).await?;
            assert_eq!(focus(&browser).await?, ("button".to_owned(), (*button).to_owned()), "{caption}");
        }
    }
    browser.close().await
}

#[tokio::test]
async fn expired_code_can_be_replaced_by_keyboard_and_focus_moves_to_the_signed_in_user() -> Result<()> {
    let mut site =
        Site::start_with(|config| demo_app(config).code_lifetime = Duration::from_secs(2), |app| app).await?;
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    browser.wait_for_state("expired").await?;
    // The next code must not expire during the test.
    site.stop().await?;
    demo_app(&mut site.config).code_lifetime = CODE_LIFETIME;
    site.restart().await?;
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
async fn accessibility_tree_has_the_visible_content_of_each_state() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    let tree = Tree::of(&browser).await?;
    let figures: Vec<&Value> = tree.0.iter().filter(|node| role(node) == "figure").collect();
    assert_eq!(figures.len(), STATES.len());
    for (figure, expected) in figures.into_iter().zip(&STATES) {
        let Expected { caption, status, headline, has_code, countdown, button, link } = expected;
        let parts = tree.below(figure);
        let with_role =
            |wanted: &str| -> Vec<&Value> { parts.iter().copied().filter(|node| role(node) == wanted).collect() };
        let names = |wanted: &str| -> Vec<&str> { with_role(wanted).into_iter().map(name).collect() };
        assert_eq!(names("group"), [*headline], "{caption}");
        assert_eq!(names("image"), Vec::from_iter(has_code.then_some("QR code for signing in")), "{caption}");
        assert_eq!(names("button"), Vec::from_iter(*button), "{caption}");
        assert_eq!(names("link"), Vec::from_iter(*link), "{caption}");

        let [region] = with_role("status")[..] else { panic!("{caption} must have exactly one status") };
        assert_eq!((property(region, "live"), property(region, "atomic")), (json!("polite"), json!(true)), "{caption}");
        assert_eq!(tree.text(region), *status, "{caption}");

        let timers = with_role("timer");
        assert_eq!(timers.len(), usize::from(countdown.is_some()), "{caption}");
        for (timer, countdown) in timers.into_iter().zip(countdown) {
            assert!(tree.text(timer).concat().starts_with(countdown), "{caption}");
            assert_eq!(property(timer, "live"), Value::Null, "the countdown must not be announced");
        }
    }
    browser.close().await
}

/// The violations that axe-core finds and the checks that it can't decide: WCAG 2 A and AA, and best practices.
/// Contrast of text on an image is ignored, because axe-core can't decide it.
async fn axe_issues(browser: &Browser) -> Result<Value> {
    browser.run(&fs::read_to_string(AXE).context("axe-core is not installed: run `cargo xtask dist` first")?).await?;
    browser
        .run(
            "const options = { resultTypes: ['violations', 'incomplete'], rules: { 'target-size': { enabled: true } } };
             return axe.run(options).then(({ violations, incomplete }) =>
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

async fn assert_no_axe_issue_in_light_and_dark(browser: &Browser) -> Result<()> {
    for scheme in ["light", "dark"] {
        browser.emulate_media(&[("prefers-color-scheme", scheme)]).await?;
        browser.wait_for("document.getAnimations().length === 0").await?;
        let found = axe_issues(browser).await?;
        ensure!(found == json!([]), "axe-core in {scheme}: {found:#}\n{}", browser.text().await?);
    }
    Ok(())
}

/// The role and name of the focused element.
async fn focus(browser: &Browser) -> Result<(String, String)> {
    let tree = Tree::of(browser).await?;
    let focused =
        tree.0.iter().rfind(|node| property(node, "focused") == json!(true)).context("no element has the focus")?;
    Ok((role(focused).to_owned(), name(focused).to_owned()))
}

/// Whether the focused element of the widget has a visible outline.
async fn has_focus_ring(browser: &Browser) -> Result<bool> {
    let code = format!(
        "const {{ outlineStyle, outlineWidth, outlineColor }} = getComputedStyle({WIDGET}.activeElement);
         return outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 && !outlineColor.endsWith(', 0)')"
    );
    Ok(browser.run(&code).await? == json!(true))
}

/// The accessibility tree of a page, in reading order.
struct Tree(Vec<Value>);

impl Tree {
    async fn of(browser: &Browser) -> Result<Self> {
        let mut tree = browser.command("Accessibility.getFullAXTree", json!({})).await?;
        let nodes: Vec<Value> = serde_json::from_value(tree["nodes"].take())?;
        Ok(Self(nodes))
    }

    /// The descendants of a node that are not ignored.
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
