//! A value that stays the text that it is stored as until somebody reads it: of what belongs to a code, a poll needs little.

use core::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The JSON of a `T`, as it was stored: only [`read`](Self::read) finds out whether it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawJson<T>(Box<str>, PhantomData<T>);

impl<T> RawJson<T> {
    /// What was stored.
    pub fn from_json(json: impl Into<Box<str>>) -> Self {
        Self(json.into(), PhantomData)
    }

    /// What is stored.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// As a part of other JSON.
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
    /// Writes `value`.
    ///
    /// # Errors
    ///
    /// When there is no JSON for it.
    pub fn of(value: &T) -> serde_json::Result<Self> {
        Ok(Self::from_json(serde_json::to_string(value)?))
    }
}

impl<T: DeserializeOwned> RawJson<T> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it is the JSON of something else.
    pub fn read(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_json())
    }
}
