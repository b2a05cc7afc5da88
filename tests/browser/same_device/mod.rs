//! Sign-in on the device that shows the page, and number matching.

mod link;
mod number;
mod returning;

use wasm_bindgen::prelude::*;

use crate::page::{GENE, Page, run, start_received};

#[wasm_bindgen(module = "/js/same_device.js")]
extern "C" {
    #[wasm_bindgen(js_name = isLink)]
    fn is_link(address: &str) -> bool;
    #[wasm_bindgen(js_name = keepResponse)]
    fn keep_response(response: &str) -> JsValue;
    #[wasm_bindgen(js_name = isKept)]
    fn is_kept(random: &str) -> bool;
    #[wasm_bindgen(js_name = takeReturn)]
    fn take_return() -> JsValue;
    #[wasm_bindgen(js_name = giveReturn)]
    fn give_return(returned: &JsValue, handle: &JsValue);
    #[wasm_bindgen(js_name = takeOtherBrowser)]
    fn take_other_browser() -> bool;
}

const LINK: &str = "https://pass.test/s#r1.return";
const RESPONSE_CODE: &str = "Zc0bX4H8fZ0Ncl8m0H8d0pPZ0jv9gk3mQm2b1m1nq2E";
const COMPLETED: &str =
    r#"{"code":200,"data":{"random":"r1","status":2,"ticket":"t1","userInfo":{"nickname":"Alice"}}}"#;

/// A response of `gene` with a link.
fn gene_with_link(link: &str) -> String {
    GENE.replace(r#""url":"#, &format!(r#""link":"{link}","url":"#))
}

fn evaluate(code: &str) -> JsValue {
    run(code, &JsValue::NULL).unwrap()
}

/// Removes what other tests have kept.
fn forget_all() {
    evaluate("localStorage.removeItem('scanlogin-return')");
    take_other_browser();
}

/// Adds the fragment of a return to the address of the page, without loading it.
fn come_back(fragment: &str) {
    run("history.replaceState({ ofTheSite: 1 }, '', `${location.href.split('#')[0]}#${argument}`)", &fragment.into())
        .unwrap();
}

fn come_back_with(random: &str) {
    come_back(&format!("scanlogin-response={random}.{RESPONSE_CODE}"));
}

/// A page whose widget shows a code and its link.
async fn page_with_link() -> Page {
    forget_all();
    let mut page = Page::new();
    page.server.respond("gene", 200, &gene_with_link(LINK));
    page.script_polls(&[0]);
    page.start("");
    page.wait_for_state("ready").await;
    page
}

/// Opens the link of a page. Returns whether the browser would have followed it.
fn open_link(page: &Page) -> bool {
    // The test stays on its page.
    let code = "let isFollowed;
        const stay = (event) => { isFollowed = !event.defaultPrevented; event.preventDefault(); };
        addEventListener('click', stay, { once: true });
        argument.click();
        return isFollowed;";
    run(code, &page.find("a").unwrap()).unwrap().is_truthy()
}

/// Starts a widget as the entry points do in a page to which the approver has returned.
fn start_returned(page: &mut Page, extra: &str) {
    let received = take_return();
    let extra = run(&format!("return {{ {extra} }}"), &JsValue::NULL).unwrap();
    let options = page.server.options(&page.callback_log, &extra);
    page.handle = Some(start_received(page.target.clone().into(), options, received).unwrap());
}

fn successes(page: &Page) -> usize {
    page.callbacks().iter().filter(|line| line.starts_with("onSuccess")).count()
}
