//! Defects of authing-js-sdk that scanlogin does not have. Each test runs the same steps with both libraries, and
//! asserts that the SDK fails and scanlogin does not.

use std::time::Duration;

use anyhow::Result;
use scanlogin_e2e::Browser;
use scanlogin_e2e::comparison::{Page, compare, compare_with};
use scanlogin_e2e::faults::Fault;
use scanlogin_e2e::site::demo_app;
use serde_json::{Value, json};

#[tokio::test]
async fn slow_network_calls_on_success_once() -> Result<()> {
    let browser = Browser::open().await?;
    let successes = compare(&browser, async |page| {
        let code = page.show_code("").await?;
        page.faults.inject("check", Fault::Held);
        page.wait_for_held_polls().await?;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.faults.clear();
        page.wait_for_callback("onSuccess").await?;
        page.wait_intervals(5).await?;
        page.count("onSuccess").await
    })
    .await?;
    assert!(successes.sdk > 1, "{successes:?}");
    assert_eq!(successes.ours, 1);
    browser.close().await
}

#[tokio::test]
async fn failed_poll_is_retried() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        let code = page.show_code("").await?;
        let text = page.browser.text().await?;
        page.faults.inject("check", Fault::Aborted);
        page.wait_for_callback("onError").await?;
        page.faults.clear();
        page.wait_intervals(1).await?;
        let polls = page.request_count("check");
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        let recovery = json!({
            "signs in": page.is_ever_called("onSuccess").await?,
            "polls again": page.request_count("check") > polls,
            "shows a change": page.browser.text().await? != text,
        });
        Ok((recovery, page.readable_codes().await?))
    })
    .await?;
    let (recovery, stale_codes) = results.sdk;
    assert_eq!(recovery, json!({ "signs in": false, "polls again": false, "shows a change": false }));
    assert_eq!(stale_codes, 1);
    let (recovery, _) = results.ours;
    assert_eq!(recovery, json!({ "signs in": true, "polls again": true, "shows a change": true }));
    browser.close().await
}

#[tokio::test]
async fn html_in_tips_is_shown_as_text_and_server_messages_are_not_shown() -> Result<()> {
    let browser = Browser::open().await?;
    const HOSTILE: &str = "<img src=x onerror=window.executed=true>";
    let results = compare(&browser, async |page| {
        page.show_code(&format!("tips: {{ title: '{HOSTILE}' }}")).await?;
        page.wait_intervals(5).await?;
        let tips = page.evaluate("window.executed === true").await?;
        let shown = page.browser.text().await?.contains(HOSTILE);

        page.reload().await?;
        page.faults.inject("gene", Fault::Modified(|response| *response = json!({ "code": 1001, "message": HOSTILE })));
        page.browser.run("start()").await?;
        page.wait_for_callback("onCodeLoadFailed").await?;
        page.wait_intervals(5).await?;
        let message = page.evaluate("window.executed === true").await?;
        Ok(json!({
            "tips executed": tips, "tips shown": shown,
            "message executed": message, "message shown": page.browser.text().await?.contains(HOSTILE),
        }))
    })
    .await?;
    assert_eq!(
        results.sdk,
        json!({ "tips executed": true, "tips shown": false, "message executed": true, "message shown": false })
    );
    assert_eq!(
        results.ours,
        json!({ "tips executed": false, "tips shown": true, "message executed": false, "message shown": false })
    );
    browser.close().await
}

#[tokio::test]
async fn removing_the_element_ends_the_widget() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        let code = page.show_code("").await?;
        page.browser.run("document.querySelector('#qrcode').remove()").await?;
        page.wait_intervals(1).await?;
        let polls = page.request_count("check");
        page.wait_intervals(5).await?;
        let keeps_polling = page.request_count("check") > polls;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.wait_intervals(5).await?;
        // The SDK reports a sign-in several times if the responses to its polls are slow.
        Ok(json!({ "keeps polling": keeps_polling, "reports a sign-in": page.count("onSuccess").await? > 0 }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "keeps polling": true, "reports a sign-in": true }));
    assert_eq!(results.ours, json!({ "keeps polling": false, "reports a sign-in": false }));
    browser.close().await
}

