//! What goes wrong on the way, what a person is told of it, and how it goes on.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{GENE, Page, pass_time_until, run, sleep};

const READY: &str = "Scan with the app to sign in";
const LOST: &str = "Can’t reach the server · Trying again by itself…";
const BUSY: &str = "The server is busy";
const OVER: &str = "This code has expired";

/// A server that answers like this before all is well with it.
struct Script {
    name: &'static str,
    call: &'static str,
    /// HTTP status (0 for none at all), body, `Retry-After`.
    answers: &'static [(u16, &'static str, &'static str)],
    /// What a screen reader announces until then, after "Getting a code…".
    heard: &'static [&'static str],
    /// The button at the end of it; a click on it then helps.
    button: Option<&'static str>,
}

const fn script(
    name: &'static str,
    call: &'static str,
    answers: &'static [(u16, &'static str, &'static str)],
    heard: &'static [&'static str],
) -> Script {
    Script { name, call, answers, heard, button: None }
}

/// A script that ends with a button.
const fn ending(
    name: &'static str,
    call: &'static str,
    answers: &'static [(u16, &'static str, &'static str)],
    heard: &'static [&'static str],
) -> Script {
    Script { name, call, answers, heard, button: Some("Get a new code") }
}

const SCRIPTS: [Script; 26] = [
    script("no connection for a code", "gene", &[(0, "", "")], &[LOST, READY]),
    script("a gateway without its server", "gene", &[(502, "<h1>Bad Gateway</h1>", "")], &[LOST, READY]),
    script("the page of a hotel's network", "gene", &[(200, "<h1>Welcome</h1>", "")], &[LOST, READY]),
    script("half of an answer", "gene", &[(200, r#"{"code":200,"data":{"ra"#, "")], &[LOST, READY]),
    script("no answer in it", "gene", &[(200, "", "")], &[LOST, READY]),
    script("a code without an id", "gene", &[(200, r#"{"code":200,"data":{"url":"/x.png"}}"#, "")], &[LOST, READY]),
    script("another server's fault", "gene", &[(200, r#"{"code":500,"message":"oops"}"#, "")], &[LOST, READY]),
    script("a fault with an envelope", "gene", &[(500, r#"{"code":200,"data":{"random":"r"}}"#, "")], &[LOST, READY]),
    script("too many codes", "gene", &[(429, r#"{"code":429,"message":"slow down"}"#, "1")], &[BUSY, READY]),
    script("too many codes, without a time", "gene", &[(429, "", "")], &[BUSY, READY]),
    script("a server that starts", "gene", &[(503, r#"{"code":503,"reason":"unavailable"}"#, "1")], &[BUSY, READY]),
    ending(
        "an app that is not known",
        "gene",
        &[(200, r#"{"code":1001,"message":"no such app","reason":"unknown-app"}"#, "")],
        &["Something went wrong · no such app"],
    ),
    ending("an address that is wrong", "gene", &[(404, "not here", "")], &["Something went wrong"]),
    ending(
        "a request that is refused",
        "gene",
        &[(400, r#"{"code":400,"message":"bad custom data"}"#, "")],
        &["Something went wrong · bad custom data"],
    ),
    script("one poll without an answer", "check", &[(0, "", "")], &[READY]),
    script("three polls without an answer", "check", &[(0, "", ""), (0, "", ""), (0, "", "")], &[READY, LOST, READY]),
    script("polls answered by a hotel", "check", &[(200, "<h1>", ""), (200, "<h1>", "")], &[READY, LOST, READY]),
    script("polls answered by a gateway", "check", &[(502, "", ""), (504, "", "")], &[READY, LOST, READY]),
    script("too many polls", "check", &[(429, "", "1")], &[READY, BUSY, READY]),
    script("a status that nobody knows", "check", &[(200, r#"{"code":200,"data":{"status":42}}"#, "")], &[READY]),
    script("a success without its ticket", "check", &[(200, r#"{"code":200,"data":{"status":2}}"#, "")], &[READY]),
    script(
        "no status at all",
        "check",
        &[(200, r#"{"code":200,"data":{}}"#, ""), (200, "{}", "")],
        &[READY, LOST, READY],
    ),
    ending("a code that is forgotten", "check", &[(200, r#"{"code":2241,"message":"unknown"}"#, "")], &[READY, OVER]),
    ending(
        "a poll that is refused",
        "check",
        &[(200, r#"{"code":1001,"message":"not yours"}"#, "")],
        &[READY, "Something went wrong · not yours"],
    ),
    ending(
        "a user who is blocked, as one family of servers says it",
        "check",
        &[(200, r#"{"code":200,"data":{"status":5,"scannedResult":{"message":"blocked"}}}"#, "")],
        &[READY, "Something went wrong · blocked"],
    ),
    ending(
        "a user who is blocked, as the other says it",
        "check",
        &[(200, r#"{"code":200,"data":{"status":5,"scannedResult":{"errmsg":"blocked"}}}"#, "")],
        &[READY, "Something went wrong · blocked"],
    ),
];

#[wasm_bindgen_test]
async fn whatever_the_server_does_a_person_is_told_once_and_gets_a_code() {
    for Script { name, call, answers, heard, button } in &SCRIPTS {
        let mut page = Page::new();
        if *call == "check" {
            page.server.on("gene", 200, GENE);
        }
        for (status, body, retry_after) in *answers {
            page.server.on_with(call, *status, body, retry_after);
        }
        page.start("");
        if let Some(button) = button {
            pass_time_until(name, || page.heard().len() >= heard.len()).await;
            assert_eq!((page.heard(), page.button().as_deref()), (as_strings(heard), Some(*button)), "{name}");
            page.answer_refresh(&[0]);
            page.click();
            page.until_state("ready").await;
            assert!(page.has_told("onRetry"), "{name}");
        } else {
            if *call == "gene" {
                page.server.on("gene", 200, GENE);
            }
            page.answer_polls(&[0, 0]);
            page.until_held().await;
            assert_eq!(
                (page.heard(), page.handle().state()),
                (as_strings(heard), "ready".into()),
                "{name} {:?}",
                page.told()
            );
            assert!(!page.has_told("onRetry"), "{name}: it goes on by itself");
        }
        assert_eq!(page.server.most_in_flight(), 1, "{name}");
    }
}

fn as_strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[wasm_bindgen_test]
async fn a_sign_stands_where_there_is_no_code_and_none_lies_on_one_that_can_be_scanned() {
    let is_covered =
        |page: &Page| page.find(".frame").unwrap().get_attribute("data-covered").as_deref() == Some("true");
    let mut page = Page::new();
    page.server.on("gene", 502, "");
    page.start("");
    page.until_state("unreachable").await;
    assert!(is_covered(&page));

    let mut page = Page::with(&[0]);
    page.server.on("check", 429, "");
    page.start("");
    page.until_state("unreachable").await;
    assert!(!is_covered(&page));
}

#[wasm_bindgen_test]
async fn a_page_that_replaces_fetch_badly_is_a_network_that_fails() {
    for fetch in ["Promise.reject('no')", "Promise.reject(new Event('abort'))", "Promise.resolve({})", "null.x"] {
        let mut page = Page::with(&[0]);
        let code = format!("globalThis.before = globalThis.fetch; globalThis.fetch = () => {fetch};");
        run(&code, &JsValue::NULL).unwrap();
        page.start("");
        page.until_state("unreachable").await;
        run("globalThis.fetch = globalThis.before", &JsValue::NULL).unwrap();
        page.until_state("ready").await;
        assert!(page.told()[0].ends_with("ScanLoginError:network:undefined:false"), "{fetch}");
    }
}

#[wasm_bindgen_test]
async fn a_request_that_is_never_answered_is_given_up() {
    let mut page = Page::new();
    page.start("timeout: 1000");
    page.until_told("onError the server did not answer in time ScanLoginError:timeout:undefined:false").await;
    page.answer_refresh(&[0]);
    page.until_state("ready").await;
    assert_eq!((page.server.aborted(), page.server.most_in_flight()), (1, 1));
}

#[wasm_bindgen_test]
async fn an_exchange_that_fails_once_is_tried_again_and_one_that_is_refused_is_not_lost() {
    let mut page = Page::with(&[2]);
    page.server.on("userinfo", 502, "");
    page.server.on("userinfo", 200, r#"{"code":200,"data":{"id":"1"}}"#);
    page.start("autoExchangeUserInfo: true");
    page.until_told(r#"onSuccess {"id":"1"} ticket-1"#).await;
    assert_eq!(page.heard(), [READY, "Alice <i> · Signing you in…", "Alice <i> · Signed in"]);

    let mut page = Page::with(&[2]);
    page.server.on("userinfo", 200, r#"{"code":1001,"message":"not from a browser","reason":"forbidden"}"#);
    page.start("autoExchangeUserInfo: true");
    page.until_state("failed").await;
    assert_eq!(page.told().last().unwrap(), "onError not from a browser ScanLoginError:refused:forbidden:true");
    assert_eq!((page.server.requests("userinfo"), page.button().as_deref()), (1, Some("Get a new code")));
}

#[wasm_bindgen_test]
async fn a_page_without_a_network_says_so_and_goes_on_when_it_is_back() {
    let mut page = Page::with(&[0]);
    page.server.on("check", 0, "");
    page.start("");
    page.until_told("onError").await;
    run("dispatchEvent(new Event('offline'))", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.button()), ("unreachable", None));
    page.until_state("unreachable").await;
    page.answer_polls(&[0]);
    run("dispatchEvent(new Event('online'))", &JsValue::NULL).unwrap();
    page.until_state("ready").await;
    assert_eq!(page.heard(), [READY, "You’re offline · It goes on when the connection is back", READY]);
}

#[wasm_bindgen_test]
async fn a_machine_that_slept_past_the_expiry_wakes_to_a_button() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_told("onResult").await;
    sleep(3_600_000.0);
    run("document.dispatchEvent(new Event('visibilitychange'))", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.button().as_deref()), ("expired", Some("Get a new code")));
    assert!(page.has_told("onExpired"));
    page.answer_refresh(&[0]);
    page.click();
    page.until_state("ready").await;
}

#[wasm_bindgen_test]
async fn an_answer_that_is_no_json_is_said_aloud_and_a_click_recovers() {
    for (status, body) in
        [(200, "<html>hello"), (200, r#"{"code":200,"data":{"ra"#), (200, ""), (502, "bad gateway"), (0, "")]
    {
        let mut page = Page::new();
        page.server.on("gene", status, body);
        page.start("");
        page.until_state("unreachable").await;
        assert_eq!(page.button().as_deref(), Some("Try now"), "HTTP {status} {body}");
        page.answer_refresh(&[0]);
        page.click();
        page.until_state("ready").await;
        assert!(page.has_told("onError") && page.has_told("onRetry") && page.has_told("onCodeShow"));
    }
}
