// Makes a picture harder to read: blur, a smaller scale, noise. A picture is gray here: one value from 0 to 255 for each
// pixel.

import { random } from './statistics.js';

/** The gray values of an RGBA picture, as a camera app computes them. */
export function gray({ data, width, height }) {
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) {
    values[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  }
  return { values, width, height };
}

/** A gray picture as RGBA, for the decoders. */
export function rgba({ values, width, height }) {
  const data = new Uint8ClampedArray(4 * values.length);
  for (let i = 0; i < values.length; i++) {
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = values[i];
    data[4 * i + 3] = 255;
  }
  return { data, width, height };
}

/** Adds a white margin, as a page around a code has it. */
export function margin({ values, width, height }, size) {
  const [newWidth, newHeight] = [width + 2 * size, height + 2 * size];
  const result = new Float32Array(newWidth * newHeight).fill(255);
  for (let y = 0; y < height; y++) {
    result.set(values.subarray(y * width, (y + 1) * width), (y + size) * newWidth + size);
  }
  return { values: result, width: newWidth, height: newHeight };
}

/** A Gaussian blur. `sigma` is in pixels. */
export function blur(picture, sigma) {
  if (sigma === 0) return picture;
  const radius = Math.ceil(3 * sigma);
  const weights = Float32Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight);
  const pass = ({ values, width, height }) => {
    // The result is transposed, so that two passes blur both directions.
    const result = new Float32Array(values.length);
    // A row with its first and last pixel repeated, so that the inner loop has no case for the edges.
    const row = new Float32Array(width + 2 * radius);
    for (let y = 0; y < height; y++) {
      row.fill(values[y * width], 0, radius);
      row.set(values.subarray(y * width, (y + 1) * width), radius);
      row.fill(values[(y + 1) * width - 1], radius + width);
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let i = 0; i < weights.length; i++) sum += weights[i] * row[x + i];
        result[x * height + y] = sum / total;
      }
    }
    return { values: result, width: height, height: width };
  };
  return pass(pass(picture));
}

/** Shrinks a picture. Each new pixel is the mean of the area that it covers. */
export function shrink(picture, factor) {
  if (factor === 1) return picture;
  const pass = ({ values, width, height }) => {
    const newWidth = Math.max(1, Math.round(width * factor));
    const step = width / newWidth;
    const result = new Float32Array(newWidth * height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < newWidth; x++) {
        const [start, end] = [x * step, (x + 1) * step];
        let sum = 0;
        for (let i = Math.floor(start); i < end && i < width; i++) {
          sum += values[y * width + i] * (Math.min(end, i + 1) - Math.max(start, i));
        }
        result[x * height + y] = sum / step;
      }
    }
    return { values: result, width: height, height: newWidth };
  };
  return pass(pass(picture));
}

/** Adds Gaussian noise with the standard deviation `sigma`, the same for each `seed`. */
export function noise({ values, width, height }, sigma, seed) {
  const next = random(seed);
  const noisy = values.map((value) => {
    // Box and Muller. 1 - next() is never 0.
    const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    return Math.min(255, Math.max(0, value + sigma * normal));
  });
  return { values: noisy, width, height };
}
