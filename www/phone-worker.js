// The service worker of the phone page. It never answers a call of the server, and keeps no page but the one that says that
// there is no network.
//
// It runs once for the path of the phone page, and once for each path of links in codes.
//
// - It shows `/phone/offline.html` if the phone page can't be loaded.
// - It receives an image that another app shares, and keeps it until the page takes it.
// - It declines a question that the person left. A page can't tell a reload from the end, so this waits, and asks the pages.

/** Change the number when one of the files changes. */
const OFFLINE = 'offline-2';
const OFFLINE_PAGE = '/phone/offline.html';
const OFFLINE_FILES = [OFFLINE_PAGE, '/phone/offline.js', '/base.css', '/phone/offline.css', '/phone/icon.svg'];
/** As in `/phone/worker.js`. */
const [SHARED, SHARED_IMAGE] = ['shared-image', '/phone/shared-image'];
/** The maximum size in bytes of an image that is kept, as in `/lib/qr-image.js`. */
const MAX_FILE_SIZE = 30_000_000;
/** How long a page has to come back to its question, in milliseconds. A reload on a slow network takes seconds. */
const RETURN_MS = 10_000;
/** The timeout of the response of a page, in milliseconds. A frozen page does not respond. */
const RESPONSE_MS = 5_000;

/** The codes that pages have left: their ids, and an object for the last leaving. */
const left = new Map();

addEventListener('install', (event) => {
  skipWaiting();
  event.waitUntil(caches.open(OFFLINE).then((cache) => cache.addAll(OFFLINE_FILES)));
});

addEventListener('activate', (event) => event.waitUntil(Promise.all([clients.claim(), deleteOldCaches()])));

addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  // A scope is a prefix: `/s` is that of `/shop`, too.
  const opensPage = request.mode === 'navigate' && url.pathname === new URL(registration.scope).pathname;
  if (opensPage && request.method === 'POST' && url.searchParams.has('share')) {
    event.respondWith(keepSharedImage(request));
  } else if (opensPage && request.method === 'GET') {
    event.respondWith(fetch(request).catch(() => caches.match(OFFLINE_PAGE)));
  } else if (url.origin === location.origin && OFFLINE_FILES.includes(url.pathname)) {
    event.respondWith(fetch(request).catch(() => caches.match(url.pathname)));
  }
});

addEventListener('message', (event) => {
  event.waitUntil(declineUnlessOpen(event.data));
});

async function deleteOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => ![OFFLINE, SHARED].includes(name)).map((name) => caches.delete(name)));
}

/** Keeps the image for the page, and opens the page. If it has a problem, the page gets its name, see `/phone/worker.js`. */
async function keepSharedImage(request) {
  const { pathname } = new URL(request.url);
  const problem = await keepImageOf(request).catch(() => 'image-not-received');
  return Response.redirect(problem ? `${pathname}?share=${problem}` : pathname, 303);
}

/** Keeps the image in a form. Returns the name of a problem, or `null`. Throws an error if the storage is full. */
async function keepImageOf(request) {
  // An older image that no page has taken must not be read in place of this one.
  await caches.delete(SHARED);
  const image = (await request.formData()).get('image');
  if (!(image instanceof File)) return 'image-not-received';
  if (image.size > MAX_FILE_SIZE) return 'image-too-large';
  await (await caches.open(SHARED)).put(SHARED_IMAGE, new Response(image));
  return null;
}

/** Declines a code, unless an open page has it: the reloaded one, or another tab. `paths` are those of the phone page. */
async function declineUnlessOpen({ random, token, paths }) {
  const leaving = {};
  left.set(random, leaving);
  await new Promise((resolve) => setTimeout(resolve, RETURN_MS));
  if (left.get(random) !== leaving) return;
  left.delete(random);
  if (await isOpen(random, paths)) return;
  // If the request is lost, the code expires.
  await fetch('/api/v2/qrcode/cancel', {
    method: 'POST',
    keepalive: true,
    redirect: 'error',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ random }),
  }).catch(() => {});
}

/** Whether a page has the code with this id. The service worker of another path can control it, or none. */
async function isOpen(random, paths) {
  const windows = await clients.matchAll({ type: 'window', includeUncontrolled: true });
  const pages = windows.filter(({ url }) => paths.includes(new URL(url).pathname));
  return (await Promise.all(pages.map((page) => hasCode(page, random)))).includes(true);
}

/** Whether a page has the code. A page that does not respond may have it. */
function hasCode(page, random) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(true), RESPONSE_MS);
    page.postMessage({ random }, [port2]);
  });
}
