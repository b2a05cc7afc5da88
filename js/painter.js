// Paints a code on a canvas: its modules, its quiet zone and its ground. Style sheets, dark themes and extensions change the
// colours of elements, but not the pixels of a canvas.

/** The width of the light border that a reader needs, in modules, as `QUIET_ZONE` in crates/qr. */
const QUIET_ZONE = 4;
/** The share by which the code may be larger than its place, so that each module has the same number of pixels. */
const MAX_GROWTH = 0.1;
/** The share of the width that a logo may cover. */
const LOGO = 0.2;

/** A code. `bits` has its modules, as `Modules::to_bits` in crates/qr returns them. */
export class Code {
  constructor(bits) {
    this._bits = bits;
    this._modules = Math.floor(Math.sqrt(8 * bits.length));
    /** The width in modules, quiet zone included. */
    this.side = this._modules + 2 * QUIET_ZONE;
  }

  /**
   * The width of the code in device pixels for a place that is `place` device pixels wide and can grow to `room`: the nearest
   * whole number of pixels for each module. If that makes the code too large, the number is rounded down.
   */
  fit(place, room) {
    const most = Math.min(room, place * (1 + MAX_GROWTH));
    const pixels = Math.min(Math.round(place / this.side), Math.floor(most / this.side));
    return pixels > 0 ? pixels * this.side : Math.floor(place);
  }

  /** Paints the code on a canvas of `width` by `width` pixels. */
  paint(canvas, width, { dark, light }, hasLogo) {
    canvas.width = width;
    canvas.height = width;
    const context = contextOf(canvas);
    context.fillStyle = light;
    context.fillRect(0, 0, width, width);
    context.scale(width / this.side, width / this.side);
    context.fillStyle = dark;
    context.beginPath();
    this._forEachDark(hasLogo, (x, y) => context.rect(x, y, 1, 1));
    context.fill();
  }

  /** The dark modules as the `d` of an SVG path in a square of `side` modules. */
  path(hasLogo) {
    let path = "";
    this._forEachDark(hasLogo, (x, y) => (path += `M${x} ${y}h1v1h-1z`));
    return path;
  }

  /** Calls `add` for each dark module. Leaves out those in the middle, which a logo covers. */
  _forEachDark(hasLogo, add) {
    const middle = (this._modules - 1) / 2;
    const covered = hasLogo ? (this.side * LOGO - 1) / 2 : -1;
    for (let y = 0; y < this._modules; y += 1) {
      for (let x = 0; x < this._modules; x += 1) {
        const index = y * this._modules + x;
        const isDark = (this._bits[index >> 3] << (index & 7)) & 0x80;
        const isCovered = Math.max(Math.abs(x - middle), Math.abs(y - middle)) <= covered;
        if (isDark && !isCovered) add(x + QUIET_ZONE, y + QUIET_ZONE);
      }
    }
  }
}

/** The context for `paint`. `null` or `undefined` in jsdom, and where an extension or the memory of a phone refuses one. */
export function contextOf(canvas) {
  // jsdom reports the missing method as an error.
  return typeof CanvasRenderingContext2D === "undefined" ? undefined : canvas.getContext("2d");
}
