// Keeps the site working with the network off, and gives isolation where the host sends no headers.
// Every file of the build is known by name and hash: the shell is stored at install, the rest (runtime, samples) when a page
// asks for it, and nothing is replaced until no page of the old version is left or a page asks for it.
import headers from './headers.json' with { type: 'json' }

interface SiteFile {
  url: string // relative to the scope
  hash: string // first 16 hex digits of SHA-256
  bytes: number
}
declare const __FILES__: SiteFile[]

const worker = self as unknown as ServiceWorkerGlobalScope
const files = new Map(__FILES__.map(file => [file.url, file]))
const scope = new URL(worker.registration.scope)
const store = `thimble ${scope.pathname}`

/** The WebGPU engine is large and optional; the shell must be small, since the first visit waits for it. */
const isOptional = (file: SiteFile): boolean => file.url.includes('asyncify')
const isShell = (file: SiteFile): boolean =>
  !isOptional(file) && file.bytes < 600_000 && !file.url.startsWith('samples/')

const keyOf = (file: SiteFile): string => new URL(`${file.url}?${file.hash}`, scope).href

async function fetchChecked(file: SiteFile): Promise<Response> {
  const response = await fetch(new URL(file.url, scope), { cache: 'no-cache' })
  if (!response.ok) throw new Error(`${file.url}: ${response.status}`)
  const digest = await crypto.subtle.digest('SHA-256', await response.clone().arrayBuffer())
  const hash = Array.from(new Uint8Array(digest, 0, 8), byte => byte.toString(16).padStart(2, '0')).join('')
  if (hash !== file.hash) throw new Error(`${file.url} is of another version`)
  return response
}

async function fill(wanted: (file: SiteFile) => boolean): Promise<void> {
  const cache = await caches.open(store)
  for (const file of files.values()) {
    if (!wanted(file) || (await cache.match(keyOf(file)))) continue
    await cache.put(keyOf(file), await fetchChecked(file))
  }
}

async function dropOldFiles(): Promise<void> {
  const cache = await caches.open(store)
  const current = new Set([...files.values()].map(keyOf))
  for (const request of await cache.keys()) if (!current.has(request.url)) await cache.delete(request)
}

function withHeaders(response: Response): Response {
  if (response.type === 'opaque' || response.type === 'error' || response.status === 0) return response
  const own = new Headers(response.headers)
  for (const [name, value] of Object.entries(headers)) own.set(name, value)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers: own })
}

async function answer(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname.slice(scope.pathname.length)
  const file = files.get(request.mode === 'navigate' && !files.has(path) ? 'index.html' : path)
  if (!file) return withHeaders(await fetch(request))
  const cache = await caches.open(store)
  const kept = await cache.match(keyOf(file))
  if (kept) return withHeaders(kept)
  const fresh = await fetchChecked(file)
  await cache.put(keyOf(file), fresh.clone())
  return withHeaders(fresh)
}

/** A running job holds this lock, in whichever tab: an update would take the files from under it. */
const activateUnlessRunning = (): Promise<void> =>
  worker.navigator.locks.request('thimble:running', { ifAvailable: true }, async lock => {
    if (lock) await worker.skipWaiting()
  })

worker.addEventListener('install', event => event.waitUntil(fill(isShell)))
worker.addEventListener('activate', event => event.waitUntil(dropOldFiles().then(() => worker.clients.claim())))

worker.addEventListener('message', event => {
  if (event.data === 'activate') event.waitUntil(activateUnlessRunning())
  if (event.data === 'fill') {
    const done = fill(file => !isOptional(file)).then(
      () => null,
      (error: unknown) => String(error),
    )
    event.waitUntil(done.then(problem => event.ports[0]?.postMessage(problem)))
  }
})

worker.addEventListener('fetch', event => {
  const url = new URL(event.request.url)
  if (url.protocol === 'blob:' || url.protocol === 'data:') return
  if (url.origin !== scope.origin) event.respondWith(Response.error())
  else if (event.request.method === 'GET' && url.pathname.startsWith(scope.pathname))
    event.respondWith(answer(event.request))
})
