//! Checks which origins frame the page. A page of an attacker that frames a login page can deceive the person who scans
//! its code (OWASP, QRLJacking).
//!
//! This check does not replace the header `Content-Security-Policy: frame-ancestors`, which protects the page itself.

use js_sys::Array;
use wasm_bindgen::JsValue;
use web_sys::Window;

use super::globals::Globals;
use super::js_value::{Js, property};
use crate::client::reader::JsonValue as _;
use crate::error::{Error, ErrorCode};

/// Checks the origins that frame the page. The origin of the page itself is always allowed.
///
/// # Errors
///
/// [`ErrorCode::Framed`] when another origin than those in `allowed` frames the page. With `None`, a framed page only
/// gets a warning in the console.
pub(super) fn check(allowed: Option<&[String]>) -> Result<(), Error> {
    let own = Globals::origin();
    let mut foreign = String::new();
    for origin in ancestor_origins() {
        if origin != own && allowed.is_none_or(|allowed| !allowed.contains(&origin)) {
            foreign.push_str(if foreign.is_empty() { "" } else { ", " });
            foreign.push_str(&origin);
        }
    }
    if foreign.is_empty() {
        return Ok(());
    }
    let advice = "; list the origins that may frame it in `frameAncestors`";
    let message = ["this page is framed by another origin: ", &foreign, advice].concat();
    if allowed.is_some() {
        return Err(Error::new(ErrorCode::Framed, message));
    }
    web_sys::console::warn_1(&["scanlogin: ", &message, " and in its Content-Security-Policy"].concat().into());
    Ok(())
}

/// Returns the origins of the pages that frame this one, the closest first. An origin that the browser does not reveal
/// is `unknown`, which no option can allow. The referrer is not used: it need not be the page that frames this one.
fn ancestor_origins() -> Vec<String> {
    let window = Globals::window();
    let origins = property(&window.location(), "ancestorOrigins");
    // Older versions of Firefox do not have `ancestorOrigins`.
    origins.and_then(|origins| Js(Array::from(&origins).into()).texts()).unwrap_or_else(|| parent_origins(window))
}

/// Returns the origins of the parents of `page`. Only those of the same origin can be read.
fn parent_origins(mut page: Window) -> Vec<String> {
    let mut origins = Vec::new();
    while let Ok(Some(parent)) = page.parent()
        && JsValue::from(&parent) != JsValue::from(&page)
    {
        let origin = property(&parent, "origin").and_then(|origin| origin.as_string());
        origins.push(origin.unwrap_or_else(|| "unknown".to_owned()));
        page = parent;
    }
    origins
}
