// Counts in how many degraded pictures of a code each decoder reads the text, as JSON. Arguments: the text, the number of pixels
// per CSS pixel, and the PNG of a screenshot. The picture is what a camera would see: blurred, from a distance, or with noise.

import { decode, readPicture } from './decoders.js';

/** The pixels of the camera per CSS pixel, at arm's length. */
const CAMERA = 1.17;

const [text, ratio, file] = process.argv.slice(2);
const screen = readPicture(file);
const near = resample(screen, CAMERA / ratio, 0.3);
const soft = blur(near, 0.5);
const series = {
  blur: { steps: 5, degrade: (step) => blur(near, 1.2 + 0.25 * step) },
  distance: {
    steps: 5,
    degrade: (step) => blur(resample(screen, (0.54 - 0.05 * step) / ratio, (step * 0.37 + ratio * 0.61) % 1), 0.4),
  },
  // Three pictures of each strength, because whether a single one is read is chance.
  noise: { steps: 15, degrade: (step) => addNoise(soft, 20 + 12 * (step % 5), step + 100 * ratio) },
};
const counts = {};
for (const [kind, { steps, degrade }] of Object.entries(series)) {
  counts[kind] = {};
  for (let step = 0; step < steps; step += 1) {
    for (const [decoder, read] of Object.entries(await decode(degrade(step)))) {
      counts[kind][decoder] = (counts[kind][decoder] ?? 0) + (read === text);
    }
  }
}
console.log(JSON.stringify(counts));

/** Changes the width by `factor`: each pixel is the mean of the area that it covers. The area begins at `offset`. */
function resample(picture, factor, offset) {
  return columns(columns(picture, factor, offset), factor, offset);
}

/** Resamples the columns and transposes the picture. */
function columns({ width, height, gray }, factor, offset) {
  const columns = Math.floor((width - 1) * factor);
  const resampled = new Float32Array(columns * height);
  for (let column = 0; column < columns; column += 1) {
    const [start, end] = [column / factor + offset, (column + 1) / factor + offset];
    for (let x = Math.floor(start); x < end; x += 1) {
      const share = (Math.min(end, x + 1) - Math.max(start, x)) * factor;
      const source = Math.min(x, width - 1);
      for (let y = 0; y < height; y += 1) resampled[column * height + y] += share * gray[y * width + source];
    }
  }
  return { width: height, height: columns, gray: resampled };
}

/** A Gaussian blur. */
function blur(picture, sigma) {
  const radius = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, index) => Math.exp(-((index - radius) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((left, right) => left + right);
  return convolve(convolve(picture, radius, weights, sum), radius, weights, sum);
}

/** Convolves the rows and transposes the picture. */
function convolve({ width, height, gray }, radius, weights, sum) {
  const convolved = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let value = 0;
      for (let at = -radius; at <= radius; at += 1) {
        value += weights[at + radius] * gray[y * width + Math.min(Math.max(x + at, 0), width - 1)];
      }
      convolved[x * height + y] = value / sum;
    }
  }
  return { width: height, height: width, gray: convolved };
}

/** Adds noise with a deviation of `deviation`, which is the same for each `seed`. */
function addNoise(picture, deviation, seed) {
  const random = generator(seed);
  const gray = picture.gray.map((value) => {
    let noise = -6;
    for (let count = 0; count < 12; count += 1) noise += random();
    return Math.min(Math.max(value + deviation * noise, 0), 255);
  });
  return { ...picture, gray };
}

/** A generator of numbers from 0 to 1: mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
