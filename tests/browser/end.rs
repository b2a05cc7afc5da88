//! How a widget ends, and that its neighbours do not.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{Page, document, pass, pass_time_until, pending_timers, run, take_strays, until};

#[wasm_bindgen_test]
async fn destroying_takes_everything_away_and_nothing_follows() {
    let mut page = Page::with(&[0]);
    let timers = pending_timers();
    page.start("");
    page.until_held().await;
    let told = page.told().len();
    page.handle().destroy();
    assert_eq!(page.told()[told..], ["onCodeDestroyed r1"]);
    assert_eq!(page.target.child_element_count(), 0);
    assert_eq!(page.handle().state(), "destroyed");
    until("the abort", || page.server.aborted() == 1).await;
    page.handle().destroy();
    page.handle().refresh();
    assert_eq!(pending_timers(), timers);
    let requests = page.server.requests("check") + page.server.requests("gene");
    pass(1_000.0).await;
    assert_eq!(page.told().len(), told + 1);
    assert_eq!(page.server.requests("check") + page.server.requests("gene"), requests);
}

#[wasm_bindgen_test]
async fn a_page_that_has_ended_sends_no_request_to_the_next_page() {
    let mut ended = Page::new();
    ended.start("");
    drop(ended);
    let next = Page::new();
    // The widget sends its first request in a later task, when its page has ended.
    pass(1_000.0).await;
    assert_eq!((next.server.requests("gene"), take_strays()), (0, 0));
}

#[wasm_bindgen_test]
async fn a_callback_may_destroy_the_widget_that_calls_it() {
    // From the answer to a request, and from a person's click.
    for callback in ["onStart", "onResult", "onScanned", "onRetry"] {
        let mut page = Page::with(&[1]);
        page.start(&format!("{callback}: () => {{ argument.push('{callback}'); globalThis.stop(); }}"));
        let handle = Rc::new(page.handle.take().unwrap());
        let stop = Closure::<dyn Fn()>::new({
            let handle = handle.clone();
            move || handle.destroy()
        });
        run("globalThis.stop = argument", stop.as_ref()).unwrap();
        if callback == "onRetry" {
            page.until_state("scanned").await;
            page.click();
        }
        pass_time_until("the destroy", || handle.state() == "destroyed").await;
        pass(1_000.0).await;
        let told = page.told();
        assert_eq!(told[told.len() - 2..], [callback, "onCodeDestroyed r1"], "nothing follows");
        assert_eq!(page.target.child_element_count(), 0);
    }
}

#[wasm_bindgen_test]
async fn a_widget_that_leaves_the_page_ends_and_one_that_is_moved_does_not() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_held().await;

    let elsewhere = document().create_element("div").unwrap();
    document().body().unwrap().append_child(&elsewhere).unwrap();
    elsewhere.append_child(&page.target).unwrap();
    pass(100.0).await;
    assert_eq!(page.handle().state(), "ready");

    // Not the widget itself: whatever holds it.
    elsewhere.remove();
    until("the end", || page.handle().state() == "destroyed").await;
    assert_eq!(page.told().last().unwrap(), "onCodeDestroyed r1");
    until("the abort", || page.server.aborted() == 1).await;
}

#[wasm_bindgen_test]
async fn a_widget_in_a_shadow_root_is_missed_too() {
    let mut page = Page::with(&[0]);
    let root = page.target.attach_shadow(&web_sys::ShadowRootInit::new(web_sys::ShadowRootMode::Open)).unwrap();
    let inner = document().create_element("div").unwrap();
    root.append_child(&inner).unwrap();
    let outer = std::mem::replace(&mut page.target, inner);
    page.start("");
    page.until_state("ready").await;
    outer.remove();
    until("the end", || page.handle().state() == "destroyed").await;
}

#[wasm_bindgen_test]
async fn aborting_the_signal_destroys_and_an_aborted_one_starts_nothing() {
    let mut page = Page::with(&[0]);
    run("globalThis.controller = new AbortController()", &JsValue::NULL).unwrap();
    page.start("signal: globalThis.controller.signal");
    page.until_state("ready").await;
    run("globalThis.controller.abort()", &JsValue::NULL).unwrap();
    assert_eq!((page.handle().state().as_str(), page.target.child_element_count()), ("destroyed", 0));

    let mut page = Page::with(&[0]);
    page.start("signal: AbortSignal.abort()");
    assert_eq!(page.handle().state(), "destroyed");
    pass(1_000.0).await;
    assert_eq!((page.server.requests("gene"), page.told().len()), (0, 0));
}

#[wasm_bindgen_test]
async fn two_widgets_on_a_page_do_not_know_of_each_other() {
    let mut first = Page::with(&[0]);
    first.start("");
    let mut second = Page::with(&[0]);
    second.start("");
    first.until_state("ready").await;
    second.until_state("ready").await;
    first.handle().destroy();
    assert_eq!((first.handle().state().as_str(), second.handle().state().as_str()), ("destroyed", "ready"));
    assert!(second.find(".code path").is_some());
    second.answer_polls(&[0, 1]);
    second.until_state("scanned").await;
}

#[wasm_bindgen_test]
async fn a_second_widget_in_an_element_takes_the_place_of_the_first() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_state("ready").await;
    let first = page.handle.take().unwrap();
    page.answer_refresh(&[0]);
    page.start("");
    assert_eq!((first.state().as_str(), page.target.child_element_count()), ("destroyed", 1));
    assert_eq!(page.told().last().unwrap(), "onCodeDestroyed r1");
    page.until_state("ready").await;
}

#[wasm_bindgen_test]
async fn a_widget_that_is_started_stopped_and_started_again_has_one_code() {
    // What React's StrictMode does to an effect.
    let mut page = Page::with(&[0]);
    page.start("");
    page.handle().destroy();
    page.start("");
    page.until_told("onResult").await;
    pass(1_000.0).await;
    assert_eq!(page.target.child_element_count(), 1);
    let shown = page.told().iter().filter(|line| line.starts_with("onCodeShow")).count();
    assert_eq!((shown, page.server.most_in_flight()), (1, 1));
}
