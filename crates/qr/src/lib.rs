//! QR codes: from text to modules, and from modules to bits, an SVG path ([`svg`]) or a PNG (`png`).
//!
//! The crate `qrcode` (ISO/IEC 18004) encodes the text, and places and masks the modules. This crate adds the choice of
//! version and level, the error correction (`error_correction`), and a check of the colours ([`contrast`]).

// The macros and methods in clippy.toml add code for formatting to the wasm (docs/decisions/0050).
#![cfg_attr(all(target_arch = "wasm32", not(test)), warn(clippy::disallowed_macros, clippy::disallowed_methods))]

pub mod contrast;
mod error_correction;
#[cfg(feature = "png")]
pub mod png;
pub mod svg;

use core::fmt;

pub use qrcode::Color;
use qrcode::bits::Bits;
use qrcode::canvas::{Canvas, Module};
use qrcode::{EcLevel, Version};

use crate::error_correction::interleave;

/// The width of the quiet zone, the light border that a reader needs, in modules (ISO/IEC 18004, 6.3.8).
pub const QUIET_ZONE: u16 = 4;

/// The minimum width of a module in CSS pixels. Two are half a millimetre, which a phone can read at arm's length.
pub const MIN_MODULE_PX: u32 = 2;

/// The level of error correction: the share of the codewords that a reader can restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// About 7 %.
    L,
    /// About 15 %.
    M,
    /// About 25 %.
    Q,
    /// About 30 %.
    H,
}

impl Level {
    /// From the highest to the lowest.
    const ALL: [Self; 4] = [Self::H, Self::Q, Self::M, Self::L];

    /// The number of blocks that the codewords of a version are divided into (ISO/IEC 18004, table 9).
    fn blocks(self, version: Version) -> usize {
        // Indexed by version. Versions start at 1.
        const L: [u8; 41] = [
            0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17,
            18, 19, 19, 20, 21, 22, 24, 25,
        ];
        const M: [u8; 41] = [
            0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28,
            29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
        ];
        const Q: [u8; 41] = [
            0, 1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38,
            40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68,
        ];
        const H: [u8; 41] = [
            0, 1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42,
            45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81,
        ];
        let (Version::Normal(version) | Version::Micro(version)) = version;
        let table = match self {
            Self::L => &L,
            Self::M => &M,
            Self::Q => &Q,
            Self::H => &H,
        };
        table.get(version as usize).map_or(1, |blocks| (*blocks).into())
    }
}

impl From<Level> for EcLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::L => Self::L,
            Level::M => Self::M,
            Level::Q => Self::Q,
            Level::H => Self::H,
        }
    }
}

/// The text is longer than the capacity of the largest QR code: 2,953 bytes at [`Level::L`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextTooLong;

impl fmt::Display for TextTooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the text is too long for a QR code")
    }
}

impl core::error::Error for TextTooLong {}

/// The modules of a QR code without its quiet zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Modules {
    /// The width and height in modules.
    pub side: u16,
    colors: Vec<Color>,
}

impl Modules {
    /// Encodes `text` in the smallest version that can hold it with the error correction `lowest`. Uses the highest level
    /// that fits this version: fewer modules are wider, and the higher level costs nothing.
    ///
    /// # Errors
    ///
    /// [`TextTooLong`] when no QR code can hold the text.
    pub fn new(text: &str, lowest: Level) -> Result<Self, TextTooLong> {
        let Encoded { version, level, data } = encode(text.as_bytes(), lowest).ok_or(TextTooLong)?;
        Ok(Self { side: version.width() as u16, colors: symbol(version, level, &data) })
    }

    /// Reads what [`Self::to_bits`] returns. `None` if the bits have no side of a QR code, or bits after the last module.
    pub fn from_bits(bits: &[u8]) -> Option<Self> {
        let side =
            (1..=40).map(|version| 17 + 4 * version).find(|side: &usize| bits.len() == (side * side).div_ceil(8))?;
        let mut colors = bits
            .iter()
            .flat_map(|byte| (0..8).map(move |bit| if byte << bit & 0x80 == 0 { Color::Light } else { Color::Dark }));
        let modules = colors.by_ref().take(side * side).collect();
        colors.all(|color| color == Color::Light).then_some(Self { side: side as u16, colors: modules })
    }

