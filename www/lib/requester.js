// Describes the requester of a code, so that a person can compare it with the screen.

import { language, message } from '/lib/messages.js';

const BROWSERS = [
  [/\bEdg(A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/(Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bVersion\/.*Safari\//, 'Safari'],
];

const SYSTEMS = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac(intosh| OS X)\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
];

/** The browser and the operating system of a `User-Agent` header, such as "Firefox on Windows". */
export function describeBrowser(userAgent) {
  const find = (list) => list.find(([pattern]) => pattern.test(userAgent ?? ''))?.[1];
  const browser = find(BROWSERS);
  const system = find(SYSTEMS);
  if (browser) return system ? message('browserOnSystem', { browser, system }) : browser;
  return system ? message('unknownBrowserOnSystem', { system }) : message('unknownBrowser');
}

/** The age of a code in words, such as "2 minutes ago". */
export function describeAge(age) {
  const seconds = Math.floor(age);
  if (Number.isNaN(seconds)) return message('unknown');
  if (seconds < 5) return message('justNow');
  const format = new Intl.RelativeTimeFormat(language);
  return seconds < 60 ? format.format(-seconds, 'second') : format.format(-Math.floor(seconds / 60), 'minute');
}

/** A remaining time, such as `1:05`. */
export function describeTimeLeft(time) {
  const seconds = Math.max(0, Math.ceil(time));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
