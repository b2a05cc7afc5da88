//! The shell of a widget: `js/shell.js` builds its elements and draws into them.
//!
//! wasm-bindgen copies each JavaScript module that is named here to the directory of the wasm. It does not follow
//! imports, so the modules that `js/shell.js` imports are named too.

use js_sys::Function;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/shell.js")]
extern "C" {
    /// The shell of one widget.
    #[derive(Debug, Clone)]
    pub type Shell;

    /// Builds a shell for `target`. [`Shell::adopt`] puts it into the page.
    #[wasm_bindgen(catch, js_name = openShell)]
    pub(super) fn open(target: &JsValue, options: &JsValue) -> Result<Shell, JsValue>;

    /// The width of the code in CSS pixels.
    #[wasm_bindgen(method, getter)]
    pub(super) fn width(this: &Shell) -> u32;

    /// The height of the code in CSS pixels.
    #[wasm_bindgen(method, getter)]
    pub(super) fn height(this: &Shell) -> u32;

    /// Sets the handlers: of a click on the button, of a change of the language, and of the end of the shell. Puts the
    /// shell into the page if it is not there yet.
    #[wasm_bindgen(method)]
    pub(super) fn adopt(this: &Shell, clicked: &Function, language_changed: &Function, ended: &Function);

    /// Whether the shell was in the page, has left it, and has stayed away for a task.
    #[wasm_bindgen(method, js_name = hasLeft)]
    pub(super) fn has_left(this: &Shell) -> bool;

    /// Removes the shell from the page.
    #[wasm_bindgen(method)]
    pub(super) fn remove(this: &Shell);

    /// The BCP 47 tag of the messages.
    #[wasm_bindgen(method)]
    pub(super) fn language(this: &Shell) -> String;

    /// Changes the language, and calls `language_changed`. An empty tag means the language of the page.
    #[wasm_bindgen(method, js_name = setLanguage)]
    pub(super) fn set_language(this: &Shell, tag: &str);

    /// The message `name`. `seconds` replaces `{time}` in it.
    #[wasm_bindgen(method)]
    pub(super) fn message(this: &Shell, name: &str, seconds: u32) -> String;

    /// Sets the colours of the code.
    #[wasm_bindgen(method, js_name = setColors)]
    pub(super) fn set_colors(this: &Shell, dark: &str, light: &str);

    /// Shows a state. An empty text hides its element. A code that is not scannable is faded.
    #[wasm_bindgen(method)]
    pub(super) fn show(this: &Shell, state: &str, is_scannable: bool, headline: &str, hint: &str, button: &str);

    /// Shows the message `name` and counts down to `end` on the clock of `performance.now()`. Hides it if `name` is empty.
    #[wasm_bindgen(method, js_name = showCountdown)]
    pub(super) fn show_countdown(this: &Shell, name: &str, end: f64);

    /// Shows a link to the approver on this device while the code can be scanned. A click keeps `response`. Hides the link if
    /// `address` is empty.
    #[wasm_bindgen(method, js_name = showLink)]
    pub(super) fn show_link(this: &Shell, address: &str, response: &str);

    /// Whether a click on the link has kept the response of the code, and another page has taken it.
    #[wasm_bindgen(method, js_name = isTaken)]
    pub(super) fn is_taken(this: &Shell) -> bool;

    /// Shows the two digits that the person chooses on the phone. Hides them if `number` is empty.
    #[wasm_bindgen(method, js_name = showNumber)]
    pub(super) fn show_number(this: &Shell, number: &str);

    /// Shows the person who scanned. An empty name or photo hides its element.
    #[wasm_bindgen(method, js_name = showPerson)]
    pub(super) fn show_person(this: &Shell, name: &str, photo: &str);

    /// Removes the code.
    #[wasm_bindgen(method, js_name = hideCode)]
    pub(super) fn hide_code(this: &Shell);

    /// Draws the code of [`scanlogin_qr::Modules::to_bits`]. `logo` is the address of an image, or empty for no logo.
    #[wasm_bindgen(method, js_name = drawCode)]
    pub(super) fn draw_code(this: &Shell, bits: Vec<u8>, logo: &str);

    /// Shows the image of a code, and calls `loaded` or `failed` once.
    #[wasm_bindgen(method, js_name = showImage)]
    pub(super) fn show_image(this: &Shell, url: &str, loaded: &Function, failed: &Function);
}

/// Adds the messages of states that the wasm shows. `js/i18n.js` has those that are shown before.
pub(super) fn add_messages() {
    add_json(include_str!("messages.json"));
}

// A block without an item names no module. These items are not used.

#[wasm_bindgen(module = "/js/countdown.js")]
extern "C" {
    #[wasm_bindgen(js_name = Countdown)]
    type _Countdown;
}

#[wasm_bindgen(module = "/js/display.js")]
extern "C" {
    #[wasm_bindgen(js_name = displayName)]
    fn _display();
}

#[wasm_bindgen(module = "/js/dom.js")]
extern "C" {
    #[wasm_bindgen(js_name = create)]
    fn _dom();
}

#[wasm_bindgen(module = "/js/i18n.js")]
extern "C" {
    #[wasm_bindgen(js_name = addMessages)]
    fn add_json(messages: &str);
}

#[wasm_bindgen(module = "/js/open_link.js")]
extern "C" {
    #[wasm_bindgen(js_name = OpenLink)]
    type _OpenLink;
}

#[wasm_bindgen(module = "/js/options.js")]
extern "C" {
    #[wasm_bindgen(js_name = shellOptions)]
    fn _options();
}

#[wasm_bindgen(module = "/js/painter.js")]
extern "C" {
    #[wasm_bindgen(js_name = Code)]
    type _Code;
}

#[wasm_bindgen(module = "/js/style_sheet.js")]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_name = STYLE_SHEET)]
    static _STYLE_SHEET: js_sys::JsString;
}

#[wasm_bindgen(module = "/js/styles.js")]
extern "C" {
    #[wasm_bindgen(js_name = applyStyles)]
    fn _styles();
}
