//! A frame of a film: the light that reaches the sensor, with blur and noise.

use fastrand::Rng;
use scanlogin_decoder::{Code, Picture};

use crate::View;
use crate::projection::Projection;
use crate::screen::{GAMMA, Screen, WALL};

/// The width of a frame in pixels.
pub const WIDTH: usize = 1920;
/// The height of a frame in pixels.
pub const HEIGHT: usize = 1080;

/// The share of the width of a pixel of the sensor that sees light.
const SENSITIVE: f64 = 0.8;
/// The number of different amounts of light that the sensor tells apart.
const RESPONSE_STEPS: usize = 1 << 16;
/// The range of brightness in a film: black and white.
const RANGE: [f32; 2] = [16.0, 235.0];

/// A frame in shades of grey: decoders use the brightness only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// From [`RANGE`], row by row from the top.
    brightness: Vec<u8>,
}

impl Frame {
    /// Exposes the sensor to the light of [`seen`] or [`wall`]. The noise is the same for each `seed`.
    pub(crate) fn exposed(light: &[f32], view: &View, seed: u64) -> Self {
        let [black, white] = RANGE;
        let response = |step| (step as f32 / RESPONSE_STEPS as f32).powf(1.0 / GAMMA);
        let responses: Vec<f32> = (0..=RESPONSE_STEPS).map(|step| black + (white - black) * response(step)).collect();
        let scale = view.exposure as f32 * RESPONSE_STEPS as f32;
        let mut noise = Noise::new(seed, view.noise);
        let pixel = |light: &f32| {
            let response = responses[((light * scale) as usize).min(RESPONSE_STEPS)];
            (response + noise.next()).round().clamp(black, white) as u8
        };
        Self { brightness: light.iter().map(pixel).collect() }
    }

    /// The bytes of the frame in a film, row by row from the top: 16 is black and 235 is white.
    pub(crate) fn brightness(&self) -> &[u8] {
        &self.brightness
    }

    /// The frame as a page sees it.
    pub fn to_picture(&self) -> Picture {
        let [black, white] = RANGE;
        let pixel = |x: usize, y: usize| {
            let brightness = f32::from(self.brightness[y * WIDTH + x]);
            [((brightness - black) * 255.0 / (white - black)).round() as u8; 3]
        };
        Picture::from_fn(WIDTH, HEIGHT, pixel)
    }
}

/// The brightness of a pixel, with the weights of ITU-R BT.601.
pub(crate) fn luma([red, green, blue]: [u8; 3]) -> u8 {
    let [red, green, blue] = [red, green, blue].map(u32::from);
    ((299 * red + 587 * green + 114 * blue) / 1000) as u8
}

/// The light of a wall without a screen.
pub(crate) fn wall() -> Vec<f32> {
    vec![WALL; WIDTH * HEIGHT]
}

/// The light that each pixel of the sensor sees.
pub(crate) fn seen(screen: &Screen, code: &Code, view: &View) -> Vec<f32> {
    blurred(&seen_sharply(screen, &Projection::new(code, view)), view.blur)
}

/// The light that each pixel of the sensor sees through a perfect lens: the mean of positions within the pixel.
fn seen_sharply(screen: &Screen, projection: &Projection) -> Vec<f32> {
    let positions = positions(projection, screen);
    let mut light = Vec::with_capacity(WIDTH * HEIGHT);
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let (x, y) = (x as f64 - WIDTH as f64 / 2.0, y as f64 - HEIGHT as f64 / 2.0);
            let mut sum = 0.0;
            for up in &positions {
                for left in &positions {
                    let (x, y) = projection.screen_position(x + left, y + up);
                    sum += screen.light(x, y);
                }
            }
            light.push(sum / (positions.len() * positions.len()) as f32);
        }
    }
    light
}

/// The positions within a pixel of the sensor, in one direction. A pixel that covers much of the screen has more.
fn positions(projection: &Projection, screen: &Screen) -> Vec<f64> {
    let count = if screen.has_stripes() { 6 } else { (projection.footprint().ceil() as usize + 1).clamp(2, 5) };
    (0..count).map(|index| 0.5 + SENSITIVE * ((index as f64 + 0.5) / count as f64 - 0.5)).collect()
}

/// Blurs with a Gaussian function.
fn blurred(light: &[f32], deviation: f64) -> Vec<f32> {
    if deviation == 0.0 {
        return light.to_vec();
    }
    let radius = (3.0 * deviation).ceil() as isize;
    let weight = |distance: isize| (-(distance as f64).powi(2) / (2.0 * deviation * deviation)).exp();
    let sum: f64 = (-radius..=radius).map(weight).sum();
    let weights: Vec<(isize, f32)> =
        (-radius..=radius).map(|distance| (distance, (weight(distance) / sum) as f32)).collect();
    // Whole rows are added to whole rows, which the compiler can vectorize.
    let mut across = vec![0.0; light.len()];
    for (row, target) in light.chunks_exact(WIDTH).zip(across.chunks_exact_mut(WIDTH)) {
        for (distance, weight) in &weights {
            let shift = distance.unsigned_abs();
            let (first, last) = (row[0], row[WIDTH - 1]);
            if *distance < 0 {
                target[..shift].iter_mut().for_each(|sum| *sum += weight * first);
                target[shift..].iter_mut().zip(row).for_each(|(sum, value)| *sum += weight * value);
            } else {
                target.iter_mut().zip(&row[shift..]).for_each(|(sum, value)| *sum += weight * value);
                target[WIDTH - shift..].iter_mut().for_each(|sum| *sum += weight * last);
            }
        }
    }
    let mut down = vec![0.0; light.len()];
    for (y, target) in down.chunks_exact_mut(WIDTH).enumerate() {
        for (distance, weight) in &weights {
            let from = y.saturating_add_signed(*distance).min(HEIGHT - 1) * WIDTH;
            target.iter_mut().zip(&across[from..]).for_each(|(sum, value)| *sum += weight * value);
        }
    }
    down
}

/// Noise that is the same for each seed.
struct Noise {
    rng: Rng,
    /// The factor from the sum of four bytes.
    scale: f32,
}

impl Noise {
    fn new(seed: u64, deviation: f64) -> Self {
        // The deviation of a byte is 73.9.
        Self { rng: Rng::with_seed(seed), scale: deviation as f32 / (2.0 * 73.9) }
    }

    /// The next value, nearly normally distributed: the sum of four bytes.
    fn next(&mut self) -> f32 {
        let sum: i32 = self.rng.u32(..).to_le_bytes().map(i32::from).iter().sum();
        (sum - 510) as f32 * self.scale
    }
}
