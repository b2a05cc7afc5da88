// The minimal configuration for Rspack.

export default { mode: "production", entry: "./main.js" };
