//! The handle of a widget whose wasm is not loaded, `js/pending.js`.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, run, settle};

#[wasm_bindgen(module = "/js/pending.js")]
extern "C" {
    /// The handle that `pending` returns.
    pub(crate) type PendingHandle;
    pub(crate) fn pending(
        init: &JsValue,
        target: &JsValue,
        options: &JsValue,
        start: &JsValue,
        early: &JsValue,
    ) -> PendingHandle;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn state(this: &PendingHandle) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn destroy(this: &PendingHandle);
    #[wasm_bindgen(method, js_name = stopPolling)]
    fn stop_polling(this: &PendingHandle);
}

fn function(code: &str) -> JsValue {
    run(&format!("return {code}"), &JsValue::NULL).unwrap()
}

/// Options with a signal that counts its listeners, and the signal.
fn counting_signal() -> (JsValue, JsValue) {
    let code = "const signal = {
            listeners: 0,
            addEventListener() { signal.listeners += 1; },
            removeEventListener() { signal.listeners -= 1; },
        };
        return { signal }";
    let options = run(code, &JsValue::NULL).unwrap();
    let signal = Reflect::get(&options, &"signal".into()).unwrap();
    (options, signal)
}

/// What ends a widget.
type End = fn(&PendingHandle);

#[wasm_bindgen_test]
async fn signal_has_no_listener_after_the_end_or_when_the_wasm_has_taken_over() {
    let never = function("() => new Promise(() => {})");
    let at_once = function("async () => {}");
    let handle = function("(shell) => ({ state: 'ready', destroy() { shell.remove(); } })");
    let table: [(&str, &JsValue, End); 3] = [
        ("destroyed", &never, PendingHandle::destroy),
        ("stopped", &never, PendingHandle::stop_polling),
        ("ready", &at_once, |_| {}),
    ];
    for (state, init, end) in table {
        let page = Page::new();
        let (options, signal) = counting_signal();
        let listeners = || Reflect::get(&signal, &"listeners".into()).unwrap().as_f64();
        let widget = pending(init, &page.target, &options, &handle, &JsValue::UNDEFINED);
        assert_eq!(listeners(), Some(1.0), "{state}");
        end(&widget);
        settle().await;
        assert_eq!((widget.state().as_str(), listeners()), (state, Some(0.0)));
        widget.destroy();
    }
}
