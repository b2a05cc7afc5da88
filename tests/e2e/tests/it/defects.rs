//! What the SDK in the field gets wrong, and we get right. Each test makes one observation twice, so that it is seen to
//! fail: with `authing-js-sdk` as npm has it, and with ours.

use std::time::Duration;

use anyhow::Result;
use scanlogin_e2e::Browser;
use scanlogin_e2e::faults::Fault;
use scanlogin_e2e::side_by_side::{Page, side_by_side, side_by_side_with};
use scanlogin_e2e::site::demo_app;
use serde_json::{Value, json};

#[tokio::test]
async fn a_slow_network_does_not_tell_of_one_sign_in_twice() -> Result<()> {
    let browser = Browser::open().await?;
    let successes = side_by_side(&browser, async |page| {
        let code = page.show_code("").await?;
        page.faults.strike("check", Fault::Held);
        page.until_polled().await?;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.faults.relent();
        page.until_told("onSuccess").await?;
        page.rest(5).await?;
        page.count("onSuccess").await
    })
    .await?;
    assert!(successes.sdk > 1, "{successes:?}");
    assert_eq!(successes.ours, 1);
    browser.close().await
}

#[tokio::test]
async fn a_poll_that_fails_is_followed_by_another() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        let code = page.show_code("").await?;
        let text = page.browser.text().await?;
        page.faults.strike("check", Fault::Broken);
        page.until_told("onError").await?;
        page.faults.relent();
        page.rest(1).await?;
        let polls = page.requests("check");
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        let recovery = json!({
            "signs in": page.is_ever_told("onSuccess").await?,
            "polls again": page.requests("check") > polls,
            "shows anything": page.browser.text().await? != text,
        });
        Ok((recovery, page.codes_on_screen().await?))
    })
    .await?;
    let (recovery, dead_codes) = seen.sdk;
    assert_eq!(recovery, json!({ "signs in": false, "polls again": false, "shows anything": false }));
    assert_eq!(dead_codes, 1);
    let (recovery, _) = seen.ours;
    assert_eq!(recovery, json!({ "signs in": true, "polls again": true, "shows anything": true }));
    browser.close().await
}

#[tokio::test]
async fn text_of_the_page_and_of_the_server_is_only_text() -> Result<()> {
    let browser = Browser::open().await?;
    const HOSTILE: &str = "<img src=x onerror=window.owned=true>";
    let seen = side_by_side(&browser, async |page| {
        page.show_code(&format!("tips: {{ title: '{HOSTILE}' }}")).await?;
        page.rest(5).await?;
        let tips = page.look("window.owned === true").await?;
        let shown = page.browser.text().await?.contains(HOSTILE);

        page.begin_anew().await?;
        page.faults.strike("gene", Fault::Changed(|answer| *answer = json!({ "code": 1001, "message": HOSTILE })));
        page.browser.run("start()").await?;
        page.until_told("onCodeLoadFailed").await?;
        page.rest(5).await?;
        let message = page.look("window.owned === true").await?;
        Ok(json!({
            "tips run": tips, "tips are read": shown,
            "message runs": message, "message is read": page.browser.text().await?.contains(HOSTILE),
        }))
    })
    .await?;
    assert_eq!(
        seen.sdk,
        json!({ "tips run": true, "tips are read": false, "message runs": true, "message is read": false })
    );
    assert_eq!(
        seen.ours,
        json!({ "tips run": false, "tips are read": true, "message runs": false, "message is read": true })
    );
    browser.close().await
}

#[tokio::test]
async fn a_removed_element_ends_its_widget() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        let code = page.show_code("").await?;
        page.browser.run("document.querySelector('#qrcode').remove()").await?;
        page.rest(1).await?;
        let polls = page.requests("check");
        page.rest(5).await?;
        let polls_on = page.requests("check") > polls;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.rest(5).await?;
        Ok(json!({ "polls on": polls_on, "tells of sign-ins": page.count("onSuccess").await? }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "polls on": true, "tells of sign-ins": 1 }));
    assert_eq!(seen.ours, json!({ "polls on": false, "tells of sign-ins": 0 }));
    browser.close().await
}

