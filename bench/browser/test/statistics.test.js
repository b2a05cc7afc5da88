import assert from 'node:assert/strict';
import { test } from 'node:test';

import { blur, noise, shrink } from '../degrade.js';
import { grouped, short } from '../markdown.js';
import { median, quantile, random, summary } from '../statistics.js';

test('quantiles are interpolated and do not depend on the order', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([0, 10], 0.25), 2.5);
  assert.deepEqual(summary([5]), { median: 5, low: 5, high: 5, count: 1 });
});

test('random is reproducible and spread over 0 to 1', () => {
  const take = (seed) => Array.from({ length: 1000 }, random(seed));
  assert.deepEqual(take(7), take(7));
  const numbers = take(1);
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.ok(Math.abs(numbers.reduce((sum, number) => sum + number) / 1000 - 0.5) < 0.05);
});

test('numbers are shown with three significant digits', () => {
  assert.deepEqual([0, 0.0123, 1.234, 12.34, 123.4, 1234.5].map(short), ['0', '0.012', '1.23', '12.3', '123', '1,235']);
  assert.equal(grouped(49_088), '49,088');
});

const square = { values: Float32Array.of(0, 0, 255, 255, 0, 0, 255, 255), width: 4, height: 2 };

test('shrink averages areas and keeps the orientation', () => {
  assert.deepEqual(shrink(square, 0.5), { values: Float32Array.of(0, 255), width: 2, height: 1 });
});

test('blur keeps a plain picture and the size', () => {
  const plain = { values: new Float32Array(12).fill(90), width: 4, height: 3 };
  const { values, width, height } = blur(plain, 2);
  assert.deepEqual([width, height], [4, 3]);
  assert.ok(values.every((value) => Math.abs(value - 90) < 0.01));
});

test('noise is the same for the same seed', () => {
  assert.deepEqual(noise(square, 40, 3), noise(square, 40, 3));
  assert.notDeepEqual(noise(square, 40, 3), noise(square, 40, 4));
});
