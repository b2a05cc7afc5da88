//! The clock that the other tests move.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, pass, pending_timers, run};

#[wasm_bindgen_test]
async fn time_passes_to_its_end_whatever_the_fractions() {
    let _page = Page::new();
    for n in 1..100 {
        run("setTimeout(() => {}, argument)", &(1.0 / f64::from(n)).into()).unwrap();
        pass(0.7 + f64::from(n)).await;
        assert_eq!(pending_timers(), 0);
    }
}
