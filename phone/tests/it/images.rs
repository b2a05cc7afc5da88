//! Screenshots and photos: large, wide, with several codes, without a quiet zone.

use scanlogin_phone::{Picture, image_attempts};
use scanlogin_qr::{Color, Level, Modules};

const TEXT: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";

/// A code on a screenshot.
struct Placed<'a> {
    text: &'a str,
    left: usize,
    top: usize,
    /// The side of a module in pixels.
    module: usize,
}

/// A gray screenshot with white cards on which the codes are. `margin` is the width of the card around a code, in modules.
fn screenshot(width: usize, height: usize, margin: usize, codes: &[Placed]) -> Picture {
    let mut luma = vec![200; width * height];
    for Placed { text, left, top, module } in codes {
        let modules = Modules::new(text, Level::M).unwrap();
        let rows: Vec<_> = modules.rows().collect();
        let side = (rows.len() + 2 * margin) * module;
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let at = |position: usize| (position / module).checked_sub(margin);
            let color = at(y).and_then(|row| rows.get(row)).and_then(|row| row.get(at(x)?));
            luma[(top + y) * width + left + x] = if color == Some(&Color::Dark) { 20 } else { 250 };
        }
    }
    let mut picture = Picture::new(width, height).unwrap();
    picture.add_gray(&luma, width).unwrap();
    picture
}

/// The different texts that all attempts find.
fn texts(picture: &Picture) -> Vec<String> {
    let attempts = image_attempts(picture.width(), picture.height());
    let mut texts: Vec<_> =
        attempts.into_iter().flat_map(|attempt| picture.read(attempt)).map(|code| code.text).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[test]
fn code_in_a_screenshot_of_a_wide_screen_is_read() {
    for (width, height) in [(3_840, 2_160), (5_120, 1_440), (6_000, 4_000), (7_680, 3_100)] {
        let code = Placed { text: TEXT, left: width / 2 + 31, top: height / 2 - 153, module: 4 };
        assert_eq!(texts(&screenshot(width, height, 4, &[code])), [TEXT], "{width} x {height}");
    }
}

#[test]
fn small_screenshot_and_large_modules_are_read() {
    let small = Placed { text: TEXT, left: 0, top: 0, module: 2 };
    assert_eq!(texts(&screenshot(100, 90, 4, &[small])), [TEXT]);
    let large = Placed { text: TEXT, left: 100, top: 100, module: 80 };
    assert_eq!(texts(&screenshot(4_000, 4_000, 4, &[large])), [TEXT]);
}

#[test]
fn code_that_touches_the_edges_is_read() {
    let side = Modules::new(TEXT, Level::M).unwrap().rows().count() * 6;
    assert_eq!(texts(&screenshot(side, side, 0, &[Placed { text: TEXT, left: 0, top: 0, module: 6 }])), [TEXT]);
}

#[test]
fn all_of_several_codes_are_read() {
    let others = ["https://example.com/app", r#"{"scene":"WXAPP_AUTH","random":"x"}"#];
    let placed = |text, left| Placed { text, left, top: 40, module: 4 };
    let codes = [placed(others[0], 0), placed(TEXT, 400), placed(others[1], 800)];
    assert_eq!(texts(&screenshot(1_200, 300, 4, &codes)), [others[0], TEXT, others[1]]);
}

#[test]
fn texts_in_other_alphabets_are_read() {
    for text in ["登录 さくら ñandú", "\u{1f511} clé", "0123456789", "HTTPS://EXAMPLE.COM/A"] {
        let code = Placed { text, left: 20, top: 20, module: 5 };
        assert_eq!(texts(&screenshot(400, 300, 4, &[code])), [text]);
    }
}
