//! Reads JSON values field by field: the options of a page and the responses of a server.
//!
//! A [`Reader`] treats a wrong field as absent, continues, and returns the first error at the end. So reading is a list
//! of fields without branches. A derived `Deserialize`, or a return after each wrong field, would make the wasm larger.

use core::cell::Cell;
use std::rc::Rc;

use serde::Serialize;

use crate::client::writer::Field;
#[cfg(not(target_arch = "wasm32"))]
use crate::client::writer::serialize_fields;
use crate::error::{Error, ErrorCode};

/// A JSON value: a JavaScript value in the browser, `serde_json::Value` natively. Some values, such as custom data, are
/// passed on without being read.
pub trait JsonValue: Clone + Serialize {
    /// The field `name`. `None` when it is absent, `null` or `undefined`.
    fn field(&self, name: &str) -> Option<Self>;
    /// The value as a string. `None` for another type.
    fn text(&self) -> Option<String>;
    /// The value as a number. `None` for another type.
    fn number(&self) -> Option<f64>;
    /// The value as a boolean. `None` for another type.
    fn bool(&self) -> Option<bool>;
    /// The value as a list of strings. `None` for another type, also of an item.
    fn texts(&self) -> Option<Vec<String>>;
    /// Whether the value is an object. An array is none.
    fn is_object(&self) -> bool;
    /// Returns `{}`.
    fn empty_object() -> Self;
    /// Writes an object with these fields as JSON without spaces. `None` when JSON can't represent a value, as with a
    /// JavaScript object that contains itself.
    fn to_text(fields: &[(&str, Option<Field<'_, Self>>)]) -> Option<String>;
}

/// Reads the fields of a value one by one.
pub struct Reader<V> {
    value: Option<V>,
    /// The path of the value in error messages, such as `headers.`. Empty for the top-level value.
    path: String,
    /// The first error. Shared with the readers of nested objects.
    error: Rc<Cell<Option<FieldError>>>,
}

/// A field that is missing, or has the wrong type or an invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field, such as `headers.app-id`.
    pub field: String,
    /// What the field must be, such as `a number`.
    pub must_be: String,
}

impl From<FieldError> for Error {
    /// Returns the error for an option: [`wrong_option`].
    fn from(FieldError { field, must_be }: FieldError) -> Self {
        wrong_option(&field, &must_be)
    }
}

impl<V: JsonValue> Reader<V> {
    /// Makes a reader of `value`. With `None`, all fields are absent.
    pub fn of(value: Option<V>) -> Self {
        Self { value, path: String::new(), error: Rc::default() }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// The first error of all fields that were read or rejected.
    pub fn finish(&self) -> Result<(), FieldError> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Records that the field `name` is not what it must be. Only the first error is kept.
    pub fn reject(&self, name: &str, must_be: &str) {
        let first = self
            .error
            .take()
            .unwrap_or_else(|| FieldError { field: [&self.path, name].concat(), must_be: must_be.to_owned() });
        self.error.set(Some(first));
    }

    /// Returns `value`, which was read from the field `name`. Rejects the field when `value` is `None`.
    pub fn required<T>(&self, name: &str, must_be: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.reject(name, must_be);
        }
        value
    }

    /// Returns the field `name`, of any type. `None` when it is absent.
    pub fn value(&self, name: &str) -> Option<V> {
        self.value.as_ref()?.field(name)
    }

    /// Converts the field `name` with `convert`, and rejects the field when `convert` returns `None`. This method and
    /// those below return `None` for an absent or rejected field.
    pub fn read<T>(&self, name: &str, must_be: &str, convert: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        let converted = convert(&self.value(name)?);
        if converted.is_none() {
            self.reject(name, must_be);
        }
        converted
    }

    /// Reads a string.
    pub fn text(&self, name: &str) -> Option<String> {
        self.read(name, "a string", V::text)
    }

    /// Reads a number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.read(name, "a number", V::number)
    }

    /// Reads an integer.
    pub fn i32(&self, name: &str) -> Option<i32> {
        self.integer_from(name, i32::MIN)
    }

    /// Reads an integer from 0 to `i32::MAX`.
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.integer_from(name, 0).map(i32::cast_unsigned)
    }

    fn integer_from(&self, name: &str, min: i32) -> Option<i32> {
        self.read(name, "a whole number", |value| {
            let number = value.number()?;
            let integer = number as i32;
            (f64::from(integer) == number && integer >= min).then_some(integer)
        })
    }

    /// Reads a boolean.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.read(name, "a boolean", V::bool)
    }

    /// Reads a list of strings.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.read(name, "a list of strings", V::texts)
    }

    /// Returns a reader of the object `name`, whose fields are absent if the object is. Its errors name the fields
    /// `name.field`.
    pub fn object(&self, name: &str) -> Self {
        let value = self.read(name, "an object", |value| value.is_object().then(|| value.clone()));
        Self { value, path: [&self.path, name, "."].concat(), error: self.error.clone() }
    }
}

/// Returns the error for an option that is not what it must be: `` option `interval` must be a number ``.
pub fn wrong_option(name: &str, must_be: &str) -> Error {
    Error::new(ErrorCode::InvalidOption, ["option `", name, "` must be ", must_be].concat())
}

#[cfg(not(target_arch = "wasm32"))]
impl JsonValue for serde_json::Value {
    fn field(&self, name: &str) -> Option<Self> {
        self.get(name).filter(|value| !value.is_null()).cloned()
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn bool(&self) -> Option<bool> {
        self.as_bool()
    }

    fn texts(&self) -> Option<Vec<String>> {
        self.as_array()?.iter().map(Self::text).collect()
    }

    fn is_object(&self) -> bool {
        self.is_object()
    }

    fn empty_object() -> Self {
        Self::Object(serde_json::Map::new())
    }

    fn to_text(fields: &[(&str, Option<Field<'_, Self>>)]) -> Option<String> {
        let mut text = Vec::new();
        serialize_fields(&mut serde_json::Serializer::new(&mut text), fields).ok()?;
        String::from_utf8(text).ok()
    }
}
