//! The sign-in from the first request to the last callback.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, advance_until, run, wait_until};

#[wasm_bindgen_test]
async fn sign_in_shows_each_state_and_calls_callbacks_in_order() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    assert_eq!(page.handle().state(), "loading");
    page.wait_for_state("ready").await;
    assert_eq!(page.text(".headline"), "Scan with the app to sign in");
    page.script_polls(&[1]);
    page.wait_for_state("scanned").await;
    assert_eq!(page.text(".name"), "Alice <i>");
    page.script_polls(&[1, 2]);
    page.wait_for_state("confirmed").await;
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
    assert_eq!(page.callbacks(), expected);
    assert_eq!(page.server.max_in_flight(), 1);
}

#[wasm_bindgen_test]
async fn requests_have_the_headers_of_the_protocol_and_no_poll_token_in_the_url() {
    let mut page = Page::with_polls(&[0, 0]);
    page.server.set_app_id("app");
    page.start("host: 'https://login.test/', customData: { hello: 'world' }, lang: 'ja-JP'");
    page.wait_for_held_poll().await;
    let field = |n, name| page.server.field(n, name);
    assert_eq!(field(0, "url"), "https://login.test/api/v2/qrcode/gene");
    assert_eq!(field(0, "body"), r#"{"scene":"APP_AUTH","autoMergeQrCode":false,"params":{"hello":"world"}}"#);
    assert_eq!(field(0, "x-authing-app-id"), "app");
    assert_eq!(field(0, "x-authing-request-from"), "sdk");
    assert_eq!(field(0, "x-authing-lang"), "ja-JP");
    assert_eq!(field(0, "x-authing-userpool-id"), "undefined");
    let url = |n| field(n, "url").split_once("&_=").map(|(start, end)| (start.to_owned(), end.to_owned()));
    let (start, nonce) = url(1).unwrap();
    assert_eq!(start, "https://login.test/api/v2/qrcode/check?random=r1");
    assert!(nonce.parse::<u32>().is_ok(), "{nonce}");
    assert_eq!(field(1, "x-scanlogin-poll-token"), "secret");
    let (start, end) = url(2).unwrap();
    assert_eq!(start, "https://login.test/api/v2/qrcode/check?random=r1");
    assert!(end.ends_with("&wait=25&status=0"), "{end}");
}

#[wasm_bindgen_test]
async fn poll_follows_the_code_and_each_news_without_a_pause() {
    // The clock stands still: each poll is sent in the task of the response before it.
    let held = async |page: &Page, polls: u32, end: &str| {
        wait_until(end, || page.server.requests("check") == polls && page.server.held("check") == 1).await;
        let url = page.server.field(polls, "url");
        assert!(url.ends_with(end), "{url}");
    };
    let mut page = Page::with_polls(&[]);
    page.start("onResult: undefined");
    held(&page, 1, "&wait=25&status=0").await;
    page.script_polls(&[1]);
    held(&page, 2, "&wait=25&status=1").await;
    page.script_polls(&[2]);
    wait_until("the success", || page.has_called("onSuccess")).await;

    // With `onResult`, the first poll is not held.
    let mut page = Page::with_polls(&[0]);
    page.start("");
    held(&page, 2, "&wait=25&status=0").await;
    assert!(!page.server.field(1, "url").contains("wait"));
}

#[wasm_bindgen_test]
async fn polls_have_different_addresses_and_no_request_uses_the_http_cache() {
    let mut page = Page::with_polls(&[0, 0, 0, 0]);
    page.start("longPoll: false");
    advance_until("six requests", || page.server.requests("check") == 5).await;
    let mut urls: Vec<String> = (1..6).map(|n| page.server.field(n, "url")).collect();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), 5, "{urls:?}");
    assert!((0..6).all(|n| page.server.field(n, "cache") == "no-store"));
}

