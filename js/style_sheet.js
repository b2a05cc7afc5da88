// The text of the style sheet of the shell. `cargo xtask dist` removes its comments and white space.

export const STYLE_SHEET = /* css */ `
/* The styles of the shell. Lengths from options are plain numbers, in CSS pixels. Pages change the styles by custom properties
   and by ::part(). */
:host {
  --_accent: var(--scanlogin-accent, light-dark(#1f5eff, #8ab0ff));
  --_on-accent: var(--scanlogin-on-accent, light-dark(#fff, #0b1220));
  --_text: var(--scanlogin-text, light-dark(#16181d, #f1f3f7));
  --_muted: var(--scanlogin-muted, light-dark(#565d6b, #a9b1c0));
  --_good: var(--scanlogin-good, light-dark(#0c7a43, #58d68d));
  --_bad: var(--scanlogin-bad, light-dark(#b3261e, #ff9b91));
  --_surface: var(--scanlogin-surface, light-dark(#fff, #1a1d24));
  --_line: var(--scanlogin-line, light-dark(#dfe3ea, #353b47));
  --_radius: var(--scanlogin-radius, 16px);
  --_padding: var(--scanlogin-padding, 20px);
  display: block;
}
@supports not (color: light-dark(#000, #fff)) {
  :host {
    --_accent: var(--scanlogin-accent, #1f5eff);
    --_on-accent: var(--scanlogin-on-accent, #fff);
    --_text: var(--scanlogin-text, #16181d);
    --_muted: var(--scanlogin-muted, #565d6b);
    --_good: var(--scanlogin-good, #0c7a43);
    --_bad: var(--scanlogin-bad, #b3261e);
    --_surface: var(--scanlogin-surface, #fff);
    --_line: var(--scanlogin-line, #dfe3ea);
  }
}
/* Rules of the page for all elements would put it elsewhere. */
:host([data-floating]) {
  inset: 50% auto auto 50% !important;
  max-block-size: 100% !important;
  max-inline-size: 100% !important;
  overflow: auto !important;
  position: fixed !important;
  transform: translate(-50%, -50%) !important;
  z-index: 2147483647 !important;
}
:host([data-floating]) .frame { box-shadow: 0 16px 48px rgb(0 0 0 / 0.24); }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; margin: 0; }
.frame {
  /* No inherited property of the page reaches the widget, except those that hide or block it, and the direction. */
  all: initial;
  interactivity: inherit;
  pointer-events: inherit;
  visibility: inherit;
  align-items: center;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  box-sizing: border-box;
  color: var(--_text);
  color-scheme: var(--scanlogin-color-scheme, light dark);
  display: flex;
  flex-direction: column;
  font: var(--scanlogin-font, medium/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif);
  inline-size: max(var(--container-width) * 1px, var(--width) * 1px + 2 * var(--_padding) + 2px);
  margin-inline: auto;
  max-inline-size: 100%;
  min-block-size: calc(var(--container-height) * 1px);
  /* A smaller code could not be read: the widget is wider than its container instead. */
  min-inline-size: calc(var(--least, 0) * max(1px, 1px * var(--width) / var(--height)) + 2 * var(--_padding) + 2px);
  outline: none;
  padding: var(--_padding);
  text-align: center;
  -webkit-text-size-adjust: 100%;
  text-size-adjust: 100%;
}
:host([data-theme="light"]) .frame { color-scheme: light; }
:host([data-theme="dark"]) .frame { color-scheme: dark; }
.frame:focus-visible { outline: 3px solid var(--_accent); outline-offset: 3px; }
.stage {
  /* The sides of the largest square in the place, and of the code, as shares of the width of the place. */
  --place: min(100%, 100% * var(--height) / var(--width));
  --side: var(--place);
  aspect-ratio: var(--width) / var(--height);
  color-scheme: only light;
  flex: none;
  inline-size: calc(var(--width) * 1px);
  max-inline-size: 100%;
  /* By default, a box with a ratio grows with what it contains. */
  min-block-size: 0;
  position: relative;
  print-color-adjust: exact;
}
.stage::before {
  background: var(--light, #fff);
  content: "";
  inset: 0;
  margin: calc((var(--place) - var(--side)) / 2);
  position: absolute;
}
/* A rounder corner would cut into the code. */
.stage::before, .code > :not(.logo) { border-radius: min(var(--_radius) * 0.6, 5%); }
.code {
  block-size: 100%;
  display: grid;
  grid-template: 100% / 100%;
  place-items: center;
  position: relative;
}
.code > * { grid-area: 1 / 1; }
.code > canvas { aspect-ratio: 1; image-rendering: pixelated; inline-size: var(--side); }
.code > img, .code > svg { block-size: 100%; inline-size: 100%; object-fit: contain; }
.code > .logo {
  aspect-ratio: 1;
  block-size: auto;
  border-radius: 16%;
  inline-size: calc(var(--side) * 0.2);
  padding: 1.2%;
}
/* The icon and the button have the colours of the widget. */
[data-covered="true"] .stage { color-scheme: inherit; }
[data-covered="true"] .stage::before { background: none; }
/* A code fades when it is covered, and appears at once. */
[data-covered="true"] .code { filter: blur(2px); opacity: 0.1; transition: opacity 0.2s, filter 0.2s; }
.cover { display: none; inset: 0; place-items: center; position: absolute; }
[data-covered="true"] .cover { display: grid; }
.icon {
  animation: appear 0.25s ease-out;
  background: color-mix(in srgb, currentcolor 12%, transparent);
  block-size: min(76px, 40%);
  border-radius: 50%;
  color: var(--_muted);
  fill: none;
  inline-size: auto;
  padding: min(14px, 6%);
  stroke: currentcolor;
  stroke-linecap: round;
  stroke-linejoin: round;
  stroke-width: 2;
}
[data-state="confirmed"] .icon { background: var(--_good); color: var(--_surface); }
[data-state="cancelled"] .icon, [data-state="failed"] .icon { color: var(--_bad); }
[data-state="scanned"] .icon, [data-state="needs-mfa"] .icon { color: var(--_accent); }
[data-state="loading"] .icon, [data-state="signing-in"] .icon {
  animation: turn 0.9s linear infinite;
  background: none;
  color: var(--_accent);
}
.photo {
  background: var(--_line);
  block-size: min(96px, 55%);
  border: 3px solid var(--_surface);
  border-radius: 50%;
  box-shadow: 0 4px 16px rgb(0 0 0 / 0.18);
  aspect-ratio: 1;
  object-fit: cover;
}
[data-state="scanned"][data-photo="true"] .icon { display: none; }
.frame:not([data-state="scanned"]) .photo { display: none; }
/* High enough for a name, a headline and a hint, so that the page around the widget does not move. */
.text {
  align-items: center;
  /* The button lies on the code, which may be wider than the messages. */
  align-self: stretch;
  display: flex;
  flex: 1;
  flex-direction: column;
  hyphens: auto;
  max-inline-size: 100%;
  min-block-size: calc(4.4em + 12px);
  overflow-wrap: anywhere;
  padding-block-start: 12px;
  position: relative;
  word-break: auto-phrase;
}
/* A stranger can scan the code, so the name takes two lines at most. */
.name {
  -webkit-box-orient: vertical;
  display: -webkit-box;
  flex: none;
  font-size: 1.13em;
  font-weight: 650;
  -webkit-line-clamp: 2;
  max-inline-size: 100%;
  overflow: hidden;
}
.headline { font-weight: 600; text-wrap: balance; }
[data-state="scanned"] .name:not([hidden]) + .headline { color: var(--_muted); font-weight: 500; }
[data-state="confirmed"] .headline { color: var(--_good); }
[data-state="cancelled"] .headline, [data-state="failed"] .headline { color: var(--_bad); }
.hint, .countdown {
  color: var(--_muted);
  font-size: 0.9em;
  font-variant-numeric: tabular-nums;
  margin-block-start: 2px;
  text-wrap: balance;
}
.button, .link {
  appearance: none;
  background: var(--_accent);
  border: 1px solid transparent;
  border-radius: calc(var(--_radius) * 0.6);
  color: var(--_on-accent);
  cursor: pointer;
  font: inherit;
  font-weight: 600;
  max-inline-size: 100%;
  min-block-size: 44px;
  overflow-wrap: anywhere;
  padding: 8px 20px;
}
.button { margin-block-start: 12px; }
/* As wide as the code. */
.link {
  display: grid;
  flex: none;
  inline-size: calc(var(--width) * 1px);
  margin-block-end: 16px;
  padding-inline: 10px;
  place-content: center;
  text-decoration: none;
  text-wrap: balance;
}
/* Its place stays empty, so that the page around the widget does not move. */
[data-covered="true"] .link { visibility: hidden; }
.button:hover, .link:hover { filter: brightness(1.08); }
.button:focus-visible, .link:focus-visible { outline: 3px solid var(--_accent); outline-offset: 3px; }
/* The number that the person chooses on the phone takes the place of the photo, if there is room. */
.number {
  color: var(--_text);
  font-size: 3.5em;
  font-variant-numeric: tabular-nums;
  font-weight: 700;
  letter-spacing: 0.08em;
  /* The last digit has the same space. */
  padding-inline-start: 0.08em;
}
[data-number="true"] :is(.icon, .photo) { display: none; }
[data-number="true"] .hint { color: var(--_text); font-size: 1em; }
.button[aria-disabled="true"] { opacity: 0.5; }
[data-state="scanned"] .button { background: var(--_surface); border-color: var(--_line); color: var(--_text); }
/* The button lies on a code that can't be scanned, if there is room for it below the icon. */
.frame { container-type: inline-size; }
@container (min-inline-size: 200px) {
  [data-large][data-covered="true"] .button {
    inline-size: max-content;
    inset: auto 0 calc(100% + 12px);
    margin: 0 auto;
    max-inline-size: min(100%, var(--width) * 1px - 24px);
    position: absolute;
  }
  [data-large][data-covered="true"][data-button="true"] .cover { padding-block-end: 68px; }
}
@container (min-inline-size: 240px) {
  [data-large] .number {
    background: var(--_surface);
    border-radius: var(--_radius);
    font-size: 5em;
    inline-size: max-content;
    inset: auto 0 calc(100% + var(--height) * 0.5px + 34px);
    line-height: normal;
    margin: 0 auto;
    padding-inline: 0.24em 0.16em;
    position: absolute;
    transform: translateY(50%);
  }
}
@keyframes turn { to { rotate: 1turn; } }
@keyframes appear { from { opacity: 0; scale: 0.8; } }
@media (prefers-reduced-motion: reduce) {
  [data-covered="true"] .code { transition: none; }
  .icon { animation: none; }
  [data-state="loading"] .icon, [data-state="signing-in"] .icon { animation-duration: 4s; }
}
::slotted(*) { margin-block-start: 12px; }
@media (forced-colors: active) {
  .stage { forced-color-adjust: none; }
  .stage::before { outline: 1px solid CanvasText; }
  .button { border-color: ButtonText; }
  .link { border-color: LinkText; }
}
`;
