// The targets of the report. A target compares scanlogin with a peer of the same run, or with a limit.

import { short, table } from './markdown.js';

/** Why a target can be missed. It is printed only beside a missed target. */
const REASONS = {
  'time-authing-js-sdk-loopback':
    'without a network, the time is that of the browser, of TLS and of the server, which both pages share',
  'time-authing-js-sdk-slow': 'round trips that both pages need (connection, page, scripts, `gene`) do not shrink with the download',
  'time-do-it-yourself-polling-slow': 'the widget downloads more than a page that draws and polls only: all states, languages, retries',
  'time-do-it-yourself-long-poll-slow': 'the widget downloads more than a page that draws and polls only: all states, languages, retries',
  'quick-scan': 'a poll that was not held yet is repeated after the interval',
  requests: 'the first poll and the polls of a hidden connection are not held',
  'waiting-cpu': 'the countdown renders a frame each second',
  'robustness-blur': 'modules of equal width leave a rest of the asked size to the quiet zone, so that they are smaller',
  'robustness-scale': 'modules of equal width leave a rest of the asked size to the quiet zone, so that they are smaller',
  'robustness-noise': 'modules of equal width leave a rest of the asked size to the quiet zone, so that they are smaller',
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
