//! The phone alone: a code that the camera app of a phone opens as a link, and a login page on the phone itself, which the
//! phone page returns to.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, RequestBuilder};
use scanlogin_e2e::faults::Faults;
use scanlogin_e2e::login_page::{follow_link, open_with_link};
use scanlogin_e2e::phone_page::{sign_in, wait_for_step};
use scanlogin_e2e::site::ask_for_number;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

use crate::phone_camera::{confirm, numbers, result};

/// A client that is no browser: it creates a code and keeps its poll token.
struct Attacker {
    client: Client,
    site: String,
    /// The `data` of `gene`.
    code: Value,
}

impl Attacker {
    /// Creates a code of the login page, as the login page on a phone does.
    async fn start(site: &Site) -> Result<Self> {
        let client = Client::new();
        let gene = client.post(format!("{}/api/v2/qrcode/gene", site.url));
        let body = json!({ "returnUrl": format!("{}/", site.url) });
        let gene = gene.header("x-authing-app-id", "demo-login").header("origin", &site.url).json(&body);
        let mut response: Value = gene.send().await?.json().await?;
        ensure!(response["data"]["link"].is_string(), "there is no link: {response}");
        Ok(Self { client, site: site.url.clone(), code: response["data"].take() })
    }

    fn field(&self, name: &str) -> &str {
        self.code[name].as_str().unwrap_or_default()
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value> {
        let request = request.header("x-scanlogin-poll-token", self.field("pollToken")).header("origin", &self.site);
        let request = request.header("x-authing-app-id", "demo-login");
        Ok(request.send().await?.json().await?)
    }

    /// Polls the code once.
    async fn check(&self) -> Result<Value> {
        self.send(self.client.get(format!("{}/api/v2/qrcode/check?random={}", self.site, self.field("random")))).await
    }

    /// Tries a response code.
    async fn complete(&self, response_code: &str) -> Result<Value> {
        let body = json!({ "random": self.field("random"), "responseCode": response_code });
        self.send(self.client.post(format!("{}/api/v2/qrcode/complete", self.site)).json(&body)).await
    }
}

#[tokio::test]
async fn link_opened_by_the_camera_app_of_a_signed_out_phone_asks_after_the_sign_in() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let (computer, phone) = Browser::open_with_phone().await?;
    computer.goto(&site.url).await?;
    let link = computer.read_code().await?;
    phone.goto(&link).await?;
    wait_for_step(&phone, "sign-in").await?;
    // The page is opened. Nothing was sent about the code yet.
    computer.wait_for_state("ready").await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    computer.wait_for_state("scanned").await?;
    let random = link.split('#').next_back().context("the link has no fragment")?;
    assert_eq!(phone.run(&format!("return location.href.includes('{random}')")).await?, json!(false));
    confirm(&computer, &phone).await?;
    assert_eq!(computer.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(result(&phone).await?[0], "Confirmed");
    phone.expect_no_console_errors(&[]).await?;
    computer.close().await?;
    phone.close().await
}

#[tokio::test]
async fn person_returns_to_the_login_page_and_is_signed_in_once() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(ask_for_number, |app| faults.wrap(app)).await?;
    let phone = Browser::open_phone().await?;
    open_with_link(&phone, &site).await?;
    follow_link(&phone).await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    // The response code replaces the number.
    assert_eq!(numbers(&phone).await?, Vec::<String>::new());
    phone.click("#confirm").await?;
    assert_eq!(phone.text_of("#signed-in-name").await?, "Alice");
    assert_eq!(phone.run("return location.href").await?, json!(format!("{}/", site.url)));
    assert_eq!(phone.run("return localStorage.getItem('scanlogin-return')").await?, Value::Null);
    assert_eq!(["gene", "complete", "session"].map(|call| faults.requests(call).len()), [1, 1, 1]);
    phone.expect_no_console_errors(&[]).await?;
    phone.close().await
}

#[tokio::test]
async fn link_that_was_forwarded_signs_neither_the_sender_nor_the_other_browser_in() -> Result<()> {
    let faults = Faults::default();
    let site = Site::start_with(ask_for_number, |app| faults.wrap(app)).await?;
    let attacker = Attacker::start(&site).await?;
    let victim = Browser::open_phone().await?;
    victim.goto(attacker.field("link")).await?;
    sign_in(&victim, "alice").await?;
    wait_for_step(&victim, "approve").await?;
    assert_eq!(attacker.check().await?["data"]["status"], 1);
    victim.click("#confirm").await?;

    // The browser of the victim gets the response code, but has not kept a poll token.
    victim.wait_for("location.pathname === '/' && document.readyState === 'complete'").await?;
    victim.wait_for_state("ready").await?;
    let hint = victim.widget_text(".hint").await?;
    assert!(hint.starts_with("You started in another browser."), "{hint}");
    assert_eq!(victim.run("return location.hash").await?, json!(""));
    // The attacker has the poll token, but no response code.
    let status = attacker.check().await?;
    assert_eq!((&status["data"]["status"], &status["data"]["ticket"]), (&json!(1), &Value::Null), "{status}");
    let guess = attacker.complete(&"A".repeat(43)).await?;
    assert_eq!(guess["reason"], "wrong-response-code", "{guess}");
    assert_eq!(attacker.check().await?["data"]["status"], 1);
    assert_eq!(faults.requests("session").len(), 0);
    victim.close().await
}

#[tokio::test]
async fn link_without_its_ending_is_treated_as_a_code_of_another_device() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let attacker = Attacker::start(&site).await?;
    let victim = Browser::open_phone().await?;
    let link = attacker.field("link").strip_suffix(".return").context("the link has no ending")?;
    victim.goto(link).await?;
    sign_in(&victim, "alice").await?;
    wait_for_step(&victim, "approve").await?;
    let number = attacker.check().await?["data"]["number"].take();
    assert!(number.as_str().is_some_and(|number| number.len() == 2), "{number}");
    // The victim sees another page, or none, and so no number.
    let warning = victim.text_of(".warning").await?;
    assert!(warning.contains("Never confirm a code that someone sent you."), "{warning}");
    assert_eq!(numbers(&victim).await?.len(), 3);
    victim.close().await
}

#[tokio::test]
async fn declined_request_of_the_login_page_on_the_phone_returns_to_the_page() -> Result<()> {
    let site = Site::start_with(ask_for_number, |app| app).await?;
    let phone = Browser::open_phone().await?;
    open_with_link(&phone, &site).await?;
    follow_link(&phone).await?;
    sign_in(&phone, "alice").await?;
    wait_for_step(&phone, "approve").await?;
    phone.click("#decline").await?;
    phone.wait_for("location.pathname === '/'").await?;
    phone.wait_for_state("ready").await?;
    phone.close().await
}
