//! The gallery as a stage: every state of the widget, at once and for as long as one looks.

use anyhow::Result;

use crate::{Browser, Site};

/// Its themes.
pub const THEMES: [&str; 4] = ["light", "dark", "brand", "small"];

/// The first widget of the page.
pub const WIDGET: &str = "document.querySelector('.scanlogin').shadowRoot";

/// Whether each widget of the gallery has come to the state under which it hangs, and to rest.
pub const SETTLED: &str = "(() => {
    const states = { 'scanned, no photo': 'scanned', busy: 'unreachable', 'no code': 'failed' };
    const figures = [...document.querySelectorAll('figure')];
    return figures.length > 0 && figures.every((figure) => {
      const caption = figure.querySelector('figcaption').textContent;
      const widget = figure.querySelector('.scanlogin');
      return widget.dataset.state === (states[caption] ?? caption)
        && widget.shadowRoot.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity);
    });
  })()";

/// Opens it, filtered by a query, and waits until nothing changes any more but what turns for ever.
pub async fn open(browser: &Browser, site: &Site, query: &str) -> Result<()> {
    browser.goto(&format!("{}/gallery.html?{query}", site.url)).await?;
    browser.until(SETTLED).await.map(drop)
}
