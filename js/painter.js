// Paints a code on a canvas: its modules, its quiet zone and its ground. Style sheets, dark themes and extensions change
// the colours of elements, but not the pixels of a canvas.

/** The width of the light border that a reader needs, in modules, as `QUIET_ZONE` in crates/qr. */
const QUIET_ZONE = 4;
/** The share of the width that a logo may cover. */
const LOGO = 0.2;

/** A code, whose modules are given as `bits`: `Modules::to_bits` in crates/qr. */
export class Code {
  constructor(bits) {
    this._bits = bits;
    this._modules = Math.floor(Math.sqrt(8 * bits.length));
    /** The width in modules, quiet zone included. */
    this.side = this._modules + 2 * QUIET_ZONE;
  }

  /** Calls `fill(x, y)` for each dark module. With a logo, the modules in the middle are left out. */
  _forEachDark(hasLogo, fill) {
    const modules = this._modules;
    const middle = (modules - 1) / 2;
    const covered = hasLogo ? (this.side * LOGO - 1) / 2 : -1;
    for (let y = 0; y < modules; y += 1) {
      for (let x = 0; x < modules; x += 1) {
        const index = y * modules + x;
        const isDark = (this._bits[index >> 3] << (index & 7)) & 128;
        if (isDark && Math.max(Math.abs(x - middle), Math.abs(y - middle)) > covered) fill(x + QUIET_ZONE, y + QUIET_ZONE);
      }
    }
  }

  /** Paints the code on a canvas of `pixels` by `pixels`. */
  paint(canvas, pixels, { dark, light }, hasLogo) {
    canvas.width = pixels;
    canvas.height = pixels;
    const context = canvas.getContext("2d");
    context.fillStyle = light;
    context.fillRect(0, 0, pixels, pixels);
    context.fillStyle = dark;
    const edge = (module) => Math.round((module * pixels) / this.side);
    this._forEachDark(hasLogo, (x, y) => context.fillRect(edge(x), edge(y), edge(x + 1) - edge(x), edge(y + 1) - edge(y)));
  }
}
