//! `AuthenticationClient`: the samples of the documentation of authing-js-sdk, a page that draws its own code, and the
//! three calls of an approver.

use anyhow::Result;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use scanlogin_decoder::decode;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};

/// Opens the login page, and defines `AuthenticationClient` and an empty list `results` in it.
async fn open(site: &Site) -> Result<Browser> {
    open_page(site, "/").await
}

/// Same as [`open`], for another page with a widget.
async fn open_page(site: &Site, path: &str) -> Result<Browser> {
    let browser = Browser::open().await?;
    browser.goto(&format!("{}{path}", site.url)).await?;
    // A test may remove the widget of the page, which must have started before.
    browser.wait_for_state("ready").await?;
    browser.run("window.AuthenticationClient = ScanLogin.AuthenticationClient; window.results = []").await?;
    Ok(browser)
}

#[tokio::test]
async fn samples_of_authing_js_sdk_run_unchanged() -> Result<()> {
    let set = |config: &mut scanlogin_server::Config| {
        let mut app = demo_app(config).clone();
        app.id = "YOUR_APP_ID".to_owned();
        app.allow_exchange_from_browser = true;
        config.settings.apps.push(app);
    };
    let site = Site::start_with(set, |app| app).await?;
    let browser = open(&site).await?;
    browser
        .run(
            r#"console.log = (...values) => results.push(values);
            window.onFail = (message) => results.push([message]);
            const authenticationClient = new AuthenticationClient({
              appId: "YOUR_APP_ID",
            })
            document.querySelector('#qrcode').replaceChildren();
            authenticationClient.qrcode.startScanning('qrcode', {
              onSuccess: (userInfo, ticket) => {
                console.log(userInfo, ticket)
              },
              onError: (message) => onFail && onFail(`${message}`),
            });"#,
        )
        .await?;
    let text = browser.read_code().await?;
    let code: Value = serde_json::from_str(&text)?;

    // The sample for the phone sends the bare token.
    let phone = Phone::sign_in(&site.url, "alice").await?;
    phone.scan(&text).await?;
    let response: Value = reqwest::Client::new()
        .post(format!("{}/api/v2/qrcode/confirm", site.url))
        .header(AUTHORIZATION, phone.token())
        .header(ACCEPT, "application/json")
        .json(&json!({ "random": code["random"] }))
        .send()
        .await?
        .json()
        .await?;
    assert_eq!((&response["code"], &response["data"]["status"]), (&json!(200), &json!(1)));

    browser.wait_for("results.length").await?;
    let results = browser.run("return results").await?;
    assert_eq!(results[0][0]["nickname"], "Alice", "{results}");
    browser
        .run(
            r#"(async (TICKET) => {
              const authenticationClient = new AuthenticationClient({
                appId: "YOUR_APP_ID",
              });
              const user = await authenticationClient.qrcode.exchangeUserInfo(TICKET)
              results.push(user);
            })(results[0][1])"#,
        )
        .await?;
    browser.wait_for("results.length === 2").await?;
    let user = browser.run("return results[1]").await?;
    assert_eq!((&user["username"], &user["loginsCount"]), (&json!("alice"), &json!(1)));
    assert!(user["token"].as_str().is_some_and(|token| token.starts_with("ey")), "{user}");
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn page_that_draws_its_own_code_can_poll_it() -> Result<()> {
    let site = Site::start().await?;
    let browser = open(&site).await?;
    browser
        .run(
            "document.querySelector('#qrcode').replaceChildren();
             window.client = new AuthenticationClient({});
             (async () => {
               window.code = await client.qrcode.geneCode({ customData: { own: true } });
               const image = new Image();
               image.src = code.url;
               document.body.replaceChildren(image);
               await image.decode();
               results.push((await client.qrcode.checkStatus(code.random)).status);
               window.handle = client.qrcode.startPolling(code.random, {
                 onStart: () => results.push('start'),
                 onScanned: ({ nickname }) => results.push(nickname),
                 onSuccess: (userInfo, ticket) => results.push(ticket),
                 onError: (message) => results.push(message),
               });
             })()",
        )
        .await?;
    browser.wait_for("results.length === 2").await?;
    assert_eq!(browser.run("return results").await?, json!([0, "start"]));
    let text = decode(&browser.screenshot().await?)?;
    assert!(text.ends_with(r#""customData":{"own":true}}"#), "{text}");

    let phone = Phone::sign_in(&site.url, "bob").await?;
    phone.scan(&text).await?;
    browser.wait_for("results.includes('Bob')").await?;
    phone.confirm(&text).await?;
    browser.wait_for("results.length === 4").await?;
    assert_eq!(browser.run("return handle.state").await?, "confirmed");

    // After `stopPolling` no callback is called.
    browser
        .run(
            "results.length = 0;
             client.qrcode.geneCode().then((code) => {
               window.code = code;
               window.handle = client.qrcode.startPolling(code.random, { onScanned: () => results.push('scanned') });
               client.qrcode.stopPolling(handle);
             })",
        )
        .await?;
    browser.wait_for("window.handle?.state === 'stopped'").await?;
    let code = browser.run("return JSON.stringify(code)").await?;
    phone.scan(code.as_str().unwrap_or_default()).await?;
    assert_eq!(browser.run("return results").await?, json!([]));
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn approver_calls_work_from_javascript() -> Result<()> {
    let site = Site::start().await?;
    // Its codes are JSON.
    let browser = open_page(&site, "/examples/script.html").await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let run = async |body: &str| -> Result<Value> {
        let code = format!(
            "results.length = 0;
             const {{ qrcode }} = new AuthenticationClient({{ onError: (code, message) => results.push(code, message) }});
             const [text, token] = [{text:?}, {token:?}];
             (async () => {{ {body} }})().then(
               (value) => results.push(value),
               (error) => results.push([error.code, error.reason, error.serverCode]),
             )",
            token = phone.token(),
        );
        browser.run(&code).await?;
        browser.wait_for("results.length").await?;
        browser.run("return results").await
    };

    let code = run("return qrcode.parseCode(text)").await?;
    assert_eq!(code[0], serde_json::from_str::<Value>(&text)?);
    let refused = run("return qrcode.parseCode('https://example.com')").await?;
    assert_eq!(refused[0], json!(["not-a-code", null, null]));

    let random = "const { random } = await qrcode.parseCode(text);";
    let scanned = run(&format!("{random} return qrcode.scanned(random, token)")).await?;
    assert_eq!((&scanned[0]["status"], &scanned[0]["requester"]["appName"]), (&json!(0), &json!("Quaymark")));
    let cancelled = run(&format!("{random} return qrcode.cancel(random, token)")).await?;
    assert_eq!(cancelled[0]["status"], -1);
    browser.wait_for_state("cancelled").await?;
    let refused = run(&format!("{random} return qrcode.confirm(random, token)")).await?;
    assert_eq!((&refused[0], &refused[2]), (&json!(500), &json!(["refused", "already-ended", 500])));
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await
}
