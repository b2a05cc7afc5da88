//! Codes on screenshots, read by three independent decoders. `tests/scanning/` has the decoders.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use scanlogin_decoder::Picture;
use serde_json::Value;

use crate::npm::{installed, run};

mod films;
mod page_styles;
mod robustness;

/// Runs a script of `tests/scanning/`, and returns what it prints.
pub(crate) fn node(script: &str, arguments: &[&str]) -> Result<String> {
    let folder = installed("scanning")?;
    run(Command::new("node").arg(folder.join(script)).args(arguments).current_dir(folder))
}

/// Writes a picture into a file, and returns the path.
fn write(folder: &Path, name: &str, picture: &Picture) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, picture.to_png()?)?;
    Ok(path.to_str().context("the path is not UTF-8")?.to_owned())
}

/// The part of a screenshot within `[left, top, width, height]` in CSS pixels.
fn crop(screen: &Picture, rectangle: &Value, ratio: f64) -> Result<Picture> {
    let sides: [f64; 4] = serde_json::from_value(rectangle.clone())?;
    let [left, top, width, height] = sides.map(|length| (length * ratio).round() as usize);
    Ok(screen.crop(left, top, width, height))
}
