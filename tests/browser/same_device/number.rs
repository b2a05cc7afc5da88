//! Number matching.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use crate::page::{Page, run};

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
