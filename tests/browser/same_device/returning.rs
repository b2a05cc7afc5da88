//! The return from the approver, and the kept response that it needs.

use js_sys::Function;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{
    COMPLETED, LINK, RESPONSE_CODE, come_back, come_back_with, evaluate, forget_all, gene_with_link, give_return,
    is_kept, keep_response, open_link, page_with_link, start_returned, successes, take_other_browser, take_return,
};
use crate::page::{GENE, Page, advance, run, settle};

#[wasm_bindgen_test]
async fn return_signs_in_once_and_shows_no_code() {
    let page = page_with_link().await;
    open_link(&page);
    drop(page);

    come_back_with("r1");
    let mut page = Page::new();
    start_returned(&mut page, "");
    assert_eq!(evaluate("return location.hash + history.state.ofTheSite"), "1", "the state of the site stays");
    assert!(!is_kept("r1"));
    assert_eq!((page.handle().state().as_str(), page.text(".headline").as_str()), ("signing-in", "Signing you in…"));
    assert!(page.find(".code canvas").is_none() && page.find("a:not([hidden])").is_none());
    settle().await;
    assert_eq!((page.server.requests("gene"), page.server.requests("check")), (0, 0));
    let field = |name| page.server.field(0, name);
    let body = format!(r#"{{"random":"r1","responseCode":"{RESPONSE_CODE}"}}"#);
    assert_eq!((field("call"), field("method"), field("body")), ("complete".into(), "POST".into(), body));
    assert_eq!(field("x-scanlogin-poll-token"), "secret");
    assert!(field("x-authing-app-id").starts_with("app-"));
    assert!(!field("url").contains(RESPONSE_CODE) && !field("url").contains("secret"));
    page.server.respond("complete", 200, COMPLETED);
    settle().await;
    assert_eq!(page.handle().state(), "confirmed");
    let result = r#"{"random":"r1","status":2,"ticket":"t1","userInfo":{"nickname":"Alice"}}"#;
    assert_eq!(
        page.callbacks(),
        [
            "onCodeLoaded r1 /r1.png",
            "onStart handle",
            &format!("onResult {result}"),
            r#"onSuccess {"nickname":"Alice"} t1"#,
        ]
    );
}

#[wasm_bindgen_test]
async fn kept_response_is_taken_once() {
    forget_all();
    assert_eq!(keep_response(&gene_with_link(LINK)), "r1");
    come_back_with("r1");
    assert!(!take_return().is_undefined());
    assert!(!take_other_browser());
    // A duplicate of the tab, or a person who opens the address again.
    come_back_with("r1");
    assert!(take_return().is_undefined());
    assert!(take_other_browser() && !take_other_browser());
    assert!(take_return().is_undefined() && !take_other_browser(), "the fragment is gone");
}

#[wasm_bindgen_test]
async fn widget_that_is_destroyed_in_the_task_of_its_start_leaves_the_return_to_the_next_one() {
    for (state, is_left) in [("destroyed", true), ("loading", false)] {
        forget_all();
        keep_response(&gene_with_link(LINK));
        come_back_with("r1");
        let _page = Page::new();
        let returned = take_return();
        let handle = run("return { state: argument }", &state.into()).unwrap();
        give_return(&returned, &handle);
        assert_eq!(take_return() == returned, is_left, "{state}");
        advance(1.0).await;
        assert!(take_return().is_undefined(), "{state}");
    }
}

#[wasm_bindgen_test]
async fn return_that_fails_is_repeated_until_the_server_responds() {
    forget_all();
    keep_response(&gene_with_link(LINK));
    come_back_with("r1");
    let mut page = Page::new();
    start_returned(&mut page, "");
    for _ in 0..2 {
        page.server.respond("complete", 0, "");
        settle().await;
        advance(3_000.0).await;
    }
    assert_eq!((page.handle().state().as_str(), page.button().as_deref()), ("unreachable", Some("Try now")));
    assert_eq!(page.server.requests("complete"), 3);
    page.server.respond("complete", 200, COMPLETED);
    settle().await;
    assert_eq!((page.handle().state().as_str(), successes(&page)), ("confirmed", 1));
    assert_eq!(page.server.max_in_flight(), 1);
}

#[wasm_bindgen_test]
async fn refused_return_offers_a_new_code_and_never_signs_in() {
    for (code, reason) in [(1001, "wrong-response-code"), (1001, "forbidden"), (500, "expired"), (2241, "unknown-code")]
    {
        forget_all();
        keep_response(&gene_with_link(LINK));
        come_back_with("r1");
        let mut page = Page::new();
        start_returned(&mut page, "");
        page.server.respond("complete", 200, &format!(r#"{{"code":{code},"message":"no","reason":"{reason}"}}"#));
        settle().await;
        assert_eq!((page.handle().state().as_str(), page.button().as_deref()), ("expired", Some("Get a new code")));
        assert!(
            page.has_called(&format!("onError no ScanLoginError:refused:{reason}:false")),
            "{:?}",
            page.callbacks()
        );
        page.server.respond("gene", 200, &GENE.replace("r1", "r2"));
        page.script_polls(&[0]);
        page.click();
        settle().await;
        assert_eq!((page.handle().state().as_str(), successes(&page)), ("ready", 0), "{reason}");
    }
}

#[wasm_bindgen_test]
async fn return_to_another_browser_shows_a_new_code_and_says_why() {
    for (language, hint) in [
        ("en", "You started in another browser. Go back to it, or start again here"),
        ("zh-CN", "你是在另一个浏览器中开始的。请回到那里，或在此重新开始"),
        ("zh-TW", "你是在另一個瀏覽器中開始的。請回到那裡，或在此重新開始"),
        ("ja", "別のブラウザーで開始されました。そちらに戻るか、ここでもう一度お試しください"),
    ] {
        forget_all();
        come_back_with("r0");
        let mut page = Page::with_polls(&[0]);
        start_returned(&mut page, &format!("lang: '{language}'"));
        settle().await;
        assert_eq!(page.handle().state(), "ready");
        assert_eq!(page.text(".hint"), hint);
        assert_eq!((page.server.requests("gene"), page.server.requests("complete")), (1, 0));
        page.script_polls(&[1]);
        settle().await;
        assert_eq!(page.handle().state(), "scanned");
        assert_ne!(page.text(".hint"), hint);
    }
}

#[wasm_bindgen_test]
async fn malformed_fragments_are_removed_and_request_nothing() {
    for fragment in ["", "r1", "r1.", ".code", "r1.short", "r1.<script>alert(1)</script>", "../r1.x", "a/b.c"] {
        forget_all();
        keep_response(&gene_with_link(LINK));
        come_back(&format!("scanlogin-response={fragment}"));
        assert!(take_return().is_undefined(), "{fragment}");
        assert_eq!(evaluate("return location.hash"), "");
        assert!(is_kept("r1"), "{fragment}");
    }
    come_back("elsewhere");
    assert!(take_return().is_undefined());
    assert_eq!(evaluate("return location.hash"), "#elsewhere", "fragments of the site stay");
    come_back("");
}

#[wasm_bindgen_test]
fn storage_with_any_content_is_read_without_errors_and_bounded() {
    let entry = r#"{"random":"r1","response":"{}","end":1}"#;
    let future = "${Date.now() + 60_000_000}";
    for stored in [
        "",
        "null",
        "5",
        "{}",
        "[null]",
        "[5]",
        "[[]]",
        "<html>",
        r#"[{"random":"r1"}]"#,
        r#"[{"random":"r1","response":5,"end":9e99}]"#,
        &format!("[{entry}]"),
        &format!("[{}]", entry.replace(":1}", &format!(":{future}}}"))),
        &format!("[{}]", vec![entry; 5_000].join(",")),
    ] {
        run(&format!("localStorage.setItem('scanlogin-return', `{stored}`)"), &JsValue::NULL).unwrap();
        assert!(!is_kept("r1"), "{stored}");
        assert_eq!(keep_response(&gene_with_link(LINK)), "r1", "{stored}");
        assert!(is_kept("r1"));
    }
    for n in 0..9 {
        keep_response(&gene_with_link(LINK).replace("r1", &format!("r{n}")));
    }
    let kept =
        evaluate("return JSON.parse(localStorage.getItem('scanlogin-return')).map(({ random }) => random).join()");
    assert_eq!(kept, "r8,r7,r6,r5");
    for invalid in ["", "null", "{}", "<html>", r#"{"code":200,"data":{"random":"x","expiresIn":"soon"}}"#] {
        keep_response(invalid);
        assert!(!is_kept("x") && is_kept("r8"), "{invalid}");
    }
    forget_all();
}

#[wasm_bindgen_test]
fn kept_response_is_forgotten_when_the_server_has_forgotten_its_code() {
    forget_all();
    keep_response(&gene_with_link(LINK));
    let move_clock = "const { now } = Date; Date.now = () => now() + argument; return now";
    for (milliseconds, is_known) in [(479_000, true), (481_000, false)] {
        let now = run(move_clock, &milliseconds.into()).unwrap();
        let is_there = is_kept("r1");
        run("Date.now = argument", &now).unwrap();
        assert_eq!(is_there, is_known, "{milliseconds}");
    }
    assert!(evaluate("return localStorage.getItem('scanlogin-return')").is_null(), "its poll token is gone too");
}

#[wasm_bindgen_test]
async fn widget_whose_response_another_tab_has_taken_stops_without_success() {
    let first = page_with_link().await;
    open_link(&first);
    // A native approver opens a new tab.
    come_back_with("r1");
    let mut second = Page::new();
    start_returned(&mut second, "");
    second.server.respond("complete", 200, COMPLETED);
    settle().await;
    assert_eq!((second.handle().state().as_str(), successes(&second)), ("confirmed", 1));
    first.script_polls(&[2]);
    first.wait_for_state("stopped").await;
    assert_eq!(successes(&first), 0);

    // A new code of the first tab has nothing to do with it.
    first.script_new_code(&[2]);
    first.click();
    first.wait_for_state("confirmed").await;
    assert_eq!(successes(&first), 1);
}

/// A function of `code` for `pending`.
fn function(code: &str) -> Function {
    run(&format!("return {code}"), &JsValue::NULL).unwrap().unchecked_into()
}

#[wasm_bindgen_test]
async fn return_shows_its_state_while_the_wasm_is_loading_and_survives_a_failed_load() {
    forget_all();
    keep_response(&gene_with_link(LINK));
    come_back_with("r1");
    let page = Page::new();
    let options = page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    let received = take_return();
    let early = run("return { received: Promise.resolve(argument), isReturn: true, abort() {} }", &received).unwrap();
    let init = function("async () => { if (!globalThis.canLoad) { await 0; throw new Error('offline'); } }");
    let start = function(
        "(shell, received) => { globalThis.taken = received; return { state: 'signing-in', destroy() { shell.remove(); } }; }",
    );
    evaluate("globalThis.canLoad = false; globalThis.taken = undefined");
    let widget = crate::pending::pending(&init, &page.target, &options, &start, &early);
    settle().await;
    assert_eq!((widget.state().as_str(), page.button().as_deref()), ("failed", Some("Try again")));
    evaluate("globalThis.canLoad = true");
    page.click();
    settle().await;
    let response_code = evaluate("return globalThis.taken.responseCode");
    assert_eq!((widget.state().as_str(), response_code), ("signing-in", RESPONSE_CODE.into()));
    widget.destroy();
}
