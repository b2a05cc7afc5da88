// The link, with a virtual clock: no time passes.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Flow, SYSTEM_CLOCK, rateOf } from '../link.js';

/** A clock that runs its timers in the order of their times. */
function virtualClock() {
  let now = 0;
  const timers = [];
  return {
    now: () => now,
    at: (time, run) => timers.push({ time: Math.max(time, now), run }),
    runAll() {
      while (timers.length > 0) {
        timers.sort((left, right) => left.time - right.time);
        const { time, run } = timers.shift();
        now = time;
        run();
      }
    },
  };
}

/** The arrival of the last byte of a transfer that starts at 0. */
function lastArrival({ bytes, bitsPerSecond, roundTrip, openFrom }) {
  const clock = virtualClock();
  let received = 0;
  let last;
  const deliver = (chunk) => {
    received += chunk.length;
    last = clock.now();
  };
  new Flow({ rate: rateOf(bitsPerSecond), roundTrip, deliver, openFrom, clock }).push(Buffer.alloc(bytes));
  clock.runAll();
  assert.equal(received, bytes);
  return last;
}

test('a packet takes its time on the link and half a round trip', () => {
  // 1,460 bytes of data and 40 of headers at 12,000 bits a second.
  assert.equal(lastArrival({ bytes: 1460, bitsPerSecond: 12_000, roundTrip: 100 }), 1000 + 50);
});

test('the first packet of a connection waits for its set-up', () => {
  assert.equal(lastArrival({ bytes: 1460, bitsPerSecond: 12_000, roundTrip: 100, openFrom: 100 }), 100 + 1000 + 50);
});

test('a fast link needs one more round trip when the first ten packets are acknowledged', () => {
  const transfer = (packets) => Math.round(lastArrival({ bytes: 1460 * packets, bitsPerSecond: 1e12, roundTrip: 100 }));
  // Slow start: 10 packets, then 20, then 40.
  assert.deepEqual([10, 11, 30, 31, 70].map(transfer), [50, 150, 150, 250, 250]);
});

test('a slow link is limited by its rate', () => {
  const time = lastArrival({ bytes: 146_000, bitsPerSecond: 400_000, roundTrip: 40 });
  // 100 packets of 1,500 bytes, sent without a pause.
  assert.equal(Math.round(time), 3000 + 20);
});

test('two connections share the rate', () => {
  const clock = virtualClock();
  const rate = rateOf(12_000);
  const arrivals = [];
  for (const name of ['first', 'second']) {
    const deliver = () => arrivals.push([name, clock.now()]);
    new Flow({ rate, roundTrip: 0, deliver, clock }).push(Buffer.alloc(1460));
  }
  clock.runAll();
  assert.deepEqual(arrivals, [['first', 1000], ['second', 2000]]);
});

test('bytes arrive in their order', () => {
  const clock = virtualClock();
  const chunks = [];
  const flow = new Flow({ rate: rateOf(1e6), roundTrip: 30, deliver: (bytes) => chunks.push(bytes), clock });
  const sent = Buffer.from(Array.from({ length: 50_000 }, (_, i) => i % 251));
  for (let start = 0; start < sent.length; start += 777) flow.push(sent.subarray(start, start + 777));
  clock.runAll();
  assert.deepEqual(Buffer.concat(chunks), sent);
});

test('a timer of the system clock never runs before its time', async () => {
  // A timer of Node.js that is set by another timer can end up to a millisecond early.
  let early = 0;
  await new Promise((resolve) => {
    const setTimers = (count) => {
      if (count === 0) return resolve();
      const time = performance.now() + (count % 50) / 10;
      SYSTEM_CLOCK.at(time, () => {
        if (performance.now() < time) early++;
        setTimers(count - 1);
      });
    };
    setTimers(500);
  });
  // A packet would not have arrived yet and would wait for the next event of its connection.
  assert.equal(early, 0);
});
