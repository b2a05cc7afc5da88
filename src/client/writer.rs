//! Writes JSON objects for requests and QR codes through one function, so that it is compiled once.
//!
//! The derived `Serialize` of the types in `scanlogin-protocol` would be compiled once for each type, and makes
//! serde-wasm-bindgen keep a cache of field names: 1 KB of wasm.

use scanlogin_protocol::payload::Payload;
use scanlogin_protocol::wire::GeneRequest;
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
    /// A value that is passed on without being read.
    JsonValue(&'a V),
}

/// Writes an object with these fields, and leaves out those that are `None`.
///
/// # Errors
///
/// When `serializer` can't write a value.
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

/// The fields of the body of `POST gene`.
pub fn gene_request<V>(request: &GeneRequest<V>) -> [(&'static str, Option<Field<'_, V>>); 8] {
    [
        ("scene", Some(Field::Text(request.scene.as_str()))),
        ("autoMergeQrCode", Some(Field::Bool(request.auto_merge_qr_code))),
        ("context", request.context.as_ref().map(Field::JsonValue)),
        ("params", request.params.as_ref().map(Field::JsonValue)),
        ("customData", request.custom_data.as_ref().map(Field::JsonValue)),
        ("customeData", request.custome_data.as_ref().map(Field::JsonValue)),
        ("extIdpConnId", request.ext_idp_conn_id.as_deref().map(Field::Text)),
        ("withCustomData", request.with_custom_data.map(Field::Bool)),
    ]
}

/// The fields of the text of a QR code.
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
    use crate::client::reader::JsonValue as _;
    use scanlogin_protocol::wire::Scene;
    use serde_json::{Value, json};

    #[test]
    fn requests_are_written_as_serde_writes_them() {
        let full = GeneRequest {
            context: Some(json!("a")),
            params: Some(json!({ "b": 1 })),
            custom_data: Some(json!([2])),
            custome_data: Some(json!(3)),
            ext_idp_conn_id: Some("c".to_owned()),
            with_custom_data: Some(true),
            ..GeneRequest::new(Scene::WechatMiniProgram, None)
        };
        for request in [full, GeneRequest::new(Scene::App, None)] {
            let text = Value::to_text(&gene_request(&request)).unwrap();
            assert_eq!(text, serde_json::to_string(&request).unwrap());
        }
    }

    #[test]
    fn payloads_are_written_as_serde_writes_them() {
        for text in [
            r#"{"scene":"APP_AUTH","random":"r","userPoolId":"p","createdAt":"a","expireAt":"b","customData":{"c":1}}"#,
            r#"{"scene":"APP_AUTH","random":"r","expiresIn":120}"#,
        ] {
            let read: Payload<Value> = serde_json::from_str(text).unwrap();
            assert_eq!(Value::to_text(&payload(&read)).unwrap(), text);
        }
    }
}
