//! Features of `AuthenticationClient` that the server does not have, such as codes of WeChat. `tests/e2e` tests the
//! others.

use js_sys::Reflect;
use scanlogin::web::{check_status, gene_code, parse_code, start_polling};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{PIXEL, Page, advance, run, settle, wait_until};

#[wasm_bindgen_test]
async fn wechat_code_is_shown_as_its_image_and_never_drawn() {
    for (kind, scene) in [("wxqrcode", "WXAPP_AUTH"), ("wechatmpqrcode", "WECHATMP_AUTH")] {
        // The response also has the fields for the text of a code.
        let gene = |url: &str| {
            format!(
                r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}","scene":"APP_AUTH","userPoolId":"p",
                    "createdAt":"a","expireAt":"b"}}}}"#
            )
        };
        let mut page = Page::new();
        page.server.respond("gene", 200, &gene(PIXEL));
        page.script_polls(&[-1]);
        page.start_with(page.server.options(&page.callback_log, &JsValue::UNDEFINED), kind);
        // An image loads in real time.
        wait_until("expired", || page.has_shown("expired")).await;
        assert!(page.server.field(0, "body").contains(scene));
        assert!(page.find(".code img").is_some() && page.find(".code canvas").is_none());

        // The image of the next code can't be loaded.
        page.server.respond("gene", 200, &gene("/is-not-there.png"));
        page.click();
        wait_until("failed", || page.has_shown("failed")).await;
        assert!(page.last_callback().ends_with("ScanLoginError:code-image-failed:undefined:true"));
        assert!(page.find(".code canvas").is_none());
    }
}

#[wasm_bindgen_test]
async fn start_polling_expires_a_code_by_the_time_of_its_creation() {
    let page = Page::new();
    page.script_new_code(&[0]);
    let options = || page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    JsFuture::from(gene_code("qrcode", options())).await.unwrap();
    advance(100_000.0).await;
    let handle = start_polling("r1", options()).unwrap();
    advance(30_000.0).await;
    assert_eq!(handle.state(), "loading", "the code lives for 120 s after its creation, and the server is asked");
    page.script_polls(&[0]);
    settle().await;
    assert_eq!(handle.state(), "expired");
    handle.destroy();
}

#[wasm_bindgen_test]
fn parse_code_reads_json_and_links_below_the_given_addresses_only() {
    let parse = |text: &str, code_url: &str| {
        // As `js/entry_point.js` does.
        let code_url = run(&format!("return [].concat({code_url} ?? [])"), &JsValue::NULL).unwrap();
        match parse_code(text, code_url) {
            Ok(parsed) => String::from(js_sys::JSON::stringify(&parsed).unwrap()),
            Err(error) => Reflect::get(&error, &"code".into()).unwrap().as_string().unwrap(),
        }
    };
    let (one, two) = ("'https://pass.test/s'", "['https://other.test/s', 'https://pass.test/s']");
    let code = r#"{"scene":"APP_AUTH","random":"r-_1"}"#;
    for code_url in [one, two] {
        assert_eq!(parse("https://pass.test/s#r-_1", code_url), code);
        let same_device = r#"{"scene":"APP_AUTH","random":"r-_1","sameDevice":true}"#;
        assert_eq!(parse("https://pass.test/s#r-_1.return", code_url), same_device);
        assert_eq!(parse(code, code_url), code, "the JSON form is always read");
    }
    for (text, code_url) in [
        ("https://pass.test/s#r", "undefined"),
        ("https://pass.test/s#r", "[]"),
        ("https://pass.test/s#r", "''"),
        ("https://pass.test.evil.test/s#r", one),
        ("https://pass.test/s/#r", one),
        ("https://pass.test/s?#r", one),
        ("http://pass.test/s#r", one),
        ("HTTPS://PASS.TEST/S#r", one),
        ("https://pass.test/s#", one),
        ("https://pass.test/s#r/../x", one),
        ("https://pass.test/s#r.return.return", one),
        ("https://pass.test/s", one),
        (" https://pass.test/s#r", one),
        ("javascript:alert(1)#r", one),
        ("WIFI:S:x;;", one),
        ("", one),
    ] {
        assert_eq!(parse(text, code_url), "not-a-code", "{text} {code_url}");
    }
    for code_url in ["5", "{}", "[5]", "[null]", "true"] {
        assert_eq!(parse("https://pass.test/s#r", code_url), "invalid-option", "{code_url}");
    }
}

#[wasm_bindgen_test]
async fn call_without_a_response_rejects_with_timeout() {
    let page = Page::new();
    page.server.set_app_id("");
    let promise = check_status("r", JsValue::UNDEFINED);
    advance(10_000.0).await;
    let failure = JsFuture::from(promise).await.unwrap_err();
    assert_eq!(Reflect::get(&failure, &"code".into()).unwrap(), "timeout");
}

#[wasm_bindgen_test]
async fn refused_call_rejects_with_reason_server_code_and_message_of_the_server() {
    let page = Page::new();
    page.server.set_app_id("");
    page.server.respond("check", 200, r#"{"code":2241,"message":"no such code","reason":"unknown-code"}"#);
    let failure = JsFuture::from(check_status("r", JsValue::UNDEFINED)).await.unwrap_err();
    let field = |name: &str| Reflect::get(&failure, &name.into()).unwrap();
    assert_eq!((field("code"), field("reason")), ("refused".into(), "unknown-code".into()));
    assert_eq!((field("serverCode"), field("message")), (2241.into(), "no such code".into()));
}
