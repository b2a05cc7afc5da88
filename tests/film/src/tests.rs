use scanlogin_decoder::{decode_picture, find};
use scanlogin_qr::{Color, Level, Modules};

use super::*;

const TEXT: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";

/// A white screen with a code.
fn screenshot() -> Picture {
    const MODULE: usize = 6;
    let modules = Modules::new(TEXT, Level::M).unwrap();
    let rows: Vec<&[Color]> = modules.rows().collect();
    let is_dark = |x: usize, y: usize| -> Option<bool> {
        let row = rows.get(y.checked_sub(200)? / MODULE)?;
        Some(*row.get(x.checked_sub(300)? / MODULE)? == Color::Dark)
    };
    Picture::from_fn(1280, 800, |x, y| if is_dark(x, y).unwrap_or_default() { [0; 3] } else { [255; 3] })
}

fn film(view: &View) -> Film {
    let screenshot = screenshot();
    Film::of(&screenshot, &find(&screenshot).unwrap(), view)
}

/// The lengths of the left, the right and the upper side of the code in the first frame.
fn sides(view: &View) -> [f64; 3] {
    let code = find(&film(view).frames()[0].to_picture()).unwrap();
    assert_eq!(code.text, TEXT);
    let [top_left, top_right, bottom_right, bottom_left] = code.corners;
    [(top_left, bottom_left), (top_right, bottom_right), (top_left, top_right)]
        .map(|([x, y], [other_x, other_y])| (x - other_x).hypot(y - other_y))
}

#[test]
fn code_takes_the_given_share_of_the_height_of_the_frame() {
    for share in [0.25, 0.6] {
        for side in sides(&View { share, ..View::STRAIGHT }) {
            let expected = share * HEIGHT as f64;
            assert!((side - expected).abs() < 0.02 * expected, "{side} instead of {expected}");
        }
    }
}

#[test]
fn side_that_is_farther_away_is_shorter_and_a_turned_screen_is_narrower() {
    let [left, right, top] = sides(&View { yaw: 40.0, ..View::STRAIGHT });
    assert!((left / right - 1.0).abs() > 0.1 && top < 0.9 * left.max(right), "{left}, {right}, {top}");
}

#[test]
fn code_in_a_rotated_frame_is_rotated() {
    let code = find(&film(&View { roll: 30.0, ..View::STRAIGHT }).frames()[0].to_picture()).unwrap();
    let [top_left, top_right, ..] = code.corners;
    let angle = (top_right[1] - top_left[1]).atan2(top_right[0] - top_left[0]).to_degrees();
    assert!((angle.abs() - 30.0).abs() < 1.0, "{angle}");
}

#[test]
fn blur_light_noise_and_stripes_change_the_brightness_of_a_white_screen_as_described() {
    // The mean and the deviation of a part of the frame without code.
    let white = |view: &View| {
        let frame = film(view).frames()[0].to_picture().crop(1400, 400, 200, 200);
        let values: Vec<f64> = frame.pixels().iter().map(|[value, ..]| f64::from(*value)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        (mean, square.sqrt())
    };
    let view = View { noise: 0.0, ..View::STRAIGHT };
    let (bright, smooth) = white(&view);
    assert!(smooth < 0.01, "{smooth}");
    assert!(white(&View { exposure: 0.05, ..view }).0 < bright / 2.0);
    let (_, noise) = white(&View { noise: 10.0, ..view });
    // The range of a film has 219 steps and that of a page 255.
    assert!((noise - 10.0 * 255.0 / 219.0).abs() < 1.0, "{noise}");
    let striped = View { share: 0.21, stripes: 1.0, blur: 0.0, ..view };
    let (_, moire) = white(&striped);
    assert!(moire > 5.0, "{moire}");
    assert!(white(&View { blur: 3.0, ..striped }).1 < moire / 2.0);
}

#[test]
fn films_of_the_same_view_are_equal_and_all_films_have_the_same_length() {
    let noisy = View { noise: 20.0, ..View::STRAIGHT };
    assert_eq!(film(&noisy), film(&noisy));
    let file = film(&noisy).to_y4m();
    assert_eq!(file.len(), Film::of_a_wall().to_y4m().len());
    assert!(file.starts_with(b"YUV4MPEG2 W1920 H1080 "));
    assert!(decode_picture(&Film::of_a_wall().frames()[0].to_picture()).is_err());
}
