//! What a person sees and hears.

use scanlogin_qr::{Drawing, Level};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlElement;

use crate::page::{GENE, Page, document, pass, run, settle, start_scanning, until};

#[wasm_bindgen_test]
async fn the_code_on_the_page_is_the_text_of_the_contract_as_one_path() {
    let mut page = Page::with(&[0]);
    page.start("");
    page.until_state("ready").await;
    let text = r#"{"scene":"APP_AUTH","random":"r1","userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z","customData":{"z":1,"a":["<b>"]}}"#;
    let drawing = Drawing::new(text, Level::M).unwrap();
    assert_eq!(page.find(".code path").unwrap().get_attribute("d"), Some(drawing.path));
    let image = page.find(".code svg").unwrap();
    assert_eq!(image.get_attribute("viewBox"), Some(format!("0 0 {0} {0}", drawing.side)));
    assert_eq!(image.get_attribute("aria-label").as_deref(), Some("QR code for signing in"));
}

#[wasm_bindgen_test]
async fn text_from_outside_is_text_on_the_page() {
    let hostile = "<img src=x onerror=\"document.title='owned'\">";
    let mut page = Page::new();
    let message = hostile.replace('"', "\\\"");
    page.server.on("gene", 200, &format!(r#"{{"code":1001,"message":"{message}"}}"#));
    page.start(&format!("tips: {{ failed: `{hostile}` }}"));
    page.until_state("failed").await;
    assert_eq!((page.text(".headline").as_str(), page.text(".hint").as_str()), (hostile, hostile));
    assert!(page.find(".status img, .hint img").is_none());
    assert_eq!(
        page.told(),
        [format!("onCodeLoadFailed {hostile}"), format!("onError {hostile} ScanLoginError:refused:undefined:true"),]
    );
    assert_ne!(document().title(), "owned");
}

#[wasm_bindgen_test]
async fn focus_on_a_button_that_goes_away_stays_in_the_widget() {
    let mut page = Page::with(&[-1]);
    page.start("");
    page.until_state("expired").await;
    page.find("button").unwrap().unchecked_into::<HtmlElement>().focus().unwrap();
    page.answer_refresh(&[0]);
    page.click();
    page.until_state("ready").await;
    let root = page.target.first_element_child().unwrap().shadow_root().unwrap();
    assert_eq!(root.active_element(), page.find(".frame"));
}

#[wasm_bindgen_test]
async fn a_page_may_use_the_widget_while_the_focus_moves() {
    let mut page = Page::with(&[-1]);
    page.start("onStart: (handle) => { globalThis.handle = handle; }");
    page.until_state("expired").await;
    page.find("button").unwrap().unchecked_into::<HtmlElement>().focus().unwrap();
    let code = "argument.addEventListener('focusin', () => globalThis.handle.setLanguage('ja'), { once: true })";
    run(code, &page.find(".frame").unwrap()).unwrap();
    page.answer_refresh(&[0]);
    page.click();
    page.until_state("ready").await;
    assert_eq!(page.text(".headline"), "アプリでスキャンしてログイン");
}

#[wasm_bindgen_test]
async fn an_image_of_the_server_is_shown_and_one_that_fails_is_drawn() {
    let pixel = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    for (url, selector) in [(pixel, ".code img"), ("/is-not-there.png", ".code svg")] {
        let mut page = Page::new();
        page.server.on(
            "gene",
            200,
            &format!(r#"{{"code":200,"data":{{"random":"r1","expiresIn":120,"url":"{url}"}}}}"#),
        );
        page.start("");
        // Images take no time of the page's clock.
        until("ready", || page.has_shown("ready")).await;
        assert!(page.find(selector).is_some(), "{selector}");
        page.until_told("onStart").await;
    }
}

#[wasm_bindgen_test]
async fn an_unknown_target_gets_a_box_of_its_own() {
    let page = Page::with(&[0]);
    let handle =
        start_scanning("no-such-id".into(), page.server.options(&page.log, &JsValue::UNDEFINED), "qrcode").unwrap();
    until("ready", || handle.state() == "ready").await;
    let floating = document().query_selector("body > [data-floating]").unwrap().unwrap();
    let left = floating.get_bounding_client_rect().left();
    assert!(left > 0.0, "{left}");
    handle.destroy();
    assert!(document().query_selector("[data-floating]").unwrap().is_none());
}

const PIXEL: &str = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

#[wasm_bindgen_test]
async fn every_change_of_state_is_announced_once_and_the_countdown_never() {
    let mut page = Page::with(&[0, 1, 1, 3]);
    page.start("countdown: true");
    page.until_state("cancelled").await;
    page.answer_refresh(&[0]);
    page.click();
    page.until_state("ready").await;
    assert_eq!(page.text(".countdown"), "Expires in 2:00");
    pass(3_500.0).await;
    assert_eq!(page.text(".countdown"), "Expires in 1:57");
    let ready = "Scan with the app to sign in";
    let scanned = "Alice <i> · Scanned · Confirm the sign-in on your phone";
    assert_eq!(page.heard(), [ready, scanned, "Sign-in was declined", "Getting a code…", ready]);
    assert!(page.find("[role=status] .countdown").is_none());
}

#[wasm_bindgen_test]
async fn a_code_that_can_not_be_scanned_is_no_image_to_a_screen_reader() {
    let mut page = Page::with(&[0]);
    page.start("");
    let is_hidden = || page.find(".code").unwrap().get_attribute("aria-hidden");
    page.until_state("ready").await;
    assert_eq!(is_hidden().as_deref(), Some("false"));
    page.answer_polls(&[1]);
    page.until_state("scanned").await;
    assert_eq!(is_hidden().as_deref(), Some("true"));
}

#[wasm_bindgen_test]
async fn a_logo_raises_the_error_correction_and_one_that_fails_goes_away() {
    let text = r#"{"scene":"APP_AUTH","random":"r1","userPoolId":"p","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z","customData":{"z":1,"a":["<b>"]}}"#;
    let drawing = Drawing::new(text, Level::Q).unwrap();
    let mut page = Page::with(&[0]);
    page.start(&format!("logo: '{PIXEL}'"));
    page.until_state("ready").await;
    assert_eq!(page.find(".code path").unwrap().get_attribute("d"), Some(drawing.path));
    assert_eq!(page.find(".code .logo").unwrap().get_attribute("alt").as_deref(), Some(""));

    let mut page = Page::with(&[0]);
    page.start("logo: '/is-not-there.svg'");
    page.until_state("ready").await;
    until("the logo to go", || page.find(".logo").is_none()).await;
    assert!(page.find(".code path").is_some());
}

#[wasm_bindgen_test]
async fn a_code_that_was_drawn_out_of_sight_is_there_when_it_comes_into_sight() {
    let mut page = Page::with(&[0]);
    let target: HtmlElement = page.target.clone().unchecked_into();
    target.style().set_property("display", "none").unwrap();
    page.start("");
    page.until_state("ready").await;
    target.style().remove_property("display").unwrap();
    let width = || page.find(".code svg").unwrap().get_bounding_client_rect().width();
    until("the code", || width() >= 160.0).await;
    // A narrower place is noticed, too.
    let before = width();
    target.style().set_property("width", "200px").unwrap();
    until("a smaller code", || width() > 0.0 && width() < before).await;
}

#[wasm_bindgen_test]
async fn a_code_too_dense_for_its_size_is_refused_with_the_size_that_it_needs() {
    let mut page = Page::with(&[0]);
    page.start("size: { width: 100, height: 100 }");
    page.until_state("failed").await;
    let told = page.told();
    assert!(told[0].starts_with("onCodeLoadFailed in 100 pixels the code would be too dense for a camera"), "{told:?}");
    assert!(told[1].ends_with("ScanLoginError:code-too-dense:undefined:true"), "{told:?}");
}

#[wasm_bindgen_test]
async fn the_servers_image_is_shown_to_who_wants_an_image() {
    let mut page = Page::new();
    page.server.on("gene", 200, &GENE.replace("/r1.png", PIXEL));
    page.answer_polls(&[0]);
    page.start("render: 'img'");
    until("ready", || page.has_shown("ready")).await;
    let image = page.find(".code img").unwrap();
    assert_eq!(image.get_attribute("src").as_deref(), Some(PIXEL));
    assert_eq!(image.get_attribute("aria-label").as_deref(), Some("QR code for signing in"));
}

#[wasm_bindgen_test]
async fn the_words_follow_the_page_and_then_what_is_asked_for() {
    let root = document().document_element().unwrap();
    let mut page = Page::with(&[0]);
    page.start("tips: { title: 'Bonjour' }");
    page.until_state("ready").await;
    root.set_attribute("lang", "ja").unwrap();
    until("Japanese", || page.find(".frame").unwrap().get_attribute("lang").as_deref() == Some("ja-JP")).await;
    assert_eq!(page.text(".headline"), "Bonjour", "the page's own words stay");
    let name = || page.find(".code svg").unwrap().get_attribute("aria-label");
    assert_eq!(name().as_deref(), Some("ログイン用QRコード"));
    page.handle().set_language("zh-TW");
    assert_eq!(name().as_deref(), Some("登入用 QR Code"));
    root.remove_attribute("lang").unwrap();
    settle().await;
    assert_eq!(name().as_deref(), Some("登入用 QR Code"), "who asked for a language keeps it");
    page.handle().set_language("");
    assert_eq!(name().as_deref(), Some("QR code for signing in"));

    let mut page = Page::with(&[0]);
    page.start("lang: 'zh-CN'");
    page.until_state("ready").await;
    root.set_attribute("lang", "ja").unwrap();
    settle().await;
    assert_eq!(page.text(".headline"), "请使用 App 扫码登录");
    root.remove_attribute("lang").unwrap();
}

#[wasm_bindgen_test]
async fn light_and_dark_come_from_an_option_or_an_attribute_and_the_code_stays_dark_on_light() {
    let mut page = Page::with(&[0]);
    page.start("theme: 'dark', colors: { dark: '#0b5a62', light: '#f4fbfa' }");
    page.until_state("ready").await;
    let style = |selector: &str, property: &str| {
        let window = web_sys::window().unwrap();
        let style = window.get_computed_style(&page.find(selector).unwrap()).unwrap().unwrap();
        style.get_property_value(property).unwrap()
    };
    assert_eq!(style(".frame", "background-color"), "rgb(26, 29, 36)");
    assert_eq!(
        (style(".stage", "background-color"), style(".code path", "fill")),
        ("rgb(244, 251, 250)".to_owned(), "rgb(11, 90, 98)".to_owned())
    );
    page.widget().set_attribute("data-theme", "light").unwrap();
    assert_eq!(style(".frame", "background-color"), "rgb(255, 255, 255)");
}
