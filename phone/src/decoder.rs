//! Finds and decodes the codes in gray pixels, with the crate `rxing`.
//!
//! It calls the steps of rxing's reader itself, because that has no limit for the number of finder patterns: it tries all
//! groups of three, and a picture with many squares would take minutes.

use rxing::Binarizer as _;
use rxing::Luma8LuminanceSource;
use rxing::common::{DetectorRXingResult as _, HybridBinarizer};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR};

use crate::gray::Gray;

/// The maximum number of finder patterns that are grouped. A code has three. The largest ones are taken.
const MAX_PATTERNS: usize = 40;
/// The maximum number of groups that are sampled.
const MAX_GROUPS: usize = 500;
/// The size in pixels of the smallest module that is searched.
const MIN_MODULE: u32 = 1;
/// The maximum number of codes that are returned.
const MAX_CODES: usize = 16;

/// A code in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Code {
    /// The text of the code.
    pub text: String,
    /// The corners of the code without its quiet zone, in pixels of the picture. The first is that of the top left finder
    /// pattern, the others follow clockwise, or counterclockwise in a mirrored code.
    pub corners: [(f32, f32); 4],
}

/// The codes in gray pixels.
pub(crate) fn decode(gray: Gray) -> Vec<Code> {
    let (Ok(width), Ok(height)) = (u32::try_from(gray.width()), u32::try_from(gray.height())) else {
        return Vec::new();
    };
    let Ok(source) = Luma8LuminanceSource::new(gray.into_luma(), width, height) else { return Vec::new() };
    let binarizer = HybridBinarizer::new(source);
    let Ok(matrix) = binarizer.get_black_matrix() else { return Vec::new() };

    let mut patterns = FindFinderPatterns(matrix, true, MIN_MODULE);
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.size));
    patterns.truncate(MAX_PATTERNS);
    let mut codes = Vec::new();
    let mut used = Vec::new();
    for group in GenerateFinderPatternSets(&mut patterns).into_iter().take(MAX_GROUPS) {
        let FinderPatternSet { bl, tl, tr } = group;
        if [bl, tl, tr].iter().any(|pattern| used.contains(pattern)) {
            continue;
        }
        let Ok(sample) = SampleQR(matrix, &group) else { continue };
        let Ok(decoded) = Decode(sample.getBits()) else { continue };
        let [top_left, top_right, bottom_left, bottom_right, ..] = sample.getPoints() else { continue };
        if decoded.isValid() {
            used.extend([bl, tl, tr]);
            codes.push(Code {
                // `to_string` repeats the text of a code that has one alphanumeric segment. The texts of the protocol are in
                // UTF-8; another text needs no exact reading, because it is only compared.
                text: String::from_utf8_lossy(decoded.content().bytes()).into_owned(),
                corners: [top_left, top_right, bottom_right, bottom_left].map(|point| (point.x, point.y)),
            });
        }
        if codes.len() == MAX_CODES {
            break;
        }
    }
    codes
}