#[tokio::test]
async fn remounted_widget_polls_one_code_and_two_widgets_show_two_codes() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        // React's StrictMode mounts, unmounts and mounts again.
        page.browser.run("start()?.destroy?.(); start()").await?;
        page.wait_for_callback("onCodeShow").await?;
        page.wait_intervals(10).await?;
        let polled = page.polled_codes().len();

        page.reload().await?;
        page.show_code("").await?;
        page.browser.run("document.body.append(document.createElement('div'))").await?;
        page.browser.run("document.body.lastChild.id = 'second'; start({}, 'second')").await?;
        page.browser.wait_for("calls.filter(([name]) => name === 'onCodeShow').length === 2").await?;
        page.wait_intervals(5).await?;
        Ok(json!({ "codes polled after a remount": polled, "codes of two widgets": page.readable_codes().await? }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "codes polled after a remount": 2, "codes of two widgets": 1 }));
    assert_eq!(results.ours, json!({ "codes polled after a remount": 1, "codes of two widgets": 2 }));
    browser.close().await
}

#[tokio::test]
async fn strict_policy_is_not_violated() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        page.reload_with_strict_policy().await?;
        page.show_code("").await?;
        page.wait_intervals(5).await?;
        Ok(json!({
            "violated": page.evaluate("[...new Set(violations)].sort()").await?,
            "codes on screen": page.readable_codes().await?,
        }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "violated": ["img-src", "style-src-elem"], "codes on screen": 0 }));
    assert_eq!(results.ours, json!({ "violated": [], "codes on screen": 1 }));
    browser.close().await
}

#[tokio::test]
async fn failed_gene_shows_a_button_instead_of_a_spinner() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        page.faults.inject("gene", Fault::Modified(|response| *response = json!({ "code": 500, "message": "no" })));
        page.browser.run("start()").await?;
        page.wait_for_callback("onCodeLoadFailed").await?;
        page.wait_intervals(10).await?;
        let is_busy = page.evaluate(IS_BUSY).await?;
        page.faults.clear();
        page.browser
            .run("[...root().querySelectorAll('button, a')].find((one) => one.checkVisibility())?.click()")
            .await?;
        Ok(json!({ "busy": is_busy, "click shows a code": page.is_ever_called("onCodeShow").await? }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "busy": true, "click shows a code": false }));
    assert_eq!(results.ours, json!({ "busy": false, "click shows a code": true }));
    browser.close().await
}

#[tokio::test]
async fn broken_image_is_replaced_by_a_drawn_code() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        // Other servers only send the address of the image.
        page.faults.inject("gene", Fault::Modified(keep_image_only));
        page.faults.inject("image", Fault::Html);
        page.browser.run("start()").await?;
        let shown = page.is_ever_called("onCodeShow").await?;
        Ok(json!({
            "image requested": page.request_count("image") > 0,
            "code shown": shown,
            "codes on screen": page.readable_codes().await?,
            "busy": page.evaluate(IS_BUSY).await?,
            "page notified": page.evaluate("calls.length > 0").await?,
        }))
    })
    .await?;
    let expected = |is_fixed: bool| {
        json!({
            "image requested": true,
            "code shown": is_fixed,
            "codes on screen": u8::from(is_fixed),
            "busy": !is_fixed,
            "page notified": is_fixed,
        })
    };
    assert_eq!((results.sdk, results.ours), (expected(false), expected(true)));
    browser.close().await
}

#[tokio::test]
async fn missing_user_info_and_a_throwing_callback_do_not_end_polling() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        page.faults.inject("check", Fault::Modified(|response| response["data"]["userInfo"] = Value::Null));
        let code = page.show_code("").await?;
        page.phone.scan(&code).await?;
        page.browser.wait_for("calls.some(([name]) => ['onScanned', 'onError'].includes(name))").await?;
        page.phone.confirm(&code).await?;
        let without_user = page.is_ever_called("onSuccess").await?;

        page.faults.clear();
        page.reload().await?;
        let throw = "onScanned: () => { record('onScanned')(); throw new Error('an error of the page') }";
        let code = page.show_code(throw).await?;
        page.phone.scan(&code).await?;
        page.wait_for_callback("onScanned").await?;
        page.phone.confirm(&code).await?;
        Ok(json!({ "without user": without_user, "after a throw": page.is_ever_called("onSuccess").await? }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "without user": false, "after a throw": false }));
    assert_eq!(results.ours, json!({ "without user": true, "after a throw": true }));
    browser.close().await
}

#[tokio::test]
async fn failed_exchange_calls_on_error_and_does_not_show_success() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        // By default, the server allows the exchange only to the backend of the site.
        let code = page.show_code("autoExchangeUserInfo: true").await?;
        page.phone.scan(&code).await?;
        page.phone.confirm(&code).await?;
        page.wait_for_response("userinfo").await?;
        let error_reported = page.is_ever_called("onError").await?;
        let text = page.browser.text().await?;
        let shows_success = ["Scan code successfully", "Signed in"].iter().any(|message| text.contains(message));
        Ok(json!({
            "error reported": error_reported, "success reported": page.count("onSuccess").await?, "success shown": shows_success,
        }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "error reported": false, "success reported": 0, "success shown": true }));
    assert_eq!(results.ours, json!({ "error reported": true, "success reported": 0, "success shown": false }));
    browser.close().await
}

