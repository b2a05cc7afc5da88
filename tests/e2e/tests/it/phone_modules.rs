//! Modules of the phone page by themselves: the code that the tab keeps, and the tasks of the page.

use anyhow::Result;
use scanlogin_e2e::phone_page::wait_for_notice;
use scanlogin_e2e::{Browser, Site};
use serde_json::json;

#[tokio::test]
async fn code_is_kept_in_memory_if_the_storage_is_full() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let kept = phone
        .run(
            "return (async () => {
               const { forgetCode, keepCode, keptCode } = await import('/phone/kept-code.js');
               const [before, now] = ['a', 'b'].map((letter) => letter.repeat(32));
               keepCode({ random: before });
               Storage.prototype.setItem = () => {
                 throw new DOMException('', 'QuotaExceededError');
               };
               keepCode({ random: now, sameDevice: true });
               const results = [keptCode(), sessionStorage.length];
               forgetCode();
               return [...results, keptCode()];
             })()",
        )
        .await?;
    assert_eq!(kept, json!([{ "random": "b".repeat(32), "sameDevice": true }, 0, null]));
    phone.close().await
}

#[tokio::test]
async fn unknown_error_of_a_task_is_shown_and_the_page_can_be_used() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.wait_for("!document.querySelector('#step-sign-in').hidden").await?;
    for step in ["sign-in", "result", "sign-in"] {
        let task = format!(
            "return (async () => {{
               const {{ isBusy, run, showStep, whenIdle }} = await import('/phone/page.js');
               showStep('{step}');
               run('check', () => {{
                 throw new RangeError('unknown');
               }});
               await whenIdle();
               return [isBusy(), document.querySelector('main').ariaBusy, document.querySelector('#username').disabled];
             }})()"
        );
        assert_eq!(phone.run(&task).await?, json!([false, "false", false]), "{step}");
    }
    assert!(wait_for_notice(&phone).await?.starts_with("Something went wrong on this page."));
    phone.close().await
}
