// Draws a code with npm `qrcode`, as its README shows it: into a canvas, or as an SVG.

import QRCode from 'qrcode';

window.drawings = {
  async canvas(text, width) {
    const canvas = document.createElement('canvas');
    await QRCode.toCanvas(canvas, text, { width });
    return canvas;
  },
  async svg(text, width) {
    const svg = new DOMParser().parseFromString(await QRCode.toString(text, { type: 'svg', width }), 'image/svg+xml');
    return svg.documentElement;
  },
};
