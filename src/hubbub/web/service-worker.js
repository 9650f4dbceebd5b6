// Keeps one whole set of the app's files, so that an installed app opened without a network shows its own page,
// which says what is true. While there is a network the page always comes from it: a stale app is never served.
// The server writes the set's name into every address below, so a new set is a new worker.

const SET = "/app/";
const SHELL = [/* shell */];
const CACHES = "hubbub";
const CACHE = CACHES + SET;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  // If the set cannot be had whole, this worker is not installed: whatever was before goes on, and the browser
  // tries again at a later visit. So a worker in office always has its set.
  event.waitUntil(keepWholeSet());
});

async function keepWholeSet() {
  try {
    const responses = await Promise.all(SHELL.map(fetchOfThisSet));
    const cache = await caches.open(CACHE);
    await Promise.all(responses.map((response, i) => cache.put(SHELL[i], response)));
  } catch (trouble) {
    await caches.delete(CACHE);
    throw trouble;
  }
}

// During a rolling deploy an instance of another version may answer, with its own page or file. Kept under this
// set's name that would be served for ever, so only what proves to be of this set is taken.
async function fetchOfThisSet(address) {
  const response = await fetch(address);
  const isOfThisSet = address.startsWith(SET)
    ? (response.headers.get("Cache-Control") ?? "").includes("immutable")
    : (await response.clone().text()).includes(SET);
  if (!response.ok || !isOfThisSet) throw new Error(`not of this set: ${address}`);
  return response;
}

self.addEventListener("activate", (event) => {
  event.waitUntil(deleteOtherSets().then(() => self.clients.claim()));
});

async function deleteOtherSets() {
  for (const name of await caches.keys()) {
    if (name.startsWith(CACHES) && name !== CACHE) await caches.delete(name);
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === "/" || pathname.startsWith("/p/")) event.respondWith(networkFirst(request));
  } else if (pathname.startsWith(SET)) {
    event.respondWith(cacheFirst(request, pathname));
  }
  // Everything else (the interface, other sets) is none of our business.
});

async function networkFirst(request) {
  try {
    const response = await fetch(request);
    // A proxy that finds no instance is as good as no network.
    return [502, 503, 504].includes(response.status) ? ((await kept("/")) ?? response) : response;
  } catch {
    return (await kept("/")) ?? Response.error();
  }
}

// The address names the content, so what is kept cannot be out of date.
async function cacheFirst(request, pathname) {
  return (await kept(pathname)) ?? fetch(request);
}

// A storage that fails is as good as an empty one.
function kept(address) {
  return caches.match(address, { cacheName: CACHE }).catch(() => undefined);
}
