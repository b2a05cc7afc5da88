//! `AuthenticationClient`: the samples of the original description, a page that draws its own code, and the approver's
//! three calls from JavaScript.

use anyhow::Result;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use scanlogin_decoder::decode;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Browser, Phone, Site};
use serde_json::{Value, json};

/// Opens the login page and hands `AuthenticationClient` to what the test runs in it.
async fn open(site: &Site) -> Result<Browser> {
    let browser = Browser::open().await?;
    browser.goto(&site.url).await?;
    // Before the page's own widget is there, a test can't take it away.
    browser.until_state("ready").await?;
    browser.run("window.AuthenticationClient = ScanLogin.AuthenticationClient; window.told = []").await?;
    Ok(browser)
}

#[tokio::test]
async fn the_samples_of_the_original_description_run_as_they_are() -> Result<()> {
    let set = |config: &mut scanlogin_server::Config| {
        demo_app(config).id = "YOUR_APP_ID".to_owned();
        demo_app(config).allow_exchange_from_browser = true;
    };
    let site = Site::start_with(set, |app| app).await?;
    let browser = open(&site).await?;
    browser
        .run(
            r#"console.log = (...values) => told.push(values);
            window.onFail = (message) => told.push([message]);
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
    let answer: Value = reqwest::Client::new()
        .post(format!("{}/api/v2/qrcode/confirm", site.url))
        .header(AUTHORIZATION, phone.token())
        .header(ACCEPT, "application/json")
        .json(&json!({ "random": code["random"] }))
        .send()
        .await?
        .json()
        .await?;
    assert_eq!((&answer["code"], &answer["data"]["status"]), (&json!(200), &json!(1)));

    browser.until("told.length").await?;
    let told = browser.run("return told").await?;
    assert_eq!(told[0][0]["nickname"], "Alice", "{told}");
    browser
        .run(
            r#"(async (TICKET) => {
              const authenticationClient = new AuthenticationClient({
                appId: "YOUR_APP_ID",
              });
              const user = await authenticationClient.qrcode.exchangeUserInfo(TICKET)
              told.push(user);
            })(told[0][1])"#,
        )
        .await?;
    browser.until("told.length === 2").await?;
    let user = browser.run("return told[1]").await?;
    assert_eq!((&user["username"], &user["loginsCount"]), (&json!("alice"), &json!(1)));
    assert!(user["token"].as_str().is_some_and(|token| token.starts_with("ey")), "{user}");
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn a_page_may_draw_its_own_code_and_only_poll_with_us() -> Result<()> {
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
               told.push((await client.qrcode.checkStatus(code.random)).status);
               window.handle = client.qrcode.startPolling(code.random, {
                 onStart: () => told.push('start'),
                 onScanned: ({ nickname }) => told.push(nickname),
                 onSuccess: (userInfo, ticket) => told.push(ticket),
                 onError: (message) => told.push(message),
               });
             })()",
        )
        .await?;
    browser.until("told.length === 2").await?;
    assert_eq!(browser.run("return told").await?, json!([0, "start"]));
    let text = decode(&browser.screenshot().await?)?;
    assert!(text.ends_with(r#""customData":{"own":true}}"#), "{text}");

    let phone = Phone::sign_in(&site.url, "bob").await?;
    phone.scan(&text).await?;
    browser.until("told.includes('Bob')").await?;
    phone.confirm(&text).await?;
    browser.until("told.length === 4").await?;
    assert_eq!(browser.run("return handle.state").await?, "confirmed");

    // Polling that is stopped tells nothing more.
    browser
        .run(
            "told.length = 0;
             client.qrcode.geneCode().then((code) => {
               window.code = code;
               window.handle = client.qrcode.startPolling(code.random, { onScanned: () => told.push('scanned') });
               client.qrcode.stopPolling(handle);
             })",
        )
        .await?;
    browser.until("window.handle?.state === 'stopped'").await?;
    let code = browser.run("return JSON.stringify(code)").await?;
    phone.scan(code.as_str().unwrap_or_default()).await?;
    assert_eq!(browser.run("return told").await?, json!([]));
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}

#[tokio::test]
async fn an_approver_in_javascript_reads_scans_confirms_and_declines() -> Result<()> {
    let site = Site::start().await?;
    let browser = open(&site).await?;
    let text = browser.read_code().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let run = async |work: &str| -> Result<Value> {
        let code = format!(
            "told.length = 0;
             const {{ qrcode }} = new AuthenticationClient({{ onError: (code, message) => told.push(code, message) }});
             const [text, token] = [{text:?}, {token:?}];
             (async () => {{ {work} }})().then(
               (value) => told.push(value),
               (error) => told.push([error.code, error.reason, error.serverCode]),
             )",
            token = phone.token(),
        );
        browser.run(&code).await?;
        browser.until("told.length").await?;
        browser.run("return told").await
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
    browser.until_state("cancelled").await?;
    let refused = run(&format!("{random} return qrcode.confirm(random, token)")).await?;
    assert_eq!((&refused[0], &refused[2]), (&json!(500), &json!(["refused", "already-ended", 500])));
    browser.expect_quiet_console(&[]).await?;
    browser.close().await
}
