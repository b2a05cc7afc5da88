//! Reads QR codes in pictures, with a decoder that knows nothing of scanlogin.
//!
//! A crate of its own because its loops over pixels need optimization, which would make the tests that use them slow to
//! compile.

mod gray;
mod picture;

use anyhow::{Context as _, Result, bail};
use resize::Type::{Catrom, Triangle};
use rqrr::{Grid, PreparedImage};

use self::gray::GrayPicture;
pub use self::picture::Picture;

/// By how much a picture is enlarged until its code is found. The first is the cheapest, and reads nearly every code; at each
/// scale the decoder overlooks one code or another.
const SCALES: [usize; 3] = [1, 2, 3];

/// Reads the one QR code in a PNG.
pub fn decode(png: &[u8]) -> Result<String> {
    decode_picture(&Picture::from_png(png)?)
}

/// Reads the one QR code in a picture.
pub fn decode_picture(picture: &Picture) -> Result<String> {
    let gray = GrayPicture::from(picture);
    let [first, others @ ..] = SCALES;
    others.iter().fold(decode_enlarged(&gray, first), |read, scale| read.or_else(|_| decode_enlarged(&gray, *scale)))
}

fn decode_enlarged(picture: &GrayPicture, scale: usize) -> Result<String> {
    // Among hard edges the decoder overlooks one code in fifty, at all scales alike.
    decode_one(&picture.with_hard_edges(scale)).or_else(|_| decode_one(&picture.with_soft_edges(scale, Catrom)?))
}

fn decode_one(picture: &GrayPicture) -> Result<String> {
    let mut codes = find_codes(picture);
    let count = codes.len();
    match (codes.pop(), count) {
        (Some(code), 1) => code,
        _ => bail!("there are {count} codes in the picture"),
    }
}

/// How many QR codes can be read in a picture, at the scale at which most are found.
pub fn count_codes(picture: &Picture) -> Result<usize> {
    let gray = GrayPicture::from(picture);
    let mut most = 0;
    for scale in SCALES {
        // A blurred picture needs soft edges.
        let codes = find_codes(&gray.with_soft_edges(scale, Triangle)?);
        most = most.max(codes.iter().filter(|code| code.is_ok()).count());
    }
    Ok(most)
}

/// The text of each code that the decoder finds, or why it can't be read.
fn find_codes(picture: &GrayPicture) -> Vec<Result<String>> {
    let (width, height) = (picture.width(), picture.height());
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| picture.pixel(x, y));
    let read = |grid: Grid<_>| Ok(grid.decode().context("the code in the picture can't be read")?.1);
    prepared.detect_grids().into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_the_decoder_overlooks_among_hard_edges_is_read() {
        let png = include_bytes!("hard_to_read.png");
        let picture = GrayPicture::from(&Picture::from_png(png).unwrap());
        assert!(SCALES.iter().all(|scale| decode_one(&picture.with_hard_edges(*scale)).is_err()));
        assert!(decode(png).unwrap().contains("APP_AUTH"));
    }
}
