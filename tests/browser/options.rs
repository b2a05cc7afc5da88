//! What goes in by the options.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run, start_scanning};

#[wasm_bindgen_test]
async fn options_may_be_made_by_another_window() {
    let mut page = Page::with(&[0]);
    let code = "const frame = document.createElement('iframe');
        argument.append(frame);
        globalThis.foreign = new frame.contentWindow.Object();";
    run(code, &page.target).unwrap();
    page.server.set_app_id("");
    let extra = run("return Object.assign(globalThis.foreign, { lang: 'ja-JP' })", &JsValue::NULL).unwrap();
    page.start_with(extra, "qrcode");
    page.until_state("ready").await;
    assert_eq!(page.server.field(0, "x-authing-lang"), "ja-JP");
}

#[wasm_bindgen_test]
fn wrong_options_throw_at_once_and_name_the_option() {
    let page = Page::new();
    let table = [
        ("interval: 'fast'", "option `interval` must be a number"),
        ("size: { width: 1 }", "option `size.width` must be a whole number of pixels from 80 to 4000"),
        ("onSuccess: 'call me'", "option `onSuccess` must be a function"),
        ("signal: {}", "option `signal` must be an AbortSignal"),
        ("tips: []", "option `tips` must be an object"),
        ("logo: 5", "option `logo` must be a string"),
        ("render: 'canvas'", "option `render` must be `svg` or `img`"),
        ("theme: 'blue'", "option `theme` must be `auto` or `light` or `dark`"),
        (
            "colors: { dark: '#bbb' }",
            "option `colors` must be dark on light and further apart: a camera could not read such a code",
        ),
        ("frameAncestors: 'none'", "option `frameAncestors` must be a list of strings"),
        ("host: 'example.com'", "option `host` must be an address such as `https://login.example.com`"),
        (
            "customData: (() => { const a = {}; a.a = a; return a; })()",
            "option `customData` or `context` must be something that JSON can hold",
        ),
    ];
    for (extra, message) in table {
        let extra = run(&format!("return {{ {extra} }}"), &JsValue::NULL).unwrap();
        let thrown = start_scanning(page.target.clone().into(), extra, "qrcode").unwrap_err();
        let error: js_sys::Error = thrown.dyn_into().unwrap();
        assert_eq!(error.message(), message);
        assert_eq!(js_sys::Reflect::get(&error, &"code".into()).unwrap(), "invalid-option");
    }
    for target in [JsValue::NULL, JsValue::from(5), js_sys::Object::new().into()] {
        let error: js_sys::Error =
            start_scanning(target, JsValue::UNDEFINED, "qrcode").unwrap_err().dyn_into().unwrap();
        assert_eq!(error.message(), "option `target` must be an element or the id of one");
    }
    let error: js_sys::Error =
        start_scanning(page.target.clone().into(), 5.into(), "qrcode").unwrap_err().dyn_into().unwrap();
    assert_eq!(error.message(), "the options of `startScanning` must be an object");
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.server.requests("gene"), 0);
}
