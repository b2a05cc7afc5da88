//! Draws what the camera of a phone sees of a screen, as a film for Chromium's fake camera.
//!
//! A film begins with a real screenshot. A pinhole camera looks at the screen from a given distance and angle. Then the lens
//! blurs the picture and the sensor adds noise. The same arguments always give the same film.
//!
//! It is a separate crate because its loops over pixels are compiled with optimization. The tests that use it are not,
//! so that they compile faster.

#![expect(clippy::indexing_slicing, reason = "the pictures have fixed sizes")]

mod frame;
mod projection;
mod screen;

use scanlogin_decoder::{Code, Picture};

pub use self::frame::{Frame, HEIGHT, WIDTH};
use self::frame::{seen, wall};
use self::screen::Screen;

/// The number of frames of a film. Chromium repeats them. Each has its own noise.
const FRAMES: u64 = 2;
/// The frames per second. Few, because each costs processor time of the browser.
const FRAME_RATE: u32 = 10;

/// How the camera looks at the screen, and how well it sees it.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// The side of the code as a share of the height of the frame, if the camera looks straight at it.
    pub share: f64,
    /// The rotation of the phone in the plane of the screen, in degrees.
    pub roll: f64,
    /// The angle from which the camera looks at the screen from the side, in degrees.
    pub yaw: f64,
    /// The angle from which the camera looks at the screen from below, in degrees.
    pub pitch: f64,
    /// The standard deviation of the blur of the lens, in pixels of the frame.
    pub blur: f64,
    /// The light of a white screen, as a share of the brightest light that the sensor can see.
    pub exposure: f64,
    /// The standard deviation of the noise, in steps of brightness from 0 to 255.
    pub noise: f64,
    /// How much the colored stripes and the gaps of the pixels of the screen are seen, from 0 to 1. They cause moiré.
    pub stripes: f64,
}

impl View {
    /// A camera that looks straight at a code from near, in good light.
    pub const STRAIGHT: Self =
        Self { share: 0.6, roll: 0.0, yaw: 0.0, pitch: 0.0, blur: 0.7, exposure: 0.8, noise: 2.0, stripes: 0.0 };
}

/// How people hold a phone in front of a screen. An approver has to read all of these films.
pub const VIEWS: [(&str, View); 11] = [
    ("straight", View::STRAIGHT),
    ("rotated", View { roll: 27.0, ..View::STRAIGHT }),
    ("upside down", View { roll: 171.0, ..View::STRAIGHT }),
    ("blurred", View { blur: 4.0, ..View::STRAIGHT }),
    ("dark", View { exposure: 0.02, noise: 4.0, ..View::STRAIGHT }),
    ("at an angle", View { yaw: 40.0, pitch: 15.0, roll: 5.0, ..View::STRAIGHT }),
    ("moiré", View { share: 0.22, roll: 3.0, stripes: 1.0, ..View::STRAIGHT }),
    ("25 % of the frame", View { share: 0.25, ..View::STRAIGHT }),
    ("15 % of the frame", View { share: 0.15, ..View::STRAIGHT }),
    ("12 % of the frame", View { share: 0.12, ..View::STRAIGHT }),
    ("10 % of the frame", View { share: 0.10, ..View::STRAIGHT }),
];

/// A short film that the camera sees again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Film {
    frames: Vec<Frame>,
}

impl Film {
    /// Films a code on a screenshot. Its centre is in the centre of the frames.
    pub fn of(screenshot: &Picture, code: &Code, view: &View) -> Self {
        Self::exposed(&seen(&Screen::new(screenshot, view.stripes), code, view), view)
    }

    /// Films a wall without a code.
    pub fn of_a_wall() -> Self {
        Self::exposed(&wall(), &View::STRAIGHT)
    }

    fn exposed(light: &[f32], view: &View) -> Self {
        Self { frames: (0..FRAMES).map(|seed| Frame::exposed(light, view, seed)).collect() }
    }

    /// All frames, in the order of time. They differ in noise only.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Writes the film in the format Y4M. All films have the same number of bytes.
    pub fn to_y4m(&self) -> Vec<u8> {
        let mut file = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FRAME_RATE}:1 Ip A1:1\n").into_bytes();
        let colors = vec![128; WIDTH * HEIGHT / 2];
        for frame in &self.frames {
            file.extend(b"FRAME\n");
            file.extend(frame.brightness());
            file.extend(&colors);
        }
        file
    }
}

#[cfg(test)]
mod tests;
