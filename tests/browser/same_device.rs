//! The link to the approver on the device of the page, the return from it, and number matching.

use js_sys::{Function, Reflect};
use scanlogin::address;
use scanlogin::web::ScanHandle;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use crate::page::{Device, GENE, Page, TOUCH, advance, run, settle, start_received};

#[wasm_bindgen(module = "/js/same_device.js")]
extern "C" {
    #[wasm_bindgen(js_name = isLink)]
    fn is_link(address: &str) -> bool;
    #[wasm_bindgen(js_name = keepResponse)]
    fn keep_response(response: &str) -> JsValue;
    #[wasm_bindgen(js_name = isKept)]
    fn is_kept(random: &str) -> bool;
    #[wasm_bindgen(js_name = takeReturn)]
    fn take_return() -> JsValue;
    #[wasm_bindgen(js_name = giveReturn)]
    fn give_return(returned: &JsValue, handle: &JsValue);
    #[wasm_bindgen(js_name = takeOtherBrowser)]
    fn take_other_browser() -> bool;
}

const LINK: &str = "https://pass.test/s#r1.return";
const RESPONSE_CODE: &str = "Zc0bX4H8fZ0Ncl8m0H8d0pPZ0jv9gk3mQm2b1m1nq2E";
const COMPLETED: &str =
    r#"{"code":200,"data":{"random":"r1","status":2,"ticket":"t1","userInfo":{"nickname":"Alice"}}}"#;

