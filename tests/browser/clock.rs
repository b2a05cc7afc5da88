//! The clock that the other tests move.

use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, pass, pending_timers, run, until};

#[wasm_bindgen_test]
async fn time_passes_to_its_end_whatever_the_fractions() {
    let _page = Page::new();
    for n in 1..100 {
        run("setTimeout(() => {}, argument)", &(1.0 / f64::from(n)).into()).unwrap();
        pass(0.7 + f64::from(n)).await;
        assert_eq!(pending_timers(), 0);
    }
}

#[wasm_bindgen_test]
async fn timers_of_others_than_the_tests_stay_real() {
    let _page = Page::new();
    // A listener that the browser calls by itself, as it calls the scripts of its driver.
    let code = "const image = new Image();
        image.onerror = new Function('setTimeout(() => { globalThis.hasRung = true }, 1)');
        image.src = 'data:,';";
    run(code, &JsValue::NULL).unwrap();
    until("a real timer", || !run("return globalThis.hasRung", &JsValue::NULL).unwrap().is_undefined()).await;
    assert_eq!(pending_timers(), 0);
}
