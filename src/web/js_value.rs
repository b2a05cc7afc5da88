//! JavaScript values as [`JsonValue`]s.

use js_sys::{Array, JSON, Object, Reflect};
use serde::{Serialize, Serializer};
use serde_wasm_bindgen::preserve;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::client::reader::JsonValue;
use crate::client::writer::{Field, serialize_fields};

/// A JavaScript value. Serializing it keeps the original value.
#[derive(Debug, Clone)]
pub(super) struct Js(pub(super) JsValue);

/// The property `name` of a JavaScript value, which it may inherit. `None` when it is absent, `null` or `undefined`.
pub(super) fn property(value: &JsValue, name: &str) -> Option<JsValue> {
    // Fails for a value without properties, a getter that throws, and a window of another origin.
    let value = Reflect::get(value, &name.into()).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

impl Serialize for Js {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        preserve::serialize(&self.0, serializer)
    }
}

impl JsonValue for Js {
    fn field(&self, name: &str) -> Option<Self> {
        // Fails for a value without fields. A field that is inherited, such as from `Object.prototype`, is none.
        let own = Reflect::get_own_property_descriptor::<JsValue>(self.0.unchecked_ref(), &name.into()).ok()?;
        if own.is_undefined() { None } else { property(&self.0, name).map(Self) }
    }

    fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    fn number(&self) -> Option<f64> {
        self.0.as_f64()
    }

    fn bool(&self) -> Option<bool> {
        self.0.as_bool()
    }

    fn texts(&self) -> Option<Vec<String>> {
        if !Array::is_array(&self.0) {
            return None;
        }
        let items = Array::from(&self.0);
        let mut texts = Vec::new();
        for index in 0..items.length() {
            texts.push(items.get(index).as_string()?);
        }
        Some(texts)
    }

    fn is_object(&self) -> bool {
        // Not by `instanceof`, which is false for an object of another window.
        self.0.is_object() && !Array::is_array(&self.0)
    }

    fn empty_object() -> Self {
        Self(Object::new().into())
    }

    fn to_text(fields: &[(&str, Option<Field<'_, Self>>)]) -> Option<String> {
        let value = serialize_fields(&serde_wasm_bindgen::Serializer::json_compatible(), fields).ok()?;
        JSON::stringify(&value).ok().map(String::from)
    }
}
