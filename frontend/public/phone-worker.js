// Brings up the phone's page without a line. It keeps files of the page alone: no answer of the API, nobody's data.
const SHELF = "vidik-phone-shell";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  const paths = event.data?.keep;
  if (Array.isArray(paths)) event.waitUntil(keep(paths));
});

async function keep(paths) {
  const shelf = await caches.open(SHELF);
  const wanted = new Set(paths);
  for (const path of paths) {
    const known = path.startsWith("/assets/") && (await shelf.match(path));
    if (!known) await shelf.add(path).catch(() => {});
  }
  // Files of older releases go once the new ones are all here.
  for (const request of await shelf.keys()) {
    if (!wanted.has(new URL(request.url).pathname)) await shelf.delete(request);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith("/api/")) return;
  // A name under /assets/ is a hash: what is kept is what the server would send.
  if (url.pathname.startsWith("/assets/")) event.respondWith(keptFirst(event.request));
  else
    event.respondWith(freshFirst(event.request, event.request.mode === "navigate" ? "/phone" : url.pathname));
});

async function keptFirst(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function freshFirst(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(path);
    if (kept) return kept;
    throw error;
  }
}
