// What happens before anything else in the page: the ways out that a policy does not close are removed, and the service worker
// is there before any worker starts, so that every thread runs under the policy and isolated.
declare global {
  interface Window {
    webkitRTCPeerConnection?: unknown
  }
}

// Chromium knows no `webrtc` directive, and a data channel is no request that connect-src would see.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection'] as const) Reflect.deleteProperty(window, name)

const reloaded = 'thimble:reloaded-for-isolation'

async function register(): Promise<ServiceWorkerRegistration | null> {
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return null
  try {
    return await navigator.serviceWorker.register(new URL('service.worker.js', document.baseURI))
  } catch (error) {
    // A host without https or a browser that forbids storage: the studio works, but only with the network.
    console.warn('Thimble: no service worker, so not offline:', error)
    return null
  }
}

/** The service worker, or null where there can be none. */
export const registration: Promise<ServiceWorkerRegistration | null> = register()

async function isolate(): Promise<void> {
  if (crossOriginIsolated) {
    sessionStorage.removeItem(reloaded)
    return
  }
  if (!(await registration)) return
  await navigator.serviceWorker.ready
  // One reload through the service worker, which adds the headers; a second would not do better.
  if (sessionStorage.getItem(reloaded)) return
  sessionStorage.setItem(reloaded, 'yes')
  location.reload()
  await new Promise<never>(() => {})
}

/** Resolves when workers may start. */
export const ready: Promise<void> = isolate()
