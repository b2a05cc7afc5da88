//! QR codes as PNG files.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter};

use crate::{Color, Modules, QUIET_ZONE};

/// Writes a black and white PNG of the modules and their quiet zone. A module is `scale` pixels wide.
///
/// # Errors
///
/// When the image is too large for a PNG.
pub fn encode(modules: &Modules, scale: usize) -> Result<Vec<u8>, EncodingError> {
    let quiet = usize::from(QUIET_ZONE) * scale;
    let side = usize::from(modules.side) * scale + 2 * quiet;
    // One bit per pixel, 1 for light. The bits after the last pixel of a row have no meaning.
    let light_row = vec![u8::MAX; side.div_ceil(8)];
    let light_rows = light_row.repeat(quiet);
    let mut pixels = light_rows.clone();
    for row in modules.rows() {
        let mut line = light_row.clone();
        let dark = (0..row.len() * scale).filter(|x| row.get(x / scale) == Some(&Color::Dark));
        for x in dark.map(|x| quiet + x) {
            if let Some(byte) = line.get_mut(x / 8) {
                *byte &= !(0x80 >> (x % 8));
            }
        }
        pixels.extend(line.repeat(scale));
    }
    pixels.extend(light_rows);

    let mut picture = Vec::new();
    let size = u32::try_from(side).map_err(|_| EncodingError::LimitsExceeded)?;
    let mut encoder = Encoder::new(&mut picture, size, size);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder.set_compression(Compression::Fast);
    // A row of a module equals the row above it. The difference is zeros, which compress well. This call comes second: the
    // first one sets a filter, too.
    encoder.set_filter(Filter::Up);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    #[test]
    fn png_has_one_bit_per_pixel_and_the_modules_with_their_quiet_zone() {
        for (text, scale) in [("a", 8), ("a", 1), ("hello, world", 3)] {
            let modules = Modules::new(text, Level::M).unwrap();
            let picture = encode(&modules, scale).unwrap();
            let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture));
            decoder.set_transformations(png::Transformations::EXPAND);
            let mut reader = decoder.read_info().unwrap();
            assert_eq!(reader.info().bit_depth, BitDepth::One);
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let side = reader.next_frame(&mut pixels).unwrap().width as usize;
            let quiet = usize::from(QUIET_ZONE);
            assert_eq!(side, (usize::from(modules.side) + 2 * quiet) * scale);
            let rows: Vec<_> = modules.rows().collect();
            for (index, pixel) in pixels.iter().enumerate() {
                let (x, y) = (index % side / scale, index / side / scale);
                let module = y.checked_sub(quiet).and_then(|y| rows.get(y)?.get(x.checked_sub(quiet)?));
                let expected = if module == Some(&Color::Dark) { 0 } else { u8::MAX };
                assert_eq!(*pixel, expected, "{x} {y}");
            }
        }
    }
}
