//! The requests of README.md get the responses that README.md shows.

use anyhow::{Context as _, Error, Result, bail, ensure};
use reqwest::Client;
use scanlogin_e2e::site::demo_app;
use scanlogin_e2e::{Phone, Site};
use scanlogin_server::config::app::App;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{between, blocks, plain, rows, section};

/// The address of the server in the documents.
pub(super) const HOST: &str = "https://login.example.com";
/// The origin of the page in the documents.
const ORIGIN: &str = "https://www.example.com";
/// The name of the app in the documents.
const APP_NAME: &str = "The Shop";
/// The fields whose value differs from run to run. Only their type is compared.
const VARIABLE: [&str; 12] = [
    "random",
    "token",
    "tokenExpiredAt",
    "signedUp",
    "createdAt",
    "ip",
    "lastIp",
    "userAgent",
    "age",
    "expiresIn",
    "numbers",
    "returnUrl",
];

/// Starts a server with the app of the documents. `set` changes its settings.
pub(super) async fn start(set: impl FnOnce(&mut App)) -> Result<Site> {
    let origin = ORIGIN.parse().map_err(Error::msg)?;
    Site::start_with(
        |config| {
            let app = demo_app(config);
            app.name = APP_NAME.to_owned();
            app.allowed_origins = vec![origin];
            set(app);
        },
        |app| app,
    )
    .await
}

/// Creates a code as a page, and returns the `data` of the response.
pub(super) async fn create_code(site: &Site, body: &Value) -> Result<Value> {
    let request = Client::new().post(format!("{}/api/v2/qrcode/gene", site.url)).json(body);
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

pub(super) async fn data(request: reqwest::RequestBuilder) -> Result<Value> {
    let mut response: Value = request.send().await?.json().await?;
    ensure!(response["code"] == 200, "{response}");
    Ok(response["data"].take())
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("there is no {field} in {value}"))
}

/// Runs a `curl` command in a shell with these variables, and returns the body of the response.
pub(super) async fn curl(command: &str, variables: &[(&str, &str)]) -> Result<Value> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).envs(variables.iter().copied());
    let output = shell.output().await.context("sh can't be started")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the command failed; curl must be installed: {command}\n{errors}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("the response of `{command}` is no JSON"))
}

/// The value with a placeholder for each [`VARIABLE`] field.
pub(super) fn masked(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        for (name, field) in fields {
            *field = if VARIABLE.contains(&name.as_str()) { placeholder(field.take()) } else { masked(field.take()) };
        }
    }
    value
}

/// A value of the same type: only the number of elements of an array is kept.
fn placeholder(value: Value) -> Value {
    match value {
        Value::String(_) => json!("…"),
        Value::Number(_) => json!(0),
        Value::Array(values) => values.into_iter().map(placeholder).collect(),
        value => masked(value),
    }
}

/// The documented value, with the address of the site.
pub(super) fn documented(json: &str, site: &Site) -> Result<Value> {
    Ok(masked(serde_json::from_str(&json.replace(HOST, &site.url))?))
}

#[tokio::test]
async fn a_ticket_gets_the_documented_response_and_the_second_time_the_documented_refusal() -> Result<()> {
    let section = section("README.md", "Exchange the ticket")?;
    let [command] = blocks(&section, "sh")[..] else { bail!("one command is expected") };
    let responses = blocks(&section, "json");
    assert_eq!(responses.len(), 2);

    let site = start(|_| {}).await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    let code = create_code(&site, &json!({})).await?;
    phone.scan(&code.to_string()).await?;
    phone.confirm(&code.to_string()).await?;

    let demo = site.config.demo.as_ref().context("the site is not the demo")?;
    let command = command
        .replace(HOST, &site.url)
        .replace(between(command, "{\"ticket\":\"", "\"")?, &ticket(&site, &code).await?);
    let variables = [("APP_ID", demo.app_id.as_str()), ("APP_SECRET", demo.app_secret.expose())];
    for response in responses {
        assert_eq!(masked(curl(&command, &variables).await?), documented(response, &site)?);
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

    let site = start(|_| {}).await?;
    let phone = Phone::sign_in(&site.url, "alice").await?;
    for (place, call) in calls.iter().enumerate() {
        let code = create_code(&site, &json!({})).await?;
        let path = plain(&call[0]).replace("POST ", "");
        let is_scan = place == 0;
        if !is_scan {
            phone.scan(&code.to_string()).await?;
        }
        let command = command
            .replace(&format!("{HOST}/api/v2/qrcode/scanned"), &format!("{}{path}", site.url))
            .replace(documented_random, text(&code, "random")?);
        let response = curl(&command, &[("USER_TOKEN", phone.token())]).await?;
        assert_eq!(response["data"]["status"].to_string(), plain(&call[2]), "{path}: {response}");
        if is_scan {
            assert_eq!(masked(response), documented(scanned, &site)?);
        }
    }
    Ok(())
}