#[tokio::test]
async fn what_is_mounted_twice_polls_once_and_two_widgets_leave_each_other_alone() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        // React's strict mode mounts, unmounts and mounts again.
        page.browser.run("start()?.destroy?.(); start()").await?;
        page.until_told("onCodeShow").await?;
        page.rest(10).await?;
        let polled = page.polled_codes().len();

        page.begin_anew().await?;
        page.show_code("").await?;
        page.browser.run("document.body.append(document.createElement('div'))").await?;
        page.browser.run("document.body.lastChild.id = 'second'; start({}, 'second')").await?;
        page.browser.until("told.filter(([name]) => name === 'onCodeShow').length === 2").await?;
        page.rest(5).await?;
        Ok(json!({ "codes polled when mounted twice": polled, "codes of two widgets": page.codes_on_screen().await? }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "codes polled when mounted twice": 2, "codes of two widgets": 1 }));
    assert_eq!(seen.ours, json!({ "codes polled when mounted twice": 1, "codes of two widgets": 2 }));
    browser.close().await
}

#[tokio::test]
async fn a_strict_policy_has_nothing_to_forbid() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        page.begin_under_strict_policy().await?;
        page.show_code("").await?;
        page.rest(5).await?;
        Ok(json!({
            "violated": page.look("[...new Set(violations)].sort()").await?,
            "codes on screen": page.codes_on_screen().await?,
        }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "violated": ["img-src", "style-src-elem"], "codes on screen": 0 }));
    assert_eq!(seen.ours, json!({ "violated": [], "codes on screen": 1 }));
    browser.close().await
}

#[tokio::test]
async fn a_refused_code_leaves_a_button_and_not_a_spinner() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        page.faults.strike("gene", Fault::Changed(|answer| *answer = json!({ "code": 500, "message": "no" })));
        page.browser.run("start()").await?;
        page.until_told("onCodeLoadFailed").await?;
        page.rest(10).await?;
        let spins = page.look(SPINS).await?;
        page.faults.relent();
        page.browser.run("root().querySelector('button, a')?.click()").await?;
        Ok(json!({ "spins": spins, "a click brings a code": page.is_ever_told("onCodeShow").await? }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "spins": true, "a click brings a code": false }));
    assert_eq!(seen.ours, json!({ "spins": false, "a click brings a code": true }));
    browser.close().await
}

#[tokio::test]
async fn an_image_that_does_not_load_is_not_waited_for() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        // A server of others tells nothing but the image.
        page.faults.strike("gene", Fault::Changed(keep_image_alone));
        page.faults.strike("image", Fault::Html);
        page.browser.run("start()").await?;
        let shown = page.is_ever_told("onCodeShow").await?;
        Ok(json!({
            "image asked for": page.requests("image") > 0,
            "code shown": shown,
            "codes on screen": page.codes_on_screen().await?,
            "spins": page.look(SPINS).await?,
            "page told": page.look("told.length > 0").await?,
        }))
    })
    .await?;
    let expected = |is_well: bool| {
        json!({
            "image asked for": true,
            "code shown": is_well,
            "codes on screen": u8::from(is_well),
            "spins": !is_well,
            "page told": is_well,
        })
    };
    assert_eq!((seen.sdk, seen.ours), (expected(false), expected(true)));
    browser.close().await
}

#[tokio::test]
async fn neither_a_missing_user_nor_a_callback_that_throws_ends_the_polling() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        page.faults.strike("check", Fault::Changed(|answer| answer["data"]["userInfo"] = Value::Null));
        let code = page.show_code("").await?;
        page.phone.scan(&code).await?;
        page.browser.until("told.some(([name]) => ['onScanned', 'onError'].includes(name))").await?;
        page.phone.confirm(&code).await?;
        let without_user = page.is_ever_told("onSuccess").await?;

        page.faults.relent();
        page.begin_anew().await?;
        let throw = "onScanned: () => { tell('onScanned')(); throw new Error('a bug of the page') }";
        let code = page.show_code(throw).await?;
        page.phone.scan(&code).await?;
        page.until_told("onScanned").await?;
        page.phone.confirm(&code).await?;
        Ok(json!({ "without user": without_user, "after a throw": page.is_ever_told("onSuccess").await? }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "without user": false, "after a throw": false }));
    assert_eq!(seen.ours, json!({ "without user": true, "after a throw": true }));
    browser.close().await
}

#[tokio::test]
async fn a_failed_exchange_is_told_and_never_looks_like_a_success() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        // The server leaves the exchange to the site's backend unless it is told otherwise.
        let code = page.show_code("autoExchangeUserInfo: true").await?;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.until_answered("userinfo").await?;
        let told = page.is_ever_told("onError").await?;
        let text = page.browser.text().await?;
        let shows_success = ["Scan code successfully", "Signed in"].iter().any(|words| text.contains(words));
        Ok(json!({
            "error told": told, "success told": page.count("onSuccess").await?, "success shown": shows_success,
        }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "error told": false, "success told": 0, "success shown": true }));
    assert_eq!(seen.ours, json!({ "error told": true, "success told": 0, "success shown": false }));
    browser.close().await
}

