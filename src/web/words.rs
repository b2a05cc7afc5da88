//! What the widget says, as the doors bring it: pkg/words.js has the words, since the box needs some before the wasm is
//! there, and knows which language they are in.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The words of one widget.
    #[derive(Debug)]
    pub type Words;

    /// Goes on in another language: a BCP 47 tag.
    #[wasm_bindgen(method)]
    pub fn speak(this: &Words, tag: &str);

    /// The BCP 47 tag under which the words are marked up.
    #[wasm_bindgen(method)]
    pub fn language(this: &Words) -> String;

    /// One word, by its name among the `tips`; `seconds` is the time in it.
    #[wasm_bindgen(method)]
    pub fn say(this: &Words, name: &str, seconds: u32) -> String;
}
