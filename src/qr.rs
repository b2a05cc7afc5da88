//! From text to modules to one SVG path.
//!
//! The symbol itself is made by the `qrcode` crate (ISO/IEC 18004). Here it becomes a path with the quiet zone that the
//! standard asks for, sharp at any size. Deliberately absent: colours and sizes, which belong to whoever shows it.

use std::rc::Rc;

pub use qrcode::EcLevel;
use qrcode::bits::Bits;
use qrcode::{Color, QrCode, Version};

use crate::error::{Error, ErrorCode};
use crate::number::decimal;

/// The width in modules of the light border that a reader needs (ISO/IEC 18004, 6.3.8).
pub const QUIET_ZONE: u16 = 4;

/// The least width of a module in CSS pixels: half a millimetre, which a phone can read from where a person holds it.
pub const LEAST_MODULE: u32 = 2;

/// How a code is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Its width in CSS pixels, quiet zone included.
    pub width: u32,
    /// The address of the picture in its middle.
    pub logo: Option<Rc<str>>,
    /// Whether it is the server's image wherever there is one.
    pub is_image: bool,
}

impl Format {
    /// Draws `text` with an error correction that makes up for the logo.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CodeTooLong`] as [`Drawing::new`], and [`ErrorCode::CodeTooDense`] when a module would be narrower
    /// than [`LEAST_MODULE`].
    pub fn draw(&self, text: &str) -> Result<Drawing, Error> {
        let level = if self.logo.is_some() { EcLevel::Q } else { EcLevel::M };
        let drawing = Drawing::new(text, level)?;
        let least = u32::from(drawing.side) * LEAST_MODULE;
        if self.width >= least {
            return Ok(drawing);
        }
        let (width, least) = (decimal(self.width.into()), decimal(least.into()));
        let message =
            ["in ", &width, " pixels the code would be too dense for a camera: make `size` at least ", &least];
        let message = [&message.concat(), ", or `customData` shorter"].concat();
        Err(Error::new(ErrorCode::CodeTooDense, message))
    }
}

/// A QR code, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// Modules from edge to edge, quiet zone included: the side of the `viewBox`.
    pub side: u16,
    /// The dark modules: the `d` of a `path`.
    pub path: String,
}

impl Drawing {
    /// Draws `text` with an error correction that survives `level`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CodeTooLong`] when no QR code can hold the text: 2,331 bytes at [`EcLevel::M`].
    pub fn new(text: &str, level: EcLevel) -> Result<Self, Error> {
        let modules = Modules::new(text, level)?;
        let mut path = String::new();
        for (y, row) in (QUIET_ZONE..).zip(modules.rows()) {
            let mut x = usize::from(QUIET_ZONE);
            for run in row.chunk_by(|left, right| left == right) {
                if run.first() == Some(&true) {
                    let [x, y, length] = [x, y.into(), run.len()].map(|number| decimal(number as u64));
                    path.extend(["M", &x, " ", &y, "h", &length, "v1h-", &length, "z"]);
                }
                x += run.len();
            }
        }
        Ok(Self { side: modules.side + 2 * QUIET_ZONE, path })
    }
}

/// The modules of a QR code without its quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    /// Modules from edge to edge.
    pub side: u16,
    dark: Vec<bool>,
}

impl Modules {
    /// Encodes `text`.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CodeTooLong`] when no QR code can hold the text.
    pub fn new(text: &str, level: EcLevel) -> Result<Self, Error> {
        let code = encode(text.as_bytes(), level)
            .ok_or_else(|| Error::new(ErrorCode::CodeTooLong, "the text is too long for a QR code"))?;
        Ok(Self {
            side: code.width() as u16,
            dark: code.to_colors().into_iter().map(|color| color == Color::Dark).collect(),
        })
    }

    /// The rows from top to bottom; `true` is dark.
    pub fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.dark.chunks(usize::from(self.side))
    }
}

/// The shortest run that is worth a segment of its own: it costs some 35 bits and saves 2.5 a character.
const WORTHWHILE: usize = 16;

/// Encodes `text` in the smallest symbol that holds it.
///
/// As bytes, but for runs of capitals, digits and their punctuation, which are the two timestamps. The crate's own search
/// for segments makes no sign-in code smaller than that, and is a quarter of an encoder.
fn encode(text: &[u8], level: EcLevel) -> Option<QrCode> {
    (1..=40).find_map(|version| {
        let mut bits = Bits::new(Version::Normal(version));
        push(&mut bits, text)?;
        bits.push_terminator(level).ok()?;
        QrCode::with_bits(bits, level).ok()
    })
}