#[tokio::test]
async fn a_server_is_asked_no_more_than_it_takes() -> Result<()> {
    let browser = Browser::open().await?;
    let lifetime = |config: &mut scanlogin_server::Config| demo_app(config).code_lifetime = Duration::from_secs(10);
    let polls = side_by_side_with(&browser, lifetime, async |page| {
        page.show_code("interval: 800, longPoll: true").await?;
        page.until_told("onExpired").await?;
        Ok(page.requests("check"))
    })
    .await?;
    assert!(polls.sdk > 2 * polls.ours, "in the life of a code: {polls:?}");

    let hidden = side_by_side(&browser, async |page| {
        page.show_code("").await?;
        page.browser.minimize().await?;
        // The poll that was due when the page was hidden.
        page.rest(2).await?;
        let polls = page.requests("check");
        page.rest(6).await?;
        let polls = page.requests("check") - polls;
        page.browser.restore().await?;
        Ok(polls)
    })
    .await?;
    assert!(hidden.sdk > 2 * hidden.ours, "while nobody looks: {hidden:?}");

    let overloaded = side_by_side(&browser, async |page| {
        page.faults.strike("gene", Fault::Overloaded(2));
        page.browser.run("start()").await?;
        page.until_answered("gene").await?;
        page.faults.relent();
        let came_back = page.is_ever_told("onCodeShow").await?;
        let asked = page.faults.seen("gene");
        Ok((came_back, asked[asked.len() - 1].0 - asked[0].0))
    })
    .await?;
    assert_eq!(overloaded.sdk, (false, Duration::ZERO));
    assert!(matches!(overloaded.ours, (true, rest) if rest >= Duration::from_secs(2)), "{overloaded:?}");
    browser.close().await
}

#[tokio::test]
async fn the_code_has_a_name_news_are_announced_the_keyboard_suffices_and_edges_are_sharp() -> Result<()> {
    let browser = Browser::open().await?;
    let seen = side_by_side(&browser, async |page| {
        page.show_code("").await?;
        let name = page.look(&format!("{CODE}.getAttribute('aria-label') || {CODE}.alt || null")).await?;
        // A layout of twice the size asks of an image what a screen of twice the density does.
        page.browser.run("document.documentElement.style.zoom = 2").await?;
        let greys = greys_of_code(page).await?;

        page.faults.strike("check", Fault::Changed(|answer| answer["data"]["status"] = json!(-1)));
        page.until_told("onExpired").await?;
        page.faults.relent();
        let announced = page.look("root().querySelector('[role=status], [aria-live]')?.textContent").await?;
        page.browser.run("told.length = 0").await?;
        page.browser.type_into("body", TAB_AND_ENTER).await?;
        Ok(json!({
            "name": name,
            "greys": greys > 0,
            "announced": announced,
            "keys bring a code": page.is_ever_told("onCodeShow").await?,
        }))
    })
    .await?;
    assert_eq!(seen.sdk, json!({ "name": null, "greys": true, "announced": null, "keys bring a code": false }));
    assert_eq!(
        seen.ours,
        json!({
            "name": "QR code for signing in",
            "greys": false,
            "announced": "This code has expired",
            "keys bring a code": true,
        })
    );
    browser.close().await
}

/// Whether the widget looks as if something were about to come.
const SPINS: &str = "root().querySelector('#authing__spinner, [aria-busy=true]') !== null";
/// The picture of the code.
const CODE: &str = "root().querySelector('img, .code svg')";
/// As WebDriver writes them.
const TAB_AND_ENTER: &str = "\u{e004}\u{e007}";

fn keep_image_alone(answer: &mut Value) {
    let data = &answer["data"];
    answer["data"] = json!({ "random": data["random"], "expiresIn": data["expiresIn"], "url": data["url"] });
}

/// How many pixels of the code are neither dark nor light.
async fn greys_of_code(page: &Page<'_>) -> Result<usize> {
    let place = format!("Object.values({CODE}.getBoundingClientRect().toJSON()).map(Math.round)");
    let [x, y, width, height, ..]: [usize; 8] = serde_json::from_value(page.look(&place).await?)?;
    let code = page.picture().await?.crop(x, y, width, height);
    Ok(code.pixels().iter().filter(|[red, ..]| (32..224).contains(red)).count())
}
