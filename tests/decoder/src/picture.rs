use anyhow::{Context as _, Result, bail};
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Transformations};

/// A picture of pixels in red, green and blue, without transparency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// All rows from the top.
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Creates a picture by calling `pixel` with the coordinates of each pixel, from the left and from the top.
    pub fn from_fn(width: usize, height: usize, mut pixel: impl FnMut(usize, usize) -> [u8; 3]) -> Self {
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            pixels.extend((0..width).map(|x| pixel(x, y)));
        }
        Self { width, height, pixels }
    }

    /// Reads a PNG. Transparency is ignored.
    pub fn from_png(png: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::new(std::io::Cursor::new(png));
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("the picture is too large")?];
        let frame = reader.next_frame(&mut bytes)?;
        bytes.truncate(frame.buffer_size());
        let pixels = match frame.color_type {
            ColorType::Grayscale => bytes.iter().map(|gray| [*gray; 3]).collect(),
            ColorType::GrayscaleAlpha => bytes.as_chunks::<2>().0.iter().map(|[gray, _]| [*gray; 3]).collect(),
            ColorType::Rgb => bytes.as_chunks::<3>().0.to_vec(),
            ColorType::Rgba => {
                bytes.as_chunks::<4>().0.iter().map(|[red, green, blue, _]| [*red, *green, *blue]).collect()
            }
            ColorType::Indexed => bail!("the palette of the picture was not expanded"),
        };
        Ok(Self { width: frame.width as usize, height: frame.height as usize, pixels })
    }

    /// Writes a PNG quickly.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.compress(Compression::Fast)
    }

    /// Writes a small PNG, which takes longer.
    pub fn to_small_png(&self) -> Result<Vec<u8>> {
        self.compress(Compression::High)
    }

    fn compress(&self, compression: Compression) -> Result<Vec<u8>> {
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(compression);
        encoder.write_header()?.write_image_data(self.pixels.as_flattened())?;
        Ok(png)
    }

    /// Copies a part of the picture. The part is limited to the picture.
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let (width, height) = (width.min(self.width - x), height.min(self.height - y));
        let mut pixels = Vec::with_capacity(width * height);
        for row in self.pixels.chunks_exact(self.width.max(1)).skip(y).take(height) {
            pixels.extend_from_slice(row.get(x..x + width).unwrap_or_default());
        }
        Self { width, height, pixels }
    }

    /// The width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixel at `x` from the left and `y` from the top. `None` outside the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        if x < self.width { self.pixels.get(y * self.width + x).copied() } else { None }
    }

    /// The coordinates of all pixels, in rows from the top.
    pub fn positions(&self) -> impl Iterator<Item = (usize, usize)> {
        let width = self.width;
        (0..self.height).flat_map(move |y| (0..width).map(move |x| (x, y)))
    }

    /// All pixels, in rows from the top.
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }
}
