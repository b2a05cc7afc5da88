//! How a picture is read: at which scale, which part of it, and as dark on light or light on dark.
//!
//! A code is missed at one scale and found at another: noise and the pixels of a screen disappear when a picture is scaled
//! down, and small modules are found when it is scaled up.

use crate::decoder::{Code, decode};
use crate::gray::Gray;

/// The width of the white border in pixels. It replaces a quiet zone that the edge of an image has cut off.
const BORDER: usize = 16;
/// The longest side at which an image is read first, in pixels.
const FIRST_SIDE: usize = 2048;
/// The longest side below which an image is not scaled down further, in pixels.
const MIN_SIDE: usize = 320;

/// One way to read a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    scale: Scale,
    region: Region,
    colors: Colors,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Doubled,
    /// Halved this many times.
    Halved(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Region {
    Whole,
    /// The middle half of each side.
    Center,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colors {
    DarkOnLight,
    LightOnDark,
}

impl Attempt {
    const fn whole(scale: Scale) -> Self {
        Self { scale, region: Region::Whole, colors: Colors::DarkOnLight }
    }

    const fn inverted(scale: Scale) -> Self {
        Self { scale, region: Region::Whole, colors: Colors::LightOnDark }
    }

    /// Reads the codes in a picture. Their corners are in pixels of the picture.
    pub(crate) fn read(self, picture: Gray) -> Vec<Code> {
        let ((left, top), part) = match self.region {
            Region::Whole => ((0, 0), picture),
            Region::Center => {
                let (left, top) = (picture.width() / 4, picture.height() / 4);
                ((left, top), picture.part(left, top, picture.width().div_ceil(2), picture.height().div_ceil(2)))
            }
        };
        let (scaled, factor) = match self.scale {
            Scale::Doubled => (part.doubled(), 0.5),
            Scale::Halved(times) => ((0..times).fold(part, |part, _| part.halved()), (1u32 << times) as f32),
        };
        let colored = match self.colors {
            Colors::DarkOnLight => scaled,
            Colors::LightOnDark => scaled.inverted(),
        };
        let mut codes = decode(colored.stretched().with_border(BORDER));
        for (x, y) in codes.iter_mut().flat_map(|code| &mut code.corners) {
            *x = (*x - BORDER as f32) * factor + left as f32;
            *y = (*y - BORDER as f32) * factor + top as f32;
        }
        codes
    }
}

/// How to read the frame of a camera with this number. All ways take turns, since the next frame shows the same code.
pub fn frame_attempt(number: u32) -> Attempt {
    const CENTER: Attempt = Attempt { scale: Scale::Doubled, region: Region::Center, colors: Colors::DarkOnLight };
    match number % 6 {
        0 | 3 => Attempt::whole(Scale::Halved(0)),
        1 | 4 => Attempt::whole(Scale::Halved(1)),
        2 => CENTER,
        _ => Attempt::inverted(Scale::Halved(1)),
    }
}

/// How to read an image of this size, beginning with the way that is most likely to find a code soon.
pub fn image_attempts(width: usize, height: usize) -> Vec<Attempt> {
    let longest = width.max(height);
    let halved = |times: &u32| longest >> times;
    let first = (0..).find(|times| halved(times) <= FIRST_SIDE).unwrap_or_default();
    let smaller = (first + 1..).take_while(|times| halved(times) >= MIN_SIDE);
    let larger = (0..first).rev();
    let mut scales = vec![Scale::Halved(first)];
    scales.extend(smaller.take(1).chain(larger).map(Scale::Halved));
    if first == 0 {
        scales.push(Scale::Doubled);
    }
    scales.extend((first + 2..).take_while(|times| halved(times) >= MIN_SIDE).map(Scale::Halved));
    let inverted = scales.iter().take(2).map(|scale| Attempt::inverted(*scale)).collect::<Vec<_>>();
    scales.into_iter().map(Attempt::whole).chain(inverted).collect()
}
