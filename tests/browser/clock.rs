//! The controlled clock of `page`.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, advance, pending_timers, run, wait_until};

#[wasm_bindgen_test]
async fn advance_by_a_fraction_runs_all_due_timers() {
    let _page = Page::new();
    for n in 1..100 {
        run("setTimeout(() => {}, argument)", &(1.0 / f64::from(n)).into()).unwrap();
        advance(0.7 + f64::from(n)).await;
        assert_eq!(pending_timers(), 0);
    }
}

#[wasm_bindgen_test]
async fn timers_that_the_tests_did_not_set_are_real() {
    let _page = Page::new();
    // The browser calls this listener, as it calls the scripts of its driver.
    let code = "const image = new Image();
        image.onerror = new Function('setTimeout(() => { globalThis.hasFired = true }, 1)');
        image.src = 'data:,';";
    run(code, &JsValue::NULL).unwrap();
    wait_until("a real timer", || !run("return globalThis.hasFired", &JsValue::NULL).unwrap().is_undefined()).await;
    assert_eq!(pending_timers(), 0);
}
