//! Reads values that others have made: the options of a page, the answers of a server.
//!
//! A reader goes on after a fault, with nothing in its place, and tells the first fault at the end. So what is read is a
//! plain list of fields, in the source and in the wasm. Deliberately absent: which fields there are.

use core::cell::Cell;
use std::rc::Rc;

use serde::Serialize;

use crate::client::writer::Field;
#[cfg(not(target_arch = "wasm32"))]
use crate::client::writer::serialize_fields;
use crate::error::{Error, ErrorCode};

/// A value that is handed through unread, or read here: a JavaScript value in the browser, `serde_json::Value` natively.
pub trait JsonValue: Clone + Serialize {
    /// The field `name`; `undefined` and `null` count as absent.
    fn field(&self, name: &str) -> Option<Self>;
    /// It as a text.
    fn text(&self) -> Option<String>;
    /// It as a number.
    fn number(&self) -> Option<f64>;
    /// It as a truth value.
    fn bool(&self) -> Option<bool>;
    /// It as a list of texts.
    fn texts(&self) -> Option<Vec<String>>;
    /// Whether it has fields.
    fn is_object(&self) -> bool;
    /// `{}`.
    fn empty_object() -> Self;
    /// Writes an object with these fields as JSON text without spaces; `None` when JSON can't hold it.
    fn to_text(fields: &[(&str, Option<Field<'_, Self>>)]) -> Option<String>;
}

/// Reads the fields of a value one by one.
pub struct Reader<V> {
    value: Option<V>,
    path: String,
    fault: Rc<Cell<Option<Fault>>>,
}

/// A field with a wrong type or value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, such as `size.width`.
    pub field: String,
    /// What the field must be.
    pub must_be: String,
}

impl From<Fault> for Error {
    /// The error for an option: `` option `interval` must be a number ``.
    fn from(Fault { field, must_be }: Fault) -> Self {
        wrong_option(&field, &must_be)
    }
}

impl<V: JsonValue> Reader<V> {
    /// Reads the fields of `value`. Without a value, all fields are absent.
    pub fn of(value: Option<V>) -> Self {
        Self { value, path: String::new(), fault: Rc::default() }
    }

    /// Returns the first fault of all fields that were read.
    ///
    /// # Errors
    ///
    /// The fault, if there was one.
    pub fn finish(&self) -> Result<(), Fault> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Records that the field `name` is wrong.
    pub fn reject(&self, name: &str, must_be: &str) {
        let first = self
            .fault
            .take()
            .unwrap_or_else(|| Fault { field: [&self.path, name].concat(), must_be: must_be.to_owned() });
        self.fault.set(Some(first));
    }

    /// Returns the field `name`, which must be there.
    pub fn required<T>(&self, name: &str, must_be: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.reject(name, must_be);
        }
        value
    }

    /// Any value, unread.
    pub fn value(&self, name: &str) -> Option<V> {
        self.value.as_ref()?.field(name)
    }

    /// What `read` makes of the field; a fault when that is nothing.
    pub fn read<T>(&self, name: &str, must_be: &str, read: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        let read = read(&self.value(name)?);
        if read.is_none() {
            self.reject(name, must_be);
        }
        read
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.read(name, "a string", V::text)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.read(name, "a number", V::number)
    }

    /// A whole number.
    pub fn i32(&self, name: &str) -> Option<i32> {
        self.whole_from(name, i32::MIN)
    }

    /// A whole number that is not negative.
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.whole_from(name, 0).map(i32::cast_unsigned)
    }

    fn whole_from(&self, name: &str, least: i32) -> Option<i32> {
        self.read(name, "a whole number", |value| {
            let number = value.number()?;
            let whole = number as i32;
            (f64::from(whole) == number && whole >= least).then_some(whole)
        })
    }

    /// A truth value.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.read(name, "a boolean", V::bool)
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        self.read(name, "a list of strings", V::texts)
    }

    /// An object with fields of its own, which are named `name.field` in errors; one without any when there is none.
    pub fn object(&self, name: &str) -> Self {
        let value = self.read(name, "an object", |value| value.is_object().then(|| value.clone()));
        Self { value, path: [&self.path, name, "."].concat(), fault: self.fault.clone() }
    }
}

/// The error for an option of the wrong type: `` option `interval` must be a number ``.
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
