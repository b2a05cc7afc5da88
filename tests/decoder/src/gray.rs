use anyhow::Result;
use resize::Type;
use rgb::Gray;

use crate::Picture;

/// The brightness of each pixel of a picture.
#[derive(Clone)]
pub(crate) struct GrayPicture {
    width: usize,
    height: usize,
    /// Row by row, from the top.
    pixels: Vec<Gray<u8>>,
}

impl From<&Picture> for GrayPicture {
    /// Computes the brightness with the weights of ITU-R BT.601.
    fn from(picture: &Picture) -> Self {
        let luma = |[red, green, blue]: &[u8; 3]| {
            let [red, green, blue] = [*red, *green, *blue].map(u32::from);
            Gray::new(((299 * red + 587 * green + 114 * blue) / 1000) as u8)
        };
        Self { width: picture.width(), height: picture.height(), pixels: picture.pixels().iter().map(luma).collect() }
    }
}

impl GrayPicture {
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    /// The brightness at `x` from the left and `y` from the top. White outside the picture.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> u8 {
        self.pixels.get(y * self.width + x).map_or(u8::MAX, |pixel| pixel.value())
    }

    /// Enlarges the picture by repeating its pixels. A resampling filter has the same result, but takes as long as half
    /// of the decoding.
    pub(crate) fn with_hard_edges(&self, scale: usize) -> Self {
        let (width, height) = (self.width * scale, self.height * scale);
        let positions = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = positions.map(|(x, y)| Gray::new(self.pixel(x / scale, y / scale))).collect();
        Self { width, height, pixels }
    }

    /// Enlarges the picture with a resampling filter.
    pub(crate) fn with_soft_edges(&self, scale: usize, filter: Type) -> Result<Self> {
        let (width, height) = (self.width * scale, self.height * scale);
        let mut pixels = vec![Gray::new(0); width * height];
        let mut resizer = resize::new(self.width, self.height, width, height, resize::Pixel::Gray8, filter)?;
        resizer.resize(&self.pixels, &mut pixels)?;
        Ok(Self { width, height, pixels })
    }
}
