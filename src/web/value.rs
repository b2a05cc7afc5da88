//! JavaScript values that are handed through unread.

use js_sys::{JSON, Object};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_wasm_bindgen::preserve;
use wasm_bindgen::JsValue;

use crate::reply::Value;

/// A JavaScript value.
#[derive(Debug, Clone)]
pub(super) struct Js(pub(super) JsValue);

impl Serialize for Js {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        preserve::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Js {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        preserve::deserialize(deserializer).map(Self)
    }
}

impl Value for Js {
    fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_wasm_bindgen::from_value(self.0.clone()).ok()
    }

    fn to_text<T: Serialize>(value: &T) -> Option<String> {
        let value = value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).ok()?;
        JSON::stringify(&value).ok().map(String::from)
    }

    fn empty_object() -> Self {
        Self(Object::new().into())
    }
}
