//! Frames of a camera. Each scene is read within one round of the ways to read a frame.

use scanlogin_phone::{Code, Picture, frame_attempt};
use scanlogin_qr::{Level, Modules};

use crate::scene::Scene;

/// The texts of codes: with the JSON of the protocol, and with a link.
const JSON: &str = r#"{"scene":"APP_AUTH","random":"3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS","userPoolId":"customers","createdAt":"2026-01-01T12:00:00.000Z","expireAt":"2026-01-01T12:02:00.000Z"}"#;
const LINK: &str = "https://pass.example.com/s#3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS";
/// The number of ways to read a frame.
const ROUND: u32 = 6;

/// The codes in the first frame in which there are any, of one round.
fn scan(scene: &Scene, modules: &Modules) -> Vec<Code> {
    for number in 0..ROUND {
        let frame = Scene { seed: scene.seed + u64::from(number), ..scene.clone() }.shoot(modules);
        let mut picture = Picture::new(frame.width, frame.height).unwrap();
        picture.add_gray(&frame.luma, frame.width).unwrap();
        let codes = picture.read(frame_attempt(number));
        if !codes.is_empty() {
            return codes;
        }
    }
    Vec::new()
}

/// Checks that all scenes are read, with both texts.
fn assert_read(scenes: &[(&str, Scene)]) {
    let mut missed = Vec::new();
    for text in [JSON, LINK] {
        let modules = Modules::new(text, Level::M).unwrap();
        for (name, scene) in scenes {
            let texts: Vec<_> = scan(scene, &modules).into_iter().map(|code| code.text).collect();
            if texts != [text] {
                missed.push(format!("{name}: {text} is read as {texts:?}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// A frame of 1920 × 1080 pixels in which the side of the code is this share of the height.
fn small(share: f64) -> Scene {
    let base = Scene::new(share * 1080.0);
    Scene { width: 1920, height: 1080, center: (903.4, 577.8), noise: 3.0, blur: 0.5, ..base }
}

#[test]
fn straight_code_is_read_at_its_place() {
    let modules = Modules::new(JSON, Level::M).unwrap();
    let codes = scan(&Scene { center: (500.0, 300.0), ..Scene::new(400.0) }, &modules);
    let [Code { text, corners }] = &codes[..] else { panic!("{codes:?}") };
    assert_eq!(text, JSON);
    for (corner, expected) in corners.iter().zip([(300.0, 100.0), (700.0, 100.0), (700.0, 500.0), (300.0, 500.0)]) {
        let distance = (corner.0 - expected.0).hypot(corner.1 - expected.1);
        assert!(distance < 6.0, "{corners:?}");
    }
}

#[test]
fn code_is_read_at_every_rotation() {
    let scenes: Vec<_> = (0..12)
        .map(|step| {
            ("rotated", Scene { rotation: 30.0 * f64::from(step) + 2.0, noise: 3.0, blur: 0.8, ..Scene::new(320.0) })
        })
        .collect();
    assert_read(&scenes);
}

#[test]
fn blurred_dark_noisy_and_tilted_codes_are_read() {
    let base = Scene { noise: 3.0, blur: 0.8, rotation: 3.0, ..Scene::new(400.0) };
    assert_read(&[
        ("blurred", Scene { blur: 2.5, ..base.clone() }),
        ("dark", Scene { light: (5.0, 40.0), ..base.clone() }),
        ("shaded", Scene { shade: 0.8, ..base.clone() }),
        ("noisy", Scene { noise: 35.0, ..base.clone() }),
        ("tilted by 45°", Scene { tilt: 45.0, ..base.clone() }),
        ("tilted and rotated", Scene { tilt: 40.0, rotation: 30.0, ..base.clone() }),
        ("inverted", Scene { is_inverted: true, ..base.clone() }),
        ("partly outside its quiet zone", Scene { center: (206.0, 206.0), rotation: 0.0, ..base }),
    ]);
}

#[test]
fn small_codes_in_a_large_frame_are_read() {
    assert_read(&[("25 %", small(0.25)), ("15 %", small(0.15)), ("12 %", small(0.12))]);
    // The modules of the JSON have two pixels each at 10 %.
    let modules = Modules::new(LINK, Level::M).unwrap();
    assert_eq!(scan(&small(0.10), &modules).first().map(|code| code.text.as_str()), Some(LINK));
}

#[test]
fn pixels_of_the_screen_do_not_hide_a_code() {
    let moire = |side| Scene { gaps: 1.0, blur: 0.5, noise: 3.0, rotation: 3.0, ..Scene::new(side) };
    assert_read(&[("one to one", moire(230.0)), ("nearer", moire(300.0)), ("near", moire(500.0))]);
}

#[test]
fn frame_without_a_code_has_none() {
    let modules = Modules::new(LINK, Level::M).unwrap();
    for noise in [0.0, 30.0, 60.0] {
        // The code is outside the frame.
        let scene = Scene { center: (-2_000.0, 360.0), noise, ..Scene::new(300.0) };
        assert_eq!(scan(&scene, &modules), []);
    }
}
