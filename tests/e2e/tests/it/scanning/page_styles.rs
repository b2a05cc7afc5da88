//! The widget on pages whose styles, extensions and dark themes change everything: all decoders read the code, and the
//! texts look as on a plain page.

use std::process::Command;

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::get;
use scanlogin_decoder::Picture;
use scanlogin_e2e::gallery::WIDGET;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};

use super::write;
use crate::npm::{installed, run};

/// Styles that reach every element, or that every element inherits.
const UNSET: &str = "* { all: unset }";
const INHERITED: &str = "body {
    stroke: #fff; stroke-width: 3px; fill: #fff; image-rendering: pixelated;
    color: #fff; -webkit-text-fill-color: #fff; -webkit-text-stroke: 2px #fff; text-shadow: 0 0 4px #000; caret-color: red;
    letter-spacing: 0.5em; word-spacing: 2em; text-indent: 3em; text-transform: uppercase; text-align: right;
    font: italic 900 40px/3 monospace; font-variant: small-caps; font-feature-settings: 'smcp'; font-stretch: condensed;
    white-space: nowrap; word-break: break-all; hyphens: auto; tab-size: 8; quotes: 'a' 'b'; -webkit-text-security: disc;
    writing-mode: vertical-rl; text-orientation: upright; text-emphasis: dot; border-collapse: collapse; list-style: square;
    -webkit-user-modify: read-write; line-break: anywhere; text-wrap: nowrap; color-scheme: dark }";
const ELEMENTS: &str =
    "div { display: flex; width: 50px; height: 20px; overflow: hidden; padding: 9px; border: 5px solid red;
    background: #000; opacity: 0.2; filter: invert(1); letter-spacing: 1em; transform: scale(0.2) }
    canvas, svg, img, p, button { display: none !important; filter: invert(1) !important }";

/// The names of the pages with the contents of their heads.
const PAGES: [(&str, &str); 7] = [
    ("plain", ""),
    ("normalize", "<link rel=stylesheet href=/packages/normalize.css/normalize.css>"),
    ("bootstrap", "<link rel=stylesheet href=/packages/bootstrap/dist/css/bootstrap.css>"),
    ("tailwind", "<link rel=stylesheet href=/packages/tailwindcss/preflight.css>"),
    ("unset", ""),
    ("inherited", ""),
    ("elements", ""),
];

/// All computed styles in the widget except those that only repeat its size, and its text.
const LOOK: &str = "const root = document.querySelector('.scanlogin').shadowRoot;
    const ignored = /^(perspective-origin|transform-origin|margin-(left|right|inline-start|inline-end))$/;
    const look = [...root.querySelectorAll('*')].filter((element) => element.localName !== 'style').map((element) => {
      const style = getComputedStyle(element);
      const values = [...style].filter((name) => !ignored.test(name) && !name.startsWith('--')).map((name) => `${name}: ${style[name]}`);
      return [element.getAttribute('class') ?? element.localName, ...values];
    });
    return { look, text: root.querySelector('.frame').innerText.replace(/\\d/g, '0') }";

async fn show(browser: &Browser, site: &Site, page: &str) -> Result<()> {
    browser.goto(&format!("{}/styles/{page}", site.url)).await?;
    browser.wait_for_state("ready").await
}

async fn look(browser: &Browser) -> Result<Value> {
    browser.run(LOOK).await
}

#[tokio::test]
async fn style_sheets_of_pages_change_neither_the_code_nor_the_texts() -> Result<()> {
    let site = Site::start_with(|_| {}, pages).await?;
    let browser = Browser::open().await?;
    let mut pictures = Pictures::new()?;
    let mut plain = Value::Null;
    let mut changes = Vec::new();
    for (page, _) in PAGES {
        show(&browser, &site, page).await?;
        pictures.take(&browser, page).await?;
        let look = look(&browser).await?;
        if plain.is_null() {
            plain = look;
            continue;
        }
        if look["text"] != plain["text"] {
            changes.push(format!("{page}: {} instead of {}", look["text"], plain["text"]));
        }
        let elements = |look: &Value| look["look"].as_array().cloned().unwrap_or_default();
        for (element, expected) in elements(&look).iter().zip(elements(&plain)) {
            let values = |element: &Value| element.as_array().cloned().unwrap_or_default();
            let changed =
                values(element).into_iter().zip(values(&expected)).filter(|(value, expected)| value != expected);
            let changed: Vec<Value> = changed.map(|(value, _)| value).collect();
            if !changed.is_empty() {
                changes.push(format!("{page}: {}: {}", element[0], json!(changed)));
            }
        }
        browser.expect_no_console_errors(&[]).await?;
    }
    browser.close().await?;
    pictures.expect_read()?;
    ensure!(changes.is_empty(), "{changes:#?}");
    Ok(())
}

#[tokio::test]
async fn code_is_read_in_the_automatic_dark_theme_of_chromium() -> Result<()> {
    let site = Site::start_with(|_| {}, pages).await?;
    let browser = Browser::open().await?;
    browser.command("Emulation.setAutoDarkModeOverride", json!({ "enabled": true })).await?;
    let mut pictures = Pictures::new()?;
    for page in ["plain", "plain?logo", "plain?image"] {
        show(&browser, &site, page).await?;
        let screen = pictures.take(&browser, page).await?;
        // The theme applies: the page is white.
        ensure!(screen.pixel(0, 0).is_some_and(|[red, ..]| red < 80), "{page}: {:?}", screen.pixel(0, 0));
    }
    browser.close().await?;
    pictures.expect_read()
}

