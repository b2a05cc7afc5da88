// The development server needs no setting for the package.

export default defineNuxtConfig({ telemetry: false });
