//! The evidence that a failed test leaves: a screenshot of its window and the console messages of its pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context as _, Result};
use thirtyfour::WebDriver;
use tokio::time::timeout;

use crate::console::Console;
use crate::driver::block_on_kept;

/// How long a browser may take for each of the two. A browser that hangs may be why the test failed.
const HANG: Duration = Duration::from_secs(20);

/// The name of the test on this thread, as a file's. `number` tells a test's browsers apart.
pub(crate) fn name_of_test(number: usize) -> String {
    let name = thread::current().name().unwrap_or("test").replace("::", ".");
    if number == 1 { name } else { format!("{name}-{number}") }
}

/// Saves what the browser of a failed test shows and has written, and says where.
pub(crate) fn save(name: &str, driver: &WebDriver, console: &Arc<Console>) {
    let (driver, console) = (driver.clone(), Arc::clone(console));
    let collected = block_on_kept(async move {
        let screenshot = timeout(HANG, driver.screenshot_as_png()).await.map_err(anyhow::Error::from);
        let screenshot = screenshot.and_then(|picture| Ok(picture?));
        // What is recorded already is worth having, even if the browser says no more.
        let _ = timeout(HANG, console.refresh(&driver)).await;
        let text = console.text().context("this engine does not report it");
        (screenshot, text.map(String::into_bytes))
    });
    match collected {
        Ok((screenshot, text)) => {
            report("screenshot", screenshot.and_then(|picture| write(name, "png", &picture)));
            report("console", text.and_then(|text| write(name, "txt", &text)));
        }
        Err(error) => eprintln!("nothing of the browser can be saved: {error:#}"),
    }
}

fn report(what: &str, path: Result<PathBuf>) {
    match path {
        Ok(path) => eprintln!("{what}: {}", path.display()),
        Err(error) => eprintln!("{what}: none, {error:#}"),
    }
}

fn write(name: &str, extension: &str, bytes: &[u8]) -> Result<PathBuf> {
    let folder = folder()?;
    fs::create_dir_all(&folder).with_context(|| format!("{} can't be created", folder.display()))?;
    let path = folder.join(format!("{name}.{extension}"));
    fs::write(&path, bytes).with_context(|| format!("{} can't be written", path.display()))?;
    Ok(path)
}

/// `SCANLOGIN_FAILED_TESTS`, or `failed-tests` in the folder that cargo builds into.
fn folder() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("SCANLOGIN_FAILED_TESTS") {
        return Ok(folder.into());
    }
    folder_beside(&env::current_exe()?)
}

/// Of `target/debug/deps/e2e-0123456789abcdef`, it is `target/failed-tests`.
fn folder_beside(binary: &Path) -> Result<PathBuf> {
    let deps = binary.parent().filter(|folder| folder.ends_with("deps"));
    let target = deps.and_then(|deps| deps.ancestors().nth(2));
    let target = target.context("the tests do not run in cargo's folder, and SCANLOGIN_FAILED_TESTS names no other")?;
    Ok(target.join("failed-tests"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_lies_in_the_target_folder_and_nowhere_else() {
        let folder = folder_beside(Path::new("/a/target/debug/deps/e2e-0123456789abcdef")).unwrap();
        assert_eq!(folder, Path::new("/a/target/failed-tests"));
        assert!(folder_beside(Path::new("/tmp/e2e")).is_err());
    }
}
