//! A value that stays the text that it is stored as until somebody reads it: of what belongs to a code, a poll needs little.

use core::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::store::StoreError;

/// The JSON of a `T`, as it was stored: only [`read`](Self::read) finds out whether it is that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread<T>(Box<str>, PhantomData<T>);

impl<T> Unread<T> {
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
impl<T> Serialize for Unread<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Unread<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|json| Self::from_json(json))
    }
}

impl<T: Serialize> Unread<T> {
    /// Writes `value`.
    ///
    /// # Errors
    ///
    /// When there is no JSON for it.
    pub fn of(value: &T) -> Result<Self, StoreError> {
        Ok(Self::from_json(serde_json::to_string(value).map_err(StoreError::new)?))
    }
}

impl<T: DeserializeOwned> Unread<T> {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it is the JSON of something else.
    pub fn read(&self) -> Result<T, StoreError> {
        serde_json::from_str(self.as_json()).map_err(StoreError::new)
    }
}
