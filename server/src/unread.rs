//! A value that stays the JSON that it is stored as until somebody reads it: of what belongs to a code, a poll needs little.

use core::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::store::StoreError;

/// The JSON of a `T`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unread<T>(Box<RawValue>, PhantomData<T>);

impl<T> Unread<T> {
    /// What was stored.
    ///
    /// # Errors
    ///
    /// When it is not JSON.
    pub fn from_json(json: String) -> serde_json::Result<Self> {
        Ok(Self(RawValue::from_string(json)?, PhantomData))
    }

    /// What is stored.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl<T: Serialize> Unread<T> {
    /// Writes `value`.
    ///
    /// # Errors
    ///
    /// When there is no JSON for it.
    pub fn of(value: &T) -> Result<Self, StoreError> {
        Ok(Self(to_raw_value(value).map_err(StoreError::new)?, PhantomData))
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

impl<T> PartialEq for Unread<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}
