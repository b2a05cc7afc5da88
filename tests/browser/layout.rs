//! What lies where in the widget.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run};

/// Whether the button lies inside the area of the code, in a widget whose code has expired.
async fn is_button_on_the_code(options: &str) -> bool {
    let mut page = Page::with_polls(&[-1]);
    page.start(options);
    page.wait_for_state("expired").await;
    let rectangle = |selector| page.find(selector).unwrap().get_bounding_client_rect();
    let (button, stage, icon) = (rectangle("button"), rectangle(".stage"), rectangle(".icon"));
    assert_eq!(button.height(), 44.0, "the button has one line");
    assert!(button.top() >= icon.bottom());
    button.left() >= stage.left()
        && button.right() <= stage.right()
        && button.top() >= stage.top()
        && button.bottom() <= stage.bottom()
}

#[wasm_bindgen_test]
async fn button_lies_on_a_large_code_that_can_not_be_scanned_and_below_a_small_one() {
    assert!(is_button_on_the_code("").await);
    // The button may be wider than the messages.
    assert!(is_button_on_the_code("tips: { expired: 'x', retry: 'Get a new code' }").await);
    assert!(is_button_on_the_code("size: { width: 200, height: 200 }").await);
    assert!(!is_button_on_the_code("size: { width: 160, height: 160 }").await);
}

#[wasm_bindgen_test]
async fn other_ways_to_sign_in_are_shown_in_the_widget_and_leave_the_page_with_it() {
    let create = "const link = document.createElement('a');
        link.textContent = 'Use a password';
        return window.otherWays = link";
    let link: web_sys::HtmlElement = run(create, &JsValue::NULL).unwrap().unchecked_into();
    for _ in 0..2 {
        let mut page = Page::with_polls(&[0]);
        page.start("otherWays: window.otherWays");
        page.wait_for_state("ready").await;
        let frame = page.find(".frame").unwrap().get_bounding_client_rect();
        let shown = link.get_bounding_client_rect();
        assert!(shown.height() > 0.0 && shown.bottom() <= frame.bottom());
        assert!(shown.top() >= page.find(".text").unwrap().get_bounding_client_rect().bottom());
        page.handle().destroy();
        assert!(!link.is_connected());
    }
}
