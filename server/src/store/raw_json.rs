//! A value that stays JSON text until it is read. A poll reads few fields of a code, so the others need no parsing.

use core::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The stored JSON text of a `T`. It is not validated before [`read`](Self::read).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawJson<T>(Box<str>, PhantomData<T>);

impl<T> RawJson<T> {
    /// Wraps JSON text from the store, without validation.
    pub fn from_json(json: impl Into<Box<str>>) -> Self {
        Self(json.into(), PhantomData)
    }

    /// The JSON text to store.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// Embeds the JSON as it is, not as a string. Fails if the text is not valid JSON.
impl<T> Serialize for RawJson<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for RawJson<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|json| Self::from_json(json))
    }
}

impl<T: Serialize> RawJson<T> {
    /// Serializes `value`.
    ///
    /// # Errors
    ///
    /// When `value` can't be serialized as JSON.
    pub fn of(value: &T) -> serde_json::Result<Self> {
        Ok(Self::from_json(serde_json::to_string(value)?))
    }
}

impl<T: DeserializeOwned> RawJson<T> {
    /// Parses the text.
    ///
    /// # Errors
    ///
    /// When the text is not the JSON of a `T`.
    pub fn read(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_json())
    }
}
