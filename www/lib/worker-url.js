// The policy of the pages forbids to start scripts by address (`require-trusted-types-for 'script'`), except these.

const SCRIPTS = ['/lib/qr-worker.js', '/phone-worker.js'];
const POLICY = 'workers';

const policy = globalThis.trustedTypes?.createPolicy(POLICY, {
  createScriptURL(path) {
    if (!SCRIPTS.includes(path)) throw new TypeError(`${path} is no script of the phone page`);
    return path;
  },
});

/** The address of a script, as `new Worker` accepts it. */
export const workerUrl = (path) => policy?.createScriptURL(path) ?? path;
