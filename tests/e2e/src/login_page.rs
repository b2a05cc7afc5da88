//! The login page on a phone, with its link to the approver.

use anyhow::{Context as _, Result};

use crate::gallery::WIDGET;
use crate::{Browser, Site};

/// Opens the login page on a phone, and returns the address of the widget's link.
pub async fn open_with_link(phone: &Browser, site: &Site) -> Result<String> {
    phone.goto(&site.url).await?;
    phone.wait_for_state("ready").await?;
    let link = link();
    let address = phone.wait_for(&format!("{link}?.checkVisibility() && {link}.href")).await?;
    Ok(address.as_str().context("the link has no address")?.to_owned())
}

/// Taps the widget's link, and waits for the page that it opens.
pub async fn follow_link(phone: &Browser) -> Result<()> {
    phone.run(&format!("{}.click()", link())).await?;
    phone.wait_for("location.pathname !== '/' && document.readyState === 'complete'").await.map(drop)
}

/// Taps the widget's link as on a phone where a native app opens it, so that the page stays.
pub async fn open_native_approver(phone: &Browser) -> Result<()> {
    let stay = "addEventListener('click', (event) => event.preventDefault(), { once: true });";
    phone.run(&format!("{stay} {}.click()", link())).await.map(drop)
}

/// The widget's link, as an expression.
fn link() -> String {
    format!("{WIDGET}.querySelector('a.link')")
}
