//! QR codes as PNG files.

use png::{BitDepth, ColorType, Encoder, EncodingError};

use crate::{Modules, QUIET_ZONE};

/// Writes a grayscale PNG of the modules and their quiet zone. A module is `scale` pixels wide.
///
/// # Errors
///
/// When the image is too large for a PNG.
pub fn encode(modules: &Modules, scale: usize) -> Result<Vec<u8>, EncodingError> {
    let quiet = usize::from(QUIET_ZONE) * scale;
    let side = usize::from(modules.side) * scale + 2 * quiet;
    let light_rows = vec![u8::MAX; side * quiet];
    let mut pixels = light_rows.clone();
    for row in modules.rows() {
        let mut line = vec![u8::MAX; quiet];
        for color in row {
            line.resize(line.len() + scale, color.select(0, u8::MAX));
        }
        line.resize(side, u8::MAX);
        for _ in 0..scale {
            pixels.extend_from_slice(&line);
        }
    }
    pixels.extend(light_rows);

    let mut picture = Vec::new();
    let size = u32::try_from(side).map_err(|_| EncodingError::LimitsExceeded)?;
    let mut encoder = Encoder::new(&mut picture, size, size);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(picture)
}
