//! The functions that JavaScript calls.

use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use crate::{PictureError, frame_attempt, image_attempts};

/// A picture in which codes are read.
#[wasm_bindgen]
pub struct Picture(crate::Picture);

#[wasm_bindgen]
impl Picture {
    /// Creates a picture without pixels.
    #[wasm_bindgen(constructor)]
    pub fn new(width: usize, height: usize) -> Result<Picture, JsError> {
        crate::Picture::new(width, height).map(Self).map_err(error)
    }

    /// The width in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// The height in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.0.height()
    }

    /// Adds rows of gray values. `stride` is the distance between the beginnings of two rows.
    #[wasm_bindgen(js_name = addGray)]
    pub fn add_gray(&mut self, pixels: &[u8], stride: usize) -> Result<(), JsError> {
        self.0.add_gray(pixels, stride).map_err(error)
    }

    /// Adds rows of pixels in red, green, blue and opacity.
    #[wasm_bindgen(js_name = addRgba)]
    pub fn add_rgba(&mut self, pixels: &[u8]) -> Result<(), JsError> {
        self.0.add_rgba(pixels).map_err(error)
    }

    /// Reads the codes in a frame of a camera. Consecutive numbers read frames in different ways.
    #[wasm_bindgen(js_name = readFrame)]
    pub fn read_frame(&self, number: u32) -> Vec<Code> {
        self.0.read(frame_attempt(number)).into_iter().map(Code).collect()
    }

    /// The number of ways to read an image of this size.
    #[wasm_bindgen(getter)]
    pub fn attempts(&self) -> usize {
        image_attempts(self.0.width(), self.0.height()).len()
    }

    /// Reads the codes in an image, in the way with this number.
    #[wasm_bindgen(js_name = readImage)]
    pub fn read_image(&self, attempt: usize) -> Vec<Code> {
        let attempts = image_attempts(self.0.width(), self.0.height());
        attempts.get(attempt).map_or_else(Vec::new, |attempt| self.0.read(*attempt).into_iter().map(Code).collect())
    }
}

/// A code in a picture.
#[wasm_bindgen]
pub struct Code(crate::Code);

#[wasm_bindgen]
impl Code {
    /// The text of the code.
    #[wasm_bindgen(getter)]
    pub fn text(&self) -> String {
        self.0.text.clone()
    }

    /// The coordinates of the corners: x and y of each.
    #[wasm_bindgen(getter)]
    pub fn corners(&self) -> Vec<f32> {
        self.0.corners.iter().flat_map(|(x, y)| [*x, *y]).collect()
    }
}

fn error(error: PictureError) -> JsError {
    JsError::new(error.message())
}
