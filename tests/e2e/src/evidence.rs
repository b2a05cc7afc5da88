//! Saves the evidence of a failed test: a screenshot of its window and the console messages of its pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context as _, Result};
use thirtyfour::WebDriver;
use tokio::time::timeout;

use crate::console::Console;
use crate::driver::block_on_background;

/// The maximum time for each of the two. The browser may hang.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A file name from the name of the test on this thread. `number` is the number of the browser, from 1.
pub(crate) fn name_of_test(number: usize) -> String {
    let name = thread::current().name().unwrap_or("test").replace("::", ".");
    if number == 1 { name } else { format!("{name}-{number}") }
}

/// Saves the evidence and prints the paths of the files.
pub(crate) fn save(name: &str, driver: &WebDriver, console: &Arc<Console>) {
    let (driver, console) = (driver.clone(), Arc::clone(console));
    let collected = block_on_background(async move {
        let screenshot = timeout(TIMEOUT, driver.screenshot_as_png()).await.map_err(anyhow::Error::from);
        let screenshot = screenshot.and_then(|picture| Ok(picture?));
        // If the browser hangs, the messages that are already recorded are saved.
        let _ = timeout(TIMEOUT, console.refresh(&driver)).await;
        let text = console.text().context("this engine reports no console messages");
        (screenshot, text.map(String::into_bytes))
    });
    match collected {
        Ok((screenshot, text)) => {
            report("screenshot", screenshot.and_then(|picture| write(name, "png", &picture)));
            report("console", text.and_then(|text| write(name, "txt", &text)));
        }
        Err(error) => eprintln!("no evidence can be saved: {error:#}"),
    }
}

fn report(what: &str, path: Result<PathBuf>) {
    match path {
        Ok(path) => eprintln!("{what}: {}", path.display()),
        Err(error) => eprintln!("{what} not saved: {error:#}"),
    }
}

fn write(name: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf> {
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("{} can't be created", folder.display()))?;
    let path = folder.join(format!("{name}.{extension}"));
    fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

/// `SCANLOGIN_FAILED_TESTS`, or `failed-tests` in the target folder.
fn folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("SCANLOGIN_FAILED_TESTS") {
        return Ok(folder.into());
    }
    default_folder(&env::current_exe()?)
}

/// For `target/debug/deps/e2e-0123456789abcdef`, it is `target/failed-tests`.
fn default_folder(binary: &Path) -> Result<PathBuf> {
    let deps = binary.parent().filter(|folder| folder.ends_with("deps"));
    let target = deps.and_then(|deps| deps.ancestors().nth(2));
    let target = target.context("the test binary is not in a target folder, and SCANLOGIN_FAILED_TESTS is not set")?;
    Ok(target.join("failed-tests"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_folder_is_in_the_target_folder_or_an_error() {
        let folder = default_folder(Path::new("/a/target/debug/deps/e2e-0123456789abcdef")).unwrap();
        assert_eq!(folder, Path::new("/a/target/failed-tests"));
        assert!(default_folder(Path::new("/tmp/e2e")).is_err());
    }
}
