//! `pictures FOLDER`: writes the pictures of the README, `light.png` and `dark.png`.
//!
//! Each shows the login page with a code, the phone that asks, and the page that is signed in. All three are screenshots of the
//! running demo.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use scanlogin_decoder::Picture;
use scanlogin_e2e::{Browser, Site};

/// The size of the login page and of the phone in CSS pixels.
const PAGE: (u32, u32) = (760, 800);
const PHONE: (u32, u32) = (360, 800);
/// The space between two screenshots.
const GAP: usize = 24;
/// The largest size of a picture in bytes.
const MAX_BYTES: usize = 200_000;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = env::args().nth(1).context("usage: pictures FOLDER")?;
    fs::create_dir_all(&folder)?;
    for (scheme, background) in [("light", [0xff; 3]), ("dark", [0x0d, 0x11, 0x17])] {
        let png = side_by_side(&take(scheme).await?, background).to_small_png()?;
        ensure!(png.len() <= MAX_BYTES, "{scheme}.png has {} bytes: the limit is {MAX_BYTES}", png.len());
        let path = Path::new(&folder).join(scheme).with_extension("png");
        fs::write(&path, &png)?;
        println!("{} ({} bytes)", path.display(), png.len());
    }
    Ok(())
}

/// The screenshots of one sign-in.
async fn take(scheme: &str) -> Result<[Picture; 3]> {
    let site = Site::start().await?;
    let (page, phone) = Browser::open_two().await?;
    for (browser, (width, height)) in [(&page, PAGE), (&phone, PHONE)] {
        browser.resize(width, height, 1.0).await?;
        browser.emulate_media(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]).await?;
    }

    page.goto(&site.url).await?;
    page.wait_for_state("ready").await?;
    let login = Picture::from_png(&page.settled_screenshot().await?)?;
    let code = page.read_code().await?;

    phone.goto(&format!("{}/phone.html", site.url)).await?;
    phone.type_into("#username", "alice").await?;
    phone.type_into("#password", "alice").await?;
    phone.click("#sign-in").await?;
    phone.wait_for("!document.getElementById('step-scan').hidden").await?;
    phone.type_into("#code-text", &code).await?;
    phone.click("#use-text").await?;
    phone.wait_for("!document.getElementById('step-approve').hidden").await?;
    let asking = Picture::from_png(&phone.screenshot().await?)?;

    phone.click("#confirm").await?;
    page.wait_for("!document.getElementById('signed-in').hidden").await?;
    let signed_in = Picture::from_png(&page.screenshot().await?)?;
    page.close().await?;
    phone.close().await?;
    Ok([login, asking, signed_in])
}

fn side_by_side(pictures: &[Picture], background: [u8; 3]) -> Picture {
    let width = pictures.iter().map(|picture| picture.width() + GAP).sum::<usize>() - GAP;
    let height = pictures.iter().map(Picture::height).max().unwrap_or_default();
    Picture::from_fn(width, height, |x, y| {
        let mut left = 0;
        for picture in pictures {
            if (left..left + picture.width()).contains(&x) {
                return picture.pixel(x - left, y).unwrap_or(background);
            }
            left += picture.width() + GAP;
        }
        background
    })
}
