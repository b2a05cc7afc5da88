//! The phone page as an app: languages, writing direction, manifest, sharing, and no network.

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::Client;
use scanlogin_e2e::faults::{Fault, Faults};
use scanlogin_e2e::phone_page::{Code, WORKER_RUNS, ask, open_signed_in, sign_in, wait_for_notice, wait_for_step};
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

#[tokio::test]
async fn page_says_that_it_is_loading_until_it_has_its_texts() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(|_| {}, |app| faults.wrap(app)).await?;
    let phone = Browser::open().await?;
    faults.inject("en-US.js", Fault::Held);
    // On a busy machine, the 8 seconds would be over too soon.
    let pause = "addEventListener('animationstart', ({ target }) => target.getAnimations()[0].pause())";
    phone.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": pause })).await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let is_visible = |selector: &str| {
        let options = "{ visibilityProperty: true }";
        format!("return document.querySelector('#step-start {selector}').checkVisibility({options})")
    };
    assert_eq!(phone.run(&is_visible(".progress")).await?, json!(true));
    assert_eq!(phone.run(&is_visible(".late")).await?, json!(false));
    phone.run("document.querySelector('.late').getAnimations()[0].finish()").await?;
    assert_eq!(phone.run(&is_visible(".late")).await?, json!(true));
    faults.clear();
    phone.wait_for("!document.querySelector('#step-sign-in').hidden").await?;
    assert_eq!(phone.run(&is_visible(".progress")).await?, json!(false));
    phone.close().await
}

#[tokio::test]
async fn language_is_that_of_the_address_or_the_chosen_one() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    let page = format!("{}/phone.html", site.url);
    for (tag, heading) in
        [("en", "Sign in"), ("zh-CN", "登录"), ("zh-Hant-HK", "登入"), ("ja", "ログイン"), ("xx", "Sign in")]
    {
        phone.goto(&format!("{page}?lang={tag}")).await?;
        assert_eq!(phone.text_of("#step-sign-in h1").await?, heading, "{tag}");
    }
    phone.goto(&page).await?;
    wait_for_step(&phone, "sign-in").await?;
    phone
        .run(
            "const choice = document.querySelector('#language');
             choice.value = 'ja-JP';
             choice.dispatchEvent(new Event('change'))",
        )
        .await?;
    phone.wait_for("document.documentElement.lang === 'ja-JP'").await?;
    phone.goto(&page).await?;
    assert_eq!(phone.text_of("#step-sign-in h1").await?, "ログイン", "after a reload");
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn all_languages_have_the_same_messages() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let differences = phone
        .run(
            "return (async () => {
             const { LANGUAGES } = await import('/lib/messages.js');
             const names = (messages) => Object.entries(messages).flatMap(([name, value]) => typeof value === 'object'
               ? names(value).map((inner) => `${name}.${inner}`)
               : [`${name} ${(value.match(/\\{\\w+\\}/g) ?? []).sort()}`]);
             const lists = await Promise.all(Object.keys(LANGUAGES).map(async (tag) =>
               names((await import(`/lib/messages/${tag}.js`)).MESSAGES)));
             const [first, ...others] = lists.map((list) => new Set(list));
             return others.flatMap((other) => [...first.symmetricDifference(other)]);
             })()",
        )
        .await?;
    assert_eq!(differences, json!([]));
    phone.close().await
}

#[tokio::test]
async fn each_step_fits_in_both_directions() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    for language in ["en-US", "ja-JP"] {
        phone.goto(&format!("{}/phone.html?lang={language}", site.url)).await?;
        if language == "en-US" {
            assert_fits(&phone, "sign-in").await?;
            sign_in(&phone, "alice").await?;
        }
        wait_for_step(&phone, "scan").await?;
        assert_fits(&phone, "scan").await?;
        ask(&phone, &Code::create(&site).await?).await?;
        assert_fits(&phone, "approve").await?;
        phone.click("#decline").await?;
        wait_for_step(&phone, "result").await?;
        assert_fits(&phone, "result").await?;
    }
    phone.close().await
}

