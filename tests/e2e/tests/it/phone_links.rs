//! The phone page opened by a link, and what reload, Back and leaving do to a request.

use anyhow::Result;
use axum::Router;
use axum::response::Redirect;
use axum::routing::post;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{
    Code, WORKER_RUNS, ask, enter, open_signed_in, open_tab, sign_in, wait_for_notice, wait_for_step,
};
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

#[tokio::test]
async fn link_opened_signed_out_leads_through_the_sign_in_to_the_same_request() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open().await?;
    phone.resize(375, 812, 2.0).await?;
    let code = Code::create(&site).await?;
    phone.goto(&code.link(&site)).await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(phone.text_of("#sign-in-lead").await?, "Sign in to see the sign-in request.");
    assert_eq!(phone.run("return location.href").await?, json!(format!("{}/phone.html", site.url)));
    assert!(faults.requests("scanned").is_empty(), "opening a link changes nothing");
    assert!(faults.requests("phone.html").iter().all(|(_, uri)| !uri.to_string().contains(&code.random)));

    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    assert_eq!(code.status(&site).await?, json!(1));
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    // There is no step before the link.
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn link_in_an_open_page_replaces_the_request() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let [first, second] = [Code::create(&site).await?, Code::create(&site).await?];
    ask(&phone, &first).await?;
    phone.run(&format!("location.hash = '{}'", second.random)).await?;
    phone.wait_for(&format!("sessionStorage.getItem('quaymark-pass-code') === '{}'", second.random)).await?;
    wait_for_step(&phone, "approve").await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!((first.status(&site).await?, second.status(&site).await?), (json!(3), json!(2)));
    phone.close().await
}

#[tokio::test]
async fn link_in_a_page_that_nobody_sees_marks_nothing_as_scanned() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    phone.minimize().await?;
    phone.run(&format!("location.hash = '{}'", code.random)).await?;
    phone.wait_for("!document.querySelector('#step-open').hidden").await?;
    assert!(faults.requests("scanned").is_empty());
    phone.restore().await?;
    wait_for_step(&phone, "approve").await?;
    phone.close().await
}

#[tokio::test]
async fn link_in_a_page_that_is_loaded_in_advance_marks_nothing_as_scanned() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    // The headless shell loads no page in advance.
    let source = "Object.defineProperty(document, 'prerendering', { get: () => !window.isActivated })";
    phone.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
    phone.goto("about:blank").await?;
    phone.goto(&code.link(&site)).await?;
    phone.wait_for("!document.querySelector('#step-open').hidden").await?;
    phone.run("document.dispatchEvent(new Event('visibilitychange'))").await?;
    assert!(faults.requests("scanned").is_empty());
    phone.run("window.isActivated = true; document.dispatchEvent(new Event('prerenderingchange'))").await?;
    wait_for_step(&phone, "approve").await?;
    phone.close().await
}

#[tokio::test]
async fn reload_comes_back_to_the_same_question_and_closing_declines_it() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.wait_for(WORKER_RUNS).await?;
    let reload = async || -> Result<()> {
        phone.run("window.isOld = true; setTimeout(() => location.reload())").await?;
        phone.wait_for("!window.isOld").await?;
        wait_for_step(&phone, "approve").await
    };
    reload().await?;
    assert_eq!(phone.text_of("#approve-as").await?, "Alice");
    reload().await?;
    assert_eq!(code.status(&site).await?, json!(1));

    // The service worker waits as long for the return of each page. So a reload that declined would have done so before.
    let driver = phone.driver();
    let first = driver.window().await?;
    let other = open_tab(&phone, &site).await?;
    wait_for_step(&phone, "scan").await?;
    driver.switch_to_window(first).await?;
    driver.close_window().await?;
    driver.switch_to_window(other).await?;
    assert_eq!(code.status_after(&site, 1).await?, json!(3));
    assert_eq!(faults.requests("cancel").len(), 1);
    phone.close().await
}

#[tokio::test]
async fn same_link_again_keeps_the_question() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    phone.goto(&code.link(&site)).await?;
    wait_for_step(&phone, "approve").await?;
    let open_again = format!("location.hash = '{}'", code.random);
    phone.run(&open_again).await?;
    phone.wait_for("location.hash === ''").await?;
    wait_for_step(&phone, "approve").await?;
    // Back leads to the entry of the first link.
    phone.run("addEventListener('popstate', () => setTimeout(() => (window.isBack = true)), { once: true })").await?;
    phone.driver().back().await?;
    phone.wait_for("window.isBack").await?;
    wait_for_step(&phone, "approve").await?;
    // And while the decision is on its way.
    faults.inject("confirm", Fault::Held);
    phone.click("#confirm").await?;
    faults.wait_for_requests("confirm", 1).await?;
    phone.run(&open_again).await?;
    phone.wait_for("location.hash === ''").await?;
    faults.clear();
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result-heading").await?, "Confirmed");
    assert_eq!((faults.requests("cancel"), code.status(&site).await?), (vec![], json!(2)));
    phone.close().await
}

