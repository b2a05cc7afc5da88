//! The camera of Chromium, and what it sees. It sees a film in a file, which a test can replace at any time.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use scanlogin_decoder::{Code, Picture, find};
use scanlogin_film::{Film, View};
use scanlogin_qr::{Level, Modules};
use tempfile::TempDir;

/// The camera of one browser. Without a film, there is no camera.
pub(crate) struct Camera {
    path: PathBuf,
    _folder: TempDir,
}

impl Camera {
    /// Reserves the path of a film.
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self { path: folder.path().join("camera.y4m"), _folder: folder })
    }

    /// The path of the film.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the film.
    pub(crate) fn show(&self, film: &Film) -> Result<()> {
        // Chromium keeps the file open and reads each frame when it is due. It aborts if the file is shorter, so the file is
        // not truncated: all films have the same length.
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.path)?;
        Ok(file.write_all(&film.to_y4m())?)
    }

    /// Removes the film, if there is one.
    pub(crate) fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// A screenshot with a QR code, for films of it.
pub struct ShownCode {
    screenshot: Picture,
    code: Code,
}

impl ShownCode {
    pub(crate) fn on(screenshot: &[u8]) -> Result<Self> {
        let screenshot = Picture::from_png(screenshot)?;
        let code = find(&screenshot)?;
        Ok(Self { screenshot, code })
    }

    /// Draws a code on a white screen.
    pub fn drawn(text: &str) -> Result<Self> {
        let modules = Modules::new(text, Level::M).context("the text is too long")?;
        Self::on(&scanlogin_qr::png::encode(&modules, 6)?)
    }

    /// The text of the code.
    pub fn text(&self) -> &str {
        &self.code.text
    }

    /// Films the code.
    pub fn film(&self, view: &View) -> Film {
        Film::of(&self.screenshot, &self.code, view)
    }
}