/// Checks that the step `name` does not overflow the width of the window.
async fn assert_fits(phone: &Browser, name: &str) -> Result<()> {
    for direction in ["ltr", "rtl"] {
        phone.run(&format!("document.documentElement.dir = '{direction}'")).await?;
        for (width, height) in [(320, 568), (375, 812), (812, 375), (1024, 768)] {
            phone.resize(width, height, 1.0).await?;
            let code = "const root = document.documentElement; return root.scrollWidth - root.clientWidth";
            assert_eq!(phone.run(code).await?, json!(0), "{name} at {width} x {height}, {direction}");
        }
    }
    phone.run("document.documentElement.dir = 'ltr'").await.map(drop)
}

#[tokio::test]
async fn files_that_the_manifest_names_exist() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    let loaded = phone.command("Page.getAppManifest", json!({})).await?;
    assert_eq!(loaded["errors"], json!([]));
    let manifest: Value = serde_json::from_str(loaded["data"].as_str().unwrap_or_default())?;
    let icons = manifest["icons"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(icons.iter().any(|icon| icon["purpose"] == "maskable"));
    let icons = icons.iter().map(|icon| (&icon["src"], icon["type"].as_str().unwrap_or_default()));
    for (path, content_type) in icons.chain([(&manifest["start_url"], "text/html")]) {
        let response = Client::new().get(format!("{}{}", site.url, path.as_str().unwrap_or_default())).send().await?;
        let found = response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!((response.status().as_u16(), found), (200, content_type), "{path}");
    }
    phone.close().await
}

/// Shares a file with the phone page, from a blank page.
async fn share(phone: &Browser, site: &Site, file: &[u8]) -> Result<()> {
    let content =
        format!("Uint8Array.from(atob('{}'), (character) => character.charCodeAt(0))", BASE64_STANDARD.encode(file));
    share_content(phone, site, &content).await
}

/// Shares a file, whose content is an expression: the system posts a form.
async fn share_content(phone: &Browser, site: &Site, content: &str) -> Result<()> {
    phone.goto("about:blank").await?;
    let submit = format!(
        "document.body.innerHTML = '<form method=post enctype=multipart/form-data><input type=file name=image></form>';
         const [form] = document.forms;
         const transfer = new DataTransfer();
         transfer.items.add(new File([{content}], 'code.png', {{ type: 'image/png' }}));
         form.elements[0].files = transfer.files;
         form.action = '{}/phone.html?share';
         form.submit()",
        site.url
    );
    phone.run(&submit).await?;
    phone.wait_for("location.pathname === '/phone.html'").await.map(drop)
}

