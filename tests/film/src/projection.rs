use scanlogin_decoder::Code;

use crate::View;
use crate::frame::HEIGHT;

/// The distance from the lens to the sensor, in pixels of the frame. With it the frame is 65 degrees wide, as that of the main
/// camera of a phone.
const FOCAL_LENGTH: f64 = 1507.0;

/// Finds the pixel of the screenshot that a pixel of the frame shows. The lens is at the origin and looks along z.
pub(crate) struct Projection {
    /// The directions of the x axis and of the y axis of the screen, and of the axis at a right angle to it.
    axes: [[f64; 3]; 3],
    /// The distance from the lens to the centre of the code, in pixels of the screenshot.
    distance: f64,
    /// The centre of the code on the screenshot.
    center: [f64; 2],
}

impl Projection {
    pub(crate) fn new(code: &Code, view: &View) -> Self {
        let rotate = |vector| {
            let turned = rotated(rotated(vector, [0, 2], view.yaw), [1, 2], view.pitch);
            rotated(turned, [0, 1], view.roll)
        };
        let [top_left, top_right, bottom_right, _] = code.corners;
        let side = (top_right[0] - top_left[0]).hypot(top_right[1] - top_left[1]);
        Self {
            axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(rotate),
            distance: FOCAL_LENGTH * side / (view.share * HEIGHT as f64),
            center: [0, 1].map(|axis| f64::midpoint(top_left[axis], bottom_right[axis])),
        }
    }

    /// The width of a pixel of the frame on the screen, in pixels of the screenshot, at the centre of the code.
    pub(crate) fn footprint(&self) -> f64 {
        self.distance / FOCAL_LENGTH
    }

    /// The position on the screenshot that is seen at `x` and `y` of the frame, measured from its centre. Infinite if the ray
    /// does not meet the screen.
    pub(crate) fn screen_position(&self, x: f64, y: f64) -> (f64, f64) {
        let [across, down, away] = self.axes;
        let ray = [x / FOCAL_LENGTH, y / FOCAL_LENGTH, 1.0];
        // The ray meets the plane through (0, 0, distance) with the normal `away`.
        let length = self.distance * away[2] / dot(away, ray);
        if length <= 0.0 {
            return (f64::INFINITY, f64::INFINITY);
        }
        let from_center = [ray[0] * length, ray[1] * length, ray[2] * length - self.distance];
        (self.center[0] + dot(across, from_center), self.center[1] + dot(down, from_center))
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

fn dot(left: [f64; 3], right: [f64; 3]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}
