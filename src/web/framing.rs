//! Who frames the page. A login page inside a stranger's is how codes are stolen (OWASP, QRLJacking).
//!
//! Deliberately absent: a replacement for the header `Content-Security-Policy: frame-ancestors`, which keeps even the
//! page itself from being shown.

use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Url, Window};

use crate::error::{Error, ErrorCode};

/// Fails when an origin frames the page that is not among `allowed`; with `None` it only says so in the console.
pub(super) fn check(window: &Window, allowed: Option<&[String]>) -> Result<(), Error> {
    let own = window.location().origin().unwrap_or_default();
    let ancestors = ancestors(window).into_iter().filter(|origin| *origin != own);
    let strangers: Vec<String> =
        ancestors.filter(|origin| allowed.is_none_or(|allowed| !allowed.contains(origin))).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    let message = ["this page is framed by another origin: ", &strangers.join(", ")].concat();
    if allowed.is_some() {
        return Err(Error::new(ErrorCode::Framed, message));
    }
    let advice = "; name those that may in `frameAncestors`, and in the page's Content-Security-Policy";
    web_sys::console::warn_1(&["scanlogin: ", &message, advice].concat().into());
    Ok(())
}

/// The origins of the pages around this one, from the inside out. One that the browser does not tell is `unknown`.
fn ancestors(window: &Window) -> Vec<String> {
    let location = window.location();
    // Firefox has no `ancestorOrigins`.
    match Reflect::get(&location, &"ancestorOrigins".into()) {
        Ok(origins) if !origins.is_undefined() => {
            Array::from(&origins).iter().filter_map(|origin| origin.as_string()).collect()
        }
        _ => walk(window),
    }
}

fn walk(window: &Window) -> Vec<String> {
    let mut ancestors = Vec::new();
    let mut page = window.clone();
    while let Ok(Some(parent)) = page.parent()
        && JsValue::from(&parent) != JsValue::from(&page)
    {
        // Who may not read the origin of its parent at least knows where it was linked from.
        let told = || {
            let referrer = window.document().filter(|_| page == *window)?.referrer();
            Url::new(&referrer).ok().map(|url| url.origin())
        };
        let origin = Reflect::get(parent.unchecked_ref(), &"origin".into()).ok().and_then(|origin| origin.as_string());
        ancestors.push(origin.or_else(told).unwrap_or_else(|| "unknown".to_owned()));
        page = parent;
    }
    ancestors
}
