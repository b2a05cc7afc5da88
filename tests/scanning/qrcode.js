// Prints the code that the package qrcode draws by default, as a data URL of a PNG. Arguments: text, width in pixels.

import qrcode from 'qrcode';

const [text, width] = process.argv.slice(2);
console.log(await qrcode.toDataURL(text, { width: Number(width) }));
