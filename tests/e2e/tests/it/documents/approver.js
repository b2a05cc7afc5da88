// Runs the TypeScript sample of docs/approver.md in Node.js. The arguments are the compiled sample, the same with the
// address of a server that can't be reached, and JSON: the token of a user, and the ids of codes that nobody has scanned.

import assert from 'node:assert/strict';

const [, , sample, unreachable, settings] = process.argv;
const { Approver, Refused, facts, parse } = await import(sample);
const { token, codes } = JSON.parse(settings);

// ---- parse ----

const random = '3TxgAUPfnImd3zH0BNXE2PN1gmpzuLVS';
const address = 'https://pass.example.com/s';
const json = { scene: 'APP_AUTH', random, userPoolId: 'p', createdAt: '2026-01-01T12:00:00.000Z' };
const code = { random, sameDevice: false };

for (const text of [
  JSON.stringify({ ...json, expireAt: '2026-01-01T12:02:00.000Z', customData: { hello: 'world' } }),
  JSON.stringify({ ...json, expiresIn: 120 }),
  JSON.stringify({ random }),
  `\uFEFF${JSON.stringify(json)} \n`,
  `${address}#${random}`,
  ` ${address}#${random}\n`,
]) {
  assert.deepEqual(parse(text), code, text);
}
assert.deepEqual(parse(`${address}#${random}.return`), { random, sameDevice: true });

for (const text of [
  '',
  'null',
  '42',
  '[]',
  '{}',
  random,
  JSON.stringify({ ...json, scene: 'WXAPP_AUTH' }),
  JSON.stringify({ ...json, scene: 1 }),
  JSON.stringify({ ...json, random: 1 }),
  JSON.stringify({ ...json, random: '' }),
  JSON.stringify({ ...json, random: `${random}\n` }),
  JSON.stringify({ ...json, random: 'a/../b' }),
  JSON.stringify({ ...json, random: 'a'.repeat(129) }),
  JSON.stringify({ ...json, customData: { long: 'a'.repeat(2_000) } }),
  JSON.stringify(json).slice(0, -1),
  address,
  `${address}#`,
  `${address}#.return`,
  `${address}#${random}.return.return`,
  `${address}#${random}#${random}`,
  `${address}/#${random}`,
  `${address}?a#${random}`,
  `http://pass.example.com/s#${random}`,
  `https://pass.example.com.attacker.example/s#${random}`,
  `https://attacker.example/s#${random}`,
  'WIFI:T:WPA;S:home;P:secret;;',
]) {
  assert.equal(parse(text), null, text);
}

// ---- calls ----

const approver = new Approver(() => Promise.resolve(token));
const [confirmed, cancelled] = codes.map((random) => ({ random, sameDevice: false }));
const refusal = (reason, needsSignIn) => (error) =>
  error instanceof Refused && error.reason === reason && error.needsSignIn === needsSignIn;

await assert.rejects(approver.confirm(confirmed), refusal('not-scanned', false));
const scan = await approver.scanned(confirmed);
const { appName, origin, ip, userAgent } = scan.requester;
assert.deepEqual(facts(scan, 10).slice(0, 6), [
  ['Site', appName],
  ['Address', origin],
  ['Browser', userAgent],
  ['Network address', ip],
  ['Asked', `${scan.age + 10} seconds ago`],
  ['Time left', `${scan.expiresIn - 10} seconds`],
]);
assert.equal(await approver.confirm(confirmed), undefined);
await assert.rejects(approver.cancel(confirmed), refusal('already-ended', false));

await approver.scanned(cancelled);
assert.equal(await approver.cancel(cancelled), undefined);

const signedOut = new Approver(() => Promise.resolve('nonsense'));
await assert.rejects(signedOut.scanned(confirmed), refusal('not-signed-in', true));

const lost = await import(unreachable);
const offline = new lost.Approver(() => Promise.resolve(token));
await assert.rejects(offline.scanned(confirmed), (error) => error instanceof lost.Temporary && error.retryAfter === 1);
