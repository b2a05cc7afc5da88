//! Films of the login page. They are hard to read, but independent decoders can read them.

use anyhow::{Result, ensure};
use scanlogin_e2e::{Browser, Site};
use scanlogin_film::VIEWS;
use serde_json::Value;

use super::{node, write};

#[tokio::test]
async fn each_film_is_read_by_an_independent_decoder() -> Result<()> {
    let site = Site::start().await?;
    let browser = Browser::open().await?;
    let folder = tempfile::tempdir()?;
    let mut unread = Vec::new();
    // The code of the second page is JSON. Its modules are 2 pixels wide in the smallest view, and these decoders read less
    // than half of such frames. The phone page reads it.
    let [larger @ .., _smallest] = &VIEWS;
    for (page, views) in [("/", VIEWS.as_slice()), ("/examples/script.html", larger)] {
        browser.goto(&format!("{}{page}", site.url)).await?;
        let code = browser.shown_code().await?;
        let mut files = Vec::new();
        for (name, view) in views {
            files.push(write(folder.path(), &format!("{name}.png"), &code.film(view).frames()[0].to_picture())?);
        }
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let texts: Vec<Value> = serde_json::from_str(&node("read.js", &files)?)?;
        for ((name, _), decoders) in views.iter().zip(texts) {
            let names = |is_read: bool| -> Vec<String> {
                let decoders = decoders.as_object().into_iter().flatten();
                decoders.filter(|(_, text)| (*text == code.text()) == is_read).map(|(name, _)| name.clone()).collect()
            };
            println!("{page}: {name}: read by {:?}, not read by {:?}", names(true), names(false));
            if names(true).is_empty() {
                unread.push(format!("{page}: {name}"));
            }
        }
    }
    browser.close().await?;
    ensure!(unread.is_empty(), "no decoder reads: {unread:?}");
    Ok(())
}
