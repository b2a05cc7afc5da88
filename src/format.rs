//! Draws a code in the size and with the logo that the page chose.

use std::rc::Rc;

use scanlogin_qr::{Level, MIN_MODULE_PX, Modules, QUIET_ZONE};

use crate::error::{Error, ErrorCode};
use crate::number::decimal;

/// How a code is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The width of the code in CSS pixels, quiet zone included.
    pub width: u32,
    /// The address of the logo in the middle of the code. `None` for no logo.
    pub logo: Option<Rc<str>>,
    /// Whether the image of the server is preferred to a drawing: the option `render: "img"`.
    pub is_image: bool,
}

impl Format {
    /// Encodes `text` with error correction level M or more. A code with a logo has Q or more, because the logo covers
    /// modules. Without a logo, a code that would be too dense has level L.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CodeTooLong`] when no QR code can hold the text. [`ErrorCode::CodeTooDense`] when a module would be
    /// narrower than [`MIN_MODULE_PX`].
    pub fn draw(&self, text: &str) -> Result<Modules, Error> {
        let levels: &[Level] = if self.logo.is_some() { &[Level::Q] } else { &[Level::M, Level::L] };
        let mut least = None;
        for level in levels {
            if let Ok(modules) = Modules::new(text, *level) {
                let min_width = u32::from(modules.side + 2 * QUIET_ZONE) * MIN_MODULE_PX;
                if self.width >= min_width {
                    return Ok(modules);
                }
                least = Some(min_width);
            }
        }
        let Some(min_width) = least else {
            let message = "the text is too long for a QR code: shorten `customData`";
            return Err(Error::new(ErrorCode::CodeTooLong, message));
        };
        let (width, min_width) = (decimal(self.width), decimal(min_width));
        let message = [
            "the code is too dense for a camera at ",
            &width,
            " pixels: set `size` to at least ",
            &min_width,
            " or shorten `customData`",
        ]
        .concat();
        Err(Error::new(ErrorCode::CodeTooDense, message))
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    #[test]
    fn too_dense_code_has_level_l_and_then_is_an_error_that_names_the_minimum_size() {
        let format = |width, logo| Format { width, logo, is_image: false };
        // 200 bytes need 65 modules with the quiet zone at level M, 61 at level L, and 73 with a logo.
        let text = "x".repeat(200);
        let codes = [(130, Level::M), (129, Level::L), (122, Level::L)];
        for (width, level) in codes {
            assert_eq!(format(width, None).draw(&text).unwrap(), Modules::new(&text, level).unwrap(), "{width}");
        }
        let error = format(121, None).draw(&text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::CodeTooDense);
        assert!(
            error.message().contains("at 121 pixels") && error.message().contains("at least 122"),
            "{}",
            error.message()
        );
        let logo = Some("/logo.svg".into());
        assert_eq!(format(146, logo.clone()).draw(&text).unwrap(), Modules::new(&text, Level::Q).unwrap());
        assert_eq!(format(145, logo).draw(&text).unwrap_err().code(), ErrorCode::CodeTooDense);
    }

    #[test]
    fn text_longer_than_2953_bytes_is_too_long() {
        let format = Format { width: 4_000, logo: None, is_image: false };
        assert!(format.draw(&"x".repeat(2_953)).is_ok());
        assert_eq!(format.draw(&"x".repeat(2_954)).unwrap_err().code(), ErrorCode::CodeTooLong);
    }
}
