//! Reads the text of a QR code in its JSON form: docs/protocol.md, "Text of the code". `scanlogin_protocol::link` reads links.
//!
//! The browser parses the JSON, and [`read`] reads the fields. The derived `Deserialize` of [`Payload`] would add a
//! JSON parser to the wasm.

use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::Scene;

use crate::client::reader::{JsonValue, Reader};

/// Reads the text of a QR code that was parsed as JSON. An absent `scene` means [`Scene::App`].
///
/// Returns `None` when `random` is absent or empty, when the scene is unknown, or when a known field has another type.
pub fn read<V: JsonValue>(value: V) -> Option<Payload<V>> {
    let fields = Reader::of(Some(value));
    let payload = Payload {
        scene: fields.text("scene").map_or(Some(Scene::App), |scene| Scene::read(&scene))?,
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
    fn read_returns_the_same_payload_as_serde_for_both_forms() {
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
    fn absent_scene_is_app() {
        assert_eq!(read(json!({ "random": "r" })).unwrap().scene, Scene::App);
    }

    #[test]
    fn read_rejects_other_json() {
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
