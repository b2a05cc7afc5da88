//! How the widget looks to people who told their system how pages should look, who read from right to left, and on
//! screens and in boxes of any size.
//!
//! The stage is the gallery. Deliberately absent: themes of a page's own, which `themes.rs` tries by the thousand.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use scanlogin_decoder::Picture;
use scanlogin_e2e::gallery::{self, THEMES, WIDGET};
use scanlogin_e2e::{Browser, Site};
use scanlogin_qr::QUIET_ZONE;
use serde_json::json;

#[tokio::test]
async fn forced_colours_leave_the_code_dark_on_light_and_the_button_a_button() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for scheme in ["light", "dark"] {
        browser.prefer(&[("forced-colors", "active"), ("prefers-color-scheme", scheme)]).await?;
        gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
        assert_eq!(browser.run("return matchMedia('(forced-colors: active)').matches").await?, json!(true));
        assert!(browser.read_code().await?.starts_with(r#"{"scene":"APP_AUTH""#), "{scheme}");
        let picture = picture_of_the_code(&browser).await?;
        assert_eq!(colours(&picture), HashSet::from([[0; 3], [255; 3]]), "{scheme}");
        for state in ["scanned", "expired"] {
            gallery::open(&browser, &site, &format!("theme=light&language=en-US&state={state}")).await?;
            let colours = browser
                .run(&format!(
                    "const {{ borderTopColor, backgroundColor, color }} = getComputedStyle({WIDGET}.querySelector('button'));
                     return [borderTopColor, color, backgroundColor]"
                ))
                .await?;
            assert_ne!(colours[0], colours[2], "{scheme}, {state}: the edge");
            assert_ne!(colours[1], colours[2], "{scheme}, {state}: the words");
        }
    }
    browser.close().await
}

#[tokio::test]
async fn for_those_who_want_no_motion_only_the_spinner_turns_and_slowly() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let motions = "return [...document.querySelectorAll('.scanlogin')].flatMap(({ shadowRoot }) =>
        [...shadowRoot.querySelectorAll('*')]
          .map((element) => [element, getComputedStyle(element)])
          .filter(([, style]) => style.animationName !== 'none' || style.transitionDuration !== '0s')
          .map(([element, style]) => [shadowRoot.host.dataset.state, element.getAttribute('class'), style.animationName, style.animationDuration]))";
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    assert!(browser.run(motions).await?.as_array().map(Vec::len) > Some(13), "without the wish everything moves");
    browser.prefer(&[("prefers-reduced-motion", "reduce")]).await?;
    gallery::open(&browser, &site, "theme=light&language=en-US").await?;
    let spinners = json!([["loading", "icon", "turn", "4s"], ["signing-in", "icon", "turn", "4s"]]);
    assert_eq!(browser.run(motions).await?, spinners);
    browser.close().await
}

#[tokio::test]
async fn arabic_runs_from_right_to_left_and_stays_inside_its_box() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for width in [390, 1280] {
        browser.resize(width, 800, 1.0).await?;
        for theme in THEMES {
            gallery::open(&browser, &site, &format!("theme={theme}&language=ar")).await?;
            // A page in Arabic, and one that only has its widget in Arabic.
            for page in ["rtl", "ltr"] {
                let wrong = browser
                    .run(&format!(
                        "document.querySelector('.boxes').dir = '{page}';
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
                let right = json!({
                    "tooWidePage": false, "tooWide": 0, "otherLanguage": 0, "leftToRight": [], "isArabicAnywhere": true,
                });
                assert_eq!(wrong, right, "{theme}, {width} px, on a page that runs {page}");
            }
        }
    }
    browser.close().await
}

#[tokio::test]
async fn modules_are_whole_pixels_on_any_screen() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    for pixel_ratio in [1.0, 1.25, 1.5, 2.0, 3.0] {
        browser.resize(640, 720, pixel_ratio).await?;
        gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
        assert!(browser.read_code().await?.contains("5e05f0c57fde537d950f7da5Zq"), "{pixel_ratio}");
        let picture = picture_of_the_code(&browser).await?;
        assert_eq!(colours(&picture), HashSet::from([[0; 3], [255; 3]]), "{pixel_ratio}");
        let modules = browser.run(&format!("return {WIDGET}.querySelector('.code svg').viewBox.baseVal.width")).await?;
        let modules =
            modules.as_u64().context("a code has a whole number of modules")? as usize - 2 * usize::from(QUIET_ZONE);
        assert_eq!((picture.width() % modules, picture.height()), (0, picture.width()), "{pixel_ratio}");
        let pixels = picture.width() / modules;
        let is_even =
            picture.places().all(|(x, y)| picture.pixel(x, y) == picture.pixel(x - x % pixels, y - y % pixels));
        assert!(is_even, "{pixel_ratio}");
    }
    browser.close().await
}

