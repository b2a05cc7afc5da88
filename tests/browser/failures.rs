//! Failures of requests: the announcements, the callbacks, and the recovery.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{GENE, Page, advance_until, run, settle, suspend};

const READY: &str = "Scan with the app to sign in";
const UNREACHABLE: &str = "Can’t reach the server · Retrying…";
const BUSY: &str = "The server is busy";
const EXPIRED: &str = "This code has expired";
const NO_CONNECTION: &str = "Can’t reach the server · Check your connection and try again";
const SITE_PROBLEM: &str = "Something went wrong · Sign in another way, or contact this site’s support";
const ACCOUNT_REFUSED: &str = "The sign-in was refused · Use another account, or contact this site’s support";
const NEW_CODE: &str = "Get a new code";

/// The responses of a call before the server recovers.
struct Script {
    name: &'static str,
    call: &'static str,
    /// HTTP status (0 for a failed connection), body, `Retry-After`.
    responses: &'static [(u16, &'static str, &'static str)],
    /// The announcements after that of the state `loading`.
    announcements: &'static [&'static str],
    end: End,
}

/// What follows the failures.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// The widget recovers without a click.
    Recovers,
    /// The widget stops with a button for a new code.
    NewCode,
    /// The widget stops without a button: a new code would fail too.
    Stops,
}

const fn recovers(
    name: &'static str,
    call: &'static str,
    responses: &'static [(u16, &'static str, &'static str)],
    announcements: &'static [&'static str],
) -> Script {
    Script { name, call, responses, announcements, end: End::Recovers }
}

const fn new_code(
    name: &'static str,
    call: &'static str,
    responses: &'static [(u16, &'static str, &'static str)],
    announcements: &'static [&'static str],
) -> Script {
    Script { name, call, responses, announcements, end: End::NewCode }
}

const fn stops(
    name: &'static str,
    call: &'static str,
    responses: &'static [(u16, &'static str, &'static str)],
    announcements: &'static [&'static str],
) -> Script {
    Script { name, call, responses, announcements, end: End::Stops }
}

/// A page of a firewall or of a proxy.
const FIREWALL: (u16, &str, &str) = (403, "<h1>Blocked</h1>", "");

