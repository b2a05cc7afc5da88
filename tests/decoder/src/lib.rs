//! Decodes QR codes in pictures, independently of the crate that draws them.
//!
//! It is a separate crate because its loops over pixels are compiled with optimization. The tests that use it are not,
//! so that they compile faster.

mod gray;
mod picture;

use anyhow::{Context as _, Result, bail};
use resize::Type::{Catrom, Triangle};
use rqrr::{Grid, PreparedImage};

use self::gray::GrayPicture;
pub use self::picture::Picture;

/// The scales at which a picture is decoded, until its code is found. The first is the cheapest and finds nearly all
/// codes. At each scale, the decoder misses some codes.
const SCALES: [usize; 3] = [1, 2, 3];

/// A QR code in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The text of the code.
    pub text: String,
    /// Its corners without the quiet zone, in pixels from the left and from the top. They are in the order top left, top
    /// right, bottom right, bottom left of the code.
    pub corners: [[f64; 2]; 4],
}

/// Decodes the only QR code in a PNG.
pub fn decode(png: &[u8]) -> Result<String> {
    decode_picture(&Picture::from_png(png)?)
}

/// Decodes the only QR code in a picture.
pub fn decode_picture(picture: &Picture) -> Result<String> {
    Ok(find(picture)?.text)
}

/// Decodes the only QR code in a picture, and finds its place.
pub fn find(picture: &Picture) -> Result<Code> {
    let gray = GrayPicture::from(picture);
    let [first, others @ ..] = SCALES;
    others.iter().fold(find_enlarged(&gray, first), |found, scale| found.or_else(|_| find_enlarged(&gray, *scale)))
}

fn find_enlarged(picture: &GrayPicture, scale: usize) -> Result<Code> {
    // With hard edges, the decoder misses one code in fifty, at all scales.
    let mut code =
        find_one(&picture.with_hard_edges(scale)).or_else(|_| find_one(&picture.with_soft_edges(scale, Catrom)?))?;
    for coordinate in code.corners.as_flattened_mut() {
        *coordinate /= scale as f64;
    }
    Ok(code)
}

fn find_one(picture: &GrayPicture) -> Result<Code> {
    let mut codes = find_codes(picture);
    let count = codes.len();
    match (codes.pop(), count) {
        (Some(code), 1) => code,
        _ => bail!("there are {count} codes in the picture"),
    }
}

/// The number of QR codes in a picture that can be decoded, at the scale at which most are found.
pub fn count_codes(picture: &Picture) -> Result<usize> {
    let gray = GrayPicture::from(picture);
    let mut max = 0;
    for scale in SCALES {
        // A blurred picture needs soft edges.
        let codes = find_codes(&gray.with_soft_edges(scale, Triangle)?);
        max = max.max(codes.iter().filter(|code| code.is_ok()).count());
    }
    Ok(max)
}

/// Each code that the decoder finds, or the error of the decoder.
fn find_codes(picture: &GrayPicture) -> Vec<Result<Code>> {
    let (width, height) = (picture.width(), picture.height());
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.pixel(x, y));
    let read = |grid: Grid<_>| {
        let (_, text) = grid.decode().context("the code in the picture can't be decoded")?;
        Ok(Code { text, corners: grid.bounds.map(|point| [f64::from(point.x), f64::from(point.y)]) })
    };
    prepared.detect_grids().into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_missed_with_hard_edges_is_decoded_with_soft_edges() {
        let png = include_bytes!("hard_to_read.png");
        let picture = GrayPicture::from(&Picture::from_png(png).unwrap());
        assert!(SCALES.iter().all(|scale| find_one(&picture.with_hard_edges(*scale)).is_err()));
        assert!(decode(png).unwrap().contains("APP_AUTH"));
    }
}
