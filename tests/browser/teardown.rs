//! The end of a widget, and its effect on other widgets.

use core::cell::RefCell;
use std::rc::Rc;

use scanlogin::web::ScanHandle;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{
    Page, advance, advance_until, document, pending_timers, run, start_scanning, take_late_requests, wait_until,
};

#[wasm_bindgen_test]
async fn destroy_removes_elements_timers_and_requests() {
    let mut page = Page::with_polls(&[0]);
    let timers = pending_timers();
    page.start("");
    page.wait_for_held_poll().await;
    let callbacks = page.callbacks().len();
    page.handle().destroy();
    assert_eq!(page.callbacks()[callbacks..], ["onCodeDestroyed r1"]);
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.handle().state(), "destroyed");
    wait_until("the abort", || page.server.aborted() == 1).await;
    page.handle().destroy();
    page.handle().refresh();
    assert_eq!(pending_timers(), timers);
    let requests = page.server.requests("check") + page.server.requests("gene");
    advance(1_000.0).await;
    assert_eq!(page.callbacks().len(), callbacks + 1);
    assert_eq!(page.server.requests("check") + page.server.requests("gene"), requests);
}

#[wasm_bindgen_test]
async fn widget_destroyed_before_its_first_request_sends_none() {
    let mut ended = Page::new();
    ended.start("");
    drop(ended);
    let next = Page::new();
    // The widget sends its first request in a later task.
    advance(1_000.0).await;
    assert_eq!((next.server.requests("gene"), take_late_requests()), (0, 0));
}

#[wasm_bindgen_test]
async fn callback_may_destroy_its_widget() {
    // The first three are called after a response, and the last one after a click.
    for callback in ["onStart", "onResult", "onScanned", "onRetry"] {
        let mut page = Page::with_polls(&[1]);
        page.start(&format!("{callback}: () => {{ argument.push('{callback}'); globalThis.destroy(); }}"));
        let handle = Rc::new(page.handle.take().unwrap());
        let destroy = Closure::<dyn Fn()>::new({
            let handle = handle.clone();
            move || handle.destroy()
        });
        run("globalThis.destroy = argument", destroy.as_ref()).unwrap();
        if callback == "onRetry" {
            page.wait_for_state("scanned").await;
            page.click();
        }
        advance_until("the destroyed widget", || handle.state() == "destroyed").await;
        advance(1_000.0).await;
        let callbacks = page.callbacks();
        assert_eq!(callbacks[callbacks.len() - 2..], [callback, "onCodeDestroyed r1"], "no other callback may follow");
        assert_eq!(page.target.child_element_count(), 0);
    }
}

#[wasm_bindgen_test]
async fn widget_ends_when_removed_from_the_page_but_not_when_moved() {
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.wait_for_held_poll().await;

    let container = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&container).unwrap();
    container.append_child(&page.target).unwrap();
    advance(100.0).await;
    assert_eq!(page.handle().state(), "ready");

    // An ancestor of the widget is removed.
    container.remove();
    wait_until("the end", || page.handle().state() == "destroyed").await;
    assert_eq!(page.last_callback(), "onCodeDestroyed r1");
    wait_until("the abort", || page.server.aborted() == 1).await;
}

#[wasm_bindgen_test]
async fn widget_that_is_removed_and_inserted_in_one_task_does_not_end() {
    let page = Page::ready().await;
    let code = "const parent = argument.parentNode;
        argument.remove();
        let steps = Promise.resolve();
        for (let step = 0; step < 10; step += 1) steps = steps.then(() => {});
        steps.then(() => parent.append(argument));";
    run(code, &page.target).unwrap();
    advance(1_000.0).await;
    assert_eq!((page.handle().state().as_str(), page.has_called("onCodeDestroyed")), ("ready", false));
    page.target.remove();
    wait_until("the end", || page.handle().state() == "destroyed").await;
}

#[wasm_bindgen_test]
async fn widget_ends_when_moved_to_another_document() {
    let page = Page::ready().await;
    let code = "const frame = document.body.appendChild(document.createElement('iframe'));
        globalThis.frame = frame;
        frame.contentDocument.body.append(argument);";
    run(code, &page.target).unwrap();
    wait_until("the end", || page.handle().state() == "destroyed").await;
    assert_eq!(page.target.child_element_count(), 0);
    run("globalThis.frame.remove()", &JsValue::NULL).unwrap();
}

