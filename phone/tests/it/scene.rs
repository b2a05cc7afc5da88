//! Frames as a camera sees a code on a screen. They are computed, so that each strength of each disturbance is exact.

use scanlogin_qr::{Color, Modules};

/// The rays of a pixel in each direction. Their mean is the brightness of the pixel.
const RAYS: usize = 3;
/// The width of the white border of a code, in modules.
const QUIET_ZONE: f64 = 4.0;
/// The distance between the camera and the screen, in sides of the code.
const DISTANCE: f64 = 2.5;
/// The pixels of the screen per side of the code.
const SCREEN_PIXELS: f64 = 240.0;

/// A camera in front of a screen with a code. Lengths are in pixels of the frame, angles in degrees.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// The side of the code without its quiet zone.
    pub(crate) side: f64,
    /// The center of the code.
    pub(crate) center: (f64, f64),
    /// Clockwise.
    pub(crate) rotation: f64,
    /// The angle between the screen and the plane of the frame.
    pub(crate) tilt: f64,
    /// The standard deviation of the blur.
    pub(crate) blur: f64,
    /// The standard deviation of the noise, in levels of gray.
    pub(crate) noise: f64,
    /// The levels of gray of black and white, from 0 to 255.
    pub(crate) light: (f64, f64),
    /// How much less light there is at the right than at the left of the frame: 0 for none, 1 for all.
    pub(crate) shade: f64,
    /// How dark the gaps between the pixels of the screen are: 0 for none, 1 for black. They give moiré.
    pub(crate) gaps: f64,
    pub(crate) is_inverted: bool,
    pub(crate) seed: u64,
}

/// The sine and cosine of the angles of a scene.
struct Angles {
    tilt: (f64, f64),
    rotation: (f64, f64),
}

/// Gray pixels, row by row.
pub(crate) struct Frame {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) luma: Vec<u8>,
}

impl Scene {
    /// A sharp frame of the usual size of a camera, with a straight code in its center.
    pub(crate) fn new(side: f64) -> Self {
        let (width, height) = (1280, 720);
        Self {
            width,
            height,
            side,
            center: (width as f64 / 2.0, height as f64 / 2.0),
            rotation: 0.0,
            tilt: 0.0,
            blur: 0.0,
            noise: 0.0,
            light: (30.0, 225.0),
            shade: 0.0,
            gaps: 0.0,
            is_inverted: false,
            seed: 1,
        }
    }

    pub(crate) fn shoot(&self, modules: &Modules) -> Frame {
        let rows: Vec<Vec<bool>> =
            modules.rows().map(|row| row.iter().map(|color| *color == Color::Dark).collect()).collect();
        let angles = Angles { tilt: self.tilt.to_radians().sin_cos(), rotation: self.rotation.to_radians().sin_cos() };
        let mut pixels = vec![0.0; self.width * self.height];
        for (index, pixel) in pixels.iter_mut().enumerate() {
            let (x, y) = (index % self.width, index / self.width);
            let mut sum = 0.0;
            for ray in 0..RAYS * RAYS {
                let offset = |number: usize| (number as f64 + 0.5) / RAYS as f64;
                let point = (x as f64 + offset(ray % RAYS), y as f64 + offset(ray / RAYS));
                sum += self.reflectance(&rows, &angles, point);
            }
            let shade = 1.0 - self.shade * x as f64 / self.width as f64;
            let (dark, bright) = self.light;
            *pixel = (dark + (bright - dark) * sum / (RAYS * RAYS) as f64) * shade;
        }
        if self.blur > 0.0 {
            pixels = blur_and_transpose(&pixels, self.width, self.blur);
            pixels = blur_and_transpose(&pixels, self.height, self.blur);
        }
        let mut random = Random(self.seed);
        let luma = pixels.iter().map(|pixel| (pixel + self.noise * random.normal()).clamp(0.0, 255.0) as u8).collect();
        Frame { width: self.width, height: self.height, luma }
    }

    /// The brightness from 0 to 1 of the screen at a point of the frame.
    fn reflectance(&self, rows: &[Vec<bool>], angles: &Angles, (x, y): (f64, f64)) -> f64 {
        let (x, y) = ((x - self.center.0) / self.side / DISTANCE, (y - self.center.1) / self.side / DISTANCE);
        let (sin, cos) = angles.tilt;
        let across = x * DISTANCE / (cos - x * sin);
        let down = y * (DISTANCE + across * sin);
        let (sin, cos) = angles.rotation;
        // In sides of the code, from its top left corner.
        let (u, v) = (across * cos + down * sin + 0.5, down * cos - across * sin + 0.5);
        let is_lit = self.is_bright(rows, u, v) != self.is_inverted;
        let in_gap = [u, v].iter().any(|side| (side * SCREEN_PIXELS).rem_euclid(1.0) > 0.7);
        if is_lit { 1.0 - if in_gap { self.gaps } else { 0.0 } } else { 0.0 }
    }

    fn is_bright(&self, rows: &[Vec<bool>], u: f64, v: f64) -> bool {
        let count = rows.len() as f64;
        let (column, row) = ((u * count).floor(), (v * count).floor());
        let outside = [column, row].iter().map(|index| (-index).max(index + 1.0 - count)).fold(0.0, f64::max);
        if outside > QUIET_ZONE {
            // Lines of text: dark words of several lengths.
            let (line, word) = ((v * 40.0).floor(), (u * 25.0).floor());
            return line.rem_euclid(2.0) == 0.0 || (line * 7.0 + word * 13.0).rem_euclid(5.0) < 2.0;
        }
        outside > 0.0 || !rows.get(row as usize).and_then(|row| row.get(column as usize)).copied().unwrap_or_default()
    }
}

/// Blurs along the rows, and transposes. Twice this is a Gaussian blur.
fn blur_and_transpose(pixels: &[f64], width: usize, sigma: f64) -> Vec<f64> {
    let height = pixels.len() / width;
    let radius = (3.0 * sigma).ceil() as i32;
    let weights: Vec<f64> = (-radius..=radius).map(|i| (-f64::from(i * i) / (2.0 * sigma * sigma)).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut blurred = vec![0.0; pixels.len()];
    for (y, row) in pixels.chunks_exact(width).enumerate() {
        for x in 0..width {
            let weighted = weights.iter().zip(-radius..).map(|(weight, i)| {
                let neighbor = (x as i32 + i).clamp(0, width as i32 - 1);
                weight * row[neighbor as usize]
            });
            blurred[x * height + y] = weighted.sum::<f64>() / total;
        }
    }
    blurred
}

/// Reproducible random numbers.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    /// Nearly normal, with the mean 0 and the standard deviation 1.
    fn normal(&mut self) -> f64 {
        // The sum of three has the variance 1/4.
        2.0 * ((0..3).map(|_| self.uniform()).sum::<f64>() - 1.5)
    }
}
