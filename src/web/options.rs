//! Reads the options that only a browser has: functions, signals, and values that are passed on unread.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::AbortSignal;

use super::globals::Globals;
use super::js_value::Js;
use scanlogin_protocol::wire::{GeneRequest, Scene};

use crate::client::reader::{JsonValue as _, Reader, wrong_option};
use crate::client::request::Client;
use crate::error::{Error, ErrorCode};
use crate::options::{Config, ReturnUrl};

/// A reader of the options of a page.
pub(super) type Options = Reader<Js>;

/// Makes a reader of the options `object`. For `undefined` and `null`, all options are absent.
///
/// # Errors
///
/// [`ErrorCode::InvalidOption`] for any other value that is no object.
pub(super) fn read(object: JsValue) -> Result<Options, Error> {
    let object = Js(object);
    if object.0.is_undefined() || object.0.is_null() {
        return Ok(Reader::of(None));
    }
    if object.is_object() {
        return Ok(Reader::of(Some(object)));
    }
    Err(Error::new(ErrorCode::InvalidOption, "the options must be an object"))
}

/// Reads a function.
pub(super) fn function(options: &Options, name: &str) -> Option<Function> {
    options.read(name, "a function", |value| value.0.dyn_ref().cloned())
}

/// Reads an `AbortSignal`.
pub(super) fn signal(options: &Options, name: &str) -> Option<AbortSignal> {
    options.read(name, "an AbortSignal", |value| value.0.dyn_ref().cloned())
}

#[wasm_bindgen(module = "/js/same_device.js")]
extern "C" {
    /// The address of the page, if it is on a touch device.
    #[wasm_bindgen(js_name = ownReturnUrl)]
    fn own_return_url() -> Option<String>;
}

/// The address that a widget sends with `gene`. `None` for no link: the codes of WeChat have none.
pub(super) fn return_url(config: &Config, scene: Scene) -> Option<String> {
    match &config.return_url {
        _ if scene != Scene::App => None,
        ReturnUrl::Page => own_return_url(),
        ReturnUrl::Never => None,
        ReturnUrl::Given(address) => Some(address.clone()),
    }
}

/// Makes a client for codes of `scene`. `return_url` is sent with `gene`.
///
/// # Errors
///
/// The first invalid option of all that were read from `options`.
pub(super) fn client(
    options: &Options,
    config: &Config,
    scene: Scene,
    return_url: Option<String>,
) -> Result<Client, Error> {
    let gene = GeneRequest {
        context: options.value("context"),
        ext_idp_conn_id: options.text("extIdpConnId"),
        with_custom_data: options.bool("withCustomData"),
        return_url,
        ..GeneRequest::new(scene, options.value("customData"))
    };
    options.finish()?;
    if config.host.is_empty() && Globals::origin() == "null" {
        return Err(wrong_option("host", "the address of the server, because this page has no origin"));
    }
    // `wrong_option` puts the name in backticks. It is one of these two.
    Client::new(config, &gene).ok_or_else(|| wrong_option("customData` or `context", "a value that JSON can represent"))
}
