//! Reads QR codes in the frames of a camera and in images, for the phone page.
//!
//! The crate is a wasm of its own, which the page loads in a worker. The widget contains none of it. [`Picture`] holds gray
//! pixels, an [`Attempt`] says at which scale and which part of them is read, and [`Picture::read`] finds the codes.

mod attempt;
mod decoder;
mod gray;
mod picture;
#[cfg(target_arch = "wasm32")]
mod web;

pub use self::attempt::{Attempt, frame_attempt, image_attempts};
pub use self::decoder::Code;
pub use self::picture::{MAX_PIXELS, MAX_SIDE, Picture, PictureError};
