//! The appearance of the widget with forced colors, reduced motion and right-to-left text, on screens and in containers
//! of different sizes. `themes.rs` tests custom themes.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use scanlogin_decoder::Picture;
use scanlogin_e2e::gallery::{self, THEMES, WIDGET};
use scanlogin_e2e::{Browser, Site};
use scanlogin_qr::QUIET_ZONE;
use serde_json::json;

#[tokio::test]
async fn forced_colors_keep_the_code_dark_on_light_and_the_button_visible() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for scheme in ["light", "dark"] {
        browser.emulate_media(&[("forced-colors", "active"), ("prefers-color-scheme", scheme)]).await?;
        gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
        assert_eq!(browser.run("return matchMedia('(forced-colors: active)').matches").await?, json!(true));
        assert!(browser.read_code().await?.starts_with(r#"{"scene":"APP_AUTH""#), "{scheme}");
        let picture = picture_of_code(&browser).await?;
        assert_eq!(colors(&picture), HashSet::from([[0; 3], [255; 3]]), "{scheme}");
        for state in ["scanned", "expired"] {
            gallery::open(&browser, &site, &format!("theme=light&language=en-US&state={state}")).await?;
            let colors = browser
                .run(&format!(
                    "const {{ borderTopColor, backgroundColor, color }} = getComputedStyle({WIDGET}.querySelector('button'));
                     return [borderTopColor, color, backgroundColor]"
                ))
                .await?;
            assert_ne!(colors[0], colors[2], "border, {scheme}, {state}");
            assert_ne!(colors[1], colors[2], "text, {scheme}, {state}");
        }
    }
    browser.close().await
}

#[tokio::test]
async fn reduced_motion_keeps_only_a_slow_spinner() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let motions = "return [...document.querySelectorAll('.scanlogin')].flatMap(({ shadowRoot }) =>
        [...shadowRoot.querySelectorAll('*')]
          .map((element) => [element, getComputedStyle(element)])
          .filter(([, style]) => style.animationName !== 'none' || style.transitionDuration !== '0s')
          .map(([element, style]) => [shadowRoot.host.dataset.state, element.getAttribute('class'), style.animationName, style.animationDuration]))";
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    assert!(
        browser.run(motions).await?.as_array().map(Vec::len) > Some(13),
        "without the preference there must be more animations"
    );
    browser.emulate_media(&[("prefers-reduced-motion", "reduce")]).await?;
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    let spinners = json!([["loading", "icon", "turn", "4s"], ["signing-in", "icon", "turn", "4s"]]);
    assert_eq!(browser.run(motions).await?, spinners);
    browser.close().await
}

#[tokio::test]
async fn arabic_is_right_to_left_and_does_not_overflow() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for width in [390, 1280] {
        browser.resize(width, 800, 1.0).await?;
        for theme in THEMES {
            gallery::open(&browser, &site, &format!("theme={theme}&language=ar")).await?;
            // A page in Arabic, and a left-to-right page with a widget in Arabic.
            for page in ["rtl", "ltr"] {
                let layout = browser
                    .run(&format!(
                        "document.querySelector('.widgets').dir = '{page}';
                         const frames = [...document.querySelectorAll('.scanlogin')].map(({{ shadowRoot }}) => shadowRoot.querySelector('.frame'));
                         const arabic = frames.flatMap((frame) => [...frame.querySelectorAll('p, button')])
                           .filter((element) => /^[\\u0600-\\u06ff]/.test(element.textContent));
                         return {{
                           tooWidePage: document.documentElement.scrollWidth > innerWidth,
                           tooWide: frames.filter((frame) => frame.scrollWidth > frame.clientWidth).length,
                           otherLanguage: frames.filter((frame) => frame.lang !== 'ar').length,
                           leftToRight: arabic.filter((element) => getComputedStyle(element).direction !== 'rtl').map((element) => element.className),
                           isArabicAnywhere: arabic.length >= frames.length,
                         }}"
                    ))
                    .await?;
                let expected = json!({
                    "tooWidePage": false, "tooWide": 0, "otherLanguage": 0, "leftToRight": [], "isArabicAnywhere": true,
                });
                assert_eq!(layout, expected, "{theme}, {width} px, {page} page");
            }
        }
    }
    browser.close().await
}

