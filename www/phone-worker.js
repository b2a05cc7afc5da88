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
/** How long a page has to come back to its question, in milliseconds. A reload on a slow network takes seconds. */
const RETURN_MS = 10_000;
/** How long a page may take to say which code it has, in milliseconds. A frozen page does not respond. */
const RESPONSE_MS = 1_000;

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
  const { random, token } = event.data;
  event.waitUntil(declineUnlessOpen(random, token));
});

async function deleteOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => ![OFFLINE, SHARED].includes(name)).map((name) => caches.delete(name)));
}

async function keepSharedImage(request) {
  try {
    const image = (await request.formData()).get('image');
    if (image instanceof File) await (await caches.open(SHARED)).put(SHARED_IMAGE, new Response(image));
  } catch {
    // The storage is full. The page asks for the image.
  }
  return Response.redirect(new URL(request.url).pathname, 303);
}

/** Declines a code, unless a page has it then: that which was reloaded, or another one. */
async function declineUnlessOpen(random, token) {
  const leaving = {};
  left.set(random, leaving);
  await new Promise((resolve) => setTimeout(resolve, RETURN_MS));
  if (left.get(random) !== leaving) return;
  left.delete(random);
  if (await isOpen(random)) return;
  // If the request is lost, the code expires.
  await fetch('/api/v2/qrcode/cancel', {
    method: 'POST',
    keepalive: true,
    redirect: 'error',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ random }),
  }).catch(() => {});
}

/** Whether a page has the code with this id. */
async function isOpen(random) {
  const pages = await clients.matchAll({ type: 'window' });
  return (await Promise.all(pages.map((page) => hasCode(page, random)))).includes(true);
}

function hasCode(page, random) {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(() => resolve(false), RESPONSE_MS);
    page.postMessage({ random }, [port2]);
  });
}