#[tokio::test]
async fn screenshot_that_another_app_shares_opens_its_request_also_after_a_sign_in() -> Result<()> {
    let site = Site::start().await?;
    let (computer, phone) = Browser::open_two().await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.wait_for(WORKER_RUNS).await?;
    for is_signed_in in [false, true] {
        computer.goto(&format!("{}/examples/script.html", site.url)).await?;
        computer.wait_for_state("ready").await?;
        let screenshot = computer.settled_screenshot().await?;
        share(&phone, &site, &screenshot).await?;
        if !is_signed_in {
            wait_for_step(&phone, "sign-in").await?;
            sign_in(&phone, "alice").await?;
        }
        wait_for_step(&phone, "approve").await?;
        computer.wait_for_state("scanned").await?;
        assert_eq!(phone.run("return caches.has('shared-image')").await?, json!(false), "the image is not kept");
        phone.click("#decline").await?;
        wait_for_step(&phone, "result").await?;
    }
    computer.close().await?;
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn shared_file_that_is_no_image_is_refused_and_not_kept() -> Result<()> {
    let site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.wait_for(WORKER_RUNS).await?;
    share(&phone, &site, b"no image").await?;
    assert!(wait_for_notice(&phone).await?.starts_with("This file can’t be opened as an image."));
    assert_eq!(phone.run("return location.search").await?, json!(""));
    assert_eq!(phone.run("return caches.has('shared-image')").await?, json!(false), "the image is not kept");
    phone.close().await
}

#[tokio::test]
async fn shared_image_that_is_too_large_or_that_only_the_server_got_is_explained() -> Result<()> {
    const IS_KEPT: &str = "return caches.has('shared-image')";
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    // The browser has no service worker of the page yet.
    share_content(&phone, &site, "new Uint8Array(100_000)").await?;
    sign_in(&phone, "alice").await?;
    assert!(wait_for_notice(&phone).await?.starts_with("The image did not arrive here."));
    assert_eq!(phone.run("return location.search").await?, json!(""));

    phone.wait_for(WORKER_RUNS).await?;
    phone.click("#phone-sign-out").await?;
    // Nobody is signed in, so the page takes no image.
    share(&phone, &site, b"no image").await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(phone.run(IS_KEPT).await?, json!(true));
    share_content(&phone, &site, "new Uint8Array(30_000_001)").await?;
    wait_for_step(&phone, "sign-in").await?;
    assert_eq!(phone.run(IS_KEPT).await?, json!(false), "neither the large image nor the one before is kept");
    sign_in(&phone, "alice").await?;
    assert!(wait_for_notice(&phone).await?.starts_with("This file is too large."));
    assert_eq!(phone.run("return location.search").await?, json!(""));
    // The names are those of the page: the address can't show another message.
    phone.goto(&format!("{}/phone.html?share=expired", site.url)).await?;
    phone.wait_for("location.search === ''").await?;
    assert_eq!(phone.run("return document.querySelector('#step-scan [role=alert]').hidden").await?, json!(true));
    phone.close().await
}

#[tokio::test]
async fn without_network_the_page_says_so_and_continues_with_the_link() -> Result<()> {
    let mut site = Site::start().await?;
    let phone = open_signed_in(&site, "alice").await?;
    phone.wait_for(WORKER_RUNS).await?;
    let code = Code::create(&site).await?;
    phone.goto("about:blank").await?;
    site.stop().await?;
    // The address of the page itself, and that in the codes of the demo.
    for link in [format!("{}/phone.html", site.url), format!("{}/s#{}", site.url, code.random)] {
        phone.goto(&link).await?;
        assert_eq!(phone.text_of("h1:not([hidden])").await?, "No connection. Check your network, then try again.");
        let colors = "return getComputedStyle(document.querySelector('.button')).backgroundColor";
        assert_ne!(phone.run(colors).await?, json!("rgb(239, 239, 239)"), "the styles are kept, too");
        assert_eq!(phone.run("return document.documentElement.dir").await?, json!("ltr"));
        phone.run("window.isOld = true").await?;
        phone.click("button").await?;
        phone.wait_for("!window.isOld && document.querySelector('h1:not([hidden])')").await?;
    }
    site.restart().await?;
    phone.run("dispatchEvent(new Event('online'))").await?;
    wait_for_step(&phone, "approve").await?;
    assert_eq!(code.status(&site).await?, json!(1));
    phone.close().await
}

#[tokio::test]
async fn service_worker_keeps_no_other_page_and_no_answer_of_the_server() -> Result<()> {
    let site = Site::start().await?;
    let phone = Browser::open().await?;
    // An older version of the service worker has left a cache, and an image that no page has taken.
    phone.goto(&format!("{}/examples/", site.url)).await?;
    let leave = "return Promise.all(['offline-1', 'shared-image'].map(async (name) =>
         (await caches.open(name)).put('/phone/shared-image', new Response('no image'))))";
    phone.run(leave).await?;
    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.wait_for(WORKER_RUNS).await?;
    let caches =
        phone.run("return caches.keys().then((names) => names.map((name) => name.split('-')[0]).sort())").await?;
    assert_eq!(caches, json!(["offline", "shared"]));
    assert_eq!(phone.run("return caches.has('offline-1')").await?, json!(false));
    phone.run("return caches.delete('shared-image')").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "scan").await?;
    ask(&phone, &Code::create(&site).await?).await?;
    let kept = phone
        .run(
            "return caches.keys()
               .then((names) => Promise.all(names.map((name) => caches.open(name).then((cache) => cache.keys()))))
               .then((lists) => lists.flat().map(({ url }) => new URL(url).pathname).sort())",
        )
        .await?;
    let files = ["/base.css", "/phone/icon.svg", "/phone/offline.css", "/phone/offline.html", "/phone/offline.js"];
    assert_eq!(kept, json!(files));
    phone.close().await
}
