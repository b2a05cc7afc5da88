//! The options of `startScanning`.

use js_sys::{Error, Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run, start_scanning};

#[wasm_bindgen_test]
async fn options_may_be_an_object_of_another_window() {
    let mut page = Page::with_polls(&[0]);
    let code = "const frame = document.createElement('iframe');
        argument.append(frame);
        globalThis.foreign = new frame.contentWindow.Object();";
    run(code, &page.target).unwrap();
    page.server.set_app_id("");
    let options = run("return Object.assign(globalThis.foreign, { lang: 'ja-JP' })", &JsValue::NULL).unwrap();
    page.start_with(options, "qrcode");
    page.wait_for_state("ready").await;
    assert_eq!(page.server.field(0, "x-authing-lang"), "ja-JP");
}

#[wasm_bindgen_test]
fn invalid_option_throws_an_error_that_names_it_and_starts_nothing() {
    let page = Page::new();
    let message_of = |target: JsValue, options: JsValue| {
        let error: Error = start_scanning(target, options, "qrcode").unwrap_err().dyn_into().unwrap();
        assert_eq!(Reflect::get(&error, &"code".into()).unwrap(), "invalid-option");
        String::from(error.message())
    };
    // The options, and the names in the message.
    let table = [
        ("interval: 'fast'", "`interval`"),
        ("size: { width: 1 }", "`size.width`"),
        ("onSuccess: 'call me'", "`onSuccess`"),
        ("signal: {}", "`signal`"),
        ("tips: []", "`tips`"),
        ("logo: 5", "`logo`"),
        ("render: 'canvas'", "`render`"),
        ("theme: 'blue'", "`theme`"),
        ("colors: { dark: '#bbb' }", "`colors`"),
        ("frameAncestors: 'none'", "`frameAncestors`"),
        ("host: 'example.com'", "`host`"),
        ("customData: (() => { const a = {}; a.a = a; return a; })()", "`customData` or `context`"),
    ];
    for (options, name) in table {
        let options = run(&format!("return {{ {options} }}"), &JsValue::NULL).unwrap();
        let message = message_of(page.target.clone().into(), options);
        assert!(message.contains(&format!("option {name} must be ")), "{message}");
    }
    for target in [JsValue::NULL, JsValue::from(5), Object::new().into()] {
        let message = message_of(target, JsValue::UNDEFINED);
        assert!(message.contains("option `target` must be "), "{message}");
    }
    let message = message_of(page.target.clone().into(), 5.into());
    assert!(message.contains("options") && message.contains("must be an object"), "{message}");
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.server.requests("gene"), 0);
}
