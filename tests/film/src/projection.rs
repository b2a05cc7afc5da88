//! A pinhole camera: which point of the screen each pixel of the frame sees.

use scanlogin_decoder::Code;

use crate::View;
use crate::frame::HEIGHT;

/// The distance from the lens to the sensor, in pixels of the frame. With it the frame is 65 degrees wide, as that of the main
/// camera of a phone.
const FOCAL_LENGTH: f64 = 1507.0;

/// Finds the pixel of the screenshot that a pixel of the frame shows. The lens is at the origin and looks along z.
pub(crate) struct Projection {
    /// A homography: its product with the position in the frame, measured from the centre, is the position on the
    /// screenshot times the last component.
    rows: [[f64; 3]; 3],
    /// See [`Self::footprint`].
    footprint: f64,
}

impl Projection {
    pub(crate) fn new(code: &Code, view: &View) -> Self {
        let rotate = |vector| {
            let turned = rotated(rotated(vector, [0, 2], view.yaw), [1, 2], view.pitch);
            rotated(turned, [0, 1], view.roll)
        };
        // The directions of the axes of the screen, and of the axis at a right angle to it.
        let [across, down, away] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(rotate);
        let [top_left, top_right, bottom_right, _] = code.corners;
        let side = (top_right[0] - top_left[0]).hypot(top_right[1] - top_left[1]);
        let footprint = side / (view.share * HEIGHT as f64);
        let distance = footprint * FOCAL_LENGTH;
        // The ray through a pixel meets the screen at `distance * away.z / (away * ray)`. The centre of the code is at
        // (0, 0, distance).
        let scale = |row: [f64; 3]| [row[0] / FOCAL_LENGTH, row[1] / FOCAL_LENGTH, row[2]];
        let position = |axis: [f64; 3], center: f64| {
            let component =
                |index: usize| distance * (away[2] * axis[index] - axis[2] * away[index]) + center * away[index];
            scale([0, 1, 2].map(component))
        };
        let center = [0, 1].map(|axis| f64::midpoint(top_left[axis], bottom_right[axis]));
        Self { rows: [position(across, center[0]), position(down, center[1]), scale(away)], footprint }
    }

    /// The width of a pixel of the frame on the screen, in pixels of the screenshot, at the centre of the code.
    pub(crate) fn footprint(&self) -> f64 {
        self.footprint
    }

    /// The position on the screenshot that is seen at `x` and `y` of the frame, measured from its centre. Negative if the ray
    /// does not meet the screen.
    pub(crate) fn screen_position(&self, x: f64, y: f64) -> (f64, f64) {
        let [across, down, away] = self.rows.map(|row| row[0] * x + row[1] * y + row[2]);
        if away > 0.0 { (across / away, down / away) } else { (-1.0, -1.0) }
    }
}

/// Rotates a vector in the plane of two of its coordinates.
fn rotated(mut vector: [f64; 3], [first, second]: [usize; 2], degrees: f64) -> [f64; 3] {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (from, to) = (vector[first], vector[second]);
    vector[first] = cosine * from - sine * to;
    vector[second] = sine * from + cosine * to;
    vector
}
