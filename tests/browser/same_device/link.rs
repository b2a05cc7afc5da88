//! The link to the approver on the device of the page.

use js_sys::Reflect;
use scanlogin::address;
use scanlogin::web::ScanHandle;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use super::{
    LINK, come_back, come_back_with, evaluate, forget_all, gene_with_link, is_kept, is_link, open_link, page_with_link,
    successes, take_return,
};
use crate::page::{Device, Page, TOUCH, advance, run, settle};

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
