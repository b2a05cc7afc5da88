//! Creates codes.

use std::sync::Arc;

use scanlogin_protocol::lifecycle::CodeState;
use scanlogin_protocol::link::{Device, Link};
use serde_json::{Map, Value};

use crate::client::Browser;
use crate::clock::{later, rfc3339};
use crate::codes::CodeService;
use crate::codes::error::CodeError;
use crate::config::app::App;
use crate::secrets::{self, Hash, PollKey, Secret};
use crate::store::raw_json::RawJson;
use crate::store::record::Record;
use crate::store::{KeyPurpose, StoredKey};

/// A QR code can hold 2,331 bytes at this error correction, in modules too fine for a phone at arm's length. With this
/// many it has at most 121 modules from edge to edge.
const MAX_TEXT_BYTES: usize = 1_000;

impl CodeService {
    /// Creates a code of `app`, and the poll token of the browser that asked for it. With a `return_url`, the code has a link
    /// for the device of the page.
    ///
    /// # Errors
    ///
    /// [`CodeError::TextTooLong`], and when the store or the random numbers fail.
    pub async fn create(
        &self,
        app: &App,
        custom_data: Option<Map<String, Value>>,
        browser: Browser,
        return_url: Option<String>,
    ) -> Result<(Arc<Record>, Secret), CodeError> {
        let random = secrets::random_id()?;
        let key = if app.compat.poll_without_token { self.shared_key().await? } else { &self.own_key };
        let poll_token = key.poll_token(&random);
        let created_at = self.clock.now();
        let record = Record {
            app_id: app.id.clone(),
            created_at,
            expires_at: later(created_at, app.code_lifetime),
            state: CodeState::Unused,
            ended_at: None,
            ticket_expires_at: None,
            response_code_hash: None,
            number_seed: None,
            return_url,
            custom_data: custom_data.as_ref().map(RawJson::of).transpose()?,
            requester: RawJson::of(&browser.requester(&app.name, rfc3339(created_at)))?,
            poll_token_hash: Hash::of(poll_token.expose()),
            ticket_hash: Hash::of(secrets::ticket(&poll_token, &random).expose()),
            random,
        };
        // Also for an app with links: a client that does not know them draws the JSON.
        let length = json_text(app, &record)?.len();
        if length > MAX_TEXT_BYTES {
            return Err(CodeError::TextTooLong { length, limit: MAX_TEXT_BYTES });
        }
        let record = Arc::new(record);
        self.store.call("insert", |store| store.insert(Arc::clone(&record))).await?;
        self.metrics.count_code(&record);
        Ok((record, poll_token))
    }

    /// The text in the QR code of `record`, which is one of `app`: a link if the app has a `code_url`, otherwise JSON.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn text(app: &App, record: &Record) -> Result<String, CodeError> {
        if let Some(code_url) = &app.code_url {
            return Ok(Link { random: &record.random, device: Device::Other }.text(code_url.as_str()));
        }
        Ok(json_text(app, record)?)
    }

    /// The link that opens the approver on the device of the page. `None` if `record` has no address to return to.
    pub fn same_device_link(app: &App, record: &Record) -> Option<String> {
        let code_url = app.code_url.as_ref().filter(|_| record.return_url.is_some())?;
        Some(Link { random: &record.random, device: Device::Same }.text(code_url.as_str()))
    }

    /// Derives the poll token of `record` again, for a client that does not send it. `None` for a code from before its app
    /// let such clients poll.
    ///
    /// # Errors
    ///
    /// When the store does not return the key.
    pub async fn poll_token_again(&self, record: &Record) -> Result<Option<Secret>, CodeError> {
        let poll_token = self.shared_key().await?.poll_token(&record.random);
        Ok(Some(poll_token).filter(|token| record.poll_token_hash.is_of(token.expose())))
    }

    /// The key that all servers on one store share. The first server that needs it creates it.
    async fn shared_key(&self) -> Result<&PollKey, CodeError> {
        let load = async || {
            let new = StoredKey {
                id: secrets::random_id()?,
                purpose: KeyPurpose::PollToken,
                algorithm: "HMAC-SHA-256".to_owned(),
                secret: PollKey::random()?.as_bytes().to_vec(),
                created_at: self.clock.now(),
            };
            let stored = self.store.call("get_or_insert_key", |store| store.get_or_insert_key(new)).await?;
            PollKey::from_bytes(&stored.secret).ok_or(CodeError::BadKey)
        };
        self.shared_key.get_or_try_init(load).await
    }
}

/// The content of the code `record` of `app` as JSON.
fn json_text(app: &App, record: &Record) -> serde_json::Result<String> {
    serde_json::to_string(&record.payload(&app.user_pool_id))
}
