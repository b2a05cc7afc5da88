//! The drawing of codes as a wasm of its own. `cargo xtask bench` compares it with other libraries. The widget contains the
//! same code but exports no function for it.

use scanlogin_qr::{Level, Modules, svg};
use wasm_bindgen::prelude::wasm_bindgen;

/// The code of `text` with level M, as the text of an SVG. Empty if the text is too long.
#[wasm_bindgen]
pub fn draw(text: &str) -> String {
    let Ok(modules) = Modules::new(text, Level::M) else { return String::new() };
    let side = svg::side(&modules).to_string();
    [
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ",
        &side,
        " ",
        &side,
        "\"><path d=\"",
        &svg::path(&modules),
        "\"/></svg>",
    ]
    .concat()
}
