//! The messages of js/i18n.js and src/web/messages.json, and the options that select them.

use scanlogin::view_model::MESSAGE_NAMES;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{GENE, Page, run};

#[wasm_bindgen(module = "/js/i18n.js")]
extern "C" {
    #[wasm_bindgen(js_name = addMessages)]
    fn add_messages(json: &str);

    type Messages;
    #[wasm_bindgen(constructor)]
    fn new(tips: &JsValue, lang: &str) -> Messages;
    #[wasm_bindgen(method)]
    fn message(this: &Messages, name: &str, seconds: u32) -> String;
    #[wasm_bindgen(method)]
    fn language(this: &Messages) -> String;
    #[wasm_bindgen(method, js_name = setLanguage)]
    fn set_language(this: &Messages, tag: &str);

    #[wasm_bindgen(thread_local_v2, js_name = MESSAGE_NAMES)]
    static NAMES: Vec<String>;
}

#[wasm_bindgen(module = "/js/options.js")]
extern "C" {
    type ShellOptions;
    #[wasm_bindgen(catch, js_name = shellOptions)]
    fn shell_options(options: &JsValue) -> Result<ShellOptions, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn tips(this: &ShellOptions) -> JsValue;
}

const LANGUAGES: [&str; 4] = ["en-US", "zh-CN", "zh-TW", "ja-JP"];

fn object(fields: &str) -> JsValue {
    run(&format!("return {{ {fields} }}"), &JsValue::NULL).unwrap()
}

fn messages(lang: &str) -> Messages {
    messages_with_tips(&object(""), lang)
}

fn messages_with_tips(tips: &JsValue, lang: &str) -> Messages {
    // The module of the tests is another copy than that of the widget, which has the later messages.
    add_messages(include_str!("../../src/web/messages.json"));
    Messages::new(tips, lang)
}

#[wasm_bindgen_test]
fn each_message_of_the_view_exists_in_each_language() {
    let mut names = NAMES.with(Clone::clone);
    names.sort_unstable();
    let mut expected = MESSAGE_NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let english = messages("en-US");
    for language in LANGUAGES {
        let messages = messages(language);
        for name in MESSAGE_NAMES {
            let text = messages.message(name, 65);
            assert!(!text.trim().is_empty(), "{language} {name}");
            assert_eq!(text.contains("1:05"), ["expiresIn", "retryIn"].contains(&name), "{language} {name}");
            assert!(!text.contains('{'), "{language} {name}");
            assert!(language == "en-US" || text != english.message(name, 65), "{language} {name}");
        }
    }
}

#[wasm_bindgen_test]
fn tag_selects_its_language_and_an_unknown_tag_selects_english() {
    let table = [
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("zh-TW", "zh-TW"),
        ("zh-Hant-HK", "zh-TW"),
        ("zh_HK", "zh-TW"),
        ("ja", "ja-JP"),
        ("JA-jp", "ja-JP"),
        ("en-GB", "en-US"),
        ("fr-CH", "en-US"),
        ("", "en-US"),
    ];
    for (tag, language) in table {
        assert_eq!(messages(tag).language(), language, "{tag}");
    }
}

#[wasm_bindgen_test]
fn language_of_messages_with_tips_is_the_given_tag() {
    let messages = messages_with_tips(&object("title: 'Scannez'"), "fr-CH");
    assert_eq!((messages.language().as_str(), messages.message("title", 0).as_str()), ("fr-CH", "Scannez"));
    assert_eq!(messages.message("retry", 0), "Get a new code");
    messages.set_language("ja");
    assert_eq!((messages.language().as_str(), messages.message("title", 0).as_str()), ("ja-JP", "Scannez"));
}

#[wasm_bindgen_test]
fn time_is_minutes_and_seconds() {
    assert_eq!(messages("en").message("expiresIn", 125), "Expires in 2:05");
    assert_eq!(messages("ja").message("expiresIn", 65), "残り 1:05");
    assert_eq!(messages("zh-CN").message("retryIn", 9), "0:09 后自动重试");
}