#[tokio::test]
async fn decline_after_a_lost_confirm_sends_the_person_to_the_page() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    for (fault, heading, status) in [(Fault::ResponseLost, "Look at the page", 2), (Fault::Aborted, "Declined", 3)] {
        let code = Code::create(&site).await?;
        ask(&phone, &code).await?;
        faults.inject("confirm", fault);
        phone.click("#confirm").await?;
        wait_for_notice(&phone).await?;
        phone.click("#decline").await?;
        wait_for_step(&phone, "result").await?;
        assert_eq!(phone.text_of("#result-heading").await?, heading);
        assert_eq!(code.status(&site).await?, json!(status));
        phone.click("#scan-again").await?;
        wait_for_step(&phone, "scan").await?;
    }
    phone.close().await
}

#[tokio::test]
async fn person_looks_at_the_page_if_a_sign_in_or_back_follows_a_lost_confirm() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    faults.inject("confirm", Fault::ResponseLost);
    phone.click("#confirm").await?;
    wait_for_notice(&phone).await?;
    faults.clear();
    let is_expired =
        |response: &mut Value| *response = json!({ "code": 401, "message": "", "reason": "login-expired" });
    faults.inject("confirm", Fault::Modified(is_expired));
    phone.click("#step-approve [role=alert] button").await?;
    wait_for_step(&phone, "sign-in").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result-heading").await?, "Look at the page");

    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    faults.inject("confirm", Fault::ResponseLost);
    phone.click("#confirm").await?;
    wait_for_notice(&phone).await?;
    phone.driver().back().await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result-heading").await?, "Look at the page");
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "scan").await?;
    assert_eq!(code.status(&site).await?, json!(2));
    phone.close().await
}

#[tokio::test]
async fn code_whose_scan_got_no_response_is_declined_when_the_person_goes_on() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let [by_text, by_link, next, last] = [
        Code::create(&site).await?,
        Code::create(&site).await?,
        Code::create(&site).await?,
        Code::create(&site).await?,
    ];
    faults.inject("scanned", Fault::ResponseLost);
    enter(&phone, &by_text.text()).await?;
    wait_for_notice(&phone).await?;
    assert_eq!(by_text.status(&site).await?, json!(1));
    // Another code is scanned.
    enter(&phone, &by_link.text()).await?;
    assert_eq!(by_text.status_after(&site, 1).await?, json!(3));
    // The link of the same code is another attempt.
    wait_for_notice(&phone).await?;
    phone.run(&format!("location.hash = '{}'", by_link.random)).await?;
    phone.wait_for("document.querySelector('#step-open [role=alert]').checkVisibility()").await?;
    assert_eq!((by_link.status(&site).await?, faults.requests("cancel").len()), (json!(1), 1));
    // The link of another code is opened.
    phone.run(&format!("location.hash = '{}'", next.random)).await?;
    assert_eq!(by_link.status_after(&site, 1).await?, json!(3));
    // The person goes back to the start.
    phone.wait_for("document.querySelector('#step-open [role=alert]').checkVisibility()").await?;
    phone.click("#stop-opening").await?;
    wait_for_step(&phone, "scan").await?;
    assert_eq!(next.status_after(&site, 1).await?, json!(3));

    faults.clear();
    ask(&phone, &last).await?;
    assert_eq!((last.status(&site).await?, faults.requests("cancel").len()), (json!(1), 3));
    phone.close().await
}

#[tokio::test]
async fn page_that_the_browser_keeps_declines_at_once_when_it_is_left() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    // The service worker would decline 10 seconds later.
    faults.inject("phone-worker.js", Fault::NotFound);
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.run("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))").await?;
    assert_eq!(code.status_after(&site, 1).await?, json!(3));
    phone.close().await
}

#[tokio::test]
async fn page_that_was_left_shows_that_its_question_was_declined() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.wait_for(WORKER_RUNS).await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.goto(&format!("{}/examples/", site.url)).await?;
    faults.wait_for_requests("cancel", 1).await?;
    phone.driver().back().await?;
    wait_for_step(&phone, "result").await?;
    assert!(phone.text_of("#result-text").await?.starts_with("This code has already been used or declined."));
    assert_eq!(code.status(&site).await?, json!(3));
    phone.close().await
}