#[tokio::test]
async fn modules_are_whole_pixels_at_each_pixel_ratio() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for pixel_ratio in [1.0, 1.25, 1.5, 2.0, 3.0] {
        browser.resize(640, 720, pixel_ratio).await?;
        gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
        assert!(browser.read_code().await?.contains("5e05f0c57fde537d950f7da5Zq"), "{pixel_ratio}");
        let picture = picture_of_code(&browser).await?;
        assert_eq!(colors(&picture), HashSet::from([[0; 3], [255; 3]]), "{pixel_ratio}");
        let canvas = browser.run(&format!("return {WIDGET}.querySelector('canvas').width")).await?;
        let canvas = canvas.as_u64().context("the canvas has no width")? as usize;
        let pixels = (canvas - picture.width()) / (2 * usize::from(QUIET_ZONE));
        assert_eq!((picture.width() % pixels, picture.height()), (0, picture.width()), "{pixel_ratio}");
        let place = 240.0 * pixel_ratio;
        assert!((canvas as f64 - place).abs() <= place * 0.1, "{canvas} of {place} pixels");
        let is_uniform =
            picture.positions().all(|(x, y)| picture.pixel(x, y) == picture.pixel(x - x % pixels, y - y % pixels));
        assert!(is_uniform, "{pixel_ratio}");
    }
    browser.close().await
}

#[tokio::test]
async fn code_fits_into_its_container_is_square_and_readable() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.resize(1280, 1100, 1.0).await?;
    gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
    browser
        .run(
            "window.container = document.createElement('div');
             document.body.replaceChildren(container);
             import('/scanlogin/index.js').then(({ startScanning }) => {
               window.start = (width, side) => {
                 container.style.width = `${width}px`;
                 startScanning(container, { appId: 'ready', size: { width: side, height: side } });
               };
             })",
        )
        .await?;
    browser.wait_for("typeof window.start === 'function'").await?;
    for (width, side) in
        [(160, 240), (160, 160), (200, 240), (240, 240), (300, 240), (300, 220), (1200, 240), (700, 480), (1200, 800)]
    {
        browser.run(&format!("start({width}, {side})")).await?;
        assert!(browser.read_code().await?.contains("5e05f0c57fde537d950f7da5Zq"), "{side} px in {width} px");
        let fits = browser
            .run(&format!(
                "const [frame, stage, code] = ['.frame', '.stage', 'canvas'].map((part) => {WIDGET}.querySelector(part).getBoundingClientRect());
                 const isIn = (inner, outer) => inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
                 return [
                   isIn(code, frame) && code.width <= stage.width * 1.1 && isIn(stage, frame) && isIn(frame, container.getBoundingClientRect()) && container.scrollWidth <= {width},
                   code.width === code.height && stage.width === stage.height,
                   Math.round(stage.width) === Math.min({side}, {width} - 42),
                 ]"
            ))
            .await?;
        assert_eq!(fits, json!([true, true, true]), "{side} px in {width} px");
    }
    browser.close().await
}

/// The code on a screenshot, without its quiet zone.
async fn picture_of_code(browser: &Browser) -> Result<Picture> {
    let screen = Picture::from_png(&browser.settled_screenshot().await?)?;
    let rectangle = browser
        .run(&format!(
            "const {{ left, top, right, bottom }} = {WIDGET}.querySelector('canvas').getBoundingClientRect();
             // Without the round corners, which are outside of the code.
             const corner = (right - left) / 20;
             return [left + corner, top + corner, right - left - 2 * corner, bottom - top - 2 * corner]
               .map((length) => Math.round(length * devicePixelRatio))"
        ))
        .await?;
    let [left, top, width, height]: [usize; 4] = serde_json::from_value(rectangle)?;
    let picture = screen.crop(left, top, width, height);
    let dark: Vec<(usize, usize)> =
        picture.positions().filter(|(x, y)| picture.pixel(*x, *y).is_some_and(|[red, ..]| red < 128)).collect();
    let span = |positions: Vec<usize>| {
        let (start, end) = (positions.iter().min()?, positions.iter().max()?);
        Some((*start, end - start + 1))
    };
    let (left, width) = span(dark.iter().map(|(x, _)| *x).collect()).context("the screenshot has no code")?;
    let (top, height) = span(dark.iter().map(|(_, y)| *y).collect()).context("the screenshot has no code")?;
    Ok(picture.crop(left, top, width, height))
}

fn colors(picture: &Picture) -> HashSet<[u8; 3]> {
    picture.pixels().iter().copied().collect()
}
