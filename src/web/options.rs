//! Reads options out of a JavaScript object.

use js_sys::{Array, Function, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortSignal;

use super::value::Js;
use crate::error::Error;
use crate::options::{Config, Fields, wrong_option};
use crate::protocol::{GeneRequest, Scene};
use crate::request::Client;

/// An object of options. An absent one has no fields.
#[derive(Debug)]
pub(super) struct Options {
    object: JsValue,
    path: String,
}

impl Options {
    pub(super) fn new(object: JsValue) -> Result<Self, Error> {
        if object.is_undefined() || object.is_null() || is_object(&object) {
            return Ok(Self { object, path: String::new() });
        }
        Err(Error::new(crate::error::ErrorCode::InvalidOption, "the options of `startScanning` must be an object"))
    }

    /// Any value, unread.
    fn value(&self, name: &str) -> Option<Js> {
        self.at(name).map(Js)
    }

    pub(super) fn function(&self, name: &str) -> Result<Option<Function>, Error> {
        self.cast(name, "a function")
    }

    pub(super) fn signal(&self, name: &str) -> Result<Option<AbortSignal>, Error> {
        self.cast(name, "an AbortSignal")
    }

    /// What is sent along when a code for `scene` is asked for.
    pub(super) fn gene(&self, scene: Scene) -> Result<GeneRequest<Js>, Error> {
        Ok(GeneRequest {
            context: self.value("context"),
            ext_idp_conn_id: self.string("extIdpConnId")?,
            with_custom_data: self.boolean("withCustomData")?,
            ..GeneRequest::new(scene, self.value("customData"))
        })
    }

    /// A client with these options.
    pub(super) fn client(&self, config: &Config, scene: Scene) -> Result<Client, Error> {
        Client::new(config, &self.gene(scene)?)
            .ok_or_else(|| wrong_option("customData` or `context", "something that JSON can hold"))
    }

    fn cast<T: JsCast>(&self, name: &str, must_be: &str) -> Result<Option<T>, Error> {
        self.at(name).map(|value| value.dyn_into().map_err(|_| wrong_option(&self.name_of(name), must_be))).transpose()
    }

    fn read<T: DeserializeOwned>(&self, name: &str, must_be: &str) -> Result<Option<T>, Error> {
        self.at(name)
            .map(|value| serde_wasm_bindgen::from_value(value).map_err(|_| wrong_option(&self.name_of(name), must_be)))
            .transpose()
    }

    fn at(&self, name: &str) -> Option<JsValue> {
        let value = Reflect::get(&self.object, &name.into()).ok()?;
        (!value.is_undefined() && !value.is_null()).then_some(value)
    }
}

impl Fields for Options {
    fn name_of(&self, name: &str) -> String {
        [self.path.as_str(), name].concat()
    }

    fn string(&self, name: &str) -> Result<Option<String>, Error> {
        self.read(name, "a string")
    }

    fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        self.read(name, "a number")
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        self.read(name, "a boolean")
    }

    fn strings(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        self.read(name, "a list of strings")
    }

    fn object(&self, name: &str) -> Result<Option<Self>, Error> {
        let Some(object) = self.at(name) else { return Ok(None) };
        if !is_object(&object) {
            return Err(wrong_option(&self.name_of(name), "an object"));
        }
        Ok(Some(Self { object, path: [self.path.as_str(), name, "."].concat() }))
    }
}

/// Not by `instanceof`, which denies what another window has made.
fn is_object(value: &JsValue) -> bool {
    value.is_object() && !Array::is_array(value)
}
