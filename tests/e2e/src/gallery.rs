//! The gallery page, which shows all states of the widget at once.

use anyhow::Result;

use crate::{Browser, Site};

/// The themes of the gallery.
pub const THEMES: [&str; 4] = ["light", "dark", "brand", "small"];

/// The shadow root of the first widget of the page, as an expression.
pub const WIDGET: &str = "document.querySelector('.scanlogin').shadowRoot";

/// An expression: whether each widget shows the state that its caption names, and its finite animations have ended.
pub const SETTLED: &str = "(() => {
    const states = { 'ready, on a phone': 'ready', 'scanned, no photo': 'scanned', 'scanned, number': 'scanned', busy: 'unreachable', 'no code': 'failed', refused: 'failed',
      'sign-in expired': 'failed' };
    const figures = [...document.querySelectorAll('figure')];
    return figures.length > 0 && figures.every((figure) => {
      const caption = figure.querySelector('figcaption').textContent;
      const widget = figure.querySelector('.scanlogin');
      return widget.dataset.state === (states[caption] ?? caption)
        && widget.shadowRoot.getAnimations().every(({ effect }) => effect.getTiming().iterations === Infinity);
    });
  })()";

/// Opens the gallery, filtered by a query, and waits until it is [`SETTLED`].
pub async fn open(browser: &Browser, site: &Site, query: &str) -> Result<()> {
    browser.goto(&format!("{}/gallery.html?{query}", site.url)).await?;
    browser.wait_for(SETTLED).await.map(drop)
}