    /// The modules row by row, one bit each, 1 for dark. The most significant bit comes first. The last byte ends with zeros.
    pub fn to_bits(&self) -> Vec<u8> {
        let byte = |modules: &[Color]| {
            modules.iter().zip((0..8).rev()).fold(0, |byte, (color, bit)| byte | u8::from(*color == Color::Dark) << bit)
        };
        self.colors.chunks(8).map(byte).collect()
    }

    /// The rows from top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = &[Color]> {
        self.colors.chunks(usize::from(self.side))
    }
}

/// The minimum length of a run that gets an alphanumeric segment. A segment costs about 35 bits and saves 2.5 bits for
/// each character.
const MIN_ALPHANUMERIC_RUN: usize = 16;

/// A text as codewords of data.
struct Encoded {
    version: Version,
    level: Level,
    data: Vec<u8>,
}

/// Encodes `text`: see [`Modules::new`].
///
/// Runs of at least [`MIN_ALPHANUMERIC_RUN`] alphanumeric characters, such as the two timestamps, are in alphanumeric mode. All
/// else is in byte mode. The segment search of `qrcode` makes no sign-in code smaller, and is a quarter of its encoder
/// (docs/decisions/0051).
fn encode(text: &[u8], lowest: Level) -> Option<Encoded> {
    for version in (1..41).map(Version::Normal) {
        for level in Level::ALL.into_iter().filter(|level| *level >= lowest) {
            let mut bits = Bits::new(version);
            if push(&mut bits, text).is_some() && bits.push_terminator(level.into()).is_ok() {
                return Some(Encoded { version, level, data: bits.into_bytes() });
            }
        }
    }
    None
}

fn push(bits: &mut Bits, text: &[u8]) -> Option<()> {
    let (mut start, mut at) = (0, 0);
    for run in text.chunk_by(|left, right| is_alphanumeric(*left) == is_alphanumeric(*right)) {
        let end = at + run.len();
        if run.len() >= MIN_ALPHANUMERIC_RUN && is_alphanumeric(*run.first()?) {
            bits.push_byte_data(text.get(start..at)?).ok()?;
            bits.push_alphanumeric_data(run).ok()?;
            start = end;
        }
        at = end;
    }
    bits.push_byte_data(text.get(start..)?).ok()
}

/// Whether alphanumeric mode can encode the character (ISO/IEC 18004, 7.4.4).
fn is_alphanumeric(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' ' | b'$' | b'%' | b'*' | b'+' | b'-' | b'.' | b'/' | b':')
}