/// A response of `gene` with a link.
fn gene_with_link(link: &str) -> String {
    GENE.replace(r#""url":"#, &format!(r#""link":"{link}","url":"#))
}

fn evaluate(code: &str) -> JsValue {
    run(code, &JsValue::NULL).unwrap()
}

/// Removes what other tests have kept.
fn forget_all() {
    evaluate("localStorage.removeItem('scanlogin-return')");
    take_other_browser();
}

/// Adds the fragment of a return to the address of the page, without loading it.
fn come_back(fragment: &str) {
    run("history.replaceState({ ofTheSite: 1 }, '', `${location.href.split('#')[0]}#${argument}`)", &fragment.into())
        .unwrap();
}

fn come_back_with(random: &str) {
    come_back(&format!("scanlogin-response={random}.{RESPONSE_CODE}"));
}

/// A page whose widget shows a code and its link.
async fn page_with_link() -> Page {
    forget_all();
    let mut page = Page::new();
    page.server.respond("gene", 200, &gene_with_link(LINK));
    page.script_polls(&[0]);
    page.start("");
    page.wait_for_state("ready").await;
    page
}

/// Opens the link of a page. Returns whether the browser would have followed it.
fn open_link(page: &Page) -> bool {
    // The test stays on its page.
    let code = "let isFollowed;
        const stay = (event) => { isFollowed = !event.defaultPrevented; event.preventDefault(); };
        addEventListener('click', stay, { once: true });
        argument.click();
        return isFollowed;";
    run(code, &page.find("a").unwrap()).unwrap().is_truthy()
}

/// Starts a widget as the entry points do in a page to which the approver has returned.
fn start_returned(page: &mut Page, extra: &str) {
    let received = take_return();
    let extra = run(&format!("return {{ {extra} }}"), &JsValue::NULL).unwrap();
    let options = page.server.options(&page.callback_log, &extra);
    page.handle = Some(start_received(page.target.clone().into(), options, received).unwrap());
}

fn successes(page: &Page) -> usize {
    page.callbacks().iter().filter(|line| line.starts_with("onSuccess")).count()
}

#[wasm_bindgen_test]
async fn link_is_real_large_named_and_above_the_code() {
    let page = page_with_link().await;
    let link = page.find("a[href]").unwrap();
    assert_eq!(page.text("a"), "Continue on this phone");
    let attribute = |name| link.get_attribute(name);
    // A page can set another target for all links, with `<base>`.
    assert_eq!((attribute("href").as_deref(), attribute("target").as_deref()), (Some(LINK), Some("_self")));
    let rectangle = |selector| page.find(selector).unwrap().get_bounding_client_rect();
    assert!(rectangle("a").height() >= 44.0, "{}", rectangle("a").height());
    assert!(rectangle("a").bottom() <= rectangle(".stage").top());
    assert_eq!(page.text(".headline"), "Or scan with the app on another phone");
    link.unchecked_into::<HtmlElement>().focus().unwrap();
    assert_eq!(page.widget().shadow_root().unwrap().active_element(), page.find("a"));
    for (language, name, headline) in [
        ("zh-CN", "在这部手机上继续", "或使用另一部手机上的 App 扫码"),
        ("zh-TW", "在這支手機上繼續", "或使用另一支手機上的 App 掃描"),
        ("ja", "このスマートフォンで続ける", "または別のスマートフォンのアプリで読み取る"),
    ] {
        page.handle().set_language(&language.into());
        assert_eq!((page.text("a").as_str(), page.text(".headline").as_str()), (name, headline));
    }
}

#[wasm_bindgen_test]
async fn link_fits_into_a_page_of_320_pixels() {
    forget_all();
    let mut page = Page::new();
    page.target.unchecked_ref::<HtmlElement>().style().set_property("width", "280px").unwrap();
    page.server.respond("gene", 200, &gene_with_link(LINK));
    page.script_polls(&[0]);
    page.start("tips: { openApp: 'Weiter mit der Anmelde-App auf diesem Telefon' }");
    page.wait_for_state("ready").await;
    let rectangle = |selector| page.find(selector).unwrap().get_bounding_client_rect();
    assert!(rectangle(".frame").width() <= 280.0);
    assert!(
        rectangle("a").left() >= rectangle(".frame").left() && rectangle("a").right() <= rectangle(".frame").right()
    );
}

#[wasm_bindgen_test]
async fn link_is_shown_only_if_its_address_is_one_of_the_web() {
    for link in
        ["javascript:alert(1)", "intent://pass.test#Intent;end", "data:text/html,x", "https://a b", "/s#r1.return", ""]
    {
        forget_all();
        let mut page = Page::new();
        page.server.respond("gene", 200, &gene_with_link(link));
        page.script_polls(&[0]);
        page.start("");
        page.wait_for_state("ready").await;
        assert!(page.find("a:not([hidden])").is_none() && page.find("a[href]").is_none(), "{link}");
        assert_eq!(page.text(".headline"), "Scan with the app to sign in", "{link}");
    }
}

#[wasm_bindgen_test]
fn addresses_of_links_are_read_as_by_the_wasm() {
    let schemes =
        ["", "http://", "https://", "HTTPS://", " https://", "ht\ttps://", "javascript:", "data:", "//", "https:"];
    let long = "x".repeat(2_048);
    let rests =
        ["", "a", "a.test/s#r.return", "a b", "a\n", "a\u{7f}", "é.test", "a\u{202e}b", "<img>", &long, &long[8..]];
    for (scheme, rest) in schemes.iter().flat_map(|scheme| rests.map(|rest| (scheme, rest))) {
        let address = [scheme, rest].concat();
        assert_eq!(is_link(&address), address::is_link(&address), "{address:?}");
    }
    assert!(is_link(LINK));
}

#[wasm_bindgen_test]
async fn click_keeps_the_response_and_the_browser_follows_the_link() {
    let page = page_with_link().await;
    assert!(!is_kept("r1"));
    assert!(open_link(&page));
    assert!(is_kept("r1"));
    let kept = evaluate("return JSON.parse(JSON.parse(localStorage.getItem('scanlogin-return'))[0].response).data");
    assert_eq!(Reflect::get(&kept, &"pollToken".into()).unwrap(), "secret");
}

#[wasm_bindgen_test]
async fn link_opens_and_the_code_signs_in_if_the_browser_refuses_to_keep_the_response() {
    let page = page_with_link().await;
    let refuse = "const { setItem } = Storage.prototype;
        Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };
        return setItem;";
    let set_item = evaluate(refuse);
    let is_followed = open_link(&page);
    run("Storage.prototype.setItem = argument", &set_item).unwrap();
    assert!(is_followed && !is_kept("r1"));
    page.script_polls(&[2]);
    page.wait_for_state("confirmed").await;
    assert_eq!(successes(&page), 1);
}

