//! Reads what only a browser has out of a JavaScript object of options.

use js_sys::Function;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortSignal;

use super::js_value::Js;
use scanlogin_protocol::wire::{GeneRequest, Scene};

use crate::client::reader::{JsonValue as _, Reader, wrong_option};
use crate::client::request::Client;
use crate::error::{Error, ErrorCode};
use crate::options::Config;

/// The options of a page. Absent ones have no fields.
pub(super) type Options = Reader<Js>;

pub(super) fn read(object: JsValue) -> Result<Options, Error> {
    let object = Js(object);
    if object.0.is_undefined() || object.0.is_null() {
        return Ok(Reader::of(None));
    }
    if object.is_object() {
        return Ok(Reader::of(Some(object)));
    }
    Err(Error::new(ErrorCode::InvalidOption, "the options of `startScanning` must be an object"))
}

pub(super) fn function(options: &Options, name: &str) -> Option<Function> {
    options.read(name, "a function", |value| value.0.dyn_ref().cloned())
}

pub(super) fn signal(options: &Options, name: &str) -> Option<AbortSignal> {
    options.read(name, "an AbortSignal", |value| value.0.dyn_ref().cloned())
}

/// A client with these options, for codes of `scene`.
pub(super) fn client(options: &Options, config: &Config, scene: Scene) -> Result<Client, Error> {
    let gene = GeneRequest {
        context: options.value("context"),
        ext_idp_conn_id: options.text("extIdpConnId"),
        with_custom_data: options.bool("withCustomData"),
        ..GeneRequest::new(scene, options.value("customData"))
    };
    options.finish()?;
    Client::new(config, &gene).ok_or_else(|| wrong_option("customData` or `context", "something that JSON can hold"))
}
