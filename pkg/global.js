// The door for a script tag: defines `ScanLogin`. The wasm is beside this file.

import { door } from "./door.js";

// Only while the script itself runs does the browser tell which it is.
const script = document.currentScript.src;

window.ScanLogin = door(() => new URL("scanlogin_bg.wasm", script));
