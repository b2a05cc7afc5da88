//! Reads the text of a QR code without serde's `Deserialize`, which would add a JSON reader to the wasm: the browser has
//! parsed the text.

use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::Scene;

use crate::client::reader::{JsonValue, Reader};

/// Reads the text of a QR code that was parsed as JSON; `None` when it is not that of a sign-in code.
pub fn read<V: JsonValue>(value: V) -> Option<Payload<V>> {
    let fields = Reader::of(Some(value));
    let payload = Payload {
        scene: fields.text("scene").map_or(Some(Scene::App), |word| Scene::read(&word))?,
        random: fields.text("random").filter(|random| !random.is_empty())?,
        user_pool_id: fields.text("userPoolId"),
        created_at: fields.text("createdAt"),
        expire_at: fields.text("expireAt"),
        expires_in: fields.u32("expiresIn"),
        custom_data: fields.value("customData"),
    };
    fields.finish().ok()?;
    Some(payload)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    #[test]
    fn both_forms_are_read_as_serde_reads_them() {
        for text in [
            json!({
                "scene": "WXAPP_AUTH", "random": "r", "userPoolId": "p", "createdAt": "a", "expireAt": "b",
                "customData": { "hello": ["world"] }
            }),
            json!({ "scene": "APP_AUTH", "random": "r", "expiresIn": 120 }),
        ] {
            let payload: Payload<Json> = serde_json::from_value(text.clone()).unwrap();
            assert_eq!(read(text), Some(payload));
        }
    }

    #[test]
    fn text_without_a_scene_is_one_for_the_companys_own_app() {
        assert_eq!(read(json!({ "random": "r" })).unwrap().scene, Scene::App);
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            json!({}),
            json!([]),
            json!("r"),
            json!({ "random": "" }),
            json!({ "random": 1 }),
            json!({ "random": "r", "scene": "OTHER" }),
            json!({ "random": "r", "expiresIn": "120" }),
        ] {
            assert_eq!(read(text.clone()), None, "{text}");
        }
    }
}