#[wasm_bindgen_test]
fn each_tip_is_read_once_and_unknown_or_absent_tips_are_ignored() {
    let options = "tips: { get title() { this.reads = (this.reads || 0) + 1; return 'Scannez ' + this.reads }, retry: null, x: 1 }";
    let Ok(options) = shell_options(&object(options)) else { panic!("the options are valid") };
    let messages = messages_with_tips(&options.tips(), "en");
    assert_eq!(
        (messages.message("title", 0).as_str(), messages.message("title", 0).as_str()),
        ("Scannez 1", "Scannez 1")
    );
    assert_eq!(messages.message("retry", 0), "Get a new code");
}

#[wasm_bindgen_test]
fn shell_option_of_a_wrong_type_or_range_is_an_error_that_names_it() {
    for (options, message) in [
        ("size: 240", "option `size` must be an object"),
        ("size: { width: 10 }", "option `size.width` must be a whole number of pixels from 80 to 4000"),
        ("size: { width: 100.5 }", "option `size.width` must be a whole number of pixels from 80 to 4000"),
        ("size: []", "option `size` must be an object"),
        ("containerSize: { height: 'x' }", "option `containerSize.height` must be a number"),
        ("lang: 7", "option `lang` must be a string"),
        ("tips: 'hello'", "option `tips` must be an object"),
        ("tips: { title: 5 }", "option `tips.title` must be a string"),
        ("tips: { tryNow: 5 }", "option `tips.tryNow` must be a string"),
        ("theme: 'blue'", "option `theme` must be `auto` or `light` or `dark`"),
    ] {
        let Err(error) = shell_options(&object(options)) else { panic!("{options} is invalid") };
        let text = |name: &str| js_sys::Reflect::get(&error, &name.into()).unwrap().as_string().unwrap();
        assert_eq!((text("code").as_str(), text("message").as_str()), ("invalid-option", message), "{options}");
    }
}

#[wasm_bindgen_test]
async fn failure_is_shown_in_the_language_of_the_page_and_never_in_the_words_of_the_server() {
    let refusal = |code: u32, reason: &str| format!(r#"{{"code":{code},"message":"WORDS","reason":"{reason}"}}"#);
    let failed = r#"{"code":200,"data":{"status":5,"scannedResult":{"message":"WORDS"}}}"#;
    let failures = [
        ("gene", refusal(1001, "unknown-app"), "failed", "siteProblem"),
        ("gene", refusal(1001, "origin-not-allowed"), "failed", "siteProblem"),
        ("gene", refusal(2231, "invalid-parameter"), "failed", "siteProblem"),
        ("check", refusal(1001, "forbidden"), "failed", "siteProblem"),
        ("check", failed.to_owned(), "refused", "otherAccount"),
        ("userinfo", refusal(1001, "blocked"), "refused", "otherAccount"),
        ("userinfo", refusal(2231, "ticket-expired"), "signInExpired", ""),
    ];
    for language in LANGUAGES {
        let messages = messages(language);
        for (call, response, headline, hint) in &failures {
            let mut page = Page::new();
            if *call != "gene" {
                page.server.respond("gene", 200, GENE);
            }
            if *call == "userinfo" {
                page.script_polls(&[2]);
            }
            page.server.respond(call, 200, response);
            page.start(&format!("lang: '{language}', autoExchangeUserInfo: true"));
            page.wait_for_state("failed").await;
            let text = |name: &str| if name.is_empty() { String::new() } else { messages.message(name, 0) };
            assert_eq!(
                (page.text(".headline"), page.text(".hint")),
                (text(headline), text(hint)),
                "{language} {response}"
            );
            assert!(!page.text(".frame").contains("WORDS"), "{language} {response}");
            assert!(page.last_callback().starts_with("onError WORDS "), "{language} {response}");
        }
    }
}
