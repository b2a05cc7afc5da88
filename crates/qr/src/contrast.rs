//! The contrast that a camera needs between the two colours of a code.

/// The minimum difference of the luminance of light and dark modules: symbol contrast of grade A (ISO/IEC 15415). It
/// implies the contrast of 3:1 that WCAG 2.2, 1.4.11 requires of a graphic.
const MIN_CONTRAST: f32 = 0.7;

/// The two colours of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colors {
    /// The colour of the dark modules, as `#rrggbb` or `#rgb`.
    pub dark: String,
    /// The colour of the light modules and the quiet zone, in the same form.
    pub light: String,
}

impl Default for Colors {
    fn default() -> Self {
        Self { dark: "#000".to_owned(), light: "#fff".to_owned() }
    }
}

impl Colors {
    /// Whether a camera can read the code: the luminance of `light` exceeds that of `dark` by at least 0.7. `false` for
    /// a malformed colour.
    pub fn are_legible(&self) -> bool {
        match (luminance(&self.light), luminance(&self.dark)) {
            (Some(light), Some(dark)) => light - dark >= MIN_CONTRAST,
            (None, _) | (_, None) => false,
        }
    }
}

/// The relative luminance (WCAG 2.2) of a colour such as `#1a2b3c` or `#123`: 0 for black, 1 for white. `None` for a
/// malformed colour.
pub fn luminance(color: &str) -> Option<f32> {
    let digits = color.strip_prefix('#')?.as_bytes();
    let (width, scale) = match digits.len() {
        3 => (1, 17),
        6 => (2, 1),
        _ => return None,
    };
    let mut luminance = 0.0;
    for (channel, weight) in digits.chunks(width).zip([0.2126, 0.7152, 0.0722]) {
        let mut value = 0;
        for digit in channel {
            value = value * 16 + char::from(*digit).to_digit(16)? as u8;
        }
        luminance += weight * linear(value * scale);
    }
    Some(luminance)
}

/// Converts a channel of sRGB to linear light, from 0 to 1. The cubic differs from the curve of the standard by less
/// than 0.002 and needs no `pow`.
fn linear(channel: u8) -> f32 {
    let c = f32::from(channel) / 255.0;
    c * (c * (c * 0.305_306 + 0.682_171) + 0.012_523)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_legible(dark: &str, light: &str) -> bool {
        Colors { dark: dark.to_owned(), light: light.to_owned() }.are_legible()
    }

    #[test]
    fn luminance_differs_from_srgb_by_less_than_0_002() {
        for channel in 0..=255 {
            let c = f64::from(channel) / 255.0;
            let exact: f64 = if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
            let grey = f64::from(luminance(&format!("#{channel:02x}{channel:02x}{channel:02X}")).unwrap());
            assert!((grey - exact).abs() < 0.002, "{channel}: {grey} is not {exact}");
        }
        assert!(luminance("#0f0") > luminance("#f00") && luminance("#f00") > luminance("#00f"));
    }

    #[test]
    fn legible_colours_are_dark_on_light_with_enough_contrast() {
        assert!(are_legible("#000", "#fff"));
        assert!(are_legible("#0b5a62", "#f4fbfa"));
        assert!(!are_legible("#fff", "#000"), "inverted");
        assert!(are_legible("#949494", "#ffffff"));
        assert!(!are_legible("#aaaaaa", "#ffffff"), "the dark colour is too light");
        assert!(!are_legible("#000", "#777"), "the light colour is too dark");
        assert!(!are_legible("#d00", "#0d0"), "the colours differ in hue only");
    }

    #[test]
    fn legible_colours_have_a_contrast_of_3_to_1() {
        for dark in 0..=255 {
            for light in 0..=255 {
                let grey = |channel| format!("#{channel:02x}{channel:02x}{channel:02x}");
                if are_legible(&grey(dark), &grey(light)) {
                    let lit = |channel| luminance(&grey(channel)).unwrap() + 0.05;
                    assert!(lit(light) / lit(dark) >= 2.999, "{dark} on {light}");
                }
            }
        }
    }

    #[test]
    fn luminance_of_a_malformed_colour_is_none() {
        for text in ["", "#", "black", "#12", "#1234", "#12345g", "#+1+1+1", "rgb(0,0,0)", "#ffffff;x", "#é12"] {
            assert_eq!(luminance(text), None, "{text:?}");
        }
    }
}
