// Memory after many widgets that were shown and removed.

import { grouped, table } from '../markdown.js';
import { openPage } from '../visit.js';

/** The memory after the first mounts is the reference. Caches are filled by then. */
const FIRST = 20;

/** Keeps the memories of the page's wasm, which the JavaScript heap does not contain. Runs before the scripts of the page. */
const KEEP_MEMORIES = `{
  window.wasmMemories = [];
  const keep = ({ exports }) => wasmMemories.push(...Object.values(exports).filter((value) => value instanceof WebAssembly.Memory));
  const { Instance, instantiate } = WebAssembly;
  WebAssembly.Instance = new Proxy(Instance, {
    construct(...values) { const instance = Reflect.construct(...values); keep(instance); return instance; },
  });
  WebAssembly.instantiate = async (...values) => {
    const result = await instantiate(...values);
    keep(result.instance ?? result);
    return result;
  };
}`;

/** Shows a code in `#qrcode`, waits for it, and removes it, `count` times. Runs in the page. */
const LIBRARIES = {
  scanlogin: {
    script: '/global.js',
    hasWasm: true,
    mount: `async (count) => {
      for (let i = 0; i < count; i++) {
        await new Promise((resolve, reject) => {
          const handle = ScanLogin.startScanning('qrcode', {
            appId: 'demo-app', host: location.origin, onError: reject,
            onCodeShow: () => setTimeout(() => { handle.destroy(); resolve(); }),
          });
        });
      }
    }`,
  },
  'authing-js-sdk': {
    script: '/authing-js-sdk.js',
    mount: `async (count) => {
      const { qrcode } = new Authing.AuthenticationClient({ appId: 'demo-app', appHost: location.origin, lang: 'en-US' });
      for (let i = 0; i < count; i++) {
        let timer;
        await new Promise((resolve, reject) => qrcode.startScanning('qrcode', {
          onStart: (started) => { timer = started; resolve(); }, onCodeLoadFailed: reject,
        }));
        qrcode.stopPolling?.(timer);
        clearInterval(timer);
        document.getElementById('qrcode').replaceChildren();
      }
    }`,
  },
};

export const mounts = {
  name: 'mounts',
  title: 'Memory over mounts',

  async run({ browser, site, quick, progress }) {
    const count = quick ? 2 : 200;
    const first = quick ? 1 : FIRST;
    const libraries = {};
    for (const [name, { script, mount, hasWasm = false }] of Object.entries(LIBRARIES)) {
      progress(`${count} mounts of ${name}`);
      site.link.use('loopback');
      const page = await openPage(browser);
      await page.command('Page.addScriptToEvaluateOnNewDocument', { source: KEEP_MEMORIES });
      await load(page, site, script);
      const run = (times) => page.evaluate(`(${mount})(${times})`);
      await run(first);
      const before = await memory(page);
      await run(count);
      const after = await memory(page);
      if (hasWasm !== after.wasm > 0) throw new Error(`the wasm of ${name} was not found`);
      libraries[name] = Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
      await page.close();
    }
    return { count, libraries };
  },

  section({ count, libraries }) {
    const rows = Object.entries(libraries).map(([name, { heap, buffers, wasm, nodes, listeners }]) => [
      name,
      grouped(heap),
      grouped(buffers),
      grouped(wasm),
      grouped(nodes),
      grouped(listeners),
    ]);
    const header = ['library', 'JavaScript heap, bytes', 'buffers, bytes', 'wasm, bytes', 'DOM nodes', 'event listeners'];
    return `Growth from the first mounts to ${count} mounts later, after a garbage collection. A do-it-yourself page has nothing to mount.

${table(header, rows, 'lrrrrr')}`;
  },

  targets: () => [],
};

async function load(page, site, script) {
  const loaded = page.next('Page.loadEventFired');
  await page.command('Page.navigate', { url: `${site.url}/empty.html` });
  await loaded;
  await page.evaluate(`new Promise((resolve, reject) => {
    document.body.append(Object.assign(document.createElement('div'), { id: 'qrcode' }));
    const script = Object.assign(document.createElement('script'), { src: '${script}', onload: resolve, onerror: reject });
    document.body.append(script);
  })`);
}

async function memory(page) {
  // The second collection frees what finalizers of the first have released.
  for (let i = 0; i < 2; i++) await page.command('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = await page.command('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await page.command('Memory.getDOMCounters');
  const wasm = await page.evaluate('wasmMemories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)');
  return { heap: usedSize, buffers: backingStorageSize, wasm, nodes, listeners: jsEventListeners };
}
