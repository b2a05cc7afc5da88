// Starts the development server on a free port. The command `astro` refuses Node.js 20, and this function does not.

import { dev } from "astro";

const { address } = await dev({ root: ".", server: { host: "localhost", port: 0 }, devToolbar: { enabled: false } });
console.log(`Local: http://localhost:${address.port}`);
