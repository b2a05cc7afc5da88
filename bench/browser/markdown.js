// Tables and numbers of the report.

/** A table. `alignment` has one letter for each column: l or r. */
export function table(header, rows, alignment) {
  const rule = [...alignment].map((letter) => (letter === 'r' ? '---:' : '---'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A number with thousands separators. */
export const grouped = (number) => Math.round(number).toLocaleString('en-US');

export const bytes = grouped;

/** A number with about three significant digits. */
export function short(number) {
  if (number === 0) return '0';
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number))));
  return decimals === 0 ? grouped(number) : number.toFixed(Math.min(decimals, 3));
}

/** Median and quartiles. */
export const spread = ({ median, low, high }) => `${short(median)} (${short(low)}–${short(high)})`;