#[tokio::test]
async fn back_goes_one_step_back_and_declines() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.driver().back().await?;
    wait_for_step(&phone, "scan").await?;
    faults.wait_for_requests("cancel", 1).await?;
    // Forward does not come back to a request that has ended.
    phone.driver().forward().await?;
    phone.wait_for("history.state === null").await?;
    wait_for_step(&phone, "scan").await?;

    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    phone.driver().back().await?;
    wait_for_step(&phone, "scan").await?;
    assert_eq!(code.status(&site).await?, json!(2), "Back changes no decision");

    // The result of a decision that is on its way is shown.
    ask(&phone, &Code::create(&site).await?).await?;
    faults.inject("confirm", Fault::Held);
    phone.click("#confirm").await?;
    faults.wait_for_requests("confirm", 2).await?;
    phone.driver().back().await?;
    phone.wait_for("!history.state?.isRequest").await?;
    faults.clear();
    phone.wait_for("!document.querySelector('#step-approve').checkVisibility()").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result-heading").await?, "Confirmed");
    phone.close().await
}

#[tokio::test]
async fn rejected_token_leads_through_the_sign_in_to_the_same_request() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone
        .run(
            "const session = JSON.parse(localStorage.getItem('quaymark-pass-session'));
             localStorage.setItem('quaymark-pass-session', JSON.stringify({ ...session, token: 'a.b.c' }))",
        )
        .await?;
    let code = Code::create(&site).await?;
    phone.goto("about:blank").await?;
    phone.goto(&code.link(&site)).await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(wait_for_notice(&phone).await?, "You are signed out. Sign in again to continue.");
    assert_eq!(phone.text_of("#sign-in-lead").await?, "Sign in to see the sign-in request.");
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    assert_eq!(code.status(&site).await?, json!(1));
    phone.close().await
}

#[tokio::test]
async fn request_of_the_same_device_returns_to_the_page() -> Result<()> {
    let mut site = Site::start().await?;
    let url = site.url.clone();
    // The settings contain the address of the server.
    site.stop().await?;
    let app = demo_app(&mut site.config);
    app.code_url = Some(format!("{url}/phone.html").try_into().map_err(anyhow::Error::msg)?);
    // A page without a widget, which would take the response code.
    app.return_urls = vec![format!("{url}/examples/").try_into().map_err(anyhow::Error::msg)?];
    site.restart().await?;

    for (button, has_response) in [("#confirm", true), ("#decline", false)] {
        let phone = open_signed_in(&site, "alice").await?;
        phone.goto(&format!("{url}/examples/")).await?;
        let link = phone
            .run(
                "return fetch('/api/v2/qrcode/gene', {
                   method: 'POST', headers: { 'content-type': 'application/json' },
                   body: JSON.stringify({ returnUrl: location.href }),
                 }).then((response) => response.json()).then(({ data }) => data.link)",
            )
            .await?;
        let link = link.as_str().unwrap_or_default();
        assert!(link.ends_with(".return"), "{link}");
        phone.goto(link).await?;
        wait_for_step(&phone, "approve").await?;
        assert_eq!(phone.text_of("#approve-heading").await?, "Sign in on this phone?");
        assert!(phone.text_of("#warning-text").await?.contains("Never confirm a link"));
        phone.click(button).await?;
        phone.wait_for("location.pathname === '/examples/'").await?;
        let fragment = phone.run("return location.hash").await?;
        let fragment = fragment.as_str().unwrap_or_default();
        assert_eq!(fragment.starts_with("#scanlogin-response="), has_response, "{button}: {fragment}");
        phone.close().await?;
    }
    Ok(())
}

#[tokio::test]
async fn calls_of_the_page_and_of_its_service_worker_follow_no_redirect() -> Result<()> {
    let faults = Faults::default();
    let moved = || async { Redirect::temporary("/elsewhere") };
    let redirect = |app: Router| {
        let calls =
            Router::new().route("/api/v2/qrcode/confirm", post(moved)).route("/api/v2/qrcode/cancel", post(moved));
        faults.wrap(calls.fallback_service(app))
    };
    let site = Site::start_with(|_| {}, redirect).await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.wait_for(WORKER_RUNS).await?;
    ask(&phone, &Code::create(&site).await?).await?;
    for button in ["#confirm", "#decline"] {
        phone.click(button).await?;
        assert_eq!(wait_for_notice(&phone).await?, "Can’t reach the server. Check your connection and try again.");
    }
    assert_eq!(["confirm", "cancel"].map(|call| faults.requests(call).len()), [1, 1]);

    let driver = phone.driver();
    let first = driver.window().await?;
    let other = open_tab(&phone, &site).await?;
    wait_for_step(&phone, "scan").await?;
    driver.switch_to_window(first).await?;
    driver.close_window().await?;
    driver.switch_to_window(other).await?;
    faults.wait_for_requests("cancel", 2).await?;
    // A browser that follows the redirect has done so before it answers a later request of the service worker's page.
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    wait_for_step(&phone, "scan").await?;
    assert!(faults.requests("elsewhere").is_empty());
    phone.close().await
}