/// Places `data` and its error correction in a symbol and masks it.
fn symbol(version: Version, level: Level, data: &[u8]) -> Vec<Color> {
    let width = version.width();
    let mut canvas = Canvas::new(version, level.into());
    canvas.draw_all_functional_patterns();
    let mut free = 0;
    for at in 0..width * width {
        if canvas.get(at % width, at / width) == Module::Empty {
            free += 1;
        }
    }
    let (data, corrections) = interleave(data, free / 8, level.blocks(version));
    canvas.draw_data(&data, &corrections);
    canvas.apply_best_mask().into_colors()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::QrCode;

    /// Renders the path in grayscale with `scale` pixels per module. Returns the side in pixels, and the pixels.
    fn paint(modules: &Modules, scale: usize) -> (usize, Vec<u8>) {
        let side = usize::from(svg::side(modules)) * scale;
        let mut pixels = vec![255; side * side];
        for run in svg::path(modules).split('M').skip(1) {
            let numbers: Vec<usize> =
                run.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
            let (x, y, length) = (numbers[0], numbers[1], numbers[2]);
            for row in y * scale..(y + 1) * scale {
                pixels[row * side + x * scale..row * side + (x + length) * scale].fill(0);
            }
        }
        (side, pixels)
    }

    fn decode(modules: &Modules) -> String {
        let (side, pixels) = paint(modules, 3);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| pixels[y * side + x]);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn independent_decoder_reads_the_text_of_a_path() {
        let texts = ["a".to_owned(), "人 \"quoted\" <b>".to_owned(), "x".repeat(600)];
        for text in texts {
            for level in Level::ALL {
                assert_eq!(decode(&Modules::new(&text, level).unwrap()), text);
            }
        }
    }

    #[test]
    fn version_is_the_smallest_for_the_lowest_level_and_the_level_is_the_highest_for_this_version() {
        for length in (1..400).step_by(19) {
            let text = "x".repeat(length);
            for lowest in Level::ALL {
                let encoded = encode(text.as_bytes(), lowest).unwrap();
                let version =
                    |level: Level| QrCode::with_error_correction_level(&text, level.into()).unwrap().version();
                assert_eq!(encoded.version, version(lowest), "{length} {lowest:?}");
                let highest = Level::ALL.into_iter().find(|level| version(*level) == encoded.version);
                assert_eq!(Some(encoded.level), highest, "{length} {lowest:?}");
            }
        }
    }

    #[test]
    fn bits_are_rows_of_modules_with_the_most_significant_bit_first() {
        let modules = Modules::new("bits", Level::L).unwrap();
        let bits = modules.to_bits();
        assert_eq!((modules.side, bits.len()), (21, 56));
        // The upper edges of two finder patterns, and the separator of the first.
        assert_eq!((bits[0], bits[1] & 3, bits[2] >> 3), (0b1111_1110, 0b11, 0b1_1111));
        for length in [1, 100, 1_000] {
            let modules = Modules::new(&"x".repeat(length), Level::L).unwrap();
            assert_eq!(Modules::from_bits(&modules.to_bits()), Some(modules));
        }
    }

    #[test]
    fn bits_of_another_length_or_with_a_padding_other_than_zero_are_none() {
        let bits = Modules::new("bits", Level::L).unwrap().to_bits();
        assert_eq!(Modules::from_bits(&bits[1..]), None);
        assert_eq!(Modules::from_bits(&[]), None);
        let mut padded = bits;
        *padded.last_mut().unwrap() |= 1;
        assert_eq!(Modules::from_bits(&padded), None);
    }

    #[test]
    fn sign_in_code_is_no_larger_than_with_the_segment_search_of_qrcode() {
        for length in 22..50 {
            let random = "k".repeat(length);
            let text = format!(
                r#"{{"scene":"APP_AUTH","random":"{random}","userPoolId":"5e04ae0d5f3cee22fb37612b","createdAt":"2019-12-27T11:53:41.260Z","expireAt":"2019-12-27T11:55:41.260Z"}}"#
            );
            let best = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap();
            assert!(usize::from(Modules::new(&text, Level::M).unwrap().side) <= best.width(), "{length}");
            assert_eq!(decode(&Modules::new(&text, Level::M).unwrap()), text);
        }
    }

    #[test]
    fn symbol_equals_that_of_qrcode_in_every_version() {
        let text: Vec<u8> = (0..3_000_u32).map(|n| (n * n / 7) as u8).collect();
        for version in (1..=40).map(Version::Normal) {
            for level in Level::ALL {
                let bits = || {
                    let mut bits = Bits::new(version);
                    let most = bits.max_len(level.into()).unwrap() / 8 - 3;
                    bits.push_byte_data(&text[..most]).unwrap();
                    bits.push_terminator(level.into()).unwrap();
                    bits
                };
                let theirs = QrCode::with_bits(bits(), level.into()).unwrap().into_colors();
                assert!(symbol(version, level, &bits().into_bytes()) == theirs, "{version:?} {level:?} {text:?}");
            }
        }
    }

    #[test]
    fn quiet_zone_has_four_light_modules() {
        let (side, pixels) = paint(&Modules::new("quiet", Level::M).unwrap(), 1);
        let is_border = |at: usize| at < 4 || at >= side - 4;
        for y in 0..side {
            for x in 0..side {
                assert!(!(is_border(x) || is_border(y)) || pixels[y * side + x] == 255, "{x},{y}");
            }
        }
        assert_eq!(pixels[4 * side + 4], 0, "the finder pattern starts next to the quiet zone");
    }

    #[test]
    fn text_longer_than_2953_bytes_is_an_error_at_level_l() {
        assert_eq!(Modules::new(&"x".repeat(2_954), Level::L), Err(TextTooLong));
        assert!(Modules::new(&"x".repeat(2_953), Level::L).is_ok());
    }
}