#[wasm_bindgen_test]
async fn widget_in_a_shadow_root_ends_when_the_host_is_removed() {
    let mut page = Page::with_polls(&[0]);
    let root = page.target.attach_shadow(&web_sys::ShadowRootInit::new(web_sys::ShadowRootMode::Open)).unwrap();
    let inner = document().create_element("div").unwrap();
    root.append_child(&inner).unwrap();
    let host = std::mem::replace(&mut page.target, inner);
    page.start("");
    page.wait_for_state("ready").await;
    host.remove();
    wait_until("the end", || page.handle().state() == "destroyed").await;
}

#[wasm_bindgen_test]
async fn aborting_the_signal_destroys_the_widget_and_an_aborted_signal_starts_none() {
    let mut page = Page::with_polls(&[0]);
    run("globalThis.controller = new AbortController()", &JsValue::NULL).unwrap();
    page.start("signal: globalThis.controller.signal");
    page.wait_for_state("ready").await;
    run("globalThis.controller.abort()", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.target.child_element_count()), ("destroyed", 0));

    let mut page = Page::with_polls(&[0]);
    page.start("signal: AbortSignal.abort()");
    assert_eq!(page.handle().state(), "destroyed");
    advance(1_000.0).await;
    assert_eq!((page.server.requests("gene"), page.callbacks().len()), (0, 0));
}

#[wasm_bindgen_test]
async fn destroying_one_widget_does_not_affect_another() {
    let mut first = Page::with_polls(&[0]);
    first.start("");
    let mut second = Page::with_polls(&[0]);
    second.start("");
    first.wait_for_state("ready").await;
    second.wait_for_state("ready").await;
    first.handle().destroy();
    assert_eq!((first.handle().state().as_str(), second.handle().state().as_str()), ("destroyed", "ready"));
    assert!(second.find(".code canvas").is_some());
    second.script_polls(&[0, 1]);
    second.wait_for_state("scanned").await;
}

#[wasm_bindgen_test]
async fn second_widget_in_an_element_replaces_the_first() {
    let mut page = Page::ready().await;
    let first = page.handle.take().unwrap();
    page.script_new_code(&[0]);
    page.start("");
    assert_eq!((first.state().as_str(), page.target.child_element_count()), ("destroyed", 1));
    assert_eq!(page.last_callback(), "onCodeDestroyed r1");
    page.wait_for_state("ready").await;
}

#[wasm_bindgen_test]
async fn widget_that_is_started_destroyed_and_started_again_has_one_code() {
    // React's StrictMode runs effects like this.
    let mut page = Page::with_polls(&[0]);
    page.start("");
    page.handle().destroy();
    page.start("");
    page.wait_for_callback("onResult").await;
    advance(1_000.0).await;
    assert_eq!(page.target.child_element_count(), 1);
    let shown = page.callbacks().iter().filter(|line| line.starts_with("onCodeShow")).count();
    assert_eq!((shown, page.server.max_in_flight()), (1, 1));
}

#[wasm_bindgen_test]
async fn widget_started_by_a_callback_of_the_replaced_one_is_the_only_one() {
    let mut page = Page::with_polls(&[0]);
    let options = || page.server.options(&page.callback_log, &JsValue::UNDEFINED);
    // `onCodeDestroyed` of the first widget starts the third one, while the second one replaces the first.
    let third: Rc<RefCell<Option<ScanHandle>>> = Rc::default();
    let start = Closure::<dyn FnMut()>::new({
        let (target, options, third) = (page.target.clone(), options(), third.clone());
        move || {
            third.replace(Some(start_scanning(target.clone().into(), options.clone(), "qrcode").unwrap()));
        }
    });
    let first = options();
    js_sys::Reflect::set(&first, &"onCodeDestroyed".into(), start.as_ref()).unwrap();
    let second = options();
    page.start_with(first, "qrcode");
    page.wait_for_state("ready").await;
    let second = start_scanning(page.target.clone().into(), second, "qrcode").unwrap();
    assert_eq!(second.state(), "destroyed", "the start of the third one must end it");
    let count = || page.target.child_element_count();
    assert_eq!(count(), 1);
    third.take().unwrap().destroy();
    assert_eq!(count(), 0);
}
