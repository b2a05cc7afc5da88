//! QR codes as SVG paths.

use crate::{Color, Modules, QUIET_ZONE};

/// The width and height of the `viewBox`: in modules, quiet zone included.
pub fn side(modules: &Modules) -> u16 {
    modules.side + 2 * QUIET_ZONE
}

/// The dark modules, as the attribute `d` of a `path`.
pub fn path(modules: &Modules) -> String {
    let mut path = String::new();
    let [mut x_buffer, mut y_buffer, mut length_buffer] = [(); 3].map(|()| itoa::Buffer::new());
    for (y, row) in (QUIET_ZONE..).zip(modules.rows()) {
        let mut x = QUIET_ZONE;
        for run in row.chunk_by(|left, right| left == right) {
            let length = run.len() as u16;
            if run.first() == Some(&Color::Dark) {
                let (x, y, length) = (x_buffer.format(x), y_buffer.format(y), length_buffer.format(length));
                for part in ["M", x, " ", y, "h", length, "v1h-", length, "z"] {
                    path.push_str(part);
                }
            }
            x += length;
        }
    }
    path
}
