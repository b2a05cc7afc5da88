//! The commands of docs/approver.md get the responses that it shows.

use anyhow::{Context as _, Error, Result, ensure};
use reqwest::Client;
use scanlogin_e2e::{Phone, Site};
use scanlogin_server::config::app::{App, Confirmation};
use serde_json::{Value, json};

use super::transcripts::{HOST, create_code, curl, data, documented, masked, start, text};
use super::{blocks, section};

/// The address of the login page in the documents.
const PAGE: &str = "https://www.example.com/login";
/// The ids of codes in the document.
const RANDOMS: [&str; 2] = ["9mx2J5AYfPDOx_KPle8whxVWTqUq4rDM", "Q0rMp3cFSmcJ0VJdVTwXJtMZCnTXvFBg"];

/// The commands below a heading of the third level, each with the response that follows.
fn transcript(heading: &str) -> Result<Vec<(String, String)>> {
    let section = section("docs/approver.md", "Try the calls with curl")?;
    let (_, text) = section.split_once(&format!("\n### {heading}\n")).context("there is no such heading")?;
    let text = text.split("\n### ").next().unwrap_or_default();
    let [commands, responses] = ["sh", "json"].map(|language| blocks(text, language));
    ensure!(commands.len() == responses.len() && commands.len() > 1, "each command needs a response");
    Ok(commands.into_iter().map(str::to_owned).zip(responses.into_iter().map(str::to_owned)).collect())
}

/// Runs the commands below a heading, with texts of the document replaced. Returns the responses.
async fn replay(site: &Site, heading: &str, replacements: &[(&str, &str)]) -> Result<Vec<Value>> {
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let mut responses = Vec::new();
    for (mut command, expected) in transcript(heading)? {
        for (from, to) in [(HOST, site.url.as_str())].iter().chain(replacements) {
            command = command.replace(from, to);
        }
        let response = curl(&command, &[("USER_TOKEN", phone.token())]).await?;
        assert_eq!(masked(response.clone()), documented(&expected, site)?, "{command}");
        responses.push(response);
    }
    Ok(responses)
}

/// Polls a code as its page.
async fn check(site: &Site, code: &Value) -> Result<Value> {
    let request = Client::new().get(format!("{}/api/v2/qrcode/check?random={}", site.url, text(code, "random")?));
    data(request.header("x-scanlogin-poll-token", text(code, "pollToken")?)).await
}

#[tokio::test]
async fn login_of_the_demo_gives_the_token_that_the_commands_need() -> Result<()> {
    let section = section("docs/approver.md", "Try the calls with curl")?;
    let command = *blocks(&section, "sh").first().context("there is no command")?;
    let site = start(|_| {}).await?;
    let response = curl(&command.replace(HOST, &site.url), &[]).await?;
    assert!(response["data"]["token"].is_string(), "{response}");
    Ok(())
}

#[tokio::test]
async fn approve_and_decline_get_the_documented_responses() -> Result<()> {
    let site = start(|_| {}).await?;
    let code = create_code(&site, &json!({})).await?;
    replay(&site, "Approve and decline", &[(RANDOMS[0], text(&code, "random")?)]).await?;
    assert_eq!(check(&site, &code).await?["status"], 2);
    Ok(())
}

#[tokio::test]
async fn number_matching_gets_the_documented_responses() -> Result<()> {
    let site = start(|app: &mut App| app.confirmation = Confirmation::Number).await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let [right, other] = [create_code(&site, &json!({})).await?, create_code(&site, &json!({})).await?];
    let mut shown = Vec::new();
    for code in [&right, &other] {
        phone.scan(&code.to_string()).await?;
        shown.push(text(&check(&site, code).await?, "number")?.to_owned());
    }
    // 90 numbers of two digits exist, so this is another one.
    let wrong = if shown[1] == "10" { "11" } else { "10" };
    let replacements = [
        (RANDOMS[0], text(&right, "random")?),
        (RANDOMS[1], text(&other, "random")?),
        // First this one: the shown number can be 12, which is not replaced then.
        ("\"number\":\"12\"", &format!("\"number\":\"{wrong}\"")),
        ("\"number\":\"47\"", &format!("\"number\":\"{}\"", shown[0])),
    ];
    let responses = replay(&site, "Number matching", &replacements).await?;
    let numbers = responses[0]["data"]["numbers"].as_array().context("there are no numbers")?;
    assert!(numbers.contains(&json!(shown[0])), "{numbers:?}");
    assert_eq!(check(&site, &right).await?["status"], 2);
    assert_eq!(check(&site, &other).await?["status"], 3);
    Ok(())
}

#[tokio::test]
async fn same_device_gets_the_documented_responses() -> Result<()> {
    let [link, page] = ["https://pass.example.com/s".to_owned(), PAGE.to_owned()];
    let (link, page) = (link.try_into().map_err(Error::msg)?, page.try_into().map_err(Error::msg)?);
    let site = start(|app: &mut App| {
        app.code_url = Some(link);
        app.return_urls = vec![page];
    })
    .await?;
    let code = create_code(&site, &json!({ "returnUrl": PAGE })).await?;
    let random = text(&code, "random")?;
    let responses = replay(&site, "Same device", &[(RANDOMS[0], random)]).await?;
    let last = responses.last().context("there is no response")?;
    let response_code = text(&last["data"], "returnUrl")?.strip_prefix(&format!("{PAGE}#scanlogin-response={random}."));
    assert_eq!(check(&site, &code).await?["status"], 1);

    let request = Client::new().post(format!("{}/api/v2/qrcode/complete", site.url));
    let request = request.header("x-scanlogin-poll-token", text(&code, "pollToken")?);
    let completed = data(request.json(&json!({ "random": random, "responseCode": response_code }))).await?;
    assert_eq!(completed["status"], 2, "{completed}");
    Ok(())
}
