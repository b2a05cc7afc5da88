// The page's side of the service worker, which is `/phone-worker.js`. Without it, in an insecure context or a private window,
// the page works; a question that the person leaves then ends when its code expires.

import { cancelInBackground } from '/lib/approver.js';
import { workerUrl } from '/lib/worker-url.js';
import { ADDRESSES } from '/phone/kept-code.js';

/** Where the service worker puts an image that another app has shared. */
const [SHARED, SHARED_IMAGE] = ['shared-image', '/phone/shared-image'];
/**
 * Why this page has no shared image, in the query of its address as `share`: the service worker refused it, or could not
 * keep it, or was not installed, so that the server got it.
 */
const SHARE_PROBLEMS = ['image-too-large', 'image-not-received'];

const container = navigator.serviceWorker;
let registration = null;

/** The paths that open this page: its own one, and those of the links in codes. */
const paths = () => {
  const addresses = ADDRESSES.map((address) => new URL(address)).filter(({ origin }) => origin === location.origin);
  return new Set([location.pathname, ...addresses.map(({ pathname }) => pathname)]);
};

/**
 * Starts the service worker, for each path that opens the page: one scope for all of them would contain the whole site. When
 * the page is left, `openRequest()` is declined: `{ random, token }`, or `null` if there is no request. `hasCode(random)` tells
 * whether this page has a code.
 */
export async function startWorker({ openRequest, hasCode }) {
  container?.addEventListener('message', ({ data, ports: [port] }) => port.postMessage(hasCode(data.random)));

  addEventListener('pagehide', ({ persisted }) => {
    const request = openRequest();
    if (!request) return;
    // The browser keeps a page that was left for another one, and never one that is reloaded.
    if (persisted) cancelInBackground(request, request.token);
    // The page is reloaded or closed. It can't tell which, so the service worker waits, and asks the pages.
    else registration?.active?.postMessage({ ...request, paths: [...paths()] });
  });
  try {
    for (const scope of paths()) {
      const registered = await container?.register(workerUrl('/phone-worker.js'), { scope });
      if (scope === location.pathname) registration = registered;
    }
  } catch {
    // The browser allows no service worker.
  }
}

/** Takes what another app has shared with this one: `{ image }`, or the `{ problem }` with it. `null` if nothing was shared. */
export async function takeShared() {
  const url = new URL(location);
  const problem = url.searchParams.get('share');
  url.searchParams.delete('share');
  if (problem !== null) history.replaceState(history.state, '', url);
  if (SHARE_PROBLEMS.includes(problem)) return { problem };
  const image = await takeSharedImage();
  return image && { image };
}

async function takeSharedImage() {
  try {
    const cache = await caches.open(SHARED);
    const response = await cache.match(SHARED_IMAGE);
    await caches.delete(SHARED);
    return (await response?.blob()) ?? null;
  } catch {
    // An insecure context has no caches.
    return null;
  }
}
