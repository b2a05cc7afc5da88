//! From the first request to the last callback.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run};

#[wasm_bindgen_test]
async fn a_good_run_shows_every_state_and_calls_back_in_order() {
    let mut page = Page::with(&[0, 1, 1, 2]);
    page.start("");
    assert_eq!(page.handle().state(), "loading");
    page.until_state("ready").await;
    assert_eq!(page.text(".headline"), "Scan with the app to sign in");
    page.until_state("scanned").await;
    assert_eq!(page.text(".name"), "Alice <i>");
    page.until_state("confirmed").await;
    assert_eq!(page.text(".headline"), "Signed in");

    let user = r#"{"nickname":"Alice <i>","photo":null,"extra":[7]}"#;
    let result = |status: i32| {
        let ticket = if status == 2 { r#""ticket-1""# } else { "null" };
        let user = if status == 0 { "{}" } else { user };
        format!(r#"onResult {{"random":"r1","status":{status},"ticket":{ticket},"userInfo":{user}}}"#)
    };
    let expected = [
        "onCodeLoaded r1 /r1.png".to_owned(),
        "onCodeShow r1 /r1.png".to_owned(),
        "onStart handle".to_owned(),
        result(0),
        result(1),
        format!("onScanned {user}"),
        result(1),
        result(2),
        format!("onSuccess {user} ticket-1"),
    ];
    assert_eq!(page.told(), expected);
    assert_eq!(page.server.most_in_flight(), 1);
}

#[wasm_bindgen_test]
async fn requests_carry_what_the_protocol_asks_for_and_the_poll_token_in_no_address() {
    let mut page = Page::with(&[0, 0]);
    page.server.set_app_id("app");
    page.start("host: 'https://login.test/', customData: { hello: 'world' }, lang: 'ja-JP'");
    page.until_held().await;
    let field = |n, name| page.server.field(n, name);
    assert_eq!(field(0, "url"), "https://login.test/api/v2/qrcode/gene");
    assert_eq!(field(0, "body"), r#"{"scene":"APP_AUTH","autoMergeQrCode":false,"params":{"hello":"world"}}"#);
    assert_eq!(field(0, "x-authing-app-id"), "app");
    assert_eq!(field(0, "x-authing-request-from"), "sdk");
    assert_eq!(field(0, "x-authing-lang"), "ja-JP");
    assert_eq!(field(0, "x-authing-userpool-id"), "undefined");
    assert_eq!(field(1, "url"), "https://login.test/api/v2/qrcode/check?random=r1");
    assert_eq!(field(1, "x-scanlogin-poll-token"), "secret");
    assert_eq!(field(2, "url"), "https://login.test/api/v2/qrcode/check?random=r1&wait=25&status=0");
}

#[wasm_bindgen_test]
async fn a_cancelled_and_an_expired_code_are_replaced_by_a_click() {
    for (status, state, callback, headline) in
        [(3, "cancelled", "onCancel", "Sign-in was declined"), (-1, "expired", "onExpired", "This code has expired")]
    {
        let mut page = Page::with(&[0, status]);
        page.start("");
        page.until_state(state).await;
        assert_eq!((page.text(".headline").as_str(), page.text("button").as_str()), (headline, "Get a new code"));
        assert!(page.has_told(callback));
        page.answer_refresh(&[0]);
        page.click();
        page.until_state("ready").await;
        assert!(page.has_told("onRetry") && page.has_told("onCodeDestroyed r1"));
    }
}

#[wasm_bindgen_test]
async fn an_exchange_hands_over_the_whole_user() {
    let mut page = Page::with(&[2]);
    page.server.on("userinfo", 200, r#"{"code":200,"data":{"id":"1","token":"jwt"}}"#);
    page.start("autoExchangeUserInfo: true");
    page.until_told("onSuccess").await;
    assert_eq!(page.told().last().unwrap(), r#"onSuccess {"id":"1","token":"jwt"} ticket-1"#);
    assert_eq!(page.server.field(2, "body"), r#"{"ticket":"ticket-1"}"#);
}

#[wasm_bindgen_test]
async fn a_second_factor_goes_to_both_its_callbacks() {
    let mut page = Page::with(&[]);
    let result = r#"{"code":1636,"message":"mfa","data":{"token":"t"}}"#;
    page.server.on("check", 200, &format!(r#"{{"code":200,"data":{{"status":4,"scannedResult":{result}}}}}"#));
    page.start("");
    page.until_state("needs-mfa").await;
    let told = page.told();
    assert_eq!(told[told.len() - 2..], [r#"onMfa 1636 mfa {"token":"t"}"#.to_owned(), format!("onAuthFlow {result}")]);
}

#[wasm_bindgen_test]
async fn a_callback_that_throws_is_the_pages_error_and_changes_nothing() {
    let mut page = Page::with(&[0, 1, 2]);
    let code = "window.onerror = (message) => { argument.push('page error ' + message); return true; }";
    run(code, &page.log).unwrap();
    page.start("onResult: () => { throw new Error('oops'); }");
    page.until_told("onSuccess").await;
    run("window.onerror = null", &JsValue::NULL).unwrap();
    let errors = page.told().iter().filter(|line| line.contains("page error") && line.contains("oops")).count();
    assert_eq!(errors, 3);
}

#[wasm_bindgen_test]
async fn every_kind_of_success_is_one_success() {
    let done = |status: i32, user: &str| {
        format!(r#"{{"code":200,"data":{{"status":{status},"ticket":"t","userInfo":{user}}}}}"#)
    };
    for (answer, told) in
        [(done(2, "null"), "onSuccess {} t"), (done(6, r#"{"nickname":"Bob"}"#), r#"onSuccess {"nickname":"Bob"} t"#)]
    {
        let mut page = Page::with(&[0]);
        page.server.on("check", 200, r#"{"code":200,"data":{"status":1,"userInfo":null}}"#);
        page.server.on("check", 200, &answer);
        page.start("");
        page.until_state("confirmed").await;
        let story: Vec<_> = page.told().into_iter().filter(|line| !line.starts_with("onResult")).collect();
        assert_eq!(story[3..], ["onScanned {}", told]);
    }
}

#[wasm_bindgen_test]
async fn a_user_with_a_token_is_not_exchanged_again() {
    let mut page = Page::with(&[]);
    let answer = r#"{"code":200,"data":{"status":2,"ticket":"t","userInfo":{"token":"jwt"}}}"#;
    page.server.on("check", 200, answer);
    page.start("autoExchangeUserInfo: true");
    page.until_told("onSuccess").await;
    assert_eq!(page.told().last().unwrap(), r#"onSuccess {"token":"jwt"} t"#);
    assert_eq!(page.server.requests("userinfo"), 0);
}
