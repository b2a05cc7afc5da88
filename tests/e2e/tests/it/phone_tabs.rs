//! The phone page in several tabs: they share the session, and one tab can have the question of another.

use anyhow::Result;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, WORKER_RUNS, ask, open_signed_in, open_tab, sign_in, wait_for_step};
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::json;

/// Signs a user of the demo in as another tab does. The page sees only the last of several changes by the other tab.
async fn sign_in_in_another_tab(phone: &Browser, site: &Site, nickname: &str) -> Result<()> {
    let approver = Phone::sign_in(&site.url, &nickname.to_lowercase()).await?;
    let user = json!({ "id": nickname, "nickname": nickname });
    let change = format!(
        "const {{ user }} = JSON.parse(localStorage.getItem('quaymark-pass-session'));
         const session = {{ token: '{}', user: user.nickname === '{nickname}' ? user : {user} }};
         localStorage.setItem('quaymark-pass-session', JSON.stringify(session));
         dispatchEvent(new StorageEvent('storage', {{ key: 'quaymark-pass-session' }}))",
        approver.token()
    );
    phone.run(&change).await.map(drop)
}

#[tokio::test]
async fn tab_that_is_closed_declines_no_question_that_another_tab_has() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.wait_for(WORKER_RUNS).await?;
    let [shared, single] = [Code::create(&site).await?, Code::create(&site).await?];
    let driver = phone.driver();
    let first = driver.window().await?;
    ask(&phone, &shared).await?;
    let second = open_tab(&phone, &site).await?;
    ask(&phone, &shared).await?;
    // No service worker controls a page that was loaded again without the cache.
    phone.command("Page.reload", json!({ "ignoreCache": true })).await?;
    phone
        .wait_for("!navigator.serviceWorker.controller && document.querySelector('#step-approve').checkVisibility()")
        .await?;
    let third = open_tab(&phone, &site).await?;
    ask(&phone, &single).await?;

    // The service worker decides in this order.
    for tab in [first, third] {
        driver.switch_to_window(tab).await?;
        driver.close_window().await?;
    }
    assert_eq!(single.status_after(&site, 1).await?, json!(3));
    driver.switch_to_window(second).await?;
    phone.click("#confirm").await?;
    wait_for_step(&phone, "result").await?;
    assert_eq!(shared.status(&site).await?, json!(2));
    phone.close().await
}

#[tokio::test]
async fn result_of_a_confirm_is_shown_if_another_tab_signs_out_meanwhile() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    faults.inject("confirm", Fault::Held);
    phone.click("#confirm").await?;
    faults.wait_for_requests("confirm", 1).await?;
    let sign_out = "localStorage.clear(); dispatchEvent(new StorageEvent('storage', { key: null }))";
    phone.run(sign_out).await?;
    faults.clear();
    wait_for_step(&phone, "result").await?;
    assert_eq!(phone.text_of("#result-heading").await?, "Confirmed");
    phone.click("#scan-again").await?;
    wait_for_step(&phone, "sign-in").await?;
    phone.close().await
}

#[tokio::test]
async fn all_tabs_share_the_session() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    let driver = phone.driver();
    let first = driver.window().await?;
    let second = open_tab(&phone, &site).await?;
    wait_for_step(&phone, "scan").await?;
    phone.click("#phone-sign-out").await?;
    wait_for_step(&phone, "sign-in").await?;

    driver.switch_to_window(first.clone()).await?;
    wait_for_step(&phone, "sign-in").await?;
    phone.wait_for("localStorage.getItem('quaymark-pass-session') === null").await?;
    driver.switch_to_window(second).await?;
    sign_in(&phone, "bob").await?;
    wait_for_step(&phone, "scan").await?;
    driver.switch_to_window(first).await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#approve-as").await?, "Bob");
    assert_eq!(code.status(&site).await?, json!(3), "signing out declines the question of another tab");
    phone.close().await
}

#[tokio::test]
async fn question_stays_if_its_user_signs_in_again_in_another_tab() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    sign_in_in_another_tab(&phone, &site, "Alice").await?;
    faults.wait_for_requests("scanned", 2).await?;
    wait_for_step(&phone, "approve").await?;
    assert_eq!((faults.requests("cancel"), code.status(&site).await?), (vec![], json!(1)));
    phone.close().await
}

#[tokio::test]
async fn question_of_the_user_before_is_declined() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    let code = Code::create(&site).await?;
    ask(&phone, &code).await?;
    sign_in_in_another_tab(&phone, &site, "Bob").await?;
    wait_for_step(&phone, "scan").await?;
    assert_eq!(code.status_after(&site, 1).await?, json!(3));
    ask(&phone, &Code::create(&site).await?).await?;
    assert_eq!(phone.text_of("#approve-as").await?, "Bob");
    phone.close().await
}
