//! The app of a signed-in user on a phone: the three calls of an approver over HTTP.

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use scanlogin_protocol::link::read_link;
use serde_json::{Value, json};

/// A phone with a signed-in user.
pub struct Phone {
    client: Client,
    site: String,
    token: String,
}

impl Phone {
    /// Signs a demo user in.
    pub async fn sign_in(site: &str, user: &str) -> Result<Self> {
        let client = Client::new();
        let body = json!({ "username": user, "password": user });
        let response: Value = client.post(format!("{site}/demo/login")).json(&body).send().await?.json().await?;
        let token = response["data"]["token"]
            .as_str()
            .with_context(|| format!("the response has no token: {response}"))?
            .to_owned();
        Ok(Self { client, site: site.to_owned(), token })
    }

    /// The token of the user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Calls `scanned` for the code with this text, and returns the `requester`.
    pub async fn scan(&self, text: &str) -> Result<Value> {
        Ok(self.call("scanned", text).await?["requester"].take())
    }

    /// Calls `confirm` for the code with this text.
    pub async fn confirm(&self, text: &str) -> Result<()> {
        self.call("confirm", text).await.map(drop)
    }

    /// Calls `cancel` for the code with this text.
    pub async fn cancel(&self, text: &str) -> Result<()> {
        self.call("cancel", text).await.map(drop)
    }

    async fn call(&self, call: &str, text: &str) -> Result<Value> {
        let random = random_of(text, &self.site)?;
        let url = format!("{}/api/v2/qrcode/{call}", self.site);
        let request = self.client.post(url).bearer_auth(&self.token).json(&json!({ "random": random }));
        let mut response: Value = request.send().await?.json().await?;
        ensure!(response["code"] == 200, "{call} is refused: {response}");
        Ok(response["data"].take())
    }
}

/// The id of the code with this text, which is a link of the demo at `site` or JSON.
fn random_of(text: &str, site: &str) -> Result<String> {
    if let Some(link) = read_link(text, &[format!("{site}/s")]) {
        return Ok(link.random.to_owned());
    }
    let code: Value =
        serde_json::from_str(text).with_context(|| format!("{text} is neither JSON nor a link of {site}"))?;
    Ok(code["random"].as_str().with_context(|| format!("{text} has no id"))?.to_owned())
}