#[tokio::test]
async fn server_gets_fewer_polls_and_retry_after_is_respected() -> Result<()> {
    let browser = Browser::open().await?;
    let lifetime = |config: &mut scanlogin_server::Config| demo_app(config).code_lifetime = Duration::from_secs(10);
    let polls = compare_with(&browser, lifetime, async |page| {
        page.show_code("interval: 800, longPoll: true").await?;
        page.wait_for_callback("onExpired").await?;
        Ok(page.request_count("check"))
    })
    .await?;
    assert!(polls.sdk > 2 * polls.ours, "polls in the lifetime of a code: {polls:?}");

    let hidden = compare(&browser, async |page| {
        page.show_code("").await?;
        page.browser.minimize().await?;
        // One more poll may be due when the page is hidden.
        page.wait_intervals(2).await?;
        let polls = page.request_count("check");
        page.wait_intervals(6).await?;
        let polls = page.request_count("check") - polls;
        page.browser.restore().await?;
        Ok(polls)
    })
    .await?;
    assert!(hidden.sdk > 2 * hidden.ours, "polls of a hidden page: {hidden:?}");

    let overloaded = compare(&browser, async |page| {
        page.faults.inject("gene", Fault::Overloaded(2));
        page.browser.run("start()").await?;
        page.wait_for_response("gene").await?;
        page.faults.clear();
        let recovers = page.is_ever_called("onCodeShow").await?;
        let requests = page.faults.requests("gene");
        Ok((recovers, requests[requests.len() - 1].0 - requests[0].0))
    })
    .await?;
    assert_eq!(overloaded.sdk, (false, Duration::ZERO));
    assert!(matches!(overloaded.ours, (true, delay) if delay >= Duration::from_secs(2)), "{overloaded:?}");
    browser.close().await
}

#[tokio::test]
async fn code_has_a_name_and_sharp_edges_and_states_are_announced_and_usable_by_keyboard() -> Result<()> {
    let browser = Browser::open().await?;
    let results = compare(&browser, async |page| {
        page.show_code("").await?;
        let name = page.evaluate(&format!("{CODE}.getAttribute('aria-label') || {CODE}.alt || null")).await?;
        // A zoom of two has the same effect on an image as a screen with twice the density.
        page.browser.run("document.documentElement.style.zoom = 2").await?;
        let gray_pixels = gray_pixels_of_code(page).await?;

        page.faults.inject("check", Fault::Modified(|response| response["data"]["status"] = json!(-1)));
        page.wait_for_callback("onExpired").await?;
        page.faults.clear();
        let announced = page.evaluate("root().querySelector('[role=status], [aria-live]')?.textContent").await?;
        page.browser.run("calls.length = 0").await?;
        page.browser.type_into("body", TAB_AND_ENTER).await?;
        Ok(json!({
            "name": name,
            "gray pixels": gray_pixels > 0,
            "announced": announced,
            "keys show a code": page.is_ever_called("onCodeShow").await?,
        }))
    })
    .await?;
    assert_eq!(results.sdk, json!({ "name": null, "gray pixels": true, "announced": null, "keys show a code": false }));
    assert_eq!(
        results.ours,
        json!({
            "name": "QR code for signing in",
            "gray pixels": false,
            "announced": "This code has expired",
            "keys show a code": true,
        })
    );
    browser.close().await
}

/// An expression: whether the widget shows that it is loading.
const IS_BUSY: &str = "root().querySelector('#authing__spinner, [aria-busy=true]') !== null";
/// The image of the code, as an expression.
const CODE: &str = "root().querySelector('img, canvas')";
/// Tab and Enter as key codes of WebDriver.
const TAB_AND_ENTER: &str = "\u{e004}\u{e007}";

fn keep_image_only(response: &mut Value) {
    let data = &response["data"];
    response["data"] = json!({ "random": data["random"], "expiresIn": data["expiresIn"], "url": data["url"] });
}

/// The number of pixels of the code that are neither dark nor light.
async fn gray_pixels_of_code(page: &Page<'_>) -> Result<usize> {
    let rectangle = format!("Object.values({CODE}.getBoundingClientRect().toJSON()).map(Math.round)");
    let [x, y, width, height, ..]: [usize; 8] = serde_json::from_value(page.evaluate(&rectangle).await?)?;
    let code = page.picture().await?.crop(x, y, width, height);
    Ok(code.pixels().iter().filter(|[red, ..]| (32..224).contains(red)).count())
}
