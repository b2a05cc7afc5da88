//! Who frames the page. A login page inside a stranger's is how codes are stolen (OWASP, QRLJacking).
//!
//! Deliberately absent: a replacement for the header `Content-Security-Policy: frame-ancestors`, which keeps even the
//! page itself from being shown.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::Window;

use super::globals::Globals;
use super::js_value::Js;
use crate::client::reader::JsonValue as _;
use crate::error::{Error, ErrorCode};

/// Fails when an origin frames the page that is not among `allowed`; with `None` it only says so in the console.
pub(super) fn check(allowed: Option<&[String]>) -> Result<(), Error> {
    let own = Globals::origin();
    let mut strangers = String::new();
    for origin in ancestors() {
        if origin != own && allowed.is_none_or(|allowed| !allowed.contains(&origin)) {
            strangers.push_str(if strangers.is_empty() { "" } else { ", " });
            strangers.push_str(&origin);
        }
    }
    if strangers.is_empty() {
        return Ok(());
    }
    let message = ["this page is framed by another origin: ", &strangers].concat();
    if allowed.is_some() {
        return Err(Error::new(ErrorCode::Framed, message));
    }
    let advice = "; name those that may in `frameAncestors`, and in the page's Content-Security-Policy";
    web_sys::console::warn_1(&["scanlogin: ", &message, advice].concat().into());
    Ok(())
}

/// The origins of the pages around this one, from the inside out. One that the browser does not tell is `unknown`, and so
/// is never allowed: where a page was linked from, which it does tell, may be another page than the one that frames it.
fn ancestors() -> Vec<String> {
    let window = Globals::window();
    let origins = Js(window.location().into()).field("ancestorOrigins");
    // Firefox was without for long.
    origins.and_then(|origins| Js(Array::from(&origins.0).into()).texts()).unwrap_or_else(|| walk(window))
}

fn walk(mut page: Window) -> Vec<String> {
    let mut ancestors = Vec::new();
    while let Ok(Some(parent)) = page.parent()
        && JsValue::from(&parent) != JsValue::from(&page)
    {
        let origin = Js(parent.clone().into()).field("origin").and_then(|origin| origin.text());
        ancestors.push(origin.unwrap_or_else(|| "unknown".to_owned()));
        page = parent;
    }
    ancestors
}
