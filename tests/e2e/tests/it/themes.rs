//! Whatever a page makes of the widget's looks, a decoder reads the code that is painted, or the widget says why not.
//!
//! Thousands of random themes are shown in Chromium, photographed and decoded by a reader that knows nothing of them.
//! Deliberately absent: `render: "img"`, where the server's picture is shown as it is.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected should stop where it stands")]

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

/// How many themes are shown at each pixel ratio.
const THEMES: u64 = 400;
/// How many stand on the page at once.
const BATCH: u64 = 25;
/// How many pixel ratios there are; each gets every fifth batch.
const PARTS: u64 = 5;

// A test for each pixel ratio of common screens, so that they run at the same time.

#[tokio::test(flavor = "multi_thread")]
async fn every_theme_is_read_or_refused_at_1_pixel_per_css_pixel() -> Result<()> {
    every_theme_is_read_or_refused(0, 1.0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_theme_is_read_or_refused_at_1_25_pixels_per_css_pixel() -> Result<()> {
    every_theme_is_read_or_refused(1, 1.25).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_theme_is_read_or_refused_at_1_5_pixels_per_css_pixel() -> Result<()> {
    every_theme_is_read_or_refused(2, 1.5).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_theme_is_read_or_refused_at_2_pixels_per_css_pixel() -> Result<()> {
    every_theme_is_read_or_refused(3, 2.0).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_theme_is_read_or_refused_at_3_pixels_per_css_pixel() -> Result<()> {
    every_theme_is_read_or_refused(4, 3.0).await
}

/// Shows the themes of one of the [`PARTS`]; each has other themes. `ratio` is the number of the screen's pixels per CSS pixel.
async fn every_theme_is_read_or_refused(part: u64, ratio: f64) -> Result<()> {
    // Always the same themes, so that what passed once passes again; another seed tries others.
    let first: u64 = env::var("THEMES_SEED").map_or(Ok(1), |seed| seed.parse())?;
    let site = Site::start_with(|_| {}, page).await?;
    let browser = Browser::open().await?;
    // Without it, the code fades in, and Chromium paints this large window for each frame.
    browser.prefer(&[("prefers-reduced-motion", "reduce")]).await?;
    browser.goto(&format!("{}/themes/", site.url)).await?;
    browser.until("window.outcomes").await?;

    let mut tally = BTreeMap::<String, u64>::new();
    let mut unread = Vec::new();
    let mut readings = JoinSet::new();
    for batch in 0..THEMES / BATCH {
        let offset = (batch * PARTS + part) * BATCH;
        let themes: Vec<Theme> = (offset..offset + BATCH).map(|n| Theme::random(first.wrapping_add(n))).collect();
        let (outcomes, picture) = show(&browser, &themes, ratio).await?;
        for (theme, outcome) in themes.into_iter().zip(outcomes) {
            let (state, code) = (outcome["state"].as_str().unwrap(), outcome["code"].as_str().unwrap_or_default());
            *tally.entry(format!("{state} {code}")).or_default() += 1;
            let message = outcome["message"].as_str().unwrap_or_default();
            match (state, code) {
                ("ready", "") => {
                    let crop = crop(&picture, &outcome, ratio);
                    readings.spawn_blocking(move || theme.read(&crop, ratio));
                }
                ("refused", "invalid-option") => ensure!(message.contains("option `colors`"), "{message}: {theme:?}"),
                ("failed", "code-too-dense") => ensure!(message.contains("too dense"), "{message}: {theme:?}"),
                _ => anyhow::bail!("{outcome}: {theme:?}"),
            }
        }
        // The decoder lags one batch behind the browser, and never more.
        while readings.len() > BATCH as usize {
            unread.extend(readings.join_next().await.unwrap()?.err());
        }
    }
    for reading in readings.join_all().await {
        unread.extend(reading.err());
    }
    eprintln!("seed {first}: {tally:#?}");
    ensure!(unread.is_empty(), "seed {first}: {} of {tally:?} can't be read:\n{unread:#?}", unread.len());
    ensure!(tally["ready "] * 10 > THEMES * 4, "too few are accepted: {tally:?}");
    for refusal in ["refused invalid-option", "failed code-too-dense"] {
        ensure!(tally.get(refusal).is_some_and(|count| count * 50 > THEMES), "too few are {refusal}: {tally:?}");
    }
    browser.expect_quiet_console(&["missing.png"]).await?;
    browser.close().await
}

/// Shows themes side by side, and answers with what became of each and how it looks.
async fn show(browser: &Browser, themes: &[Theme], ratio: f64) -> Result<(Vec<Value>, Picture)> {
    // So wide that the picture has about as many pixels whatever the ratio.
    let width = (4_000.0 / ratio) as u32;
    browser.resize(width, 100, ratio).await?;
    let pages: Vec<&Value> = themes.iter().map(|theme| &theme.page).collect();
    browser.run(&format!("show({})", serde_json::to_string(&pages)?)).await?;
    browser.until("outcomes()").await?;
    let height = browser.run("return arrange()").await?;
    browser.resize(width, height.as_u64().context("a height")? as u32, ratio).await?;
    let outcomes = browser.until("outcomes()").await?;
    let picture = Picture::from_png(&browser.screenshot().await?)?;
    ensure!(picture.width() == (f64::from(width) * ratio) as usize, "the picture is {} wide", picture.width());
    Ok((serde_json::from_value(outcomes)?, picture))
}

fn crop(picture: &Picture, outcome: &Value, ratio: f64) -> Picture {
    let pixels = |side: &str| (outcome[side].as_f64().unwrap() * ratio).round() as usize;
    picture.crop(pixels("x"), pixels("y"), pixels("width"), pixels("height"))
}

/// A widget as a page may want it.
#[derive(Debug)]
struct Theme {
    seed: u64,
    /// What the code has to say.
    text: String,
    /// What themes.js takes.
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
        let box_style = json!({
            "width": if is_narrow { json!(format!("{}px", random.u32(60..=500))) } else { Value::Null },
            // Boxes seldom begin where a pixel does.
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
        let page = json!({ "code": code, "options": options, "box": box_style, "properties": properties });
        Self { seed, text, page }
    }

    /// Reads the picture, and says what is the matter when it can't.
    fn read(self, picture: &Picture, ratio: f64) -> Result<()> {
        let read = decode_picture(picture);
        if read.as_ref().is_ok_and(|read| *read == self.text) {
            return Ok(());
        }
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("theme-{}.png", self.seed));
        fs::write(&path, picture.to_png()?)?;
        anyhow::bail!("{read:?} at {ratio} pixels a CSS pixel, see {}: {}", path.display(), self.page)
    }
}

/// The text of a code, 50 to 600 bytes, and the server's answer that belongs to it.
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

/// Half of the pages leave the colours alone, most others choose dark on light, and some choose anything.
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
        // What a decoder takes for a corner of a code.
        .route("/themes/finder.svg", svg("7 7", r#"<path d="M0 0h7v7H0zM1 1v5h5V1zM2 2h3v3H2z"/>"#))
        .route("/themes/noise.png", get(|| async { ([(CONTENT_TYPE, "image/png")], noise) }))
}

/// A picture of as much detail as can be.
fn noise() -> Vec<u8> {
    let mut random = Rng::with_seed(0);
    Picture::from_fn(64, 64, |_, _| [random.u8(..); 3]).to_png().unwrap()
}
