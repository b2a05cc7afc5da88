//! The code of the widget is read in at least as many degraded pictures as that of the npm package `qrcode`, with the same text
//! and at the same asked size. A link is read in more blurred and distant pictures than JSON.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use scanlogin_decoder::Picture;
use scanlogin_e2e::{Browser, Site};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{crop, node, write};

/// Two texts with JSON, and the link to the first of these codes.
const TEXTS: [&str; 3] = [
    r#"{"scene":"APP_AUTH","random":"q2mX0vTn8yJc5sLrWdPz7hKbUeGa4fQo","userPoolId":"demo-pool","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z"}"#,
    r#"{"scene":"APP_AUTH","random":"Yt6WpNz1RkVbEaHs9uLdJxCq3gMoFi0S","userPoolId":"5e04ae0d5f3cee22fb37612b","createdAt":"2026-01-01T00:00:00.000Z","expireAt":"2026-01-01T00:02:00.000Z"}"#,
    "https://pass.example.com/s#q2mX0vTn8yJc5sLrWdPz7hKbUeGa4fQo",
];
const RATIOS: [f64; 5] = [1.0, 1.25, 1.5, 2.0, 3.0];
/// The width in CSS pixels that both codes are asked for: the default of the widget.
const WIDTH: u32 = 240;

/// The names of three groups of pictures: the blurred and distant ones of codes with JSON, those of codes with links, and all.
/// Larger modules do not help against noise in single pixels, because decoders look at few pixels of each module.
const JSON: &str = "JSON";
const LINK: &str = "link";
const ALL: &str = "all";

/// The number of read pictures, by what degrades them and decoder.
type Counts = BTreeMap<String, BTreeMap<String, u32>>;

#[tokio::test(flavor = "multi_thread")]
async fn degraded_code_is_read_at_least_as_often_as_that_of_npm_qrcode() -> Result<()> {
    let site = Site::start_with(|_| {}, page).await?;
    let browser = Browser::open().await?;
    browser.goto(&format!("{}/robustness/", site.url)).await?;
    browser.wait_for("window.show").await?;
    let folder = tempfile::tempdir()?;
    let mut readings = JoinSet::new();
    for (index, text) in TEXTS.into_iter().enumerate() {
        let is_link = !text.starts_with('{');
        let mut code: Value = serde_json::from_str(if is_link { TEXTS[0] } else { text })?;
        code["expiresIn"] = json!(120);
        if is_link {
            code["text"] = json!(text);
        }
        let image = node("qrcode.js", &[text, &WIDTH.to_string()])?;
        browser.run(&format!("show({code}, {WIDTH}, {})", json!(image.trim()))).await?;
        for ratio in RATIOS {
            browser.resize(400, 800, ratio).await?;
            let places = browser.wait_for("places()").await?;
            let screen = Picture::from_png(&browser.screenshot().await?)?;
            for (widget, place) in ["ours", "qrcode"].into_iter().zip(places.as_array().context("no places")?) {
                let file =
                    write(folder.path(), &format!("{widget}-{index}-{ratio}.png"), &crop(&screen, place, ratio)?)?;
                readings.spawn_blocking(move || -> Result<_> {
                    let printed = node("robustness.js", &[text, &ratio.to_string(), &file])?;
                    Ok((widget, ratio, is_link, serde_json::from_str::<Counts>(&printed)?))
                });
            }
        }
    }
    browser.expect_no_console_errors(&[]).await?;
    browser.close().await?;

    let mut counts = BTreeMap::<String, BTreeMap<&str, u32>>::new();
    while let Some(reading) = readings.join_next().await {
        let (widget, ratio, is_link, kinds) = reading??;
        let form = if is_link { LINK } else { JSON };
        for (kind, decoders) in kinds {
            for (decoder, count) in decoders {
                let mut groups = vec![format!("{kind}, {decoder}"), format!("ratio {ratio}"), ALL.to_owned()];
                if kind != "noise" {
                    groups.push(form.to_owned());
                }
                for group in groups {
                    *counts.entry(group).or_default().entry(widget).or_default() += count;
                }
            }
        }
    }
    eprintln!("{counts:#?}");
    for (group, counts) in &counts {
        let (ours, theirs) = (counts["ours"], counts["qrcode"]);
        // Some pictures more or less are chance.
        let least = if group == ALL { theirs + theirs / 10 } else { theirs - theirs / 10 };
        ensure!(ours >= least, "{group}: {ours} of ours are read, {theirs} of qrcode");
    }
    let (json, link) = (counts[JSON]["ours"], 2 * counts[LINK]["ours"]);
    ensure!(link >= json + json / 10, "{json} pictures of two codes with JSON are read, {link} of as many with links");
    Ok(())
}

fn page(site: Router) -> Router {
    const PAGE: &str = "<!doctype html><html lang=en><title>Robustness</title><link rel=icon href=/favicon.svg>\
        <style>body { margin: 20px } #widget, img { display: block; width: fit-content } img { margin: 20px }</style>\
        <div id=widget></div><img alt=''><script type=module src=robustness.js></script>";
    site.route("/robustness/", get(|| async { ([(CONTENT_TYPE, "text/html")], PAGE) })).route(
        "/robustness/robustness.js",
        get(|| async { ([(CONTENT_TYPE, "text/javascript")], include_str!("robustness.js")) }),
    )
}
