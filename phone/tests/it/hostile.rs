//! Untrusted pixels: invalid sizes, and pictures that need many steps.

use scanlogin_phone::{MAX_SIDE, Picture, PictureError, frame_attempt, image_attempts};

/// A picture of this size. `luma` gives each pixel.
fn picture(width: usize, height: usize, luma: impl Fn(usize, usize) -> u8) -> Picture {
    let mut picture = Picture::new(width, height).unwrap();
    let pixels: Vec<u8> = (0..width * height).map(|index| luma(index % width, index / width)).collect();
    picture.add_gray(&pixels, width).unwrap();
    picture
}

/// The number of codes that all ways to read a picture find.
fn count(picture: &Picture) -> usize {
    let frames = (0..6).map(frame_attempt);
    let attempts = frames.chain(image_attempts(picture.width(), picture.height()));
    attempts.map(|attempt| picture.read(attempt).len()).sum()
}

#[test]
fn size_of_a_picture_is_bounded() {
    assert_eq!(Picture::new(0, 9).unwrap_err(), PictureError::Empty);
    assert_eq!(Picture::new(9, 0).unwrap_err(), PictureError::Empty);
    assert_eq!(Picture::new(MAX_SIDE + 1, 1).unwrap_err(), PictureError::TooLarge);
    assert_eq!(Picture::new(MAX_SIDE, MAX_SIDE).unwrap_err(), PictureError::TooLarge);
    assert_eq!(Picture::new(usize::MAX, usize::MAX).unwrap_err(), PictureError::TooLarge);
    assert!(Picture::new(MAX_SIDE, 1).is_ok());
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let mut picture = Picture::new(4, 2).unwrap();
    assert_eq!(picture.add_gray(&[0; 6], 3), Err(PictureError::BrokenRow));
    assert_eq!(picture.add_gray(&[0; 6], 0), Err(PictureError::BrokenRow));
    assert_eq!(picture.add_gray(&[0; 6], 5), Err(PictureError::BrokenRow));
    assert_eq!(picture.add_gray(&[0; 12], 4), Err(PictureError::TooManyRows));
    assert_eq!(picture.add_rgba(&[0; 15]), Err(PictureError::BrokenRow));
    assert_eq!(picture.add_rgba(&[0; 48]), Err(PictureError::TooManyRows));
    assert_eq!(picture.add_gray(&[0; 5], 5), Ok(()));
    assert_eq!(picture.add_rgba(&[0; 16]), Ok(()));
    assert_eq!(picture.add_rgba(&[0; 16]), Err(PictureError::TooManyRows));
}

#[test]
fn tiny_and_narrow_pictures_have_no_codes() {
    for (width, height) in [(1, 1), (1, 700), (700, 1), (2, 3), (39, 39), (40, 40), (41, 8)] {
        for value in [0, 128, 255] {
            assert_eq!(count(&picture(width, height, |_, _| value)), 0, "{width} x {height} of {value}");
        }
    }
}

#[test]
fn random_pixels_and_patterns_have_no_codes() {
    let random = |x: usize, y: usize| ((x * 2_654_435_761) ^ (y * 40_503_227)).wrapping_mul(2_246_822_519) as u8;
    assert_eq!(count(&picture(640, 480, random)), 0);
    for period in [2, 3, 5, 8, 14] {
        assert_eq!(count(&picture(640, 480, |x, y| if (x / period + y / period) % 2 == 0 { 0 } else { 255 })), 0);
        assert_eq!(count(&picture(640, 480, |x, _| if (x / period) % 2 == 0 { 0 } else { 255 })), 0);
    }
}

#[test]
fn many_finder_patterns_are_read_in_bounded_steps() {
    /// The side of a finder pattern with a gap, in modules.
    const CELL: usize = 9;
    // 3,000 patterns make 4,500,000,000 groups of three, which would take hours.
    let pattern = |x: usize, y: usize| {
        let (column, row) = (x / 2 % CELL, y / 2 % CELL);
        let ring = column.abs_diff(3).max(row.abs_diff(3));
        if ring <= 1 || ring == 3 { 0 } else { 255 }
    };
    assert_eq!(count(&picture(1_080, 900, pattern)), 0);
}
