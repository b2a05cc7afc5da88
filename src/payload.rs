//! The text in the QR code, both ways.
//!
//! CONTRACT §3, which also gives the order of keys. `V` is the custom data, handed through unread.
//! Deliberately absent: anything secret. Whoever photographs the screen may know all of this.

use serde::{Serialize, Serializer};

use crate::fields::{Fields, Value};
use crate::protocol::{Field, GeneData, Scene, serialize_fields};

/// What the QR code says, as JSON without spaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload<V> {
    /// Who is to scan.
    pub scene: Scene,
    /// The id of the code: all that approvers in the field read.
    pub random: String,
    /// The pool whose users may approve.
    pub user_pool_id: Option<String>,
    /// When the code was made: RFC 3339 in UTC with milliseconds.
    pub created_at: Option<String>,
    /// When the code expires: RFC 3339 in UTC with milliseconds. The second form of the text has none.
    pub expire_at: Option<String>,
    /// The code's life in seconds: the second form has it in place of [`expire_at`](Self::expire_at).
    pub expires_in: Option<u32>,
    /// What the page wants the approver to read.
    pub custom_data: Option<V>,
}

impl<V: Serialize> Serialize for Payload<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_fields(serializer, &self.fields())
    }
}

impl<V> Payload<V> {
    pub(crate) fn fields(&self) -> [(&'static str, Option<Field<'_, V>>); 7] {
        [
            ("scene", Some(Field::Text(self.scene.word()))),
            ("random", Some(Field::Text(&self.random))),
            ("userPoolId", self.user_pool_id.as_deref().map(Field::Text)),
            ("createdAt", self.created_at.as_deref().map(Field::Text)),
            ("expireAt", self.expire_at.as_deref().map(Field::Text)),
            ("expiresIn", self.expires_in.map(Field::Number)),
            ("customData", self.custom_data.as_ref().map(Field::Value)),
        ]
    }

    /// The text that belongs to an answer of `gene`. From one that is not [whole](GeneData::is_whole) it is the least that
    /// an approver needs, for when the image of a server that sends nothing more can't be shown.
    pub fn of(gene: GeneData<V>) -> Self {
        if gene.is_whole() {
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

impl<V: Value> Payload<V> {
    /// Reads the text of a QR code that was parsed as JSON; `None` when it is not that of a sign-in code.
    pub fn read(value: V) -> Option<Self> {
        let fields = Fields::of(Some(value));
        let payload = Self {
            scene: fields.text("scene").map_or(Some(Scene::App), |word| Scene::read(&word))?,
            random: fields.text("random").filter(|random| !random.is_empty())?,
            user_pool_id: fields.text("userPoolId"),
            created_at: fields.text("createdAt"),
            expire_at: fields.text("expireAt"),
            expires_in: fields.natural("expiresIn"),
            custom_data: fields.value("customData"),
        };
        fields.end().ok()?;
        Some(payload)
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    const CONTRACT: &str = r#"{"scene":"APP_AUTH","random":"5e05f0c57fde537d950f7da5","userPoolId":"5e04ae0d5f3cee22fb37612b","createdAt":"2019-12-27T11:53:41.260Z","expireAt":"2019-12-27T11:55:41.260Z","customData":{"hello":"world"}}"#;

    fn read(text: &str) -> Payload<Json> {
        Payload::read(serde_json::from_str(text).unwrap()).unwrap()
    }

    fn gene(answer: Json) -> GeneData<Json> {
        crate::reply::gene(&Fields::of(Some(answer))).unwrap()
    }

    #[test]
    fn the_text_of_the_contract_is_read_and_written_to_the_letter() {
        let payload = read(CONTRACT);
        assert_eq!(payload.random, "5e05f0c57fde537d950f7da5");
        assert_eq!(serde_json::to_string(&payload).unwrap(), CONTRACT);
    }

    #[test]
    fn the_second_form_with_a_life_in_seconds_is_read() {
        let payload = read(r#"{"scene":"APP_AUTH","random":"r","expiresIn":120}"#);
        assert_eq!((payload.expires_in, payload.expire_at), (Some(120), None));
    }

    #[test]
    fn an_answer_with_only_an_image_has_the_least_text() {
        let least = gene(json!({ "random": "r", "url": "u", "createdAt": "now", "customData": 1 }));
        assert!(!least.is_whole());
        assert_eq!(serde_json::to_string(&Payload::of(least)).unwrap(), r#"{"scene":"APP_AUTH","random":"r"}"#);
    }

    #[test]
    fn an_answer_never_brings_its_poll_token_into_the_text() {
        let gene = gene(json!({
            "random": "r", "expiresIn": 120, "url": "u", "scene": "APP_AUTH", "userPoolId": "p",
            "createdAt": "a", "expireAt": "b", "customData": {}, "pollToken": "secret"
        }));
        let text = serde_json::to_string(&Payload::of(gene)).unwrap();
        assert_eq!(
            text,
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{}}"#
        );
    }
}