#[wasm_bindgen_test]
async fn click_replaces_a_cancelled_or_expired_code() {
    for (status, state, callback, headline) in
        [(3, "cancelled", "onCancel", "Sign-in was declined"), (-1, "expired", "onExpired", "This code has expired")]
    {
        let mut page = Page::with_polls(&[0, status]);
        page.start("");
        page.wait_for_state(state).await;
        assert_eq!((page.text(".headline").as_str(), page.text("button").as_str()), (headline, "Get a new code"));
        assert!(page.has_called(callback));
        page.script_new_code(&[0]);
        page.click();
        page.wait_for_state("ready").await;
        assert!(page.has_called("onRetry") && page.has_called("onCodeDestroyed r1"));
    }
}

#[wasm_bindgen_test]
async fn auto_exchange_passes_the_complete_user_to_on_success() {
    let mut page = Page::with_polls(&[2]);
    page.server.respond("userinfo", 200, r#"{"code":200,"data":{"id":"1","token":"jwt"}}"#);
    page.start("autoExchangeUserInfo: true");
    page.wait_for_callback("onSuccess").await;
    assert_eq!(page.last_callback(), r#"onSuccess {"id":"1","token":"jwt"} ticket-1"#);
    assert_eq!(page.server.field(2, "body"), r#"{"ticket":"ticket-1"}"#);
}

#[wasm_bindgen_test]
async fn user_info_with_a_token_is_not_exchanged() {
    let mut page = Page::with_polls(&[]);
    let response = r#"{"code":200,"data":{"status":2,"ticket":"t","userInfo":{"token":"jwt"}}}"#;
    page.server.respond("check", 200, response);
    page.start("autoExchangeUserInfo: true");
    page.wait_for_callback("onSuccess").await;
    assert_eq!(page.last_callback(), r#"onSuccess {"token":"jwt"} t"#);
    assert_eq!(page.server.requests("userinfo"), 0);
}

#[wasm_bindgen_test]
async fn mfa_status_calls_on_mfa_and_then_on_auth_flow() {
    let mut page = Page::with_polls(&[]);
    let result = r#"{"code":1636,"message":"mfa","data":{"token":"t"}}"#;
    page.server.respond("check", 200, &format!(r#"{{"code":200,"data":{{"status":4,"scannedResult":{result}}}}}"#));
    page.start("");
    page.wait_for_state("needs-mfa").await;
    let callbacks = page.callbacks();
    assert_eq!(
        callbacks[callbacks.len() - 2..],
        [r#"onMfa 1636 mfa {"token":"t"}"#.to_owned(), format!("onAuthFlow {result}")]
    );
}

#[wasm_bindgen_test]
async fn throwing_callback_is_reported_to_the_page_and_does_not_stop_the_widget() {
    let mut page = Page::with_polls(&[0, 1, 2]);
    let code = "window.onerror = (message) => { argument.push('page error ' + message); return true; }";
    run(code, &page.callback_log).unwrap();
    page.start("onResult: () => { throw new Error('oops'); }");
    page.wait_for_callback("onSuccess").await;
    run("window.onerror = null", &JsValue::NULL).unwrap();
    let errors = page.callbacks().iter().filter(|line| line.contains("page error") && line.contains("oops")).count();
    assert_eq!(errors, 3);
}

#[wasm_bindgen_test]
async fn status_6_and_a_missing_user_are_successes() {
    let success = |status: i32, user: &str| {
        format!(r#"{{"code":200,"data":{{"status":{status},"ticket":"t","userInfo":{user}}}}}"#)
    };
    for (response, callback) in [
        (success(2, "null"), "onSuccess {} t"),
        (success(6, r#"{"nickname":"Bob"}"#), r#"onSuccess {"nickname":"Bob"} t"#),
    ] {
        let mut page = Page::with_polls(&[0]);
        page.server.respond("check", 200, r#"{"code":200,"data":{"status":1,"userInfo":null}}"#);
        page.server.respond("check", 200, &response);
        page.start("");
        page.wait_for_state("confirmed").await;
        let callbacks: Vec<_> = page.callbacks().into_iter().filter(|line| !line.starts_with("onResult")).collect();
        assert_eq!(callbacks[3..], ["onScanned {}", callback]);
    }
}
