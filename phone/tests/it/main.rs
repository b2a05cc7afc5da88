//! Reads codes in drawn frames. One binary, because each test binary is linked on its own.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops at unexpected data")]

mod frames;
mod hostile;
mod images;
mod scene;
