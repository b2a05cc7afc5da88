//! What lies where in the widget.

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run, start_scanning};

/// Whether the button lies inside the area of the code, in a widget whose code has expired, and the height of the button.
async fn button_on_the_code(options: &str) -> (bool, f64) {
    let mut page = Page::with_polls(&[-1]);
    page.start(options);
    page.wait_for_state("expired").await;
    let rectangle = |selector| page.find(selector).unwrap().get_bounding_client_rect();
    let (button, stage, icon) = (rectangle("button"), rectangle(".stage"), rectangle(".icon"));
    assert!(button.top() >= icon.bottom());
    let is_inside = button.left() >= stage.left()
        && button.right() <= stage.right()
        && button.top() >= stage.top()
        && button.bottom() <= stage.bottom();
    (is_inside, button.height())
}

#[wasm_bindgen_test]
async fn button_lies_on_a_large_code_that_can_not_be_scanned_and_below_a_small_one() {
    const ONE_LINE: f64 = 44.0;
    assert_eq!(button_on_the_code("").await, (true, ONE_LINE));
    // The button may be wider than the messages.
    assert_eq!(button_on_the_code("tips: { expired: 'x' }").await, (true, ONE_LINE));
    assert!(button_on_the_code("size: { width: 200, height: 200 }").await.0);
    assert!(!button_on_the_code("size: { width: 160, height: 160 }").await.0);
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
        // A widget that is not started leaves the element where it is.
        page.target.append_child(&link).unwrap();
        let options = run("return { otherWays: window.otherWays, interval: 5 }", &JsValue::NULL).unwrap();
        assert!(start_scanning(page.target.clone().into(), options, "qrcode").is_err());
        assert!(link.is_connected());
        link.remove();
    }
}
