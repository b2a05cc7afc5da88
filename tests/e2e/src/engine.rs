//! The differences between the browsers: the driver program, how it reports its port, and the capabilities of a
//! session. Tests of pages do not depend on the engine.

use std::env;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use thirtyfour::Capabilities;
use tokio::process::Command;

use crate::site::INSECURE_HOST;

/// A browser engine.
#[derive(Clone, Copy)]
pub(crate) enum Engine {
    Chromium,
    Firefox,
    /// WebKitGTK. It needs a display, which `cargo xtask test` provides.
    WebKit,
}

impl Engine {
    /// The engine in `SCANLOGIN_BROWSER`, which `cargo xtask test --browsers` sets. Chromium by default.
    pub(crate) fn chosen() -> Result<Self> {
        match env::var("SCANLOGIN_BROWSER").as_deref() {
            Ok("chromium") | Err(_) => Ok(Self::Chromium),
            Ok("firefox") => Ok(Self::Firefox),
            Ok("webkit") => Ok(Self::WebKit),
            Ok(other) => bail!("SCANLOGIN_BROWSER is chromium, firefox or webkit, not `{other}`"),
        }
    }

    /// The command that starts the driver on a free port.
    pub(crate) fn driver(self) -> Command {
        let named = |variable, name: &str| {
            let mut driver = Command::new(env::var_os(variable).unwrap_or_else(|| OsString::from(name)));
            driver.arg("--port=0");
            driver
        };
        match self {
            Self::Chromium => named("CHROMEDRIVER", "chromedriver"),
            Self::Firefox => {
                let mut driver = named("GECKODRIVER", "geckodriver");
                // By default, all instances use the same port.
                driver.arg("--websocket-port=0");
                driver
            }
            Self::WebKit => {
                let mut driver = named("WEBKITWEBDRIVER", "WebKitWebDriver");
                // The other browsers use English by default.
                driver.env("LC_ALL", "en_US.UTF-8");
                driver
            }
        }
    }

    /// The text that the driver prints before its port. `None` if it prints no port.
    pub(crate) fn port_announcement(self) -> Option<&'static str> {
        match self {
            Self::Chromium => Some("started successfully on port "),
            Self::Firefox => Some("Listening on 127.0.0.1:"),
            Self::WebKit => None,
        }
    }

    /// The capabilities of a new session. `camera` is the path of the film that the camera of Chromium sees.
    pub(crate) fn capabilities(self, camera: &Path) -> Result<Capabilities> {
        let mut capabilities = Capabilities::new();
        match self {
            Self::Chromium => {
                let mut options = json!({ "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--disable-quic",
                    "--lang=en-US",
                    // Pages may use the camera, which sees a film.
                    "--use-fake-device-for-media-stream",
                    "--use-fake-ui-for-media-stream",
                    format!("--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1"),
                    format!("--use-file-for-fake-video-capture={}", camera.display()),
                ] });
                set_browser_path(&mut options, "CHROME");
                capabilities.set("goog:chromeOptions", options)?;
                capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
            }
            Self::Firefox => {
                let mut options = json!({ "args": ["-headless"] });
                set_browser_path(&mut options, "FIREFOX");
                capabilities.set("moz:firefoxOptions", options)?;
                capabilities.set("webSocketUrl", true)?;
            }
            // The driver starts its own browser.
            Self::WebKit => {}
        }
        Ok(capabilities)
    }
}

/// Sets the path of the browser from `variable`. Otherwise the driver uses the installed browser.
fn set_browser_path(options: &mut Value, variable: &str) {
    if let Ok(path) = env::var(variable) {
        options["binary"] = json!(path);
    }
}
