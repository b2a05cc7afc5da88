// Medians and spreads of samples.

/** The value below which the share `share` of the samples lies, interpolated. */
export function quantile(samples, share) {
  const sorted = [...samples].sort((left, right) => left - right);
  const position = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(position)], sorted[Math.ceil(position)]];
  return below + (above - below) * (position - Math.floor(position));
}

export const median = (samples) => quantile(samples, 0.5);

/** Median and quartiles of samples. */
export const summary = (samples) => ({
  median: median(samples),
  low: quantile(samples, 0.25),
  high: quantile(samples, 0.75),
  count: samples.length,
});

/** A generator of pseudo-random numbers from 0 to 1 (mulberry32), so that each run adds the same noise. */
export function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
}
