//! Writes JSON objects for requests and QR codes, from lists of fields.
//!
//! All objects are written by one function, so that the wasm contains its code once. The derived `Serialize` of the
//! types in `scanlogin-protocol` would be compiled for each type, and makes serde-wasm-bindgen keep a cache of field
//! names: 1 KB of wasm.

use scanlogin_protocol::link::{Device, Link};
use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::{GeneRequest, Scene};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// The value of a field.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Field<'a, V> {
    /// A string.
    Text(&'a str),
    /// A number.
    Number(u32),
    /// A boolean.
    Bool(bool),
    /// A value that the widget passes on without reading it.
    JsonValue(&'a V),
}

/// Writes an object with `fields`, without those that are `None`.
///
/// # Errors
///
/// The error of `serializer` for a value that it can't write.
pub fn serialize_fields<S: Serializer, V: Serialize>(
    serializer: S,
    fields: &[(&str, Option<Field<'_, V>>)],
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (name, field) in fields {
        if let Some(field) = field {
            map.serialize_entry(name, field)?;
        }
    }
    map.end()
}

/// Returns the fields of the body of `POST gene`: docs/protocol.md, "gene".
pub fn gene_request<V>(request: &GeneRequest<V>) -> [(&'static str, Option<Field<'_, V>>); 9] {
    [
        ("scene", Some(Field::Text(request.scene.as_str()))),
        ("autoMergeQrCode", Some(Field::Bool(request.auto_merge_qr_code))),
        ("context", request.context.as_ref().map(Field::JsonValue)),
        ("params", request.params.as_ref().map(Field::JsonValue)),
        ("customData", request.custom_data.as_ref().map(Field::JsonValue)),
        ("customeData", request.custome_data.as_ref().map(Field::JsonValue)),
        ("extIdpConnId", request.ext_idp_conn_id.as_deref().map(Field::Text)),
        ("withCustomData", request.with_custom_data.map(Field::Bool)),
        ("returnUrl", request.return_url.as_deref().map(Field::Text)),
    ]
}

/// Returns the fields of a parsed link.
pub fn link<'a, V>(link: &Link<'a>) -> [(&'static str, Option<Field<'a, V>>); 3] {
    [
        ("scene", Some(Field::Text(Scene::App.as_str()))),
        ("random", Some(Field::Text(link.random))),
        ("sameDevice", (link.device == Device::Same).then_some(Field::Bool(true))),
    ]
}

/// Returns the fields of the text of a QR code, in their order: docs/protocol.md, "Text of the code".
pub fn payload<V>(payload: &Payload<V>) -> [(&'static str, Option<Field<'_, V>>); 7] {
    [
        ("scene", Some(Field::Text(payload.scene.as_str()))),
        ("random", Some(Field::Text(&payload.random))),
        ("userPoolId", payload.user_pool_id.as_deref().map(Field::Text)),
        ("createdAt", payload.created_at.as_deref().map(Field::Text)),
        ("expireAt", payload.expire_at.as_deref().map(Field::Text)),
        ("expiresIn", payload.expires_in.map(Field::Number)),
        ("customData", payload.custom_data.as_ref().map(Field::JsonValue)),
    ]
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn to_text(fields: &[(&str, Option<Field<'_, Value>>)]) -> String {
        let mut text = Vec::new();
        serialize_fields(&mut serde_json::Serializer::new(&mut text), fields).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn gene_request_is_written_as_serde_writes_it() {
        let full = GeneRequest {
            context: Some(json!("a")),
            params: Some(json!({ "b": 1 })),
            custom_data: Some(json!([2])),
            custome_data: Some(json!(3)),
            ext_idp_conn_id: Some("c".to_owned()),
            with_custom_data: Some(true),
            return_url: Some("https://www.example.com/login?a=\"".to_owned()),
            ..GeneRequest::new(Scene::WechatMiniProgram, None)
        };
        for request in [full, GeneRequest::new(Scene::App, None)] {
            assert_eq!(to_text(&gene_request(&request)), serde_json::to_string(&request).unwrap());
        }
    }

    #[test]
    fn link_has_the_fields_of_a_code_and_says_whether_it_is_for_the_same_device() {
        let link = |device| to_text(&super::link(&Link { random: "r", device }));
        assert_eq!(link(Device::Other), r#"{"scene":"APP_AUTH","random":"r"}"#);
        assert_eq!(link(Device::Same), r#"{"scene":"APP_AUTH","random":"r","sameDevice":true}"#);
    }

    #[test]
    fn payload_is_written_as_serde_writes_it() {
        for text in [
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{"c":1}}"#,
            r#"{"scene":"APP_AUTH","random":"r","expiresIn":120}"#,
        ] {
            let parsed: Payload<Value> = serde_json::from_str(text).unwrap();
            assert_eq!(to_text(&payload(&parsed)), text);
        }
    }
}
