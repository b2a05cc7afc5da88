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
        ("otherWays: '<a>'", "`otherWays`"),
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
    let foreign = "const frame = argument.appendChild(document.createElement('iframe'));
        const target = frame.contentDocument.body;
        frame.remove();
        return target;";
    let message = message_of(run(foreign, &page.target).unwrap(), JsValue::UNDEFINED);
    assert!(message.contains("option `target` must be an element of this document"), "{message}");
    for tag in ["input", "canvas", "textarea", "svg"] {
        let create = "return argument === 'svg' ? document.createElementNS('http://www.w3.org/2000/svg', 'svg')
            : document.createElement(argument)";
        let message = message_of(run(create, &tag.into()).unwrap(), JsValue::UNDEFINED);
        assert!(message.contains(&format!("must be an element that shows its children, not <{tag}>")), "{message}");
    }
    let message = message_of(page.target.clone().into(), 5.into());
    assert!(message.contains("options") && message.contains("must be an object"), "{message}");
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.server.requests("gene"), 0);
}

#[wasm_bindgen_test]
async fn fields_of_a_prototype_are_no_options() {
    let mut page = Page::with_polls(&[0]);
    // As with fields of `Object.prototype`, which the driver of the browser would read too.
    let inherit = "return Object.setPrototypeOf(argument, {
            host: 'https://elsewhere.test', appHost: 'https://elsewhere.test', lang: 'ja-JP', tips: { title: 'Mallory' }, signal: 5,
        })";
    let options = page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    page.start_with(run(inherit, &options).unwrap(), "qrcode");
    page.wait_for_state("ready").await;
    let origin = web_sys::window().unwrap().location().origin().unwrap();
    assert_eq!(page.server.field(0, "url"), [&origin, "/api/v2/qrcode/gene"].concat());
    assert_eq!(page.text(".headline"), "Scan with the app to sign in");
}
