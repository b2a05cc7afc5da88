//! The text in the QR code: JSON without spaces, with the keys in the order of the fields of [`Payload`].
//!
//! Invariant: the text contains no secret. Every person who sees the screen can read it.

use serde::{Deserialize, Serialize};

use crate::wire::{GeneData, Scene};

/// The content of a QR code. `V` is the type of the custom data, which this crate does not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload<V> {
    /// The kind of app that scans the code.
    pub scene: Scene,
    /// The id of the code. Existing approvers read nothing else.
    pub random: String,
    /// The user pool of the app. `None` in the short form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_pool_id: Option<String>,
    /// When the code was created: RFC 3339 in UTC with milliseconds. `None` in the short form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// When the code expires: RFC 3339 in UTC with milliseconds. `None` in the short form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_at: Option<String>,
    /// The lifetime of the code in seconds. [`Payload::of`] writes it in the short form only, instead of
    /// [`expire_at`](Self::expire_at).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// The custom data of the page. `None` when there is none, and in the short form.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub custom_data: Option<V>,
}

// `#[serde(default)]` would require `V: Default`.
fn none<V>() -> Option<V> {
    None
}

impl<V> Payload<V> {
    /// The payload of a code that `gene` returned. If the data is not [complete](GeneData::is_complete), this is the short
    /// form. The widget draws the short form when a server sends only an image and that image can't be shown.
    pub fn of(gene: GeneData<V>) -> Self {
        if gene.is_complete() {
            return Self {
                scene: Scene::App,
                random: gene.random,
                user_pool_id: gene.user_pool_id,
                created_at: gene.created_at,
                expire_at: gene.expire_at,
                expires_in: None,
                custom_data: gene.custom_data,
            };
        }
        Self {
            scene: Scene::App,
            random: gene.random,
            user_pool_id: None,
            created_at: None,
            expire_at: None,
            expires_in: gene.expires_in,
            custom_data: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const PUBLISHED: &str = r#"{"scene":"APP_AUTH","random":"5e05f0c57fde537d950f7da5","userPoolId":"5e04ae0d5f3cee22fb37612b","createdAt":"2019-12-27T11:53:41.260Z","expireAt":"2019-12-27T11:55:41.260Z","customData":{"hello":"world"}}"#;

    fn gene() -> GeneData<Value> {
        GeneData {
            random: "r".to_owned(),
            expires_in: Some(120),
            url: Some("u".to_owned()),
            custom_logo: None,
            scene: Some(Scene::App),
            user_pool_id: Some("p".to_owned()),
            created_at: Some("a".to_owned()),
            expire_at: Some("b".to_owned()),
            text: None,
            link: None,
            custom_data: Some(json!({})),
            poll_token: Some("secret".to_owned()),
            modules: None,
        }
    }

    #[test]
    fn published_example_round_trips_unchanged() {
        let payload: Payload<Value> = serde_json::from_str(PUBLISHED).unwrap();
        assert_eq!(payload.random, "5e05f0c57fde537d950f7da5");
        assert_eq!(serde_json::to_string(&payload).unwrap(), PUBLISHED);
    }

    #[test]
    fn incomplete_gene_data_gives_the_short_form() {
        let incomplete = GeneData { user_pool_id: None, ..gene() };
        assert!(!incomplete.is_complete());
        let text = serde_json::to_string(&Payload::of(incomplete)).unwrap();
        assert_eq!(text, r#"{"scene":"APP_AUTH","random":"r","expiresIn":120}"#);
    }

    #[test]
    fn poll_token_is_not_part_of_the_text() {
        let text = serde_json::to_string(&Payload::of(gene())).unwrap();
        assert_eq!(
            text,
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{}}"#
        );
    }
}