#[wasm_bindgen_test]
async fn link_is_away_and_loses_the_focus_while_the_code_can_not_be_scanned() {
    let page = page_with_link().await;
    page.find("a").unwrap().unchecked_into::<HtmlElement>().focus().unwrap();
    page.script_polls(&[1]);
    page.wait_for_state("scanned").await;
    let visibility = run("return getComputedStyle(argument).visibility", &page.find("a").unwrap()).unwrap();
    assert_eq!(visibility, "hidden");
    assert_eq!(page.widget().shadow_root().unwrap().active_element(), page.find(".frame"));
}

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

#[wasm_bindgen_test]
async fn code_whose_link_was_opened_can_still_be_scanned_by_another_phone() {
    let page = page_with_link().await;
    open_link(&page);
    page.script_polls(&[1, 2]);
    page.wait_for_state("confirmed").await;
    assert_eq!(successes(&page), 1);
}

#[wasm_bindgen_test]
async fn address_of_the_page_is_sent_on_a_touch_device_only_and_without_its_fragment() {
    let address = evaluate("return location.href.split('#')[0]").as_string().unwrap();
    // The fragment does not count for the length either.
    come_back(&"x".repeat(3_000));
    for (media, extra, sent) in [
        (TOUCH, "", Some(address.as_str())),
        ("(pointer: fine)", "", None),
        (TOUCH, "returnUrl: false", None),
        ("(pointer: fine)", "returnUrl: 'https://www.example.com/login'", Some("https://www.example.com/login")),
    ] {
        let _device = Device::new(media);
        let mut page = Page::with_polls(&[0]);
        page.start(extra);
        page.wait_for_state("ready").await;
        let body = run("return JSON.parse(argument)", &page.server.field(0, "body").into()).unwrap();
        let return_url = Reflect::get(&body, &"returnUrl".into()).unwrap();
        assert_eq!(return_url.as_string().as_deref(), sent, "{media} {extra}");
    }
    come_back("");
}

/// A response of `check` with status 1 and a number.
fn scanned_with(number: &str) -> String {
    format!(
        r#"{{"code":200,"data":{{"random":"r1","status":1,"ticket":null,"userInfo":{{"nickname":"Alice"}},"number":{number}}}}}"#
    )
}

