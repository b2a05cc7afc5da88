//! `AuthenticationClient` where the real server has no part: codes that WeChat makes. The rest is in `tests/e2e`.

use js_sys::Reflect;
use scanlogin::web::{AuthenticationClient, QrCodeClient};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, check, until};

const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

#[wasm_bindgen_test]
async fn a_code_of_wechat_is_its_image_and_is_never_drawn() {
    type Kind = fn(&AuthenticationClient) -> QrCodeClient;
    let kinds: [(Kind, &str); 2] =
        [(AuthenticationClient::wxqrcode, "WXAPP_AUTH"), (AuthenticationClient::wechatmpqrcode, "WECHATMP_AUTH")];
    for (kind, scene) in kinds {
        // Even where an answer holds what the text of a code needs.
        let gene = |url: &str| {
            format!(
                r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}","scene":"APP_AUTH","userPoolId":"p",
                    "createdAt":"a","expireAt":"b"}}}}"#
            )
        };
        let mut page = Page::new();
        page.server.on("gene", 200, &gene(PIXEL));
        page.server.on("gene", 200, &gene("/is-not-there.png"));
        page.server.on("check", 200, &check(-1));
        let client = AuthenticationClient::new(JsValue::UNDEFINED).unwrap();
        let options = page.server.options(&page.log, &JsValue::UNDEFINED);
        page.handle = Some(kind(&client).start_scanning(page.target.clone().into(), options).unwrap());
        page.until_state("expired").await;
        assert!(page.server.field(0, "body").contains(scene));
        assert!(page.find(".code img").is_some() && page.find(".code svg").is_none());

        // The next one can't be shown, and there is nothing to draw it from.
        page.click();
        page.until_state("failed").await;
        assert!(page.told().last().unwrap().ends_with("ScanLoginError:code-image-failed:undefined:true"));
        assert!(page.find(".code svg").is_none());
    }
}

#[wasm_bindgen_test]
async fn a_refused_call_fails_with_an_error_and_tells_the_client() {
    let page = Page::new();
    page.server.on("check", 200, r#"{"code":2241,"message":"no such code","reason":"unknown-code"}"#);
    let options = js_sys::Object::new();
    let on_error = Closure::<dyn Fn(JsValue, JsValue)>::new({
        let log = page.log.clone();
        move |code: JsValue, message: JsValue| {
            log.push(&format!("{} {}", code.as_f64().unwrap(), message.as_string().unwrap()).into());
        }
    });
    Reflect::set(&options, &"onError".into(), on_error.as_ref()).unwrap();
    let client = AuthenticationClient::new(options.into()).unwrap();
    let failure = wasm_bindgen_futures::JsFuture::from(client.qrcode().check_status("r".to_owned())).await.unwrap_err();
    let field = |name: &str| Reflect::get(&failure, &name.into()).unwrap();
    assert_eq!((field("code"), field("reason")), ("refused".into(), "unknown-code".into()));
    until("the client", || page.told() == ["2241 no such code"]).await;
}
