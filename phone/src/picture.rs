//! The picture in which codes are read, as it arrives from JavaScript.

use crate::attempt::Attempt;
use crate::decoder::Code;
use crate::gray::Gray;

/// The maximum width and height of a picture in pixels.
pub const MAX_SIDE: usize = 8192;
/// The maximum number of pixels of a picture.
pub const MAX_PIXELS: usize = 24_000_000;
/// The bytes of a pixel in red, green, blue and opacity.
const RGBA: usize = 4;

/// Why pixels are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureError {
    /// The width or the height is 0.
    Empty,
    /// More than [`MAX_SIDE`] or [`MAX_PIXELS`].
    TooLarge,
    /// The bytes are not whole rows, or a row is longer than the distance to the next one.
    BrokenRow,
    /// More rows than the height.
    TooManyRows,
}

impl PictureError {
    /// A sentence for the developer of the page.
    pub fn message(self) -> &'static str {
        match self {
            Self::Empty => "`width` and `height` must be at least 1",
            Self::TooLarge => "`width` and `height` must be at most 8192, and the picture at most 24,000,000 pixels",
            Self::BrokenRow => "`pixels` must be whole rows of `width` pixels",
            Self::TooManyRows => "`pixels` has more rows than the picture",
        }
    }
}

/// A picture in gray. It is created without pixels, and rows are added from the top. Missing rows are white.
#[derive(Debug, Clone)]
pub struct Picture {
    width: usize,
    height: usize,
    /// Row by row.
    luma: Vec<u8>,
}

impl Picture {
    /// Creates a picture without pixels.
    ///
    /// # Errors
    ///
    /// If the size is not allowed.
    pub fn new(width: usize, height: usize) -> Result<Self, PictureError> {
        if width == 0 || height == 0 {
            return Err(PictureError::Empty);
        }
        if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
            return Err(PictureError::TooLarge);
        }
        Ok(Self { width, height, luma: Vec::with_capacity(width * height) })
    }

    /// The width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Adds rows of gray values. `stride` is the distance between the beginnings of two rows.
    ///
    /// # Errors
    ///
    /// If the rows do not fit. Then the picture is unchanged.
    pub fn add_gray(&mut self, pixels: &[u8], stride: usize) -> Result<(), PictureError> {
        if stride < self.width || !pixels.len().is_multiple_of(stride) {
            return Err(PictureError::BrokenRow);
        }
        self.check_rows(pixels.len() / stride)?;
        for row in pixels.chunks_exact(stride) {
            self.luma.extend(row.iter().take(self.width));
        }
        Ok(())
    }

    /// Adds rows of pixels in red, green, blue and opacity, which is ignored.
    ///
    /// # Errors
    ///
    /// If the rows do not fit. Then the picture is unchanged.
    pub fn add_rgba(&mut self, pixels: &[u8]) -> Result<(), PictureError> {
        let row = self.width * RGBA;
        if !pixels.len().is_multiple_of(row) {
            return Err(PictureError::BrokenRow);
        }
        self.check_rows(pixels.len() / row)?;
        let (pixels, _) = pixels.as_chunks::<RGBA>();
        // The weights of ITU-R BT.601, of 256.
        let luma = |[red, green, blue, _]: &[u8; RGBA]| {
            ((77 * u32::from(*red) + 150 * u32::from(*green) + 29 * u32::from(*blue)) >> 8) as u8
        };
        self.luma.extend(pixels.iter().map(luma));
        Ok(())
    }

    /// Reads the codes.
    pub fn read(&self, attempt: Attempt) -> Vec<Code> {
        let mut luma = self.luma.clone();
        luma.resize(self.width * self.height, u8::MAX);
        attempt.read(Gray::new(self.width, self.height, luma))
    }

    fn check_rows(&self, rows: usize) -> Result<(), PictureError> {
        if self.luma.len() + rows * self.width > self.width * self.height {
            return Err(PictureError::TooManyRows);
        }
        Ok(())
    }
}