#[tokio::test]
async fn code_is_read_with_the_extension_dark_reader() -> Result<()> {
    let site = Site::start_with(|_| {}, pages).await?;
    let browser = Browser::open().await?;
    let mut pictures = Pictures::new()?;
    for page in ["plain", "plain?logo", "plain?image"] {
        show(&browser, &site, page).await?;
        let enable = "const script = document.createElement('script');
            script.src = '/packages/darkreader/darkreader.js';
            script.onload = () => DarkReader.enable({ brightness: 100, contrast: 90 });
            document.head.append(script)";
        browser.run(enable).await?;
        // It has changed the page, and added its style sheet to the shadow root of the widget.
        browser.wait_for(&format!("{WIDGET}.adoptedStyleSheets.length > 1")).await?;
        let background = "getComputedStyle(document.documentElement).backgroundColor !== 'rgba(0, 0, 0, 0)'";
        browser.wait_for(background).await?;
        pictures.take(&browser, page).await?;
        browser.expect_no_console_errors(&[]).await?;
    }
    browser.close().await?;
    pictures.expect_read()
}

#[tokio::test]
async fn code_is_read_with_forced_colors() -> Result<()> {
    let site = Site::start_with(|_| {}, pages).await?;
    let browser = Browser::open().await?;
    let mut pictures = Pictures::new()?;
    for scheme in ["light", "dark"] {
        browser.emulate_media(&[("forced-colors", "active"), ("prefers-color-scheme", scheme)]).await?;
        for page in ["plain", "plain?logo"] {
            show(&browser, &site, page).await?;
            pictures.take(&browser, &format!("{scheme} {page}")).await?;
        }
    }
    browser.close().await?;
    pictures.expect_read()
}

#[tokio::test]
async fn code_on_a_page_with_css_zoom_has_whole_device_pixels() -> Result<()> {
    let site = Site::start_with(|_| {}, pages).await?;
    let browser = Browser::open().await?;
    let mut pictures = Pictures::new()?;
    show(&browser, &site, "plain").await?;
    for zoom in ["1.37", "0.81", "1"] {
        browser.run(&format!("document.documentElement.style.zoom = {zoom}")).await?;
        pictures.take(&browser, zoom).await?;
        let canvas = format!(
            "const canvas = {WIDGET}.querySelector('canvas');
             return [canvas.getBoundingClientRect().width * devicePixelRatio, canvas.width]"
        );
        let [shown, painted]: [f64; 2] = serde_json::from_value(browser.run(&canvas).await?)?;
        ensure!((shown - painted).abs() < 0.1, "zoom {zoom}: {painted} pixels are shown as {shown}");
    }
    browser.close().await?;
    pictures.expect_read()
}

/// Screenshots of widgets.
struct Pictures {
    folder: tempfile::TempDir,
    names: Vec<String>,
    files: Vec<String>,
}

impl Pictures {
    fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, names: Vec::new(), files: Vec::new() })
    }

    async fn take(&mut self, browser: &Browser, name: &str) -> Result<Picture> {
        let screen = Picture::from_png(&browser.settled_screenshot().await?)?;
        let file = write(self.folder.path(), &format!("{}.png", self.names.len()), &screen)?;
        self.files.push(file);
        self.names.push(name.to_owned());
        Ok(screen)
    }

    /// Fails if a decoder can't read one of the codes.
    fn expect_read(&self) -> Result<()> {
        let folder = installed("scanning")?;
        let printed = run(Command::new("node").arg(folder.join("read.js")).args(&self.files).current_dir(folder))?;
        let texts: Vec<Value> = serde_json::from_str(&printed)?;
        let unread: Vec<_> = self
            .names
            .iter()
            .zip(&texts)
            .filter(|(_, texts)| {
                ["jsQR", "ZXing", "ZBar"].iter().any(|decoder| {
                    !texts[decoder].as_str().is_some_and(|text| text.starts_with(r#"{"scene":"APP_AUTH""#))
                })
            })
            .collect();
        ensure!(unread.is_empty() && texts.len() == self.names.len(), "not read by all decoders: {unread:#?}");
        Ok(())
    }
}

/// Adds the pages, and the packages that they load.
fn pages(site: Router) -> Router {
    let page = async |Path(name): Path<String>| {
        let head = PAGES.iter().find(|(page, _)| *page == name).map_or("", |(_, head)| head);
        let style = match name.as_str() {
            "unset" => UNSET,
            "inherited" => INHERITED,
            "elements" => ELEMENTS,
            _ => "",
        };
        Html(format!(
            "<!doctype html><html lang=en><title>Styles</title><link rel=icon href=/favicon.svg>{head}
             <style>{style}</style><body><section id=code></section>
             <script type=module>
               import {{ startScanning }} from '/scanlogin/index.js';
               const logo = location.search === '?logo' ? '/triangle.svg' : undefined;
               const render = location.search === '?image' ? 'img' : 'svg';
               startScanning('code', {{ logo, render }});
             </script>"
        ))
    };
    let package = async |Path(path): Path<String>| -> Result<_, String> {
        let file = installed("scanning").map_err(|error| error.to_string())?.join("node_modules").join(&path);
        let content_type = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        Ok(([(CONTENT_TYPE, content_type)], std::fs::read(file).map_err(|error| error.to_string())?))
    };
    // A logo covers the alignment pattern in the middle. Instead of it, ZBar finds small details of a logo, if it has some.
    let logo = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path fill='teal' d='M0 0h9v9z'/></svg>";
    site.route("/styles/{name}", get(page))
        .route("/packages/{*path}", get(package))
        .route("/triangle.svg", get(async move || ([(CONTENT_TYPE, "image/svg+xml")], logo)))
}