const SCRIPTS: [Script; 29] = [
    recovers("failed connection", "gene", &[(0, "", "")], &[UNREACHABLE, READY]),
    recovers("gateway error", "gene", &[(502, "<h1>Bad Gateway</h1>", "")], &[UNREACHABLE, READY]),
    recovers("captive portal", "gene", &[(200, "<h1>Welcome</h1>", "")], &[UNREACHABLE, READY]),
    recovers("truncated JSON", "gene", &[(200, r#"{"code":200,"data":{"ra"#, "")], &[UNREACHABLE, READY]),
    recovers("empty body", "gene", &[(200, "", "")], &[UNREACHABLE, READY]),
    recovers(
        "code without an id",
        "gene",
        &[(200, r#"{"code":200,"data":{"url":"/x.png"}}"#, "")],
        &[UNREACHABLE, READY],
    ),
    recovers(
        "error of another server",
        "gene",
        &[(200, r#"{"code":500,"message":"oops"}"#, "")],
        &[UNREACHABLE, READY],
    ),
    recovers(
        "HTTP 500 with a code",
        "gene",
        &[(500, r#"{"code":200,"data":{"random":"r"}}"#, "")],
        &[UNREACHABLE, READY],
    ),
    recovers("rate-limited gene", "gene", &[(429, r#"{"code":429,"message":"slow down"}"#, "1")], &[BUSY, READY]),
    recovers("rate limit without Retry-After", "gene", &[(429, "", "")], &[BUSY, READY]),
    recovers("starting server", "gene", &[(503, r#"{"code":503,"reason":"unavailable"}"#, "1")], &[BUSY, READY]),
    stops(
        "unknown app",
        "gene",
        &[(200, r#"{"code":1001,"message":"no such app","reason":"unknown-app"}"#, "")],
        &[SITE_PROBLEM],
    ),
    new_code("wrong address", "gene", &[(404, "not here", ""); 8], &[UNREACHABLE, NO_CONNECTION]),
    recovers("firewall", "gene", &[FIREWALL], &[UNREACHABLE, READY]),
    stops("bad request", "gene", &[(400, r#"{"code":400,"message":"bad custom data"}"#, "")], &[SITE_PROBLEM]),
    recovers("one failed poll", "check", &[(0, "", "")], &[READY]),
    recovers("three failed polls", "check", &[(0, "", ""), (0, "", ""), (0, "", "")], &[READY, UNREACHABLE, READY]),
    recovers(
        "polls of a captive portal",
        "check",
        &[(200, "<h1>", ""), (200, "<h1>", "")],
        &[READY, UNREACHABLE, READY],
    ),
    recovers(
        "polls of a firewall, a proxy or a captive portal",
        "check",
        &[
            FIREWALL,
            (400, "<h1>", ""),
            (404, "<h1>", ""),
            (405, "", ""),
            (409, "<h1>", ""),
            (410, "<h1>", ""),
            (451, "<h1>", ""),
        ],
        &[READY, UNREACHABLE, READY],
    ),
    recovers(
        "JSON of a firewall",
        "check",
        &[(403, r#"{"message":"Forbidden"}"#, ""), (401, r#"{"code":"blocked"}"#, "")],
        &[READY, UNREACHABLE, READY],
    ),
    recovers("gateway errors of polls", "check", &[(502, "", ""), (504, "", "")], &[READY, UNREACHABLE, READY]),
    recovers("rate-limited poll", "check", &[(429, "", "1")], &[READY, BUSY, READY]),
    recovers("unknown status", "check", &[(200, r#"{"code":200,"data":{"status":42}}"#, "")], &[READY]),
    recovers("success without a ticket", "check", &[(200, r#"{"code":200,"data":{"status":2}}"#, "")], &[READY]),
    recovers(
        "missing status",
        "check",
        &[(200, r#"{"code":200,"data":{}}"#, ""), (200, "{}", "")],
        &[READY, UNREACHABLE, READY],
    ),
    new_code("unknown code", "check", &[(200, r#"{"code":2241,"message":"unknown"}"#, "")], &[READY, EXPIRED]),
    stops("refused poll", "check", &[(200, r#"{"code":1001,"message":"not yours"}"#, "")], &[READY, SITE_PROBLEM]),
    new_code(
        "blocked user in `message`",
        "check",
        &[(200, r#"{"code":200,"data":{"status":5,"scannedResult":{"message":"blocked"}}}"#, "")],
        &[READY, ACCOUNT_REFUSED],
    ),
    new_code(
        "blocked user in `errmsg`",
        "check",
        &[(200, r#"{"code":200,"data":{"status":5,"scannedResult":{"errmsg":"blocked"}}}"#, "")],
        &[READY, ACCOUNT_REFUSED],
    ),
];

#[wasm_bindgen_test]
async fn each_failure_is_announced_once_and_ends_with_a_code_or_a_button() {
    for Script { name, call, responses, announcements, end } in &SCRIPTS {
        let mut page = Page::new();
        if *call == "check" {
            page.server.respond("gene", 200, GENE);
        }
        for (status, body, retry_after) in *responses {
            page.server.respond_with(call, *status, body, retry_after);
        }
        page.start("");
        if *end != End::Recovers {
            advance_until(name, || page.announcements().len() >= announcements.len()).await;
            let button = (*end == End::NewCode).then_some(NEW_CODE);
            assert_eq!(
                (page.announcements().as_slice(), page.button().as_deref()),
                (strings(announcements).as_slice(), button),
                "{name}"
            );
            if button.is_none() {
                continue;
            }
            page.script_new_code(&[0]);
            page.click();
            page.wait_for_state("ready").await;
            assert!(page.has_called("onRetry"), "{name}");
        } else {
            if *call == "gene" {
                page.server.respond("gene", 200, GENE);
            }
            page.script_polls(&[0, 0]);
            page.wait_for_held_poll().await;
            assert_eq!(
                (page.announcements(), page.handle().state()),
                (strings(announcements), "ready".into()),
                "{name} {:?}",
                page.callbacks()
            );
            assert!(!page.has_called("onRetry"), "{name}: the widget must recover without a click");
        }
        assert_eq!(page.server.max_in_flight(), 1, "{name}");
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[wasm_bindgen_test]
async fn unreachable_state_covers_the_stage_only_without_a_code() {
    let is_covered = |page: &Page| page.attribute(".frame", "data-covered").as_deref() == Some("true");
    let mut page = Page::new();
    page.server.respond("gene", 502, "");
    page.start("");
    page.wait_for_state("unreachable").await;
    assert!(is_covered(&page));

    let mut page = Page::with_polls(&[0]);
    page.server.respond("check", 429, "");
    page.start("");
    page.wait_for_state("unreachable").await;
    assert!(!is_covered(&page));
}

#[wasm_bindgen_test]
async fn fetch_of_the_page_that_violates_its_specification_is_a_network_error() {
    for fetch in [
        "Promise.reject('no')",
        "Promise.reject(null)",
        "Promise.reject(new Event('abort'))",
        "Promise.reject(Object.assign(new Error(), { message: { a: 1 } }))",
        "Promise.reject(Object.assign(new Error(), { message: Symbol() }))",
        "Promise.resolve({})",
        "null.x",
    ] {
        let mut page = Page::with_polls(&[0]);
        let code = format!("globalThis.realFetch = globalThis.fetch; globalThis.fetch = () => {fetch};");
        run(&code, &JsValue::NULL).unwrap();
        page.start("");
        page.wait_for_state("unreachable").await;
        run("globalThis.fetch = globalThis.realFetch", &JsValue::NULL).unwrap();
        page.wait_for_state("ready").await;
        assert!(page.callbacks()[0].ends_with("ScanLoginError:network:undefined:false"), "{fetch}");
    }
}

#[wasm_bindgen_test]
async fn request_without_a_response_is_aborted_after_the_timeout() {
    let mut page = Page::new();
    page.start("timeout: 1000");
    page.wait_for_callback("onError").await;
    let error = page.last_callback();
    assert!(error.ends_with("ScanLoginError:timeout:undefined:false"), "{error}");
    page.script_new_code(&[0]);
    page.wait_for_state("ready").await;
    assert_eq!((page.server.aborted(), page.server.max_in_flight()), (1, 1));
}

#[wasm_bindgen_test]
async fn failed_exchange_is_retried() {
    let mut page = Page::with_polls(&[2]);
    page.server.respond("userinfo", 502, "");
    page.server.respond("userinfo", 200, r#"{"code":200,"data":{"id":"1"}}"#);
    page.start("autoExchangeUserInfo: true");
    page.wait_for_callback(r#"onSuccess {"id":"1"} ticket-1"#).await;
    assert_eq!(page.announcements(), [READY, "Alice <i> · Signing you in…", "Alice <i> · Signed in"]);
}

#[wasm_bindgen_test]
async fn refused_exchange_is_fatal_and_reported() {
    let mut page = Page::with_polls(&[2]);
    page.server.respond("userinfo", 200, r#"{"code":1001,"message":"not from a browser","reason":"forbidden"}"#);
    page.start("autoExchangeUserInfo: true");
    page.wait_for_state("failed").await;
    assert_eq!(page.last_callback(), "onError not from a browser ScanLoginError:refused:forbidden:true");
    assert_eq!((page.server.requests("userinfo"), page.button()), (1, None));
}

#[wasm_bindgen_test]
async fn offline_page_has_no_button_and_continues_when_online() {
    let mut page = Page::with_polls(&[0]);
    page.server.respond("check", 0, "");
    page.start("");
    page.wait_for_callback("onError").await;
    run("dispatchEvent(new Event('offline'))", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.button()), ("unreachable", None));
    page.wait_for_state("unreachable").await;
    page.script_polls(&[0]);
    run("dispatchEvent(new Event('online'))", &JsValue::NULL).unwrap();
    page.wait_for_state("ready").await;
    assert_eq!(page.announcements(), [READY, "You’re offline · We’ll continue when you’re back online", READY]);
}

#[wasm_bindgen_test]
async fn code_that_expired_during_sleep_is_shown_as_expired_when_the_page_becomes_visible() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.wait_for_callback("onResult").await;
    suspend(3_600_000.0);
    run("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.button().as_deref()), ("expired", Some(NEW_CODE)));
    assert!(page.has_called("onExpired"));
    page.script_new_code(&[0]);
    page.click();
    page.wait_for_state("ready").await;
}

#[wasm_bindgen_test]
async fn code_approved_during_sleep_is_a_success_although_it_has_expired() {
    let mut page = Page::with_polls(&[0]);
    page.start("autoRefresh: 1");
    page.wait_for_held_poll().await;
    suspend(130_000.0);
    run("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))", &JsValue::NULL).unwrap();
    settle().await;
    assert_eq!(page.handle().state(), "loading");
    page.script_polls(&[2]);
    page.wait_for_callback("onSuccess").await;
    assert!(!page.has_called("onExpired"));
    assert_eq!(page.server.requests("gene"), 1);
}

#[wasm_bindgen_test]
async fn held_poll_is_sent_anew_when_the_browser_is_online_again_or_the_page_is_visible() {
    for event in [
        "dispatchEvent(new Event('online'))",
        "document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))",
    ] {
        let mut page = Page::with_polls(&[0]);
        page.start("");
        page.wait_for_held_poll().await;
        assert!(page.server.field(2, "url").contains("&wait="));
        run(event, &JsValue::NULL).unwrap();
        settle().await;
        assert_eq!((page.server.aborted(), page.server.requests("check")), (1, 3), "{event}");
        assert!(!page.server.field(3, "url").contains("&wait="), "{event}");
    }
}

#[wasm_bindgen_test]
async fn page_that_is_left_has_no_request_in_flight_and_asks_at_once_when_it_returns() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.wait_for_held_poll().await;
    run("dispatchEvent(new Event('pagehide'))", &JsValue::NULL).unwrap();
    settle().await;
    assert_eq!((page.server.aborted(), page.server.held("check")), (1, 0));
    run("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))", &JsValue::NULL).unwrap();
    settle().await;
    assert_eq!(page.server.held("check"), 1);
}

#[wasm_bindgen_test]
async fn page_that_is_restored_without_a_change_of_its_visibility_asks_at_once() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.wait_for_held_poll().await;
    run("dispatchEvent(new Event('pageshow'))", &JsValue::NULL).unwrap();
    settle().await;
    assert_eq!(page.server.aborted(), 0, "a page that is loaded keeps its poll");
    run("dispatchEvent(new Event('pagehide'))", &JsValue::NULL).unwrap();
    settle().await;
    let polls = page.server.requests("check");
    run("dispatchEvent(new Event('pageshow'))", &JsValue::NULL).unwrap();
    settle().await;
    // The clock stands still.
    assert_eq!((page.server.requests("check"), page.server.held("check")), (polls + 1, 1));
}

#[wasm_bindgen_test]
async fn retry_after_is_also_read_as_a_date() {
    // The clock stands still, so that the countdown does not depend on the speed of the test.
    let date = "window.originalNow = Date.now; const now = Date.UTC(2026, 0); Date.now = () => now;
        return new Date(now + 90000).toUTCString()";
    let date = run(date, &JsValue::NULL).unwrap().as_string().unwrap();
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    // A date in the past leaves the first delay of the backoff: one second, up to 20 percent shorter or longer.
    let first_delay = ["Trying again in 0:01", "Trying again in 0:02"];
    for (retry_after, countdowns) in [(date.as_str(), &["Trying again in 1:30"][..]), (past, &first_delay[..])] {
        let mut page = Page::new();
        page.server.respond_with("gene", 503, "", retry_after);
        page.start("");
        page.wait_for_state("unreachable").await;
        assert_eq!(page.text(".headline"), BUSY, "{retry_after}");
        assert!(countdowns.contains(&page.text(".countdown").as_str()), "{retry_after}: {}", page.text(".countdown"));
    }
    run("Date.now = originalNow", &JsValue::NULL).unwrap();
}

#[wasm_bindgen_test]
async fn huge_retry_after_of_a_poll_shows_a_countdown_of_two_minutes() {
    let mut page = Page::with_polls(&[0]);
    page.server.respond_with("check", 503, "", "1000000000");
    page.start("");
    page.wait_for_state("unreachable").await;
    assert_eq!(page.text(".countdown"), "Trying again in 2:00");
}

#[wasm_bindgen_test]
async fn expired_code_of_a_busy_server_can_be_replaced() {
    let mut page = Page::with_polls(&[0]);
    page.server.respond_with("check", 429, "", "120");
    page.start("");
    page.wait_for_state("unreachable").await;
    assert_eq!((page.text(".headline").as_str(), page.button()), (BUSY, None));
    page.server.respond_with("check", 429, "", "120");
    advance_until("the expiry", || page.button().is_some()).await;
    let shown = (page.text(".headline"), page.text(".hint"), page.button());
    assert_eq!(shown, (BUSY.to_owned(), EXPIRED.to_owned(), Some(NEW_CODE.to_owned())));
    page.script_new_code(&[0]);
    page.click();
    page.wait_for_state("ready").await;
    assert!(page.has_called("onRetry") && page.has_called("onCodeDestroyed r1"));
}

#[wasm_bindgen_test]
async fn click_on_try_now_retries_at_once() {
    for (status, body) in
        [(200, "<html>hello"), (200, r#"{"code":200,"data":{"ra"#), (200, ""), (502, "bad gateway"), (0, "")]
    {
        let mut page = Page::new();
        page.server.respond("gene", status, body);
        page.start("");
        page.wait_for_state("unreachable").await;
        assert_eq!(page.button().as_deref(), Some("Try now"), "HTTP {status} {body}");
        page.script_new_code(&[0]);
        page.click();
        page.wait_for_state("ready").await;
        assert!(page.has_called("onError") && page.has_called("onRetry") && page.has_called("onCodeShow"));
    }
}
