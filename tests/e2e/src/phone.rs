//! A phone with an app in which somebody is signed in: the approver's three calls over HTTP.

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::{Value, json};

/// A phone.
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
        let answer: Value = client.post(format!("{site}/demo/login")).json(&body).send().await?.json().await?;
        let token = answer["data"]["token"].as_str().with_context(|| format!("no token: {answer}"))?.to_owned();
        Ok(Self { client, site: site.to_owned(), token })
    }

    /// The token of its user.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Marks the code with this text as scanned, and answers with who asks.
    pub async fn scan(&self, text: &str) -> Result<Value> {
        Ok(self.call("scanned", text).await?["requester"].take())
    }

    /// Approves.
    pub async fn confirm(&self, text: &str) -> Result<()> {
        self.call("confirm", text).await.map(drop)
    }

    /// Declines.
    pub async fn cancel(&self, text: &str) -> Result<()> {
        self.call("cancel", text).await.map(drop)
    }

    async fn call(&self, call: &str, text: &str) -> Result<Value> {
        let code: Value = serde_json::from_str(text)?;
        let url = format!("{}/api/v2/qrcode/{call}", self.site);
        let request = self.client.post(url).bearer_auth(&self.token).json(&json!({ "random": code["random"] }));
        let mut answer: Value = request.send().await?.json().await?;
        ensure!(answer["code"] == 200, "{call} is refused: {answer}");
        Ok(answer["data"].take())
    }
}
