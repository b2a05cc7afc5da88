// The targets of the report. A target compares scanlogin with a peer of the same run, or with a limit.

import { short, table } from './markdown.js';

const LARGER_SCRIPT = 'the script is larger: all states, four languages, accessibility';
const ROUNDED_DOWN = 'the modules of a code without room around it are rounded down to whole pixels';
const NOISE_PER_PIXEL = 'the noise is per pixel: a finder pattern of larger modules has more pixels that can be wrong';
const MISSED_STEPS = 'a decoder can miss a step and read the next one';

/** Why a target can be missed. It is printed only beside a missed target. */
const REASONS = {
  'time-authing-js-sdk-loopback': 'the browser, TLS and the server take the same time on both sides',
  'time-authing-js-sdk-slow': 'both sides need the round trips for connection, page, script and `gene`',
  'time-do-it-yourself-polling-slow': LARGER_SCRIPT,
  'time-do-it-yourself-long-poll-slow': LARGER_SCRIPT,
  'quick-scan': 'both sides send a poll right after the scan; the widget also shows the person',
  requests: 'each poll is held for 25 s at most',
  'waiting-cpu': 'a change of the countdown costs a frame, and each page has about 20 ms of garbage collections',
  'waiting-countdown': 'a change of the countdown costs a frame',
  'waiting-layouts': 'the countdown changes more often than every 15 s',
  'phone-frames': 'other work of the machine delays the worker',
  'robustness-blur': ROUNDED_DOWN,
  'robustness-scale': ROUNDED_DOWN,
  'robustness-noise': ROUNDED_DOWN,
  'robustness-link-blur': MISSED_STEPS,
  'robustness-link-scale': MISSED_STEPS,
  'robustness-link-noise': NOISE_PER_PIXEL,
};

/** A target with its ratio, and whether it is met. */
export function judge(target) {
  const { ours, theirs, limit, atLeast } = target;
  if (atLeast !== undefined) return { ...target, isMet: (target.ratio ?? ours) >= atLeast };
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
    `${target.atLeast === undefined ? '≤' : '≥'} ${withUnit(target.atLeast ?? target.limit, target.ratio === undefined ? target.unit : '')}`,
    target.isMet ? 'met' : `missed: ${REASONS[target.id]}`,
  ]);
  return table(['target', 'scanlogin', 'peer', 'ratio', 'limit', 'result'], rows, 'lrlrrl');
}