fn push(bits: &mut Bits, text: &[u8]) -> Option<()> {
    let (mut start, mut at) = (0, 0);
    for run in text.chunk_by(|left, right| is_alphanumeric(*left) == is_alphanumeric(*right)) {
        let end = at + run.len();
        if run.len() >= WORTHWHILE && is_alphanumeric(*run.first()?) {
            bits.push_byte_data(text.get(start..at)?).ok()?;
            bits.push_alphanumeric_data(run).ok()?;
            start = end;
        }
        at = end;
    }
    bits.push_byte_data(text.get(start..)?).ok()
}

/// Whether alphanumeric mode has the character (ISO/IEC 18004, 7.4.4).
fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" $%*+-./:".contains(&byte)
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    /// Paints the path as a person would see it, `scale` pixels a module.
    fn paint(drawing: &Drawing, scale: usize) -> (usize, Vec<u8>) {
        let side = usize::from(drawing.side) * scale;
        let mut pixels = vec![255; side * side];
        for run in drawing.path.split('M').skip(1) {
            let numbers: Vec<usize> =
                run.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
            let (x, y, length) = (numbers[0], numbers[1], numbers[2]);
            for row in y * scale..(y + 1) * scale {
                pixels[row * side + x * scale..row * side + (x + length) * scale].fill(0);
            }
        }
        (side, pixels)
    }

    fn decode(drawing: &Drawing) -> String {
        let (side, pixels) = paint(drawing, 3);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| pixels[y * side + x]);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn an_independent_decoder_reads_the_path_back() {
        let texts = ["a".to_owned(), "人 \"quoted\" <b>".to_owned(), "x".repeat(600)];
        for text in texts {
            for level in [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H] {
                assert_eq!(decode(&Drawing::new(&text, level).unwrap()), text);
            }
        }
    }

    #[test]
    fn a_sign_in_code_is_no_larger_than_the_crates_own_search_makes_it() {
        for length in 22..50 {
            let random = "k".repeat(length);
            let text = format!(
                r#"{{"scene":"APP_AUTH","random":"{random}","userPoolId":"5e04ae0d5f3cee22fb37612b","createdAt":"2019-12-27T11:53:41.260Z","expireAt":"2019-12-27T11:55:41.260Z"}}"#
            );
            let best = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap();
            assert!(usize::from(Modules::new(&text, EcLevel::M).unwrap().side) <= best.width(), "{length}");
            assert_eq!(decode(&Drawing::new(&text, EcLevel::M).unwrap()), text);
        }
    }

    #[test]
    fn four_light_modules_surround_the_code() {
        let drawing = Drawing::new("quiet", EcLevel::M).unwrap();
        let (side, pixels) = paint(&drawing, 1);
        let is_border = |at: usize| at < 4 || at >= side - 4;
        for y in 0..side {
            for x in 0..side {
                assert!(!(is_border(x) || is_border(y)) || pixels[y * side + x] == 255, "{x},{y}");
            }
        }
        assert_eq!(pixels[4 * side + 4], 0, "the finder pattern starts right behind the quiet zone");
    }

    #[test]
    fn a_code_that_is_too_dense_for_its_size_is_an_error_that_says_what_size_it_needs() {
        let format = |width, logo| Format { width, logo, is_image: false };
        // 200 bytes: 57 modules and the quiet zone; with a logo 65.
        let text = "x".repeat(200);
        assert_eq!(format(130, None).draw(&text).unwrap(), Drawing::new(&text, EcLevel::M).unwrap());
        let error = format(129, None).draw(&text).unwrap_err();
        assert_eq!(error.code, ErrorCode::CodeTooDense);
        assert!(error.message.contains("in 129 pixels") && error.message.contains("at least 130"), "{}", error.message);
        let logo = Some("/logo.svg".into());
        assert_eq!(format(146, logo.clone()).draw(&text).unwrap(), Drawing::new(&text, EcLevel::Q).unwrap());
        assert_eq!(format(145, logo).draw(&text).unwrap_err().code, ErrorCode::CodeTooDense);
    }

    #[test]
    fn a_text_that_no_code_can_hold_is_an_error() {
        let error = Drawing::new(&"x".repeat(2_332), EcLevel::M).unwrap_err();
        assert_eq!(error.code, ErrorCode::CodeTooLong);
        assert!(Drawing::new(&"x".repeat(2_331), EcLevel::M).is_ok());
    }
}
