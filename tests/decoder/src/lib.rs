//! Reads QR codes in pictures, with a decoder that knows nothing of scanlogin.
//!
//! A crate of its own because its loops over pixels need optimization, which would make the tests that use them slow to
//! compile.

use anyhow::{Context as _, Result, bail};
use image::imageops::{FilterType, crop_imm, resize};
use image::{DynamicImage, GrayImage};
use rqrr::PreparedImage;

/// How many times a picture is enlarged until its codes are found. The first is the cheapest, and reads nearly every code;
/// at each scale the decoder overlooks one code or another.
const SCALES: [u32; 3] = [1, 2, 3];

/// Decodes a PNG to grayscale.
pub fn read_picture(png: &[u8]) -> Result<GrayImage> {
    Ok(image::load_from_memory(png)?.into_luma8())
}

/// Copies a part of a picture.
pub fn crop(picture: &GrayImage, x: u32, y: u32, width: u32, height: u32) -> GrayImage {
    crop_imm(picture, x, y, width, height).to_image()
}

/// Reads the one QR code in a PNG.
pub fn decode(png: &[u8]) -> Result<String> {
    decode_picture(&read_picture(png)?)
}

/// Reads the one QR code in a picture.
pub fn decode_picture(picture: &GrayImage) -> Result<String> {
    let [first, others @ ..] = SCALES;
    others
        .iter()
        .fold(decode_enlarged(picture, first), |read, scale| read.or_else(|_| decode_enlarged(picture, *scale)))
}

fn decode_enlarged(picture: &GrayImage, scale: u32) -> Result<String> {
    // Among hard edges the decoder overlooks one code in fifty, at all scales alike.
    decode_one(with_hard_edges(picture, scale)).or_else(|_| decode_one(with_soft_edges(picture, scale)))
}

/// Repeats every pixel. A resampling filter would give the same, and take half of the time of decoding.
fn with_hard_edges(picture: &GrayImage, scale: u32) -> GrayImage {
    GrayImage::from_fn(picture.width() * scale, picture.height() * scale, |x, y| {
        *picture.get_pixel(x / scale, y / scale)
    })
}

fn with_soft_edges(picture: &GrayImage, scale: u32) -> GrayImage {
    resize(picture, picture.width() * scale, picture.height() * scale, FilterType::CatmullRom)
}

fn decode_one(picture: GrayImage) -> Result<String> {
    let mut prepared = PreparedImage::prepare(picture);
    let grids = prepared.detect_grids();
    let [grid] = &grids[..] else { bail!("there are {} codes in the picture", grids.len()) };
    let (_, text) = grid.decode().context("the code in the picture can't be read")?;
    Ok(text)
}

/// How many QR codes can be read in a picture, at the scale at which most are found.
pub fn count_codes(picture: &DynamicImage) -> usize {
    let count = |scale| {
        // A blurred picture needs soft edges.
        let (width, height) = (picture.width() * scale, picture.height() * scale);
        let picture = picture.resize(width, height, FilterType::Triangle).into_luma8();
        let mut prepared = PreparedImage::prepare(picture);
        prepared.detect_grids().iter().filter(|grid| grid.decode().is_ok()).count()
    };
    SCALES.map(count).into_iter().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_the_decoder_overlooks_among_hard_edges_is_read() {
        let png = include_bytes!("hard_to_read.png");
        let picture = read_picture(png).unwrap();
        assert!(SCALES.iter().all(|scale| decode_one(with_hard_edges(&picture, *scale)).is_err()));
        assert!(decode(png).unwrap().contains("APP_AUTH"));
    }
}
