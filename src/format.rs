//! Draws a code as the page wants it.

use std::rc::Rc;

use scanlogin_qr::{Drawing, Level, MIN_MODULE_PX};

use crate::error::{Error, ErrorCode};
use crate::number::decimal;

/// How a code is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Its width in CSS pixels, quiet zone included.
    pub width: u32,
    /// The address of the picture in its middle.
    pub logo: Option<Rc<str>>,
    /// Whether it is the server's image wherever there is one.
    pub is_image: bool,
}

impl Format {
    /// Draws `text` with an error correction that makes up for the logo.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::CodeTooLong`] when no QR code can hold the text, and [`ErrorCode::CodeTooDense`] when a module would be narrower
    /// than [`MIN_MODULE_PX`].
    pub fn draw(&self, text: &str) -> Result<Drawing, Error> {
        let level = if self.logo.is_some() { Level::Q } else { Level::M };
        let drawing = Drawing::new(text, level)
            .map_err(|_| Error::new(ErrorCode::CodeTooLong, "the text is too long for a QR code"))?;
        let least = u32::from(drawing.side) * MIN_MODULE_PX;
        if self.width >= least {
            return Ok(drawing);
        }
        let (width, least) = (decimal(self.width), decimal(least));
        let message =
            ["in ", &width, " pixels the code would be too dense for a camera: make `size` at least ", &least];
        let message = [&message.concat(), ", or `customData` shorter"].concat();
        Err(Error::new(ErrorCode::CodeTooDense, message))
    }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_too_dense_for_its_size_is_an_error_that_says_what_size_it_needs() {
        let format = |width, logo| Format { width, logo, is_image: false };
        // 200 bytes: 57 modules and the quiet zone; with a logo 65.
        let text = "x".repeat(200);
        assert_eq!(format(130, None).draw(&text).unwrap(), Drawing::new(&text, Level::M).unwrap());
        let error = format(129, None).draw(&text).unwrap_err();
        assert_eq!(error.code, ErrorCode::CodeTooDense);
        assert!(error.message.contains("in 129 pixels") && error.message.contains("at least 130"), "{}", error.message);
        let logo = Some("/logo.svg".into());
        assert_eq!(format(146, logo.clone()).draw(&text).unwrap(), Drawing::new(&text, Level::Q).unwrap());
        assert_eq!(format(145, logo).draw(&text).unwrap_err().code, ErrorCode::CodeTooDense);
    }
}