#[wasm_bindgen_test]
async fn number_is_shown_large_announced_once_and_removed_after_the_decision() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.wait_for_state("ready").await;
    page.server.respond("check", 200, &scanned_with(r#""07""#));
    page.server.respond("check", 200, &scanned_with(r#""07""#));
    page.wait_for_state("scanned").await;
    page.wait_for_held_poll().await;
    assert_eq!(
        (page.text(".number").as_str(), page.text(".hint").as_str()),
        ("07", "Choose this number on your phone")
    );
    let size = run("return parseFloat(getComputedStyle(argument).fontSize)", &page.find(".number").unwrap()).unwrap();
    assert!(size.as_f64() >= Some(48.0), "{size:?}");
    let scanned: Vec<_> = page.announcements().into_iter().filter(|text| text.contains("07")).collect();
    assert_eq!(scanned, ["Alice · Scanned · Choose this number on your phone · 07"]);
    assert!(page.callbacks().iter().any(|line| line.starts_with("onResult ") && line.contains(r#""number":"07""#)));
    for (language, sentence) in [
        ("zh-CN", "请在手机上选择此数字"),
        ("zh-TW", "請在手機上選擇此數字"),
        ("ja", "スマートフォンでこの番号を選んでください"),
    ] {
        page.handle().set_language(&language.into());
        assert_eq!((page.text(".hint").as_str(), page.text(".number").as_str()), (sentence, "07"));
    }
    page.script_polls(&[3]);
    page.wait_for_state("cancelled").await;
    assert!(page.find(".number:not([hidden])").is_none());
    assert_eq!(page.text(".number"), "");
}

#[wasm_bindgen_test]
async fn number_lies_on_the_code_and_in_the_widget() {
    for (size, width) in [(240, 280), (240, 400), (320, 400), (160, 200)] {
        let mut page = Page::with_polls(&[]);
        page.target.unchecked_ref::<HtmlElement>().style().set_property("width", &format!("{width}px")).unwrap();
        page.server.respond("check", 200, &scanned_with(r#""88""#));
        page.start(&format!(
            "size: {{ width: {size}, height: {size} }}, containerSize: {{ width: {size}, height: {size} }}"
        ));
        page.wait_for_state("scanned").await;
        let rectangle = |selector| page.find(selector).unwrap().get_bounding_client_rect();
        let (number, frame, button) = (rectangle(".number"), rectangle(".frame"), rectangle("button"));
        let middle = (number.top() + number.bottom()) / 2.0;
        assert!(middle > frame.top() + 40.0 && middle < frame.bottom() - 20.0, "{size} {width}");
        assert!(number.left() >= frame.left() && number.right() <= frame.right(), "{size} {width}");
        assert!(middle + 30.0 < button.top() || middle - 30.0 > button.bottom() || size < 200, "{size} {width}");
    }
}

#[wasm_bindgen_test]
async fn number_that_is_no_number_is_an_error_that_names_it_and_shows_nothing() {
    for number in [r#""<b>""#, r#""4""#, "47", r#""470""#, "[]"] {
        let mut page = Page::with_polls(&[]);
        page.start("");
        page.wait_for_state("ready").await;
        page.server.respond("check", 200, &scanned_with(number));
        page.wait_for_callback("onError").await;
        assert!(page.last_callback().contains("`data.number` must be two digits"), "{}", page.last_callback());
        assert_eq!(page.text(".number"), "");
    }
}

#[wasm_bindgen_test]
async fn visible_page_asks_at_once_and_is_signed_in() {
    let page = page_with_link().await;
    open_link(&page);
    page.wait_for_held_poll().await;
    let polls = page.server.requests("check");
    evaluate("dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('visibilitychange'))");
    settle().await;
    // The clock stands still.
    assert_eq!(page.server.requests("check"), polls + 1);
    page.script_polls(&[2]);
    settle().await;
    assert_eq!((page.handle().state().as_str(), successes(&page)), ("confirmed", 1));
}

/// A function of `code` for `pending`.
fn function(code: &str) -> Function {
    run(&format!("return {code}"), &JsValue::NULL).unwrap().unchecked_into()
}

#[wasm_bindgen_test]
async fn link_of_the_early_code_stays_the_same_element_when_the_wasm_takes_over() {
    forget_all();
    let page = Page::new();
    let modules = format!(r#""modules":"{}=","url":"#, "/".repeat(75));
    let text = gene_with_link(LINK).replace(r#""url":"#, &modules);
    let options = page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    let received =
        run("return { response: new Response(argument), text: argument, at: performance.now() }", &text.into());
    let early = run("return { received: Promise.resolve(argument), abort() {} }", &received.unwrap()).unwrap();
    let load = evaluate("return { promise: new Promise((done) => { globalThis.finishLoading = done; }) }");
    let init = run("return () => argument.promise", &load).unwrap();
    let start = {
        let options = options.clone();
        Closure::<dyn Fn(JsValue, JsValue) -> ScanHandle>::new(move |shell: JsValue, received| {
            scanlogin::web::start(shell.unchecked_into(), options.clone(), "qrcode", received).unwrap()
        })
    };
    let widget = crate::pending::pending(&init, &page.target, &options, start.as_ref(), &early);
    settle().await;
    assert_eq!(
        (widget.state().as_str(), page.text(".headline").as_str()),
        ("ready", "Or scan with the app on another phone")
    );
    let link = page.find("a[href]:not([hidden])").unwrap();
    assert!(open_link(&page) && is_kept("r1"));
    page.script_polls(&[0]);
    evaluate("globalThis.finishLoading()");
    settle().await;
    assert_eq!((widget.state().as_str(), page.server.requests("check") > 0), ("ready", true));
    assert_eq!(page.find("a[href]:not([hidden])"), Some(link));
    // The kept response is still known as that of this code.
    come_back_with("r1");
    assert!(!take_return().is_undefined());
    page.script_polls(&[2, 2]);
    advance(1_000.0).await;
    assert_eq!((widget.state().as_str(), successes(&page)), ("stopped", 0));
    widget.destroy();
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
