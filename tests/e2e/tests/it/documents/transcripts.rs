//! The requests of README.md get the responses that README.md shows.

use anyhow::{Context as _, Error, Result, bail, ensure};
use reqwest::Client;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Phone, Site};
use serde_json::{Value, json};

use super::{between, blocks, plain, rows, section};

/// The address of the server in the documents.
const HOST: &str = "https://login.example.com";
/// The origin of the page in the documents.
const ORIGIN: &str = "https://www.example.com";
/// The name of the app in the documents.
const APP_NAME: &str = "The Shop";
/// The fields whose value differs from run to run. Only their type is compared.
const VARIABLE: [&str; 10] =
    ["random", "token", "tokenExpiredAt", "signedUp", "createdAt", "ip", "lastIp", "userAgent", "age", "expiresIn"];

/// Starts a server with the app of the documents.
async fn start() -> Result<Site> {
    let origin = ORIGIN.parse().map_err(Error::msg)?;
    Site::start_with(
        |config| {
            let app = demo_app(config);
            app.name = APP_NAME.to_owned();
            app.allowed_origins = vec![origin];
        },
        |app| app,
    )
    .await
}

/// Creates a code as a page, and returns the `data` of the response.
async fn create_code(site: &Site) -> Result<Value> {
    let request = Client::new().post(format!("{}/api/v2/qrcode/gene", site.url)).json(&json!({}));
    data(request.header("origin", ORIGIN).header("user-agent", "test")).await
}

/// Polls a confirmed code, and returns its ticket.
async fn ticket(site: &Site, code: &Value) -> Result<String> {
    let random = text(code, "random")?;
    let request = Client::new().get(format!("{}/api/v2/qrcode/check?random={random}", site.url));
    let request = request.header("origin", ORIGIN).header("x-scanlogin-poll-token", text(code, "pollToken")?);
    let data = data(request).await?;
    Ok(text(&data, "ticket")?.to_owned())
}

async fn data(request: reqwest::RequestBuilder) -> Result<Value> {
    let mut response: Value = request.send().await?.json().await?;
    ensure!(response["code"] == 200, "{response}");
    Ok(response["data"].take())
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("there is no {field} in {value}"))
}

/// The words of a shell command. Quotes group characters, and a backslash at the end of a line joins lines.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.replace("\\\n", " ").chars() {
        if quote == Some(character) {
            quote = None;
        } else if quote.is_none() && matches!(character, '\'' | '"') {
            quote = Some(character);
        } else if quote.is_none() && character.is_whitespace() {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Sends the request of a `curl` command, and returns the body of the response.
async fn curl(command: &str) -> Result<Value> {
    let words = shell_words(command);
    let mut words = words.iter().map(String::as_str);
    ensure!(words.next() == Some("curl"), "not a request: {command}");
    let mut request = Client::new().post(words.next_back().context("there is no address")?);
    while let Some(option) = words.next() {
        let value = words.next().with_context(|| format!("{option} has no value"))?;
        request = match option {
            "-u" => {
                let (user, password) = value.split_once(':').context("there is no password")?;
                request.basic_auth(user, Some(password))
            }
            "-H" => {
                let (name, value) = value.split_once(": ").context("the header has no value")?;
                request.header(name, value)
            }
            "-d" => request.body(value.to_owned()),
            _ => bail!("{option} is not supported: {command}"),
        };
    }
    Ok(request.send().await?.json().await?)
}

/// The value with a placeholder in each text and each number of [`VARIABLE`].
fn masked(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        for (name, field) in fields {
            let is_variable = VARIABLE.contains(&name.as_str());
            *field = match field.take() {
                Value::String(_) if is_variable => json!("…"),
                Value::Number(_) if is_variable => json!(0),
                value => masked(value),
            };
        }
    }
    value
}

/// The documented value, with the address of the site.
fn documented(json: &str, site: &Site) -> Result<Value> {
    Ok(masked(serde_json::from_str(&json.replace(HOST, &site.url))?))
}

#[tokio::test]
async fn a_ticket_gets_the_documented_response_and_the_second_time_the_documented_refusal() -> Result<()> {
    let section = section("README.md", "Exchange the ticket")?;
    let [command] = blocks(&section, "sh")[..] else { bail!("one command is expected") };
    let responses = blocks(&section, "json");
    assert_eq!(responses.len(), 2);

    let site = start().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let code = create_code(&site).await?;
    phone.scan(&code.to_string()).await?;
    phone.confirm(&code.to_string()).await?;

    let demo = site.config.demo.as_ref().context("the site is not the demo")?;
    let command = command
        .replace(HOST, &site.url)
        .replace("$APP_ID", &demo.app_id)
        .replace("$APP_SECRET", demo.app_secret.expose())
        .replace(between(command, "{\"ticket\":\"", "\"")?, &ticket(&site, &code).await?);
    for response in responses {
        assert_eq!(masked(curl(&command).await?), documented(response, &site)?);
    }
    Ok(())
}

#[tokio::test]
async fn calls_of_an_approver_get_the_documented_statuses_and_response() -> Result<()> {
    let section = section("README.md", "Approve from your app")?;
    let [command] = blocks(&section, "sh")[..] else { bail!("one command is expected") };
    let [scanned] = blocks(&section, "json")[..] else { bail!("one response is expected") };
    let documented_random = between(command, "{\"random\":\"", "\"")?;
    let calls = rows(&section);
    assert_eq!(calls.len(), 3);

    let site = start().await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for (place, call) in calls.iter().enumerate() {
        let code = create_code(&site).await?;
        let path = plain(&call[0]).replace("POST ", "");
        let is_scan = place == 0;
        if !is_scan {
            phone.scan(&code.to_string()).await?;
        }
        let command = command
            .replace(&format!("{HOST}/api/v2/qrcode/scanned"), &format!("{}{path}", site.url))
            .replace("$USER_TOKEN", phone.token())
            .replace(documented_random, text(&code, "random")?);
        let response = curl(&command).await?;
        assert_eq!(response["data"]["status"].to_string(), plain(&call[2]), "{path}: {response}");
        if is_scan {
            assert_eq!(masked(response), documented(scanned, &site)?);
        }
    }
    Ok(())
}
