//! Reads values that others have made: the options of a page, the answers of a server.
//!
//! A reader goes on after a fault, with nothing in its place, and tells the first fault at the end. So what is read is a
//! plain list of fields, in the source and in the wasm. Deliberately absent: which fields there are.

use core::cell::Cell;
use std::rc::Rc;

use serde::Serialize;

use crate::error::{Error, ErrorCode};
use crate::writer::Field;
#[cfg(not(target_arch = "wasm32"))]
use crate::writer::serialize_fields;

/// A value that is handed through unread, or read here: a JavaScript value in the browser, `serde_json::Value` natively.
pub trait Value: Clone + Serialize {
    /// The field `name`; `undefined` and `null` count as absent.
    fn field(&self, name: &str) -> Option<Self>;
    /// It as a text.
    fn text(&self) -> Option<String>;
    /// It as a number.
    fn number(&self) -> Option<f64>;
    /// It as a truth value.
    fn truth(&self) -> Option<bool>;
    /// It as a list of texts.
    fn texts(&self) -> Option<Vec<String>>;
    /// Whether it has fields.
    fn is_object(&self) -> bool;
    /// `{}`.
    fn empty_object() -> Self;
    /// Writes an object with these fields as JSON text without spaces; `None` when JSON can't hold it.
    fn to_text(fields: &[(&str, Option<Field<'_, Self>>)]) -> Option<String>;
}

/// The fields of a value, for reading them one by one.
pub struct Fields<V> {
    value: Option<V>,
    path: String,
    fault: Rc<Cell<Option<Error>>>,
}

impl<V: Value> Fields<V> {
    /// The fields of `value`. Without a value there are none, which is no fault yet.
    pub fn of(value: Option<V>) -> Self {
        Self { value, path: String::new(), fault: Rc::default() }
    }

    /// The first fault: an [`ErrorCode::InvalidOption`] that names the field and what it must be.
    ///
    /// # Errors
    ///
    /// When there was one.
    pub fn end(&self) -> Result<(), Error> {
        self.fault.take().map_or(Ok(()), Err)
    }

    /// Says that the field `name` is wrong.
    pub fn refuse(&self, name: &str, must_be: &str) {
        let first = self.fault.take().unwrap_or_else(|| wrong_option(&[&self.path, name].concat(), must_be));
        self.fault.set(Some(first));
    }

    /// Any value, unread.
    pub fn value(&self, name: &str) -> Option<V> {
        self.value.as_ref()?.field(name)
    }

    /// What `read` makes of the field; a fault when that is nothing.
    pub fn read<T>(&self, name: &str, must_be: &str, read: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        let read = read(&self.value(name)?);
        if read.is_none() {
            self.refuse(name, must_be);
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
    pub fn whole(&self, name: &str) -> Option<i32> {
        self.whole_from(name, i32::MIN)
    }

    /// A whole number that is not negative.
    pub fn natural(&self, name: &str) -> Option<u32> {
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
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.read(name, "a boolean", V::truth)
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
impl Value for serde_json::Value {
    fn field(&self, name: &str) -> Option<Self> {
        self.get(name).filter(|value| !value.is_null()).cloned()
    }

    fn text(&self) -> Option<String> {
        self.as_str().map(str::to_owned)
    }

    fn number(&self) -> Option<f64> {
        self.as_f64()
    }

    fn truth(&self) -> Option<bool> {
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
