//! The codes of widgets with random themes: a decoder reads each code on a screenshot, or the widget rejects the theme.
//!
//! No theme has `render: "img"`, because the widget does not draw this code.

#![expect(clippy::unwrap_used, reason = "a test stops at unexpected data")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse as _;
use axum::routing::get;
use fastrand::Rng;
use scanlogin_decoder::{Picture, decode_picture};
use scanlogin_e2e::{Browser, Site};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use crate::scanning;

/// The number of themes at each pixel ratio.
const THEMES: u64 = 400;
/// The number of themes on the page at the same time.
const BATCH: u64 = 25;
/// The number of pixel ratios. Each gets every fifth batch.
const PARTS: u64 = 5;

// One test for each pixel ratio of common screens, so that they run in parallel.

#[tokio::test(flavor = "multi_thread")]
async fn each_theme_is_read_or_rejected_at_1_pixel_per_css_pixel() -> Result<()> {
    each_theme_is_read_or_rejected(0, 1.0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_theme_is_read_or_rejected_at_1_25_pixels_per_css_pixel() -> Result<()> {
    each_theme_is_read_or_rejected(1, 1.25).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_theme_is_read_or_rejected_at_1_5_pixels_per_css_pixel() -> Result<()> {
    each_theme_is_read_or_rejected(2, 1.5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_theme_is_read_or_rejected_at_2_pixels_per_css_pixel() -> Result<()> {
    each_theme_is_read_or_rejected(3, 2.0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_theme_is_read_or_rejected_at_3_pixels_per_css_pixel() -> Result<()> {
    each_theme_is_read_or_rejected(4, 3.0).await
}

/// Tests the themes of one of the [`PARTS`], which differ. `ratio` is the number of device pixels per CSS pixel.
async fn each_theme_is_read_or_rejected(part: u64, ratio: f64) -> Result<()> {
    // The themes are the same in each run. THEMES_SEED selects others.
    let first: u64 = env::var("THEMES_SEED").map_or(Ok(1), |seed| seed.parse())?;
    let site = Site::start_with(|_| {}, page).await?;
    let browser = Browser::open().await?;
    // Otherwise the code fades in, and Chromium paints this large window for each frame.
    browser.emulate_media(&[("prefers-reduced-motion", "reduce")]).await?;
    browser.goto(&format!("{}/themes/", site.url)).await?;
    browser.wait_for("window.outcomes").await?;

    let mut counts = BTreeMap::<String, u64>::new();
    let mut unread = Vec::new();
    let mut readings = JoinSet::new();
    for batch in 0..THEMES / BATCH {
        let offset = (batch * PARTS + part) * BATCH;
        let themes: Vec<Theme> = (offset..offset + BATCH).map(|n| Theme::random(first.wrapping_add(n))).collect();
        let (outcomes, picture) = show(&browser, &themes, ratio).await?;
        for (theme, outcome) in themes.into_iter().zip(outcomes) {
            let (state, code) = (outcome["state"].as_str().unwrap(), outcome["code"].as_str().unwrap_or_default());
            *counts.entry(format!("{state} {code}")).or_default() += 1;
            let message = outcome["message"].as_str().unwrap_or_default();
            match (state, code) {
                ("ready", "") => {
                    let crop = crop(&picture, &outcome, ratio);
                    readings.spawn_blocking(move || theme.read(&crop, ratio));
                }
                ("rejected", "invalid-option") => ensure!(message.contains("option `colors`"), "{message}: {theme:?}"),
                ("failed", "code-too-dense") => ensure!(message.contains("too dense"), "{message}: {theme:?}"),
                _ => anyhow::bail!("{outcome}: {theme:?}"),
            }
        }
        // The decoder may lag one batch behind the browser.
        while readings.len() > BATCH as usize {
            unread.extend(readings.join_next().await.unwrap()?.err());
        }
    }
    for reading in readings.join_all().await {
        unread.extend(reading.err());
    }
    eprintln!("seed {first}: {counts:#?}");
    ensure!(unread.is_empty(), "seed {first}: {} of {counts:?} can't be read:\n{unread:#?}", unread.len());
    ensure!(counts["ready "] * 10 > THEMES * 4, "too few themes are accepted: {counts:?}");
    for rejection in ["rejected invalid-option", "failed code-too-dense"] {
        ensure!(counts.get(rejection).is_some_and(|count| count * 50 > THEMES), "too few are {rejection}: {counts:?}");
    }
    browser.expect_no_console_errors(&["missing.png"]).await?;
    browser.close().await
}

/// Shows themes on the page, and returns the outcome of each and a screenshot.
async fn show(browser: &Browser, themes: &[Theme], ratio: f64) -> Result<(Vec<Value>, Picture)> {
    // The screenshot has about the same width in device pixels at each ratio.
    let width = (4_000.0 / ratio) as u32;
    browser.resize(width, 100, ratio).await?;
    let pages: Vec<&Value> = themes.iter().map(|theme| &theme.page).collect();
    browser.run(&format!("show({})", serde_json::to_string(&pages)?)).await?;
    browser.wait_for("outcomes()").await?;
    let height = browser.run("return arrange()").await?;
    browser.resize(width, height.as_u64().context("the height is not a number")? as u32, ratio).await?;
    let outcomes = browser.wait_for("outcomes()").await?;
    let picture = Picture::from_png(&browser.screenshot().await?)?;
    ensure!(picture.width() == (f64::from(width) * ratio) as usize, "the picture is {} pixels wide", picture.width());
    Ok((serde_json::from_value(outcomes)?, picture))
}

fn crop(picture: &Picture, outcome: &Value, ratio: f64) -> Picture {
    let pixels = |side: &str| (outcome[side].as_f64().unwrap() * ratio).round() as usize;
    picture.crop(pixels("x"), pixels("y"), pixels("width"), pixels("height"))
}

/// A random widget.
#[derive(Debug)]
struct Theme {
    seed: u64,
    /// The text of the code.
    text: String,
    /// The theme as `themes.js` reads it.
    page: Value,
}

impl Theme {
    fn random(seed: u64) -> Self {
        let mut random = Rng::with_seed(seed);
        let (text, mut code) = code(&mut random);
        let mut options = Map::new();
        if let Some(colors) = colors(&mut random) {
            options.insert("colors".to_owned(), colors);
        }
        let logo = random.choice(LOGOS).filter(|_| random.u8(..) < 100).map(|logo| format!("/themes/{logo}"));
        if random.bool() {
            code["customLogo"] = json!(logo);
        } else {
            options.insert("logo".to_owned(), json!(logo));
        }
        let width = random.u32(80..=480);
        let height = if random.bool() { width } else { random.u32(80..=480) };
        options.insert("size".to_owned(), json!({ "width": width, "height": height }));
        let container = json!({ "width": random.u32(80..=300), "height": random.u32(80..=300) });
        options.insert("containerSize".to_owned(), container);
        options.insert("theme".to_owned(), json!(random.choice(["auto", "light", "dark"])));
        let is_narrow = random.u8(..) < 80;
        let container_style = json!({
            "width": if is_narrow { json!(format!("{}px", random.u32(60..=500))) } else { Value::Null },
            // The position is usually not a whole number of pixels.
            "paddingLeft": format!("{}px", random.f64()),
            "marginTop": format!("{}px", random.f64()),
            "colorScheme": random.choice(["light", "dark"]),
            "direction": random.choice(["ltr", "rtl"]),
        });
        let mut properties = Map::new();
        for (name, value) in [
            ("radius", random.choice(["0px", "8px", "40px", "120px", "50%", "9999px"]).unwrap().to_owned()),
            ("padding", format!("{}px", random.u32(0..=60))),
            ("surface", color(&mut random, 0..=255)),
            ("line", color(&mut random, 0..=255)),
        ] {
            if random.bool() {
                properties.insert(format!("--scanlogin-{name}"), json!(value));
            }
        }
        let page = json!({ "code": code, "options": options, "style": container_style, "properties": properties });
        Self { seed, text, page }
    }

    /// Decodes the picture. On failure, writes it to a file and returns an error that names the file.
    fn read(self, picture: &Picture, ratio: f64) -> Result<()> {
        let decoded = decode_picture(picture);
        if decoded.as_ref().is_ok_and(|decoded| *decoded == self.text) {
            return Ok(());
        }
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("theme-{}.png", self.seed));
        fs::write(&path, picture.to_png()?)?;
        // A logo that looks like a finder pattern misleads this decoder now and then. Then three others must read the code.
        if self.page.to_string().contains("finder.svg") {
            let output = scanning::node("read.js", &[&path.to_string_lossy()])?;
            let [texts]: [BTreeMap<String, Option<String>>; 1] = serde_json::from_str(&output)?;
            if texts.len() == 3 && texts.values().all(|text| text.as_ref() == Some(&self.text)) {
                return Ok(());
            }
        }
        anyhow::bail!("{decoded:?} at {ratio} device pixels per CSS pixel, see {}: {}", path.display(), self.page)
    }
}

/// The text of a code, 50 to 600 bytes, and the `data` of the response to `gene` for it.
fn code(random: &mut Rng) -> (String, Value) {
    let length = random.usize(50..=600);
    let (start, end) = if length < 250 {
        (r#"{"scene":"APP_AUTH","random":""#, r#"","expiresIn":120}"#)
    } else {
        let start = concat!(
            r#"{"scene":"APP_AUTH","random":"5e05f0c57fde537d950f7da5Zq","userPoolId":"pool","#,
            r#""createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z","customData":{"note":""#,
        );
        (start, r#""}}"#)
    };
    let alphabet = random.choice([&b"0123456789"[..], b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcxyzABCXYZ0189-_"]).unwrap();
    let mut text = start.to_owned();
    while text.len() + end.len() < length {
        text.push(char::from(*random.choice(alphabet).unwrap()));
    }
    text.push_str(end);
    let mut code: Value = serde_json::from_str(&text).unwrap();
    code["expiresIn"] = json!(120);
    (text, code)
}

/// The option `colors`: absent in half of the themes, dark on light in most others, and any two colors in the rest.
fn colors(random: &mut Rng) -> Option<Value> {
    match random.u8(0..8) {
        0..4 => None,
        4..7 => Some(json!({ "dark": color(random, 0..=140), "light": color(random, 200..=255) })),
        _ => Some(json!({ "dark": color(random, 0..=255), "light": color(random, 0..=255) })),
    }
}

fn color(random: &mut Rng, channels: std::ops::RangeInclusive<u8>) -> String {
    let mut channel = || random.u8(channels.clone());
    format!("#{:02x}{:02x}{:02x}", channel(), channel(), channel())
}

const LOGOS: [&str; 7] = ["black.svg", "white.svg", "noise.png", "clear.svg", "wide.svg", "finder.svg", "missing.png"];

/// Adds the page and the logos to the site.
fn page(site: Router) -> Router {
    const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Themes</title><link rel=icon href=/favicon.svg>\
        <style>body, figure { margin: 0 } body { display: flex; flex-wrap: wrap; align-items: start } figure { flex: none }\
        [hidden] { display: none } .scanlogin::part(text) { display: none }</style>\
        <script type=module src=themes.js></script>";
    let svg = |size: &str, shapes: &str| {
        let picture = format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}">{shapes}</svg>"#);
        get(move || async move { ([(CONTENT_TYPE, "image/svg+xml")], picture).into_response() })
    };
    let noise = noise();
    site.route("/themes/", get(|| async { ([(CONTENT_TYPE, "text/html")], PAGE) }))
        .route("/themes/themes.js", get(|| async { ([(CONTENT_TYPE, "text/javascript")], include_str!("themes.js")) }))
        .route("/themes/black.svg", svg("9 9", r#"<path d="M0 0h9v9H0z"/>"#))
        .route("/themes/white.svg", svg("9 9", r##"<path d="M0 0h9v9H0z" fill="#fff"/>"##))
        .route("/themes/clear.svg", svg("9 9", ""))
        .route("/themes/wide.svg", svg("90 9", r#"<path d="M0 0h90v9H0z"/>"#))
        // Looks like a corner of a QR code to a decoder.
        .route("/themes/finder.svg", svg("7 7", r#"<path d="M0 0h7v7H0zM1 1v5h5V1zM2 2h3v3H2z"/>"#))
        .route("/themes/noise.png", get(|| async { ([(CONTENT_TYPE, "image/png")], noise) }))
}

/// A picture of random gray pixels.
fn noise() -> Vec<u8> {
    let mut random = Rng::with_seed(0);
    Picture::from_fn(64, 64, |_, _| [random.u8(..); 3]).to_png().unwrap()
}
