// The targets of the report. A target compares scanlogin with a peer of the same run, or with a limit.

import { short, table } from './markdown.js';

const DOWNLOADS_MORE =
  'the widget downloads more: all states, four languages, retries, accessibility; its wasm comes between the script and `gene`, and the code fades in';
const SMALLER_MODULES = 'all modules have the same width in pixels, so that a rest of the asked size goes to the quiet zone';

/** Why a target can be missed. It is printed only beside a missed target. */
const REASONS = {
  'time-authing-js-sdk-loopback':
    'the browser, TLS and the server take the same time on both sides; the widget also compiles a wasm and fades the code in',
  'time-authing-js-sdk-slow':
    'both sides need the round trips for connection, page, script and `gene`; the widget also needs one for its wasm before `gene`, and fades the code in',
  'time-do-it-yourself-polling-slow': DOWNLOADS_MORE,
  'time-do-it-yourself-long-poll-slow': DOWNLOADS_MORE,
  'quick-scan': 'the poll after the scan starts `interval` after the one before it, unless that one was held',
  requests: 'each poll is held for 25 s at most, and the first one is not held',
  'waiting-cpu': 'the countdown changes the page each second',
  'robustness-blur': SMALLER_MODULES,
  'robustness-scale': SMALLER_MODULES,
  'robustness-noise': SMALLER_MODULES,
};

/** A target with its ratio, and whether it is met. */
export function judge(target) {
  const { ours, theirs, limit, atLeast } = target;
  if (atLeast !== undefined) return { ...target, isMet: target.ratio >= atLeast };
  if (theirs === undefined) return { ...target, isMet: ours <= limit };
  const ratio = ours / theirs;
  return { ...target, ratio, isMet: ratio <= limit };
}

/** The table of all targets. A missed one stands in it with its reason. */
export function targetTable(targets) {
  const withUnit = (number, unit) => (number === undefined ? '' : [short(number), unit].filter(Boolean).join(' '));
  const rows = targets.map(judge).map((target) => [
    target.what,
    withUnit(target.ours, target.unit),
    [target.peer, withUnit(target.theirs, target.unit)].filter(Boolean).join(': '),
    target.ratio === undefined ? '' : target.ratio.toFixed(2),
    target.atLeast !== undefined ? `≥ ${target.atLeast.toFixed(2)}` : withUnit(target.limit, target.theirs === undefined ? target.unit : '').replace(/^/, '≤ '),
    target.isMet ? 'met' : `missed: ${REASONS[target.id]}`,
  ]);
  return table(['target', 'scanlogin', 'peer', 'ratio', 'limit', 'result'], rows, 'lrlrrl');
}
