// Bar charts as SVG. Their colors are readable on a light and on a dark page; a reader with a dark scheme gets lighter
// ones.

const WIDTH = 760;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 26;
const HEADING_HEIGHT = 34;

export const COLORS = {
  light: { text: '#57606a', ours: '#1a7f37', others: '#8c959f' },
  dark: { text: '#9da7b3', ours: '#3fb950', others: '#6e7681' },
};

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const styles = ({ text, ours, others }) => `text{fill:${text}}.ours{fill:${ours}}.others{fill:${others}}`;

/**
 * A chart. Each group has a `heading` and `bars` with `label`, `value`, `text` and `isOurs`, and has a scale of its own.
 */
export function barChart({ title, description, groups }) {
  const parts = [`<text class="title" x="0" y="20">${escape(title)}</text>`];
  let y = 32;
  for (const { heading, bars } of groups) {
    parts.push(`<text class="heading" x="0" y="${y + 20}">${escape(heading)}</text>`);
    y += HEADING_HEIGHT;
    const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / Math.max(...bars.map(({ value }) => value));
    for (const { label, value, text, isOurs } of bars) {
      const width = Math.max(1, value * scale).toFixed(1);
      const baseline = y + BAR_HEIGHT - 4;
      parts.push(
        `<text x="${LABEL_WIDTH - 10}" y="${baseline}" text-anchor="end">${escape(label)}</text>`,
        `<rect class="${isOurs ? 'ours' : 'others'}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="3"/>`,
        `<text x="${(LABEL_WIDTH + Number(width) + 8).toFixed(1)}" y="${baseline}">${escape(text)}</text>`,
      );
      y += ROW_HEIGHT;
    }
    y += 8;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-labelledby="title description">
<title id="title">${escape(title)}</title>
<desc id="description">${escape(description)}</desc>
<style>text{font:13px system-ui,-apple-system,"Segoe UI",sans-serif}.title{font-size:15px}.title,.heading{font-weight:600}${styles(COLORS.light)}@media (prefers-color-scheme:dark){${styles(COLORS.dark)}}</style>
${parts.join('\n')}
</svg>
`;
}
