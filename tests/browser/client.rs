//! `AuthenticationClient` where the real server has no part: codes that WeChat makes. The rest is in `tests/e2e`.

use js_sys::Reflect;
use scanlogin::web::check_status;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, until};

const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

#[wasm_bindgen_test]
async fn a_code_of_wechat_is_its_image_and_is_never_drawn() {
    for (kind, scene) in [("wxqrcode", "WXAPP_AUTH"), ("wechatmpqrcode", "WECHATMP_AUTH")] {
        // Even where an answer holds what the text of a code needs.
        let gene = |url: &str| {
            format!(
                r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}","scene":"APP_AUTH","userPoolId":"p",
                    "createdAt":"a","expireAt":"b"}}}}"#
            )
        };
        let mut page = Page::new();
        page.server.on("gene", 200, &gene(PIXEL));
        page.answer_polls(&[-1]);
        page.start_with(page.server.options(&page.log, &JsValue::UNDEFINED), kind);
        // Images take no time of the page's clock.
        until("expired", || page.has_shown("expired")).await;
        assert!(page.server.field(0, "body").contains(scene));
        assert!(page.find(".code img").is_some() && page.find(".code svg").is_none());

        // The next one can't be shown, and there is nothing to draw it from.
        page.server.on("gene", 200, &gene("/is-not-there.png"));
        page.click();
        until("failed", || page.has_shown("failed")).await;
        assert!(page.told().last().unwrap().ends_with("ScanLoginError:code-image-failed:undefined:true"));
        assert!(page.find(".code svg").is_none());
    }
}

#[wasm_bindgen_test]
async fn a_refused_call_fails_with_an_error_that_has_the_servers_words() {
    let page = Page::new();
    page.server.set_app_id("");
    page.server.on("check", 200, r#"{"code":2241,"message":"no such code","reason":"unknown-code"}"#);
    let failure = JsFuture::from(check_status("r", JsValue::UNDEFINED)).await.unwrap_err();
    let field = |name: &str| Reflect::get(&failure, &name.into()).unwrap();
    assert_eq!((field("code"), field("reason")), ("refused".into(), "unknown-code".into()));
    assert_eq!((field("serverCode"), field("message")), (2241.into(), "no such code".into()));
}
