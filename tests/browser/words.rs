//! What pkg/words.js says.

use scanlogin::options::TIPS;
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::page::{run, words_of};

const LANGUAGES: [&str; 4] = ["en-US", "zh-CN", "zh-TW", "ja-JP"];

#[wasm_bindgen_test]
fn every_language_has_every_word_and_says_the_time_where_it_belongs() {
    let english = words_of(&JsValue::UNDEFINED, &"en-US".into());
    for language in LANGUAGES {
        let words = words_of(&JsValue::UNDEFINED, &language.into());
        for word in TIPS {
            let text = words.say(word, 65);
            assert!(!text.trim().is_empty(), "{language} {word}");
            assert_eq!(text.contains("1:05"), ["expiresIn", "retryIn"].contains(&word), "{language} {word}");
            assert!(!text.contains('{'), "{language} {word}");
            assert!(language == "en-US" || text != english.say(word, 65), "{language} {word}");
        }
    }
}

#[wasm_bindgen_test]
fn a_tag_finds_its_language_and_others_fall_back_to_english() {
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
        assert_eq!(words_of(&JsValue::UNDEFINED, &tag.into()).language(), language, "{tag}");
    }
}

#[wasm_bindgen_test]
fn a_language_made_by_tips_is_marked_up_as_what_it_is() {
    let tips = |code: &str| run(&format!("return {{ {code} }}"), &JsValue::NULL).unwrap();
    let words = words_of(&tips("title: 'Scannez', retry: null"), &"fr-CH".into());
    assert_eq!((words.language().as_str(), words.say("title", 0).as_str()), ("fr-CH", "Scannez"));
    assert_eq!(words.say("retry", 0), "Get a new code");
    words.speak("ja");
    assert_eq!((words.language().as_str(), words.say("title", 0).as_str()), ("ja-JP", "Scannez"));
    assert_eq!(words_of(&tips("hello: 'Bonjour'"), &"fr".into()).language(), "en-US", "of no word is no language made");
}

#[wasm_bindgen_test]
fn the_remaining_time_reads_as_minutes_and_seconds() {
    let say = |language: &str, word, seconds| words_of(&JsValue::UNDEFINED, &language.into()).say(word, seconds);
    assert_eq!(say("en", "expiresIn", 125), "Expires in 2:05");
    assert_eq!(say("ja", "expiresIn", 65), "残り 1:05");
    assert_eq!(say("zh-CN", "retryIn", 9), "0:09 后自动重试");
}

#[wasm_bindgen_test]
fn tips_and_languages_that_are_not_what_they_seem_are_not_said() {
    let make = "let reads = 0; return { get title() { if (reads++) throw new Error('once'); return 'Scannez'; } }";
    let words = words_of(&run(make, &JsValue::NULL).unwrap(), &"en".into());
    assert_eq!(words.say("title", 0), "Scannez", "read once");
    assert_eq!(words.say("title", 0), "Scan with the app to sign in");

    let no_text = run("return Object.create(null)", &JsValue::NULL).unwrap();
    assert_eq!(words_of(&JsValue::UNDEFINED, &no_text).say("title", 0), "Scan with the app to sign in");
}
