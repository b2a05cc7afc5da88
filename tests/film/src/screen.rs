//! The screen: the light of a screenshot, its colored stripes and the wall around it.

use scanlogin_decoder::Picture;

use crate::frame::luma;

/// The exponent between the numbers of a picture and light (approximately that of sRGB).
pub(crate) const GAMMA: f32 = 2.2;
/// The light of the wall around the screen, as a share of that of a white screen.
pub(crate) const WALL: f32 = 0.08;
/// The light that a black screen reflects.
const REFLECTION: f32 = 0.01;
/// The shares of red, green and blue in the brightness of a white screen. A pixel has three stripes in this order.
const STRIPES: [f32; 3] = [0.2126, 0.7152, 0.0722];
/// The shares of the width of a stripe and of the height of a pixel that give light.
const LIT: f32 = 0.8;

/// The light of each pixel of a screen.
pub(crate) struct Screen {
    width: usize,
    height: usize,
    light: Vec<f32>,
    /// See [`View::stripes`](crate::View::stripes).
    stripes: f32,
}

impl Screen {
    pub(crate) fn new(screenshot: &Picture, stripes: f64) -> Self {
        let light_of: Vec<f32> = (0..=255u8).map(|value| (f32::from(value) / 255.0).powf(GAMMA)).collect();
        let light = |pixel: &[u8; 3]| REFLECTION + (1.0 - REFLECTION) * light_of[usize::from(luma(*pixel))];
        Self {
            width: screenshot.width(),
            height: screenshot.height(),
            light: screenshot.pixels().iter().map(light).collect(),
            stripes: stripes as f32,
        }
    }

    /// Whether the stripes of its pixels are seen.
    pub(crate) fn has_stripes(&self) -> bool {
        self.stripes > 0.0
    }

    /// The light at a position on the screenshot; that of the wall beside the screen.
    pub(crate) fn light(&self, x: f64, y: f64) -> f32 {
        // The comparison is also false for what is no number.
        let is_inside = x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64;
        if !is_inside {
            return WALL;
        }
        let light = self.light[y as usize * self.width + x as usize];
        if self.stripes == 0.0 { light } else { light * self.lit(x.fract() as f32, y.fract() as f32) }
    }

    /// The light at a position within a pixel, as a factor. Its mean over the pixel is 1.
    fn lit(&self, x: f32, y: f32) -> f32 {
        let stripe = x * 3.0;
        let share =
            if stripe.fract() < LIT && y < LIT { STRIPES[(stripe as usize).min(2)] * 3.0 / (LIT * LIT) } else { 0.0 };
        1.0 - self.stripes + self.stripes * share
    }
}