#[tokio::test]
async fn a_code_fits_into_any_box_stays_square_and_can_be_read() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    browser.resize(1280, 1100, 1.0).await?;
    gallery::open(&browser, &site, "theme=light&language=en-US&state=ready").await?;
    browser
        .run(
            "window.box = document.createElement('div');
             document.body.replaceChildren(box);
             import('/scanlogin/index.js').then(({ startScanning }) => {
               window.start = (width, side) => {
                 box.style.width = `${width}px`;
                 startScanning(box, { appId: 'ready', size: { width: side, height: side } });
               };
             })",
        )
        .await?;
    browser.until("typeof window.start === 'function'").await?;
    for (width, side) in
        [(160, 240), (160, 160), (200, 240), (240, 240), (300, 240), (1200, 240), (700, 480), (1200, 800)]
    {
        browser.run(&format!("start({width}, {side})")).await?;
        assert!(browser.read_code().await?.contains("5e05f0c57fde537d950f7da5Zq"), "{side} px in {width} px");
        let fits = browser
            .run(&format!(
                "const [frame, stage, code] = ['.frame', '.stage', 'svg'].map((part) => {WIDGET}.querySelector(part).getBoundingClientRect());
                 const isIn = (inner, outer) => inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
                 return [
                   isIn(code, stage) && isIn(stage, frame) && isIn(frame, box.getBoundingClientRect()) && box.scrollWidth <= {width},
                   code.width === code.height && stage.width === stage.height,
                   Math.round(stage.width) === Math.min({side}, {width} - 42),
                 ]"
            ))
            .await?;
        assert_eq!(fits, json!([true, true, true]), "{side} px in {width} px");
    }
    browser.close().await
}

/// The screen's pixels of the code, without its light margin.
async fn picture_of_the_code(browser: &Browser) -> Result<Picture> {
    let screen = Picture::from_png(&browser.still_screenshot().await?)?;
    let place = browser
        .run(&format!(
            "const {{ left, top, right, bottom }} = {WIDGET}.querySelector('.code svg').getBoundingClientRect();
             return [left, top, right - left, bottom - top].map((length) => Math.round(length * devicePixelRatio))"
        ))
        .await?;
    let [left, top, width, height]: [usize; 4] = serde_json::from_value(place)?;
    let picture = screen.crop(left, top, width, height);
    let dark: Vec<(usize, usize)> =
        picture.places().filter(|(x, y)| picture.pixel(*x, *y).is_some_and(|[red, ..]| red < 128)).collect();
    let span = |places: Vec<usize>| Some((*places.iter().min()?, places.iter().max()? - places.iter().min()? + 1));
    let (left, width) = span(dark.iter().map(|(x, _)| *x).collect()).context("there is no code")?;
    let (top, height) = span(dark.iter().map(|(_, y)| *y).collect()).context("there is no code")?;
    Ok(picture.crop(left, top, width, height))
}

fn colours(picture: &Picture) -> HashSet<[u8; 3]> {
    picture.pixels().iter().copied().collect()
}
